import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../kube/object.ts";
import { seededRandom } from "../scenario/random.ts";
import { measuredFile, readTiming } from "../sim/frr/timing.ts";
import { clusterResources } from "../sim/scale/kubernetes-nodes.ts";
import { runScale, type ScaleOptions } from "../sim/scale/scale-run.ts";
import { routersOf } from "../topology/leaf-spine/routers.ts";
import { type Tables, tablesIn } from "./scale-tables.testkit.ts";

/**
 * Speakers of a large fabric share what is equal: numbers of prefixes, attribute sets, what was read of a message. None
 * of that may be seen from outside.
 */
const fabrics = fc
  .record({
    racks: fc.integer({ min: 1, max: 7 }),
    nodesPerRack: fc.integer({ min: 1, max: 4 }),
    spines: fc.integer({ min: 1, max: 4 }),
    uplinks: fc.integer({ min: 1, max: 3 }),
    superspines: fc.integer({ min: 1, max: 2 }),
  })
  .map((of) => ({ ...of, uplinks: Math.min(of.uplinks, of.spines) }));

test("speakers that share what is equal have the tables, and send the messages, of speakers that share nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fabrics,
      fc.nat({ max: 3 }),
      fc.nat(),
      fc.integer({ min: 1, max: 1000 }),
      async (fabric, services, which, seed) => {
        const routers = routersOf(fabric);
        const lose = routers[which % routers.length]!.name;
        const of = { fabric, services, lose, seed };
        const [together, alone] = [await play(of, true), await play(of, false)];
        expect(together.size).toBe(3);
        expect(together).toEqual(alone);
      },
    ),
    { numRuns: 12 },
  );
}, 120_000);

type Played = Pick<ScaleOptions, "fabric" | "services" | "lose"> & { seed: number };

/** After each stage, what was sent in it and all tables then. */
async function play(
  { seed, ...of }: Played,
  sharesTables: boolean,
): Promise<Map<string, { sent: object; tables: Map<string, Tables> }>> {
  const stages = new Map<string, { sent: object; tables: Map<string, Tables> }>();
  await runScale({
    ...of,
    sharesTables,
    resources: clusterResources(objects),
    timing: readTiming(measuredFile),
    random: seededRandom(seed, "world"),
    signal: new AbortController().signal,
    onStage: ({ name, realMs: _, cpuMs: __, memoryBytes: ___, ...sent }, built) => {
      stages.set(name, { sent, tables: tablesIn(built) });
    },
  });
  return stages;
}

const bgp = new URL("../../labs/leaf-spine/bgp.yaml", import.meta.url).pathname;
const objects = parseAllDocuments(readFileSync(bgp, "utf8")).map(
  (document) => document.toJS() as KubeObject,
);
