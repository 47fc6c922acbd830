import { describe, expect, test } from "vitest";
import { fast, Link, type Node } from "./link.testkit.ts";
import { Diagnostic } from "./packet.ts";

function upLink(...of: ConstructorParameters<typeof Link>): Link {
  const link = new Link(...of);
  link.start();
  link.run(3000);
  expect(link.bothUp).toBe(true);
  return link;
}

const last = ({ sent }: Node) => sent.at(-1)!.packet;
const gaps = (of: Node, fromMs: number) =>
  of.sent
    .filter(({ atMs }) => atMs >= fromMs)
    .map(({ atMs }, i, all) => (i === 0 ? undefined : atMs - all[i - 1]!.atMs))
    .slice(1) as number[];

test("comes up in a few packets, once the neighbor has heard of us", () => {
  const link = new Link();
  link.start();
  link.run(10);
  expect(link.bothUp).toBe(true);
  expect(link.a.events).toMatchObject([{ event: { do: "up" } }]);
  expect(link.a.session.remote?.discriminator).toBe(2);
});

test("alone it sends once in a second, and says so (RFC 5880 §6.8.3)", () => {
  const link = new Link();
  link.fate = () => ({ lost: true, delayMs: 0 });
  link.start();
  link.run(5000);
  expect(last(link.a)).toMatchObject({
    state: "Down",
    yourDiscriminator: 0,
    desiredMinTxIntervalUs: 1_000_000,
    requiredMinRxIntervalUs: 300_000,
  });
  expect(new Set(gaps(link.a, 0))).toEqual(new Set([875]));
});

describe("times", () => {
  test("the slower of what one sends and the other takes, less the jitter", () => {
    const link = upLink(fast, { ...fast, receiveIntervalMs: 500, transmitIntervalMs: 100 });
    const sinceMs = link.nowMs;
    link.run(10_000);
    expect(new Set(gaps(link.a, sinceMs).map((ms) => ms.toFixed(3)))).toEqual(new Set(["437.500"]));
    expect(new Set(gaps(link.b, sinceMs).map((ms) => ms.toFixed(3)))).toEqual(new Set(["262.500"]));
    // Ours is what the neighbor may take to send, times its Detect Mult (§6.8.4).
    expect(link.a.session.detectionTimeMs).toBe(900);
    expect(link.b.session.detectionTimeMs).toBe(1500);
  });

  test.each([
    [3, 0, 0.75],
    [3, 0.9999, 1],
    [1, 0, 0.75],
    [1, 0.9999, 0.9],
  ])("with Detect Mult %i the jitter at %f leaves %f (§6.8.7)", (detectMultiplier, at, share) => {
    const link = new Link({ ...fast, detectMultiplier }, fast, () => at);
    link.start();
    link.run(2000);
    const sinceMs = link.nowMs;
    link.run(3000);
    for (const gap of gaps(link.a, sinceMs)) expect(gap / 300).toBeCloseTo(share, 3);
  });

  test("nothing is sent periodically to a neighbor that takes nothing", () => {
    const link = upLink();
    const packet = { ...last(link.b), requiredMinRxIntervalUs: 0 };
    link.step(link.a, { input: "received", packet });
    expect(link.a.timers.has("transmit")).toBe(false);
    expect(link.a.session.transmitIntervalMs).toBeUndefined();
  });

  test("nor to one in Demand mode, unless it is asked something", () => {
    const link = upLink();
    link.run(1000);
    const packet = { ...last(link.b), poll: false, demand: true };
    link.step(link.a, { input: "received", packet });
    expect(link.a.timers.has("transmit")).toBe(false);
    link.step(link.a, { input: "received", packet: { ...packet, poll: true } });
    expect(last(link.a)).toMatchObject({ final: true });
    expect(link.a.timers.has("transmit")).toBe(false);
  });
});

