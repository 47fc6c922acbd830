import { describe, expect, it } from "vitest";
import { encodeShutdownCommunication } from "../wire/cease.ts";
import { graceful, peerOpen, Played, sessionOptions } from "./peer.testkit.ts";

describe("stop", () => {
  it("says Cease and why", () => {
    const played = new Played().establish();
    played.step({ input: "stop", notification: { subcode: 2, communication: "done" } });
    expect(played.sent(1)).toEqual([
      { type: "NOTIFICATION", code: 6, subcode: 2, data: encodeShutdownCommunication("done") },
    ]);
    expect(played.all("down")).toMatchObject([{ reason: "adminShutdown", graceful: false }]);
    expect(played.session.state).toBe("Idle");
    expect(played.timersSet()).toEqual({});
  });

  it("in silence only closes", () => {
    const played = new Played().establish().step({ input: "stop" });
    expect(played.all("send")).toEqual([]);
    expect(played.all("close")).toEqual([{ do: "close", connection: 1 }]);
    expect(played.all("down")).toMatchObject([{ reason: "stopped" }]);
  });

  it("gives up an attempt under way, and takes no connection afterwards", () => {
    const played = new Played().step({ input: "start" }).step({ input: "stop" });
    expect(played.all("close")).toEqual([{ do: "close", connection: 1 }]);
    expect(played.connected(1).all("close")).toEqual([{ do: "close", connection: 1 }]);
    expect(played.accepted(-1).refused(-1)).toBe("6/5");
    expect(played.session.state).toBe("Idle");
  });

  it("and start again", () => {
    const played = new Played().establish().step({ input: "stop" }).step({ input: "start" });
    expect(played.all("connect")).toMatchObject([{ connection: 2 }]);
  });
});

it("a session's end is not gone at once where it says so: the peer's next connection collides with it", () => {
  const idleHold = { startSeconds: 0, endedSeconds: 2, clearingSeconds: 0.01 };
  const played = new Played(sessionOptions({ idleHold })).establish();
  played.step({ input: "closed", connection: 1 });
  played.nowMs += 9;
  expect(played.accepted(-1).refused(-1)).toBe("6/7");
  expect(played.session.state).toBe("Idle");
  played.nowMs += 1;
  expect(played.accepted(-2).sent(-2)).toMatchObject([{ type: "OPEN" }]);
});

describe("reset", () => {
  it("says Administrative Reset and calls again at once", () => {
    const played = new Played().establish().step({ input: "reset" });
    expect(played.refused(1)).toBe("6/4");
    expect(played.all("down")).toMatchObject([{ reason: "adminReset", graceful: false }]);
    expect(played.all("connect")).toMatchObject([{ connection: 2 }]);
    expect(played.session.state).toBe("Connect");
  });

  it("gives up what is under way, and waits no longer", () => {
    const played = new Played().step({ input: "start" }).step({ input: "reset" });
    expect(played.all("close")).toEqual([{ do: "close", connection: 1 }]);
    expect(played.all("connect")).toMatchObject([{ connection: 2 }]);
  });

  it("starts nothing that is stopped", () => {
    expect(new Played().step({ input: "reset" }).effects).toEqual([]);
  });
});

/** Established with graceful restart on both sides, the peer's N bit as said. */
function withRestart(bit: boolean): Played {
  return new Played(sessionOptions({ gracefulRestart: { restartTimeSeconds: 15 } })).establish(
    peerOpen({ extra: [{ ...graceful, notification: bit }] }),
  );
}

describe("graceful restart", () => {
  it("keeps routes when the transport is lost (RFC 4724 §4.2)", () => {
    const played = withRestart(false).step({
      input: "closed",
      connection: 1,
      reason: "ECONNRESET",
    });
    expect(played.all("down")).toEqual([{ do: "down", reason: "transportClosed", graceful: true }]);
    expect(played.logged()).toContain("connection closed: connection reset by peer");
    const plain = new Played().establish().step({ input: "closed", connection: 1 });
    expect(plain.all("down")).toMatchObject([{ graceful: false }]);
  });

  it.each([
    [false, 6, 4, false],
    [true, 6, 4, true],
    [true, 6, 9, false],
    [true, 4, 0, true],
  ])("N bit %s, NOTIFICATION %i/%i: keeps routes %s (RFC 8538 §4)", (bit, code, subcode, keeps) => {
    const played = withRestart(bit).receive(1, {
      type: "NOTIFICATION",
      code,
      subcode,
      data: new Uint8Array(),
    });
    expect(played.all("down")).toMatchObject([{ reason: "notificationReceived", graceful: keeps }]);
  });

  it.each([false, true])("N bit %s: after the Hold Timer expired", (bit) => {
    const played = withRestart(bit).step({ input: "timer", timer: "hold/1" });
    expect(played.all("down")).toMatchObject([{ graceful: bit }]);
  });

  it("shuts down with a Hard Reset where the N bit was negotiated (RFC 8538 §5)", () => {
    const stop = { input: "stop", notification: { subcode: 2 } } as const;
    expect(withRestart(true).step(stop).sent(1)).toEqual([
      { type: "NOTIFICATION", code: 6, subcode: 9, data: Uint8Array.of(6, 2) },
    ]);
    expect(withRestart(false).step(stop).refused(1)).toBe("6/2");
  });

  it.each([false, true])(
    "N bit %s: a reset is not for good, and keeps routes by that bit only (RFC 8538 §4)",
    (bit) => {
      const played = withRestart(bit).step({ input: "reset" });
      expect(played.refused(1)).toBe("6/4");
      expect(played.all("down")).toMatchObject([{ reason: "adminReset", graceful: bit }]);
      expect(played.all("connect")).toMatchObject([{ connection: 2 }]);
      expect(played.session.lastError).toBe("administrative reset");
    },
  );
});
