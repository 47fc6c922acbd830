import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../random.ts";
import type { EventOf } from "../schema/types.ts";
import { fabric } from "../testing/fake-lab.ts";
import { eventOf } from "../testing/read-scenario.ts";
import { drawFaults } from "./chaos.ts";
import { eventText } from "./table.ts";

const chaos = (fields: string) => eventOf(`chaos: { ${fields} }`) as EventOf<"chaos">;
const event = chaos(
  "faults: 6, of: [link, agent, node, partition], over: 10s, lasting: { atLeast: 100ms, atMost: 2s }, spare: [tor0]",
);
const drawWithKeys = (seed: number, of = event) => drawFaults(fabric, of, seededRandom(seed, "1"));
const draw = (seed: number, of = event) => drawWithKeys(seed, of).map((one) => one.event);

test("the same seed draws the same faults, another one others", () => {
  expect(draw(8123)).toEqual(draw(8123));
  expect(draw(8123).map(eventText)).not.toEqual(draw(8124).map(eventText));
});

test("within the time, each as long as asked, nothing twice at a time, and what is spared is", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const faults = draw(seed);
      expect(faults).toHaveLength(6);
      for (const [i, { afterMs, undoAfterMs, ...fault }] of faults.entries()) {
        expect(afterMs).toBeGreaterThanOrEqual(faults[i - 1]?.afterMs ?? 0);
        expect(afterMs).toBeLessThanOrEqual(10_000);
        expect(undoAfterMs).toBeGreaterThanOrEqual(100);
        expect(undoAfterMs).toBeLessThanOrEqual(2000);
        expect(JSON.stringify(fault)).not.toContain("tor0");
      }
      for (const { keys, event: one } of drawWithKeys(seed)) {
        const meeting = drawWithKeys(seed).filter(
          (other) =>
            other.keys.some((key) => keys.includes(key)) &&
            other.event.afterMs <= one.afterMs &&
            one.afterMs <= other.event.afterMs + other.event.undoAfterMs!,
        );
        expect(meeting).toHaveLength(1);
      }
    }),
  );
});

test("more faults than things to break at a time are refused", () => {
  const many = chaos("faults: 9, of: [agent], over: 0s, lasting: { atLeast: 10s, atMost: 20s }");
  expect(() => draw(1, many)).toThrow("so many do not fit");
  const none = chaos(
    "faults: 1, of: [agent], over: 1s, lasting: { atMost: 1s }, spare: [kind-worker, kind-worker3]",
  );
  expect(() => draw(1, none)).toThrow("nothing is left to break");
});
