// RFC 4271 §8.1.1, DelayOpen, and what §8.2.2 says of events 12, 18, 20 and others while its timer runs.
import { describe, expect, it } from "vitest";
import type { Message } from "../wire/message.ts";
import { peerOpen, Played, sessionOptions } from "./peer.testkit.ts";

const keepalive: Message = { type: "KEEPALIVE" };
const delaying = () => sessionOptions({ delayOpenTimeSeconds: 5 });

/** The connection is there, and nothing was sent over it: ours (1) or the peer's (-1). */
function delayed(connection: 1 | -1): Played {
  const played = new Played(delaying()).step({ input: "start" });
  if (connection === 1) return played.connected(1);
  // Nothing of our own is under way.
  return played
    .step({ input: "connectFailed", connection: 1, reason: "ECONNREFUSED" })
    .accepted(-1);
}

describe.each([
  ["ours", 1, "Connect"],
  ["the peer's", -1, "Active"],
] as const)("with a connection that is %s", (_, connection, state) => {
  const timer = `delayOpen/${connection}` as const;

  it("nothing is sent for DelayOpenTime, and the state stays", () => {
    const played = delayed(connection);
    expect(played.sent(connection)).toEqual([]);
    expect(played.timersSet()).toEqual({ [timer]: 5000 });
    expect(played.session.state).toBe(state);
  });

  it("DelayOpenTimer_Expires: our OPEN goes out, and the peer's is waited for", () => {
    const played = delayed(connection).step({ input: "timer", timer });
    expect(played.sent(connection)).toMatchObject([{ type: "OPEN" }]);
    expect(played.timersSet()).toEqual({ [`hold/${connection}`]: 240_000 });
    expect(played.session.state).toBe("OpenSent");
    // Late, again: nothing.
    expect(played.step({ input: "timer", timer }).effects).toEqual([]);
    played.receive(connection, peerOpen(), keepalive);
    expect(played.session.state).toBe("Established");
  });

  it("the peer's OPEN is answered with ours and a KEEPALIVE at once", () => {
    const played = delayed(connection).receive(connection, peerOpen());
    expect(played.sent(connection).map(({ type }) => type)).toEqual(["OPEN", "KEEPALIVE"]);
    expect(played.effects).toContainEqual({ do: "clearTimer", timer });
    expect(played.session.state).toBe("OpenConfirm");
    expect(played.receive(connection, keepalive).session.state).toBe("Established");
  });

  it("a connection that goes leaves no timer behind", () => {
    const played = delayed(connection).step({ input: "closed", connection });
    expect(played.effects).toContainEqual({ do: "clearTimer", timer });
    const next = connection === 1 ? ["Active", "connectRetry"] : ["Idle", "idleHold"];
    expect([played.session.state, ...Object.keys(played.timersSet())]).toEqual(next);
  });

  it.each([
    ["a KEEPALIVE is unexpected", keepalive, "5/0"],
    ["an OPEN that is refused is told so", peerOpen({ asn: 1 }), "2/2"],
    ["a header error is told", new Uint8Array(19), "1/1"],
  ])("%s", (_what, message, code) => {
    const played = delayed(connection).receive(connection, message);
    expect(played.refused(connection)).toBe(code);
    expect(played.session.state).toBe("Idle");
  });

  it("a NOTIFICATION ends it, and so does a stop", () => {
    const version: Message = { type: "NOTIFICATION", code: 2, subcode: 1, data: new Uint8Array() };
    const told = delayed(connection).receive(connection, version);
    expect([told.session.state, told.refused(connection)]).toEqual(["Idle", "none"]);
    const stop = delayed(connection).step({ input: "stop" });
    expect(stop.effects).toContainEqual({ do: "close", connection });
    expect(stop.effects).toContainEqual({ do: "clearTimer", timer });
    expect(stop.session.state).toBe("Idle");
  });
});

it("of two connections the one over which the peer spoke first goes on, ours still waiting", () => {
  const played = new Played(delaying()).step({ input: "start" }).connected(1).accepted(-1);
  expect(played.session.state).toBe("Connect");
  // The peer's identifier is the higher one: its connection stays.
  const open = peerOpen({ bgpIdentifier: "10.0.9.9" as never });
  played.receive(-1, open, keepalive);
  expect(played.session.negotiated).toMatchObject({ connection: -1 });
  expect(played.refused(1)).toBe("6/7");
  expect(played.effects).toContainEqual({ do: "clearTimer", timer: "delayOpen/1" });
});

it("one that the peer lets go in silence, as FRR does once the other is up, is no failure", () => {
  const played = new Played(delaying()).step({ input: "start" }).connected(1);
  played.receive(1, peerOpen({ bgpIdentifier: "10.0.9.9" as never }), keepalive).accepted(-1);
  played.step({ input: "closed", connection: -1 });
  expect(played.session).toMatchObject({ state: "Established", lastError: undefined });
  expect(played.all("log")).toMatchObject([{ level: "debug" }]);
});
