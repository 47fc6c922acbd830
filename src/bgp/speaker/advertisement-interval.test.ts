import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { configA, TestNet, type TestNode, twoSpeakers } from "./two-speakers.testkit.ts";

/** With the jitter of these tests, where 8 s are configured. */
const intervalMs = 7_000;
const paced = { advertisementIntervalSeconds: 8 };

/** What a told b, with how long after `sinceMs`. */
function told(a: TestNode, sinceMs: number): string[] {
  return a.sent.flatMap(({ atMs, message }) => {
    if (message.type !== "UPDATE" || atMs < sinceMs || message.endOfRib !== undefined) return [];
    const announced = message.announced.flatMap(({ prefixes }) => prefixes.map((p) => `+${p}`));
    const withdrawn = message.withdrawn.flatMap(({ prefixes }) => prefixes.map((p) => `-${p}`));
    return [`${atMs - sinceMs}: ${[...withdrawn, ...announced].join(" ")}`];
  });
}

const intervalsOf = (a: TestNode) =>
  [...a.timers.keys()].filter((timer) => timer.includes("advertise"));

describe.each([
  ["one path to a prefix", {}],
  ["numbered paths", { addPath: { receive: true, send: "all" as const } }],
])("MinRouteAdvertisementInterval (RFC 4271 §9.2.1.1), %s", (_, addPath) => {
  const peer = { ...paced, ...addPath };

  /** a has just told b everything, or nothing, in the first UPDATEs of the session. */
  function established(originate: string[]) {
    const pair = twoSpeakers({ originate, peer }, { peer: addPath });
    if ("addPath" in addPath) pair.net.numbered.add(address("10.0.0.2"));
    const { net, a } = pair;
    net.runUntil("End-of-RIB", () => a.updatesSent().some(({ endOfRib }) => endOfRib));
    const sinceMs = net.nowMs;
    return {
      ...pair,
      sinceMs,
      originate: (own: string[]) => net.configure(a, configA({ originate: own, peer })),
    };
  }

  it("what changes while it runs is told at its end, and once", () => {
    const { net, a, sinceMs, originate } = established(["10.1.0.0/16"]);
    expect(told(a, sinceMs)).toEqual(["0: +10.1.0.0/16"]);
    net.run(1000);
    originate(["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"]);
    net.run(1000);
    originate(["10.3.0.0/16", "10.4.0.0/16"]);
    net.run(intervalMs - 2001);
    expect(told(a, sinceMs)).toHaveLength(1);
    net.run(1);
    // One message says both; 10.2.0.0/16 came and went unheard.
    expect(told(a, sinceMs).slice(1).join(" ").split(" ").toSorted()).toEqual(
      [
        `${intervalMs}:`,
        `${intervalMs}:`,
        "-10.1.0.0/16",
        "+10.3.0.0/16",
        "+10.4.0.0/16",
      ].toSorted(),
    );
  });

  it("after a quiet interval a change is told at once, and the next one waits again", () => {
    const { net, a, sinceMs, originate } = established([]);
    net.run(intervalMs);
    originate(["10.1.0.0/16"]);
    originate([]);
    net.run(2 * intervalMs);
    expect(told(a, sinceMs)).toEqual([
      `${intervalMs}: +10.1.0.0/16`,
      `${2 * intervalMs}: -10.1.0.0/16`,
    ]);
    net.run(2 * intervalMs);
    // Nothing waits, and nothing is waited for.
    expect(intervalsOf(a)).toEqual([]);
  });

  it("the number of a prefix that waits to be withdrawn is no other's meanwhile", () => {
    const { net, a, b, sinceMs, originate } = established(["10.1.0.0/16"]);
    originate([]);
    originate(["10.9.0.0/16"]);
    net.run(intervalMs);
    expect(told(a, sinceMs).slice(1).toSorted()).toEqual([
      `${intervalMs}: +10.9.0.0/16`,
      `${intervalMs}: -10.1.0.0/16`,
    ]);
    net.run(50);
    expect(b.speaker.routesReceived().map(({ prefix }) => prefix)).toEqual(["10.9.0.0/16"]);
  });

  it("nothing of it outlives the session", () => {
    const { net, a, originate } = established(["10.1.0.0/16"]);
    originate([]);
    net.reset();
    expect(intervalsOf(a)).toEqual([]);
    net.settle();
    expect(a.speaker.routesAdvertised()).toEqual([]);
  });
});

it("peers without it do not wait for one that has it", () => {
  const net = new TestNet();
  const peers = configA({ peer: paced }).peers;
  const [first] = peers;
  const { advertisementIntervalSeconds: _, ...unpaced } = first!;
  const other = { ...unpaced, name: "c", address: address("10.0.0.3") };
  const a = net.add({ ...configA(), peers: [first!, other] }, "10.0.0.1");
  const only = (at: string) => {
    const config = configA({ peer: {} });
    const [of] = config.peers;
    const to = { ...of!, name: "a", address: address("10.0.0.1") };
    return net.add({ ...config, localAsn: 65009, routerId: address(at), peers: [to] }, at);
  };
  const [b, c] = [only("10.0.0.2"), only("10.0.0.3")];
  net.settle();
  net.configure(a, {
    ...a.speaker.config,
    originate: configA({ originate: ["10.1.0.0/16"] }).originate,
  });
  net.run(50);
  const received = (node: TestNode) => node.speaker.routesReceived().length;
  expect([received(b), received(c)]).toEqual([0, 1]);
  net.run(intervalMs);
  expect([received(b), received(c)]).toEqual([1, 1]);
});
