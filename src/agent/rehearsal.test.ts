import { expect, test } from "vitest";
import { rehearse } from "./rehearsal.ts";

test("a rehearsal goes all the way: a session, and a route each way", () => {
  for (const speaker of rehearse()) {
    expect(speaker.peers(0)).toMatchObject([{ state: "Established" }]);
    expect(speaker.peers(0)[0]!.families).toMatchObject([{ received: 1, advertised: 1 }]);
  }
});
