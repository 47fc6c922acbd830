import { drawFaults } from "../scenario/events/chaos.ts";
import { seededRandom } from "../scenario/random.ts";
import type { EventOf, ScenarioEvent } from "../scenario/schema/types.ts";
import type { Fabric } from "../topology/fabric.ts";

/** What may break, and how. */
export type FaultOptions = {
  kinds: EventOf<"chaos">["of"];
  /** Faults of one seed. */
  count: number;
  /** They begin within so long. */
  overMs: number;
  /** One that heals lasts so long at most. */
  lastingMsMax: number;
  heal: "some" | "all" | "none";
};

const lastingMsMin = 100;

/**
 * The faults of a seed in order of time: events as scenarios have them, `afterMs` from one common beginning. Of
 * `some` every second one heals, by chance; a thing that breaks again later always heals before.
 */
export function drawPlan(fabric: Fabric, seed: number, options: FaultOptions): ScenarioEvent[] {
  const { kinds, count, overMs, lastingMsMax, heal } = options;
  const random = seededRandom(seed, "faults");
  const drawn = drawFaults(
    fabric,
    {
      ...{ kind: "chaos", source: `seed ${seed}`, afterMs: 0, times: 1 },
      ...{ faults: count, of: kinds, overMs, spare: [] },
      lastingMs: { atLeast: lastingMsMin, atMost: Math.max(lastingMsMin, lastingMsMax) },
    },
    random,
  );
  return drawn.map(({ keys, event }, i) => {
    const stays = heal === "none" || (heal === "some" && random() < 0.5);
    const breaksAgain = drawn
      .slice(i + 1)
      .some((one) => one.keys.some((key) => keys.includes(key)));
    if (!stays || breaksAgain) return event;
    const { undoAfterMs: _, ...lasting } = event;
    return lasting;
  });
}
