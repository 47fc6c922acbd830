import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import type { Message } from "../wire/message.ts";
import type { SessionEffect, SessionInput, TimerName } from "./io.ts";
import { Session } from "./session.ts";
import { graceful, peerOpen, Played, sessionOptions } from "./peer.testkit.ts";

const keepalive: Message = { type: "KEEPALIVE" };

/** Both connections have our OPEN: 1 is ours, -1 the peer's. */
function both(options = sessionOptions()): Played {
  return new Played(options).step({ input: "start" }).connected(1).accepted(-1);
}

describe("of two connections (RFC 4271 §6.8)", () => {
  // Ours is 10.0.2.2. Whose identifier is higher keeps the connection that it opened.
  it.each([
    ["10.0.0.1", 1, -1],
    ["10.0.9.9", -1, 1],
    ["9.255.255.255", 1, -1],
    ["192.0.2.1", -1, 1],
  ])("peer %s: %i stays, whichever OPEN comes first", (identifier, stays, goes) => {
    const open = peerOpen({ bgpIdentifier: address(identifier) });
    const first = both().receive(stays, open).receive(goes, open);
    expect(first.refused(goes)).toBe("6/7");
    expect(first.receive(stays, keepalive).session.negotiated).toMatchObject({ connection: stays });

    const second = both().receive(goes, open);
    // Ours wins without an OPEN; for the peer to win, it must have sent one there.
    expect(second.refused(goes)).toBe(stays === 1 ? "6/7" : "none");
    second.receive(stays, open, keepalive);
    expect(second.session.negotiated).toMatchObject({ connection: stays });
    expect(second.sent(stays)).toEqual([keepalive]);
  });

  it("where the peer's identifier is higher the peer decides, whichever is up first", () => {
    const open = peerOpen({ bgpIdentifier: address("10.0.9.9") });
    // Ours is Established before the peer's one has got an OPEN: both stay.
    const played = both().receive(1, open, keepalive);
    expect(played.refused(-1)).toBe("none");
    played.receive(-1, open);
    expect(played.sent(-1)).toEqual([keepalive]);
    expect(played.session.negotiated).toMatchObject({ connection: 1 });
    // 1. It takes its own.
    const close: Message = { type: "NOTIFICATION", code: 6, subcode: 7, data: new Uint8Array() };
    played.receive(-1, keepalive);
    expect(played.all("down")).toMatchObject([{ reason: "collision" }]);
    expect(played.refused(1)).toBe("6/7");
    expect(played.session.negotiated).toMatchObject({ connection: -1 });
    // 2. It takes ours.
    const ours = both().receive(1, open, keepalive).receive(-1, close);
    expect(ours.session.negotiated).toMatchObject({ connection: 1 });
    expect(ours.session.lastError).toBeUndefined();
    expect(ours.timersSet()).toEqual({});
  });

  it("with equal identifiers the higher AS number decides (RFC 6286 §2.3)", () => {
    const open = peerOpen({ bgpIdentifier: address("10.0.2.2") });
    expect(both().receive(1, open).receive(-1, open).refused(-1)).toBe("6/7");
    const lower = sessionOptions({ localAsn: 64999 });
    const losing = both(lower).receive(1, open).receive(-1, open, keepalive);
    expect(losing.refused(1)).toBe("6/7");
  });

  it("one that is Established ends the other, and an attempt under way", () => {
    const higher = peerOpen({ bgpIdentifier: address("10.0.9.9") });
    const other = both().receive(-1, higher, keepalive);
    expect(other.refused(1)).toBe("6/7");
    expect(other.session.state).toBe("Established");
    const dialing = new Played()
      .step({ input: "start" })
      .accepted(-1)
      .receive(-1, peerOpen(), keepalive);
    expect(dialing.effects).toContainEqual({ do: "close", connection: 1 });
    expect(dialing.effects).toContainEqual({ do: "clearTimer", timer: "connectRetry" });
  });

  it("the failure of one leaves the other alone", () => {
    const played = both().step({ input: "closed", connection: -1 });
    expect(played.session.state).toBe("OpenSent");
    expect(played.timersSet()).toEqual({});
    expect(played.receive(1, peerOpen({ asn: 1 })).session.state).toBe("Idle");
    expect(played.timersSet()).toEqual({ idleHold: 250 });
  });

  const refusal: Message = { type: "NOTIFICATION", code: 2, subcode: 2, data: new Uint8Array() };

  it("a NOTIFICATION over the one in OpenConfirm ends that alone, and the other gets there", () => {
    const open = peerOpen({ bgpIdentifier: address("10.0.9.9") });
    const played = both().receive(1, open);
    expect(played.session.state).toBe("OpenConfirm");
    played.receive(1, refusal);
    expect(played.all("close")).toEqual([{ do: "close", connection: 1 }]);
    // What is still on its way over it is read by nobody.
    expect(played.receive(1, keepalive).effects).toEqual([]);
    expect(played.session.state).toBe("OpenSent");
    played.receive(-1, open, keepalive);
    expect(played.session.negotiated).toMatchObject({ connection: -1 });
    expect(played.session.lastError).toBeUndefined();
  });

  it("a NOTIFICATION over each ends the attempt, once: it is tried again by one timer", () => {
    const open = peerOpen({ bgpIdentifier: address("10.0.9.9") });
    const played = both().receive(1, open).receive(-1, open);
    expect(played.receive(-1, refusal).timersSet()).toEqual({});
    expect(played.session.state).toBe("OpenConfirm");
    expect(played.receive(1, refusal).timersSet()).toEqual({ idleHold: 250 });
    expect(played.session.state).toBe("Idle");
    expect(played.session.lastError).toContain("received NOTIFICATION");
  });

  it("a second one from the peer replaces its first", () => {
    const played = both().accepted(-2);
    expect(played.refused(-1)).toBe("6/7");
    expect(played.sent(-2)).toMatchObject([{ type: "OPEN" }]);
  });
});

