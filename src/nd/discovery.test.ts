import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { address, type Address } from "../net/address.ts";
import { type DiscoveryEffect, type DiscoveryInput, RouterDiscovery } from "./discovery.ts";
import {
  decodeRouterMessage,
  encodeRouterAdvertisement,
  encodeRouterSolicitation,
} from "./message.ts";

const linkLayer = Uint8Array.of(2, 0, 0, 0, 0, 1);
const own = address("fe80::1");
const peer = address("fe80::2");
const other = address("fe80::3");
const linkUp: DiscoveryInput = { input: "linkUp", linkLocal: own, linkLayer };

const advertisement = (from: Address, routerLifetimeSeconds = 30): DiscoveryInput => ({
  input: "received",
  from,
  bytes: encodeRouterAdvertisement({ routerLifetimeSeconds }),
});

function discovery(random = 0.5) {
  const of = new RouterDiscovery(() => random);
  let nowMs = 0;
  return {
    step: (input: DiscoveryInput, afterMs = 0) => of.step(input, (nowMs += afterMs)),
  };
}

const told = (effects: DiscoveryEffect[]) =>
  effects.flatMap((effect) => (effect.do === "neighbors" ? [effect.addresses] : []));

/** What is sent, as text. */
const sent = (effects: DiscoveryEffect[]) =>
  effects.flatMap((effect) => {
    if (effect.do !== "send") return [];
    const message = decodeRouterMessage(effect.bytes, own);
    if (typeof message === "string") throw new Error(message);
    const life = message.message === "advertisement" ? ` ${message.routerLifetimeSeconds}` : "";
    return [`${message.message}${life} to ${effect.to}`];
  });

const timers = (effects: DiscoveryEffect[]) =>
  Object.fromEntries(
    effects.flatMap((effect) => (effect.do === "setTimer" ? [[effect.timer, effect.afterMs]] : [])),
  );

test("a link that comes up is asked and told at once, then told again every 3.3 to 10 s", () => {
  const a = discovery(0);
  const effects = a.step(linkUp);
  expect(sent(effects)).toEqual(["solicitation to ff02::2", "advertisement 30 to ff02::1"]);
  expect(timers(effects)["advertise"]).toBeCloseTo(3300);
  expect(told(effects)).toEqual([[]]);
  const later = discovery(0.999).step(linkUp);
  expect(timers(later)["advertise"]).toBeGreaterThan(9900);
  expect(sent(a.step({ input: "timer", timer: "advertise" }))).toEqual([
    "advertisement 30 to ff02::1",
  ]);
});

