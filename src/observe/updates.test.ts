import { expect, test } from "vitest";
import { countUpdates } from "./updates.ts";

test("UPDATE messages of all neighbors; one that never had a session has none", () => {
  const neighbors = {
    net0: { messageStats: { updatesSent: 7, updatesRecv: 5, keepalivesSent: 100 } },
    "10.0.1.2": { messageStats: { updatesSent: 2, updatesRecv: 1 } },
    net1: {},
  };
  expect(countUpdates(neighbors)).toEqual({ received: 6, sent: 9 });
});
