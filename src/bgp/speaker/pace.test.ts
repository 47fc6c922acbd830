import { expect, it } from "vitest";
import type { Effect } from "./effect.ts";
import { PacedChanges } from "./pace.ts";

it("the first change waits, those after it come along, and the next waits anew", () => {
  const effects: Effect[] = [];
  const pace = { changesMs: 50, firstUpdateMs: 1000, firstUpdatePerPeerMs: 50 };
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
