import { expect, it } from "vitest";
import type { Effect } from "./effect.ts";
import { PacedChanges } from "./pace.ts";
import { configA, configB, TestNet } from "./two-speakers.testkit.ts";

it("the first change waits, those after it come along, and the next waits anew", () => {
  const effects: Effect[] = [];
  const pace = {
    changesMs: 50,
    firstUpdateMs: 1000,
    firstUpdatePerPeerMs: 50,
    exportPolicyMs: 100,
    announceInGroupMs: 500,
    defaultOriginateMs: 5000,
  };
  const paced = new PacedChanges(pace, (effect) => effects.push(effect));
  const asked = { do: "setTimer", timer: "0:changes", afterMs: 50 };
  expect(paced.mayTell(false)).toBe(false);
  expect(effects).toEqual([]);
  expect([paced.mayTell(true), paced.mayTell(true)]).toEqual([false, false]);
  expect(effects).toEqual([asked]);
  paced.timer("0:selectionDeferral");
  expect(paced.mayTell(true)).toBe(false);
  paced.timer("0:changes");
  expect(paced.mayTell(true)).toBe(true);
  expect(paced.mayTell(true)).toBe(false);
  expect(effects).toEqual([asked, asked]);
  expect(paced.firstUpdateMs(3)).toBe(1150);
});

it("without a pace nothing waits", () => {
  const paced = new PacedChanges(undefined, () => expect.unreachable());
  expect(paced.mayTell(true)).toBe(true);
  expect(paced.firstUpdateMs(3)).toBe(0);
});

it("where there is a pace, another export policy is sent by after a while, once, and not by a session that began anew", () => {
  const net = new TestNet();
  net.pace = {
    changesMs: 0,
    firstUpdateMs: 0,
    firstUpdatePerPeerMs: 0,
    exportPolicyMs: 100,
    announceInGroupMs: 500,
    defaultOriginateMs: 5000,
  };
  const a = net.add(configA({ originate: ["10.1.0.0/24"] }), "10.0.0.1");
  const b = net.add(configB(), "10.0.0.2");
  net.settle();
  const med = () => b.speaker.routesReceived().map(({ attributes }) => attributes.med);
  const configured = (value: number) =>
    net.configure(
      a,
      configA({
        originate: ["10.1.0.0/24"],
        peer: { exportPolicy: [{ name: "med", action: "accept", set: { med: value } }] },
      }),
    );
  configured(7);
  net.run(60);
  configured(8);
  net.run(30);
  expect(med()).toEqual([undefined]);
  net.run(20);
  expect(med()).toEqual([8]);
  // What waits for the session that ends is of no matter to the next.
  configured(9);
  net.reset();
  net.settle();
  expect(med()).toEqual([9]);
  expect([...a.timers.keys()].filter((timer) => timer.includes("announce"))).toEqual([]);
});