describe("a new connection while Established", () => {
  const withRestart = peerOpen({ extra: [graceful] });
  const restarted = peerOpen({ extra: [{ ...graceful, restarting: true }] });

  it("is refused after its OPEN (RFC 4271 §6.8)", () => {
    const played = new Played().establish().accepted(-1);
    played.nowMs = 60_000;
    played.receive(-1, peerOpen());
    expect(played.refused(-1)).toBe("6/7");
    expect(played.session.negotiated).toMatchObject({ connection: 1 });
  });

  it("means with graceful restart that the peer is back (RFC 4724 §5)", () => {
    for (const [atMs, open] of [
      [10, restarted],
      [5_000, withRestart],
    ] as const) {
      const played = new Played(
        sessionOptions({ gracefulRestart: { restartTimeSeconds: 15 } }),
      ).establish(withRestart);
      played.nowMs = atMs;
      played.accepted(-1);
      expect(played.session.state).toBe("Established");
      played.receive(-1, open);
      expect(played.sent(1)).toEqual([]);
      expect(played.all("close")).toEqual([{ do: "close", connection: 1 }]);
      expect(played.all("down")).toEqual([{ do: "down", reason: "peerRestarted", graceful: true }]);
      expect(played.session.state).toBe("OpenConfirm");
      expect(played.receive(-1, keepalive).all("established")).toMatchObject([
        { negotiated: { connection: -1 } },
      ]);
    }
  });

  it("but right after Established and without its Restart bit it is a late collision", () => {
    const played = new Played(
      sessionOptions({ gracefulRestart: { restartTimeSeconds: 15 } }),
    ).establish(withRestart);
    played.nowMs = 4_999;
    played.accepted(-1).receive(-1, withRestart);
    expect(played.refused(-1)).toBe("6/7");
    expect(played.session.state).toBe("Established");
  });
});

/**
 * Two sessions that dial each other over a network that delivers in any order the connections allow:
 * `choices` says which is next. When nothing is on its way the next timer fires. Gives both as soon as
 * both are Established and nothing is on its way.
 */
