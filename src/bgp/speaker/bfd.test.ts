import { describe, expect, test } from "vitest";
import { CeaseSubcode, NotificationCode } from "../wire/registry.ts";
import type { PeerConfig } from "./config.ts";
import { configA, configB, type TestNode, twoSpeakers } from "./two-speakers.testkit.ts";

const bfd = { transmitIntervalMs: 300, receiveIntervalMs: 300, detectMultiplier: 3 };
const gracefulRestart = { restartTimeSeconds: 60 };

function upPair(peer: Partial<Omit<PeerConfig, "address">> = {}) {
  const of = { peer: { bfd, holdTimeSeconds: 90, ...peer } };
  const pair = twoSpeakers(of, { ...of, originate: ["10.2.0.0/24"] });
  const { net, a, b } = pair;
  net.settle();
  net.runUntil("BFD is up", () =>
    [a, b].every((node) => node.status(net.nowMs).bfd?.state === "Up"),
  );
  net.run(1000);
  return pair;
}

/** Without those of connections that collided on the way up. */
const notifications = ({ sent }: TestNode) =>
  sent
    .map(({ message }) => message)
    .filter((of) => of.type === "NOTIFICATION")
    .filter(({ subcode }) => subcode !== CeaseSubcode.connectionCollisionResolution);

test("a session and its status", () => {
  const { net, a } = upPair();
  expect(a.status(net.nowMs).bfd).toEqual({
    state: "Up",
    diagnostic: "no diagnostic",
    remoteState: "Up",
    remoteDiagnostic: "no diagnostic",
    detectionTimeMs: 900,
    transmitIntervalMs: 300,
    uptimeMs: expect.any(Number),
  });
});

test("nothing arrives any more: the BGP session is down within the detection time", () => {
  const { net, a } = upPair();
  net.silence(true);
  net.run(900);
  expect(a.status(net.nowMs)).toMatchObject({
    lastDown: "BFD session down",
    bfd: { state: "Down", diagnostic: "control detection time expired" },
  });
  expect(a.status(net.nowMs).state).not.toBe("Established");
  expect(notifications(a)).toMatchObject([
    { code: NotificationCode.cease, subcode: CeaseSubcode.bfdDown },
  ]);
  expect(a.speaker.routesReceived()).toEqual([]);
  // The way is free again: the next attempt does not wait for its timer.
  net.run(30_000);
  net.silence(false);
  net.runUntil("back", () => a.status().state === "Established", 2500);
});

test("only BFD is lost: the session ends, comes again, and stays without it", () => {
  const { net, a, b } = upPair();
  net.noBfd = true;
  net.run(1000);
  expect(a.status().lastDown).toMatch(/BFD/);
  net.run(30_000);
  expect([a.status().state, b.status().state]).toEqual(["Established", "Established"]);
  expect(a.status().bfd?.state).toBe("Down");
});

test("BFD taken out of one configuration does not end the session (RFC 5882 §3.2)", () => {
  const { net, a, b } = upPair();
  const sinceMs = b.status(net.nowMs).establishedAtMs;
  net.configure(a, configA({ peer: { holdTimeSeconds: 90 } }));
  net.run(5000);
  expect(a.status().bfd).toBeUndefined();
  expect(b.status(net.nowMs)).toMatchObject({ establishedAtMs: sinceMs, state: "Established" });
  expect(b.status().bfd?.state).toBe("Down");
  net.configure(a, configA({ peer: { holdTimeSeconds: 90, bfd } }));
  net.run(3000);
  expect(b.status().bfd?.state).toBe("Up");
  expect(b.status(net.nowMs).establishedAtMs).toBe(sinceMs);
});

test("other times are taken up without a flap", () => {
  const { net, a, b } = upPair();
  const sinceMs = b.status(net.nowMs).establishedAtMs;
  const times = { transmitIntervalMs: 50, receiveIntervalMs: 50, detectMultiplier: 4 };
  net.configure(a, configA({ peer: { holdTimeSeconds: 90, bfd: times } }));
  net.configure(b, configB({ peer: { holdTimeSeconds: 90, bfd: times } }));
  net.run(5000);
  expect(a.status().bfd).toMatchObject({ state: "Up", detectionTimeMs: 200 });
  expect(b.status(net.nowMs).establishedAtMs).toBe(sinceMs);
});

test("a peer shut down has none", () => {
  const { net, a, b } = upPair();
  net.configure(a, configA({ peer: { holdTimeSeconds: 90, bfd, shutdown: {} } }));
  net.run(10);
  expect(a.status().bfd).toBeUndefined();
  expect(b.status().lastDown).toMatch(/Administrative Shutdown/);
});

describe("graceful restart", () => {
  test("a path that is down keeps no routes: the Cease is a Hard Reset (RFC 8538)", () => {
    const { net, a } = upPair({ gracefulRestart });
    net.noBfd = true;
    net.run(900);
    const hardReset = { code: NotificationCode.cease, subcode: CeaseSubcode.hardReset };
    const wrapped = Uint8Array.of(NotificationCode.cease, CeaseSubcode.bfdDown);
    expect(notifications(a)).toContainEqual({ type: "NOTIFICATION", ...hardReset, data: wrapped });
    expect(a.speaker.routesReceived().filter(({ stale }) => stale)).toEqual([]);
  });

  test("routes of a peer that restarts go when BFD does", () => {
    const { net, a, b } = upPair({ gracefulRestart });
    net.crash(b);
    net.run(10);
    expect(a.speaker.routesReceived()).toMatchObject([{ stale: true }]);
    net.run(900);
    expect(a.speaker.routesReceived()).toEqual([]);
  });

  test("checkControlPlaneFailure leaves them alone, as the peer's BFD restarts with it", () => {
    const { net, a, b } = upPair({
      gracefulRestart,
      bfd: { ...bfd, checkControlPlaneFailure: true },
    });
    net.crash(b);
    net.run(5000);
    expect(a.status().bfd?.state).toBe("Down");
    expect(a.speaker.routesReceived()).toMatchObject([{ stale: true }]);
    expect(notifications(a)).toEqual([]);
  });

  test("but not where its BFD would outlive it: the C bit says that the path itself is down (RFC 5882 §4.3)", () => {
    const { net, a, b } = upPair({
      gracefulRestart,
      bfd: { ...bfd, checkControlPlaneFailure: true },
    });
    const perform = net.perform.bind(net);
    net.perform = (node, effects) => {
      for (const effect of effects) {
        // RFC 5880 §4.1.
        if (node === b && effect.do === "bfdSend") effect.bytes[1]! |= 0x08;
      }
      perform(node, effects);
    };
    net.run(1000);
    net.crash(b);
    net.run(5000);
    expect(a.status().bfd?.state).toBe("Down");
    expect(a.speaker.routesReceived()).toEqual([]);
  });
});
