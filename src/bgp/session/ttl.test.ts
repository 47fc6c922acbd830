import { expect, it } from "vitest";
import { Played, sessionOptions } from "./peer.testkit.ts";

it("GTSM: sends with 255 and listens to what is near enough, whoever called (RFC 5082 §3)", () => {
  const played = new Played(sessionOptions({ ttlSecurityHops: 2 })).step({ input: "start" });
  expect(played.all("connect")).toMatchObject([{ ttl: 255, minTtl: 254 }]);
  played.accepted(-1);
  expect(played.effects[0]).toEqual({ do: "limitTtl", connection: -1, ttl: 255, minTtl: 254 });
  // Without GTSM only the TTL, and none where none is asked for.
  const far = new Played(sessionOptions({ ttl: 1 })).step({ input: "start" }).accepted(-1);
  expect(far.all("limitTtl")).toEqual([{ do: "limitTtl", connection: -1, ttl: 1 }]);
  const plain = new Played().step({ input: "start" }).accepted(-1);
  expect(plain.all("limitTtl")).toEqual([]);
});
