import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { countGobgpUpdates, countUpdates } from "./updates.ts";

test("UPDATE messages of all neighbors; one that never had a session has none", () => {
  const neighbors = {
    net0: { messageStats: { updatesSent: 7, updatesRecv: 5, keepalivesSent: 100 } },
    "10.0.1.2": { messageStats: { updatesSent: 2, updatesRecv: 1 } },
    net1: {},
  };
  expect(countUpdates(neighbors)).toEqual({ received: 6, sent: 9 });
});

test("GoBGP's, as recorded, and of a neighbor that never came up", () => {
  const file = new URL("../../test/data/gobgp/3.10.0/neighbors.json", import.meta.url);
  const neighbors = JSON.parse(readFileSync(file, "utf8")) as unknown[];
  expect(countGobgpUpdates([...neighbors, { state: {} }])).toEqual({ received: 2, sent: 2 });
});
