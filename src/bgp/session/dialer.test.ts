import { describe, expect, it } from "vitest";
import { peerOpen, Played, sessionOptions } from "./peer.testkit.ts";

/** Fails the attempt under way; the delay until the next. */
function refuse(played: Played, connection: number): number | undefined {
  return played.step({ input: "connectFailed", connection, reason: "ECONNREFUSED" }).timersSet()
    .connectRetry;
}

describe("the next attempt", () => {
  it("comes after 250 ms, then twice as long each time, at most ConnectRetryTime", () => {
    const played = new Played().step({ input: "start" });
    const delays: unknown[] = [];
    for (let id = 1; id <= 8; id++) {
      delays.push(refuse(played, id));
      expect(played.session.state).toBe("Active");
      played.step({ input: "timer", timer: "connectRetry" });
      expect(played.all("connect")).toMatchObject([{ connection: id + 1 }]);
      expect(played.session.state).toBe("Connect");
    }
    expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it("has a jitter of three quarters to the whole (RFC 4271 §10)", () => {
    for (const [random, delayMs] of [
      [0, 188],
      [0.5, 219],
    ] as const) {
      const played = new Played({ ...sessionOptions(), random: () => random }).step({
        input: "start",
      });
      expect(refuse(played, 1)).toBe(delayMs);
    }
  });

  it("is told once in the log for the same failure", () => {
    const played = new Played().step({ input: "start" });
    refuse(played, 1);
    expect(played.all("log")).toEqual([
      { do: "log", level: "warn", message: "connect to 10.0.2.1: connection refused" },
    ]);
    played.step({ input: "timer", timer: "connectRetry" });
    refuse(played, 2);
    expect(played.all("log")).toMatchObject([{ level: "debug" }]);
    expect(played.session.lastError).toBe("connect to 10.0.2.1: connection refused");
  });

  it("comes at once when ConnectRetryTime passed without an answer", () => {
    const played = new Played()
      .step({ input: "start" })
      .step({ input: "timer", timer: "connectRetry" });
    expect(played.effects).toMatchObject([
      { do: "log", message: "connect to 10.0.2.1: i/o timeout" },
      { do: "close", connection: 1 },
      { do: "connect", connection: 2 },
      { do: "setTimer", timer: "connectRetry", afterMs: 10_000 },
    ]);
    // The first attempt's answer comes late: nobody wants it.
    expect(played.connected(1).effects).toEqual([{ do: "close", connection: 1 }]);
    expect(played.session.state).toBe("Connect");
  });

  it("comes after 250 ms when a session goes down, later when it keeps going down", () => {
    const played = new Played();
    const delays: unknown[] = [];
    played.step({ input: "start" });
    for (let id = 1; id <= 3; id++) {
      played.connected(id).receive(id, peerOpen(), { type: "KEEPALIVE" });
      played.nowMs += 9_999;
      delays.push(played.step({ input: "closed", connection: id }).timersSet().idleHold);
      expect(played.session.state).toBe("Idle");
      played.step({ input: "timer", timer: "idleHold" });
    }
    played.connected(4).receive(4, peerOpen(), { type: "KEEPALIVE" });
    played.nowMs += 10_000;
    delays.push(played.step({ input: "closed", connection: 4 }).timersSet().idleHold);
    expect(delays).toEqual([250, 500, 1000, 250]);
  });

  it("counts from anew after a session", () => {
    const played = new Played().step({ input: "start" });
    for (let id = 1; id <= 4; id++) {
      refuse(played, id);
      played.step({ input: "timer", timer: "connectRetry" });
    }
    played.connected(5).receive(5, peerOpen(), { type: "KEEPALIVE" });
    expect(played.step({ input: "closed", connection: 5 }).timersSet()).toEqual({ idleHold: 250 });
  });

  it("after a transport lost in OpenSent comes from Active (RFC 4271 §8.2.2)", () => {
    const played = new Played()
      .step({ input: "start" })
      .connected(1)
      .step({ input: "closed", connection: 1 });
    expect(played.session.state).toBe("Active");
    expect(played.timersSet()).toEqual({ connectRetry: 250 });
  });

  it("of a passive one never comes: it waits in Active", () => {
    const played = new Played(sessionOptions({ passive: true })).step({ input: "start" });
    played.accepted(-1).receive(-1, peerOpen({ asn: 1 }));
    expect(played.session.state).toBe("Idle");
    played.step({ input: "timer", timer: "idleHold" });
    expect(played.session.state).toBe("Active");
    expect(played.all("connect")).toEqual([]);
  });
});

it("a peer that connects in Idle is let in while the IdleHoldTimer runs", () => {
  const played = new Played().establish().step({ input: "closed", connection: 1 });
  expect(played.session.state).toBe("Idle");
  played.accepted(-1);
  expect(played.session.state).toBe("OpenSent");
  expect(played.all("clearTimer")).toEqual([{ do: "clearTimer", timer: "idleHold" }]);
  played.receive(-1, peerOpen(), { type: "KEEPALIVE" });
  expect(played.session.state).toBe("Established");
});