describe("neighbors", () => {
  test("a router that is heard is told of, and answered once", () => {
    const a = discovery();
    a.step(linkUp);
    const effects = a.step(advertisement(peer));
    expect(told(effects)).toEqual([[peer]]);
    expect(sent(effects)).toEqual(["advertisement 30 to fe80::2"]);
    const again = a.step(advertisement(peer), 5000);
    expect([...told(again), ...sent(again)]).toEqual([]);
  });

  test("the one that came last is first", () => {
    const a = discovery();
    a.step(linkUp);
    a.step(advertisement(peer));
    expect(told(a.step(advertisement(other)))).toEqual([[other, peer]]);
    expect(told(a.step(advertisement(peer), 1000))).toEqual([]);
  });

  test("one that is not heard for its lifetime is forgotten", () => {
    const a = discovery();
    a.step(linkUp);
    expect(timers(a.step(advertisement(peer, 9)))["expire"]).toBe(9000);
    a.step(advertisement(other), 3000);
    expect(timers(a.step(advertisement(peer, 9), 3000))["expire"]).toBe(9000);
    const gone = a.step({ input: "timer", timer: "expire" }, 9000);
    expect(told(gone)).toEqual([[other]]);
    expect(timers(gone)["expire"]).toBe(30_000 - 12_000);
    expect(told(a.step({ input: "timer", timer: "expire" }, 18_000))).toEqual([[]]);
  });

  test("one that is no default router is a neighbor all the same", () => {
    const a = discovery();
    a.step(linkUp);
    const effects = a.step(advertisement(peer, 0));
    expect(told(effects)).toEqual([[peer]]);
    expect(timers(effects)["expire"]).toBe(1_800_000);
  });

  test("the link goes down and comes back: nobody is known to be there", () => {
    const a = discovery();
    a.step(linkUp);
    a.step(advertisement(peer));
    const down = a.step({ input: "linkDown" });
    expect(told(down)).toEqual([undefined]);
    expect(down.filter((effect) => effect.do === "clearTimer")).toHaveLength(2);
    expect(a.step({ input: "linkDown" })).toEqual([]);
    expect(a.step(advertisement(peer))).toEqual([]);
    expect(told(a.step(linkUp))).toEqual([[]]);
    expect(told(a.step({ input: "timer", timer: "advertise" }, 500))).toEqual([]);
  });

  test("a link that is not there at first is told of, once", () => {
    const a = discovery();
    expect(told(a.step({ input: "linkDown" }))).toEqual([undefined]);
    expect(a.step({ input: "linkDown" })).toEqual([]);
  });

  test("what is our own, or no advertisement, is nobody", () => {
    const a = discovery();
    a.step(linkUp);
    expect(a.step(advertisement(own))).toEqual([]);
    const broken: DiscoveryInput = { input: "received", from: peer, bytes: Uint8Array.of(134, 1) };
    expect(a.step(broken)).toMatchObject([{ do: "log", level: "debug" }]);
  });
});

describe("a link that has come back", () => {
  const back = (random?: number) => {
    const a = discovery(random);
    a.step(linkUp);
    a.step(advertisement(peer));
    a.step({ input: "linkDown" });
    return { ...a, effects: a.step(linkUp, 1000) };
  };
  const settled: DiscoveryInput = { input: "timer", timer: "advertise" };

  test("is let be for 250 to 500 ms, and then it is as at first", () => {
    expect(timers(back(0).effects)).toEqual({ advertise: 250 });
    expect(timers(back(0.999).effects)["advertise"]).toBeCloseTo(500, 0);
    const a = back(0);
    expect(sent(a.effects)).toEqual([]);
    const effects = a.step(settled, 250);
    expect(sent(effects)).toEqual(["solicitation to ff02::2", "advertisement 30 to ff02::1"]);
    expect(timers(effects)["advertise"]).toBeCloseTo(3300);
    // The first of those that are sent in turn.
    expect(sent(a.step(settled, 3300))).toEqual(["advertisement 30 to ff02::1"]);
  });

  test("who is heard meanwhile is told of, and answered, after it", () => {
    const a = back();
    const heard = a.step(advertisement(peer), 10);
    const asked = a.step({ input: "received", from: peer, bytes: encodeRouterSolicitation() });
    const moved = a.step({ ...linkUp, linkLocal: address("fe80::9") });
    for (const effects of [heard, asked, moved])
      expect([sent(effects), told(effects)]).toEqual([[], []]);
    expect(timers(moved)).toEqual({});
    const effects = a.step(settled, 365);
    expect(told(effects)).toEqual([[peer]]);
    expect(sent(effects)).toEqual(["solicitation to ff02::2", "advertisement 30 to ff02::1"]);
    expect(sent(a.step(advertisement(other)))).toEqual(["advertisement 30 to fe80::3"]);
  });

  test("is let be from the beginning when it went away again", () => {
    const a = back(0);
    expect(told(a.step({ input: "linkDown" }, 100))).toEqual([undefined]);
    expect(sent(a.step(linkUp, 100))).toEqual([]);
    expect(timers(a.step({ input: "linkDown" }))).toEqual({});
    expect(timers(a.step(linkUp))).toEqual({ advertise: 250 });
    expect(sent(a.step(settled, 250))).toHaveLength(2);
  });

  test("is the same one when it was not there at first", () => {
    const a = discovery();
    a.step({ input: "linkDown" });
    expect(sent(a.step(linkUp))).toEqual([]);
    expect(sent(a.step(settled, 375))).toHaveLength(2);
  });
});

