import { expect, it } from "vitest";
import type { Effect } from "./effect.ts";
import { PacedChanges } from "./pace.ts";

it("the first change waits, those after it come along, and the next waits anew", () => {
  const effects: Effect[] = [];
  const pace = {
    ...{ changesMs: 50, firstUpdateMs: 1000, firstUpdatePerPeerMs: 50, advertisementIntervalMs: 0 },
  };
  const paced = new PacedChanges(pace, (effect) => effects.push(effect));
  const asked = { do: "setTimer", timer: "0:changes", afterMs: 50 };
  expect(paced.mayTell(false, 0)).toBe(false);
  expect(effects).toEqual([]);
  expect([paced.mayTell(true, 0), paced.mayTell(true, 0)]).toEqual([false, false]);
  expect(effects).toEqual([asked]);
  paced.timer("0:selectionDeferral");
  expect(paced.mayTell(true, 0)).toBe(false);
  paced.timer("0:changes");
  expect(paced.mayTell(true, 0)).toBe(true);
  expect(paced.mayTell(true, 0)).toBe(false);
  expect(effects).toEqual([asked, asked]);
  expect(paced.firstUpdateMs(3)).toBe(1150);
});

it("what was told just before makes the next change wait for the advertisement interval", () => {
  const effects: Effect[] = [];
  const paced = new PacedChanges(
    { changesMs: 50, firstUpdateMs: 0, firstUpdatePerPeerMs: 0, advertisementIntervalMs: 5000 },
    (effect) => effects.push(effect),
  );
  const waits = () => effects.map((effect) => effect.do === "setTimer" && effect.afterMs);
  paced.mayTell(true, 1000);
  paced.timer("0:changes");
  expect(paced.mayTell(false, 1050)).toBe(true);
  paced.mayTell(true, 2050);
  expect(waits()).toEqual([50, 4000]);
  paced.timer("0:changes");
  expect(paced.mayTell(false, 6050)).toBe(true);
  paced.mayTell(true, 20_000);
  expect(waits()).toEqual([50, 4000, 50]);
});

it("without a pace nothing waits", () => {
  const paced = new PacedChanges(undefined, () => expect.unreachable());
  expect(paced.mayTell(true, 0)).toBe(true);
  expect(paced.firstUpdateMs(3)).toBe(0);
});