describe("down", () => {
  test("both within the detection time when nothing arrives any more", () => {
    const link = upLink();
    const cutMs = link.nowMs;
    link.fate = () => ({ lost: true, delayMs: 0 });
    link.run(901);
    for (const node of [link.a, link.b]) {
      const { atMs, event } = node.events.at(-1)!;
      const diagnostic = Diagnostic.controlDetectionTimeExpired;
      expect(event).toMatchObject({ do: "down", diagnostic, failed: true });
      expect(atMs - cutMs).toBeLessThanOrEqual(900);
      expect(atMs - cutMs).toBeGreaterThanOrEqual(600);
      // §6.8.1: the neighbor is a stranger again.
      expect(last(node)).toMatchObject({ state: "Down", yourDiscriminator: 0, diagnostic });
    }
    link.fate = () => ({ lost: false, delayMs: 1 });
    link.run(2000);
    expect(link.bothUp).toBe(true);
  });

  test("where only one direction is cut, the other side is told", () => {
    const link = upLink();
    link.fate = (from) => ({ lost: from === link.a, delayMs: 1 });
    link.run(1000);
    const told = link.a.events.at(-1)!.event;
    expect(told).toMatchObject({
      do: "down",
      diagnostic: Diagnostic.neighborSignaledSessionDown,
      failed: true,
    });
    expect(link.a.session.remote?.diagnostic).toBe(Diagnostic.controlDetectionTimeExpired);
  });

  test("a neighbor administratively down is no failure of the path (RFC 5882 §3.2)", () => {
    const link = upLink();
    link.step(link.b, { input: "disable" });
    link.run(2);
    expect(link.a.events.at(-1)!.event).toMatchObject({ do: "down", failed: false });
    expect(last(link.b)).toMatchObject({ state: "AdminDown", diagnostic: 7 });
    const { length } = link.b.sent;
    link.run(5000);
    expect(link.b.sent).toHaveLength(length);
    expect(link.a.session.state).toBe("Down");
  });

  test.each([true, false])(
    "the C bit heard last is told with it: %s",
    (controlPlaneIndependent) => {
      const link = upLink();
      const packet = { ...last(link.b), poll: false, controlPlaneIndependent };
      link.step(link.a, { input: "received", packet });
      link.step(link.a, { input: "timer", timer: "detection" });
      expect(link.a.events.at(-1)!.event).toMatchObject({ do: "down", controlPlaneIndependent });
    },
  );

  test("a neighbor that began anew", () => {
    const link = upLink();
    const fresh = {
      ...last(link.b),
      state: "Down" as const,
      poll: false,
      myDiscriminator: 77,
      yourDiscriminator: 0,
    };
    link.step(link.a, { input: "received", packet: fresh });
    expect(link.a.session.state).toBe("Down");
    link.step(link.a, { input: "received", packet: fresh });
    expect(last(link.a)).toMatchObject({ state: "Init", yourDiscriminator: 77 });
  });
});

describe("Poll Sequence", () => {
  test("begins with Up and ends with the answer", () => {
    const link = upLink();
    link.run(1000);
    const asked = link.a.sent.filter(({ packet }) => packet.poll);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked[0]!.packet).toMatchObject({ state: "Up", desiredMinTxIntervalUs: 300_000 });
    expect(link.b.sent.filter(({ packet }) => packet.final)).toHaveLength(asked.length);
    expect(last(link.a).poll).toBe(false);
  });

  test("slower times are not used before the neighbor knows them (§6.8.3)", () => {
    const link = upLink();
    link.run(1000);
    link.fate = (from) => ({ lost: from === link.b, delayMs: 1 });
    const slower = { ...fast, transmitIntervalMs: 600, receiveIntervalMs: 100 };
    link.step(link.a, { input: "configure", times: slower });
    expect(last(link.a)).toMatchObject({
      poll: true,
      desiredMinTxIntervalUs: 600_000,
      requiredMinRxIntervalUs: 100_000,
    });
    link.run(400);
    expect(link.a.session.transmitIntervalMs).toBe(300);
    expect(link.a.session.detectionTimeMs).toBe(900);
    link.fate = () => ({ lost: false, delayMs: 1 });
    link.step(link.b, { input: "configure", times: { ...fast, transmitIntervalMs: 200 } });
    link.run(500);
    expect(link.a.session.transmitIntervalMs).toBe(600);
    expect(link.a.session.detectionTimeMs).toBe(600);
    expect(link.b.session.detectionTimeMs).toBe(1800);
    expect(link.bothUp).toBe(true);
  });

  test("faster times are used at once", () => {
    const link = upLink();
    link.run(1000);
    const times = { ...fast, transmitIntervalMs: 50, receiveIntervalMs: 50 };
    link.step(link.a, { input: "configure", times });
    link.step(link.b, { input: "configure", times });
    link.run(2000);
    expect(link.a.session.detectionTimeMs).toBe(150);
    expect(link.bothUp).toBe(true);
    expect(link.a.events).toHaveLength(1);
  });

  test("what changes while it runs is asked for too (§6.5)", () => {
    const link = upLink();
    link.run(1000);
    link.step(link.a, { input: "configure", times: { ...fast, transmitIntervalMs: 600 } });
    link.step(link.a, { input: "configure", times: { ...fast, transmitIntervalMs: 900 } });
    const answer = { ...last(link.b), poll: false, final: true };
    link.step(link.a, { input: "received", packet: answer });
    expect(link.a.session.transmitIntervalMs).toBe(300);
    link.step(link.a, { input: "received", packet: answer });
    expect(link.a.session.transmitIntervalMs).toBe(900);
  });
});