test("of very many routers only so many are remembered, and those that were there stay", () => {
  const a = discovery();
  a.step(linkUp);
  a.step(advertisement(peer));
  for (let i = 0; i < 100; i++) a.step(advertisement(address(`fe80::1:${i}`)));
  const heard = told(a.step(linkUp)).concat(told(a.step(advertisement(other))));
  expect(heard).toEqual([]);
  // Known, so nothing is said about it.
  expect(a.step(advertisement(peer)).map((effect) => effect.do)).toEqual(["setTimer"]);
  a.step({ input: "timer", timer: "expire" }, 31_000);
  expect(told(a.step(advertisement(other)))).toEqual([[other]]);
});

test("a solicitation is answered: to whoever asked, or to all where it has no address", () => {
  const a = discovery();
  a.step(linkUp);
  const bytes = encodeRouterSolicitation();
  const asked = (from: Address) => sent(a.step({ input: "received", from, bytes }));
  expect(asked(peer)).toEqual(["advertisement 30 to fe80::2"]);
  expect(asked(address("::"))).toEqual(["advertisement 30 to ff02::1"]);
});

test("another address of ours is told at once", () => {
  const a = discovery();
  a.step(linkUp);
  a.step(advertisement(peer));
  const effects = a.step({ ...linkUp, linkLocal: address("fe80::9") });
  expect(sent(effects)).toContain("advertisement 30 to ff02::1");
  expect(told(effects)).toEqual([]);
});

test("the end is told, unless it is to be silent", () => {
  const begun = () => {
    const a = discovery();
    a.step(linkUp);
    return a;
  };
  expect(sent(begun().step({ input: "stop", silent: false }))).toEqual([
    "advertisement 0 to ff02::1",
  ]);
  expect(sent(begun().step({ input: "stop", silent: true }))).toEqual([]);
});

test("two of them find each other, whoever is first, though each may miss what the other says first", () => {
  fc.assert(
    fc.property(
      fc.nat(60_000),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (laterMs, random) => {
        const ends = [own, peer].map((at) => ({
          at,
          discovery: new RouterDiscovery(() => random),
          known: [] as readonly Address[],
        }));
        const queue: { atMs: number; run: () => void }[] = [];
        let nowMs = 0;
        const started = new Set<Address>();
        const step = (i: number, input: DiscoveryInput) => {
          for (const effect of ends[i]!.discovery.step(input, nowMs)) {
            if (effect.do === "neighbors") ends[i]!.known = effect.addresses ?? [];
            if (effect.do === "setTimer") {
              const { timer } = effect;
              queue.push({
                atMs: nowMs + effect.afterMs,
                run: () => step(i, { input: "timer", timer }),
              });
            }
            if (effect.do !== "send") continue;
            const received = { input: "received", from: ends[i]!.at, bytes: effect.bytes } as const;
            if (started.has(ends[1 - i]!.at)) {
              queue.push({ atMs: nowMs + 1, run: () => step(1 - i, received) });
            }
          }
        };
        for (const [i, atMs] of [0, laterMs].entries()) {
          const run = () => {
            started.add(ends[i]!.at);
            step(i, { input: "linkUp", linkLocal: ends[i]!.at, linkLayer });
          };
          queue.push({ atMs, run });
        }
        // A round trip after the second is there.
        for (;;) {
          queue.sort((a, b) => a.atMs - b.atMs);
          if (queue[0] === undefined || queue[0].atMs > laterMs + 3) break;
          nowMs = queue[0].atMs;
          queue.shift()!.run();
        }
        expect(ends.map(({ known }) => known)).toEqual([[peer], [own]]);
      },
    ),
    { numRuns: 50 },
  );
});