function dialEachOther(
  choices: number[],
  identifiers: [string, string],
  seed: number,
  delays: (number | undefined)[] = [],
): { sessions: [Session, Session]; tookMs: number } {
  let ids = 0;
  let random = seed;
  const make = (localAsn: number, asn: number, routerId: string, delay?: number): Session =>
    new Session({
      ...sessionOptions({
        ...{ localAsn, asn, routerId },
        ...(delay !== undefined && { delayOpenTimeSeconds: delay }),
      }),
      newConnectionId: () => ++ids,
      random: () => (random = (random * 48_271) % 0x7fffffff) / 0x7fffffff,
    });
  const sessions = [
    make(65010, 65000, identifiers[0], delays[0]),
    make(65000, 65010, identifiers[1], delays[1]),
  ] as const;
  const ends = { localAddress: address("10.0.2.1"), remoteAddress: address("10.0.2.2") };

  // What is on its way to a side over a connection, in order; a connection is negative where it was accepted.
  const lanes = new Map<string, (() => void)[]>();
  const timers = new Map<string, { side: 0 | 1; timer: TimerName; atMs: number }>();
  let nowMs = 0;
  const step = (side: 0 | 1, input: SessionInput): void => {
    for (const effect of sessions[side].step(input, nowMs)) carryOut(side, effect);
  };
  const put = (side: 0 | 1, input: SessionInput & { connection: number }): void => {
    const lane = `${side} ${input.connection}`;
    lanes.set(lane, [...(lanes.get(lane) ?? []), () => step(side, input)]);
  };
  const carryOut = (side: 0 | 1, effect: SessionEffect): void => {
    const other = side === 0 ? 1 : 0;
    switch (effect.do) {
      case "connect":
        put(side, { input: "connected", connection: effect.connection, ...ends });
        put(other, { input: "accepted", connection: -effect.connection, ...ends });
        break;
      case "send":
        put(other, { input: "received", connection: -effect.connection, bytes: effect.bytes });
        break;
      case "close":
        put(other, { input: "closed", connection: -effect.connection });
        break;
      case "setTimer":
        timers.set(`${side} ${effect.timer}`, {
          side,
          timer: effect.timer,
          atMs: nowMs + effect.afterMs,
        });
        break;
      case "clearTimer":
        timers.delete(`${side} ${effect.timer}`);
        break;
    }
  };
  step(0, { input: "start" });
  step(1, { input: "start" });
  for (let turn = 0; nowMs < 60_000; turn++) {
    const busy = [...lanes.values()].filter(({ length }) => length > 0);
    if (busy.length > 0) busy[choices[turn % choices.length]! % busy.length]!.shift()!();
    else if (sessions.every(({ state }) => state === "Established")) break;
    else {
      const [key, next] = [...timers].toSorted(([, a], [, b]) => a.atMs - b.atMs)[0]!;
      timers.delete(key);
      nowMs = next.atMs;
      step(next.side, { input: "timer", timer: next.timer });
    }
  }
  return { sessions: [...sessions], tookMs: nowMs };
}

it("two that dial each other end with one and the same connection, in any order of events", () => {
  const identifier = fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3");
  fc.assert(
    fc.property(
      fc.array(fc.nat(11), { minLength: 1, maxLength: 40 }),
      fc.tuple(identifier, identifier),
      fc.integer({ min: 1, max: 0x7ffffffe }),
      (choices, identifiers, seed) => {
        const { sessions, tookMs } = dialEachOther(choices, identifiers, seed);
        const [a, b] = sessions;
        // At once: no timer had to fire.
        expect(tookMs).toBe(0);
        expect([a.state, b.state]).toEqual(["Established", "Established"]);
        expect(a.negotiated!.connection).toBe(-b.negotiated!.connection);
      },
    ),
    { numRuns: 1000 },
  );
});

it("and so they do with DelayOpen, as soon as one of them may speak", () => {
  const identifier = fc.constantFrom("10.0.0.1", "10.0.0.2");
  const delay = fc.constantFrom(undefined, 2, 3);
  fc.assert(
    fc.property(
      fc.array(fc.nat(11), { minLength: 1, maxLength: 40 }),
      fc.tuple(identifier, identifier),
      fc.tuple(delay, delay),
      (choices, identifiers, delays) => {
        const { sessions, tookMs } = dialEachOther(choices, identifiers, 1, delays);
        expect(tookMs).toBe(1000 * Math.min(...delays.map((seconds) => seconds ?? 0)));
        const [a, b] = sessions;
        expect(a.negotiated!.connection).toBe(-b.negotiated!.connection);
      },
    ),
    { numRuns: 1000 },
  );
});
