import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { SimulatedLab } from "../explore/simulated-lab.ts";
import type { KubeObject } from "../kube/object.ts";
import { loadLab } from "../lab/load.ts";
import { seededRandom } from "../scenario/random.ts";
import { measuredFile, readTiming } from "../sim/frr/timing.ts";
import { clusterResources, service } from "../sim/scale/kubernetes-nodes.ts";
import { runScale } from "../sim/scale/scale-run.ts";
import { podCidr, serviceAddress } from "../topology/leaf-spine/address-plan.ts";
import { namer, type Tables, tablesIn, tablesOf } from "./scale-tables.testkit.ts";

/**
 * The same small fabric, once as a lab in virtual time, with kernels, TCP, an API server, LB-IPAM and agents, and once
 * as a fabric of any size is simulated: after every stage each speaker has the same tables in both.
 */
const fabric = { racks: 5, nodesPerRack: 3, uplinks: 2, spines: 4, superspines: 2 };
const services = 2;
const lost = "spine1";
const seed = 7;

const folder = mkdtempSync(join(tmpdir(), "spinelab-scale-"));
afterAll(() => rmSync(folder, { recursive: true }));
const bgp = new URL("../../labs/leaf-spine/bgp.yaml", import.meta.url).pathname;

test("a simulated lab and a simulated fabric have equal tables when at rest, with a spine lost, and with it back", async () => {
  const asFabric = await tablesOfFabric();
  const asLab = await tablesOfLab();
  expect([...asLab.keys()]).toEqual([...asFabric.keys()]);
  for (const [stage, speakers] of asFabric) {
    expect(speakers.size).toBe(stage === "loss" ? 25 : 26);
    for (const [name, tables] of speakers) {
      expect({ name, stage, ...asLab.get(stage)!.get(name) }).toEqual({ name, stage, ...tables });
    }
  }
  // What is equal is not nothing.
  const tor = asFabric.get("cold start")!.get("tor0")!;
  expect(tor.available.length).toBeGreaterThan(2 * 15);
  expect(tor.forwards).toContain(`${podCidr(14)} up0 up1`);
}, 120_000);

type Stages = Map<string, Map<string, Tables>>;

async function tablesOfFabric(): Promise<Stages> {
  const objects = parseAllDocuments(readFileSync(bgp, "utf8")).map(
    (document) => document.toJS() as KubeObject,
  );
  const stages: Stages = new Map();
  await runScale({
    ...{ fabric, services, lose: lost, resources: clusterResources(objects) },
    timing: readTiming(measuredFile),
    random: seededRandom(seed, "world"),
    signal: new AbortController().signal,
    onStage: ({ name, isAtRest }, built) => {
      expect(isAtRest).toBe(true);
      stages.set(name, tablesIn(built));
    },
  });
  return stages;
}

async function tablesOfLab(): Promise<Stages> {
  const topology = join(folder, "fabric.yaml");
  const manifests = join(folder, "services.yaml");
  const { racks, uplinks, spines, superspines, nodesPerRack } = fabric;
  const numbers = { racks, uplinks, spines, superspines, "nodes-per-rack": nodesPerRack };
  writeFileSync(topology, JSON.stringify({ name: "fabric", "leaf-spine": numbers }));
  const pool = {
    apiVersion: "cilium.io/v2alpha1",
    kind: "CiliumLoadBalancerIPPool",
    metadata: { name: "services" },
    spec: { blocks: [{ start: serviceAddress(0), stop: serviceAddress(99) }] },
  };
  // Without the addresses, which LB-IPAM gives them.
  const withoutStatus = Array.from({ length: services }, (_, i) => {
    const { metadata, spec } = service(i);
    return { apiVersion: "v1", kind: "Service", metadata, spec };
  });
  writeFileSync(
    manifests,
    [pool, ...withoutStatus].map((each) => JSON.stringify(each)).join("\n---\n"),
  );
  const source = { topology, clusters: [], manifests: [bgp, manifests] };
  const { spec } = loadLab(source, "", { kind: "sim" });
  const { signal } = new AbortController();
  await using lab = await SimulatedLab.up(spec, seed, signal);
  expect(lab.problems).toEqual([]);
  const { world, context } = lab;
  const stages: Stages = new Map();
  const rest = async (stage: string) => {
    await world.sleep(30_000);
    const nameOf = namer(
      [...world.speakers].flatMap(({ node }) =>
        [...node.interfaces.values()].flatMap(({ linkLocal, addresses }) =>
          [
            ...(linkLocal === undefined ? [] : [linkLocal]),
            ...addresses.map((on) => on.address),
          ].map((at) => [at, node.name] as const),
        ),
      ),
    );
    const hosts = [...world.speakers].toSorted((a, b) => (a.node.name < b.node.name ? -1 : 1));
    stages.set(
      stage,
      new Map(
        hosts.map(({ node, speaker }) => {
          const own = node.fib.routes().filter(({ protocol }) => protocol === "bgp");
          const forwards = own.map(({ prefix, nextHops }) => {
            const hops = nextHops.map((hop) =>
              hop.interface === "rack" ? hop.address! : hop.interface,
            );
            return `${prefix} ${hops.sort().join(" ")}`;
          });
          return [node.name, { ...tablesOf(speaker, nameOf), forwards: forwards.sort() }];
        }),
      ),
    );
  };
  await rest("cold start");
  await context.nodes.stop(lost);
  await rest("loss");
  await context.nodes.start(lost);
  await rest("return");
  return stages;
}
