import { setImmediate } from "node:timers/promises";
import { SharedTables } from "../../bgp/speaker/ribs.ts";
import type { LeafSpine } from "../../topology/leaf-spine/parameters.ts";
import type { FrrTiming } from "../frr/timing.ts";
import { buildFabric, type SimFabric } from "./fabric-build.ts";
import type { ClusterResources } from "./kubernetes-nodes.ts";
import type { Host } from "./host.ts";
import { drawFlows, type FlowOutcome, FlowWatch } from "./flow-watch.ts";

export type ScaleOptions = {
  fabric: LeafSpine;
  /** Of type LoadBalancer, announced by every node. */
  services: number;
  resources: ClusterResources;
  timing: FrrTiming;
  random: () => number;
  /** False: each speaker has tables of its own, as real ones have; what is the outcome is the same. */
  sharesTables?: boolean;
  /** The router that loses its power and has it back; undefined: none. */
  lose: string | undefined;
  /** Ends the run early: what was found so far is returned. */
  signal: AbortSignal;
  onBegin?: (stage: Pick<ScaleStage, "name" | "what">) => void;
  /** Now and then on the way: virtual time since the stage began, and routes announced and withdrawn in it. */
  onProgress?: (of: { virtualMs: number; routes: number }) => void;
  /** At the end of each, with the fabric as it is then. */
  onStage: (stage: ScaleStage, fabric: SimFabric) => void;
};

/** One part of a run, in figures. Times in milliseconds, memory in bytes. */
export type ScaleStage = {
  name: "cold start" | "loss" | "return";
  /** What happened: `spine0 loses its power`. */
  what: string;
  /** Whether everything came to rest. */
  isAtRest: boolean;
  /** Routers whose routes still changed at the end, where it did not, and was not ended early. */
  restless: string[];
  realMs: number;
  /** CPU time of all threads of this process. */
  cpuMs: number;
  /** From what happened to the last route that changed anywhere. */
  convergenceMs: number;
  sessions: number;
  /** Paths that routers hold in their adj-rib-ins. */
  paths: number;
  /** Sent in this stage. */
  updates: number;
  updateBytes: number;
  otherMessages: number;
  announced: number;
  withdrawn: number;
  memoryBytes: number;
  /** Between pods drawn by chance. */
  flows?: FlowOutcome;
  /** In the order superspines, spines, ToRs. `changedAfterMs`: when it last forwarded otherwise; absent: never. */
  routers: { name: string; isUp: boolean; changedAfterMs?: number }[];
  /** Routes announced and withdrawn in each `binMs` of virtual time, until the last. */
  pace: { binMs: number; routes: number[] };
};

export type ScaleOutcome = {
  fabric: LeafSpine;
  services: number;
  nodes: number;
  routers: number;
  buildMs: number;
  stages: ScaleStage[];
  isWhole: boolean;
  peakMemoryBytes: number;
  /** Of this process since its start, all threads. */
  cpuSeconds: number;
};

/** An agent's start after its machine's, and within how long all of a cluster's are started. */
const agentStartMs = { first: 150, within: 1000 };
/** Nothing has changed for so long: longer than a hold timer. */
const restMs = 15_000;
/** A fabric that is not at rest then is taken to have none. */
const restLimitMs = 600_000;
const paceBinMs = 20;
/** Real time between two looks at signals. */
const sliceMs = 100;
const flowsMax = 1000;
const destinationsMax = 100;

/**
 * About how much memory a run takes: measured (docs/scale.md), and more rather than less. What grows with the square
 * of the fabric are the ToRs' tables: each has every prefix once for each of its uplinks.
 */
export function estimatedBytes(fabric: LeafSpine, services: number): number {
  const { racks, nodesPerRack, uplinks, spines } = fabric;
  const nodes = racks * nodesPerRack;
  const pathsOfTors = racks * uplinks * (nodes + services);
  const pathsOfSpines = spines * (2 * nodes + racks * uplinks * services);
  const ofNodes = nodes * (perNodeBytes + services * perNodeServiceBytes);
  return perProcessBytes + ofNodes + (pathsOfTors + pathsOfSpines) * perPathBytes;
}

const perProcessBytes = 220 * 2 ** 20;
const perNodeBytes = 80 * 2 ** 10;
/** What a node's agent makes of a Service, and its ToR's path to it. */
const perNodeServiceBytes = 1200;
const perPathBytes = 44;

/** Switches a generated fabric on, waits until its routes are at rest, and takes one router away and gives it back. */
export async function runScale(options: ScaleOptions): Promise<ScaleOutcome> {
  const { fabric, services, resources, timing, random, lose, signal, onStage } = options;
  const beganMs = performance.now();
  const built = buildFabric({ fabric, services, resources, timing, random });
  const outcome: ScaleOutcome = {
    ...{ fabric, services, nodes: built.nodes.length, routers: built.routers.length },
    buildMs: performance.now() - beganMs,
    ...{ stages: [], isWhole: false, peakMemoryBytes: 0, cpuSeconds: 0 },
  };
  const run = new Stages(built, options);
  const add = (stage: ScaleStage) => {
    outcome.stages.push(stage);
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    outcome.peakMemoryBytes = maxRSS * 1024;
    outcome.cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
    onStage(stage, built);
  };
  add(await run.stage("cold start", "everything is switched on", () => powerOn(built, options)));
  const lost = built.routers.find(({ name }) => name === lose);
  if (lost !== undefined && !signal.aborted) {
    const flows = drawFlows(fabric, { flows: flowsMax, destinations: destinationsMax, random });
    const watch = new FlowWatch(built, fabric, flows);
    add(await run.stage("loss", `${lost.name} loses its power`, () => lost.powerOff(), watch));
    if (!signal.aborted) {
      const speakerOptions = { ...optionsOf(options), ...routerOptions(built, options) };
      const back = () => lost.powerOn(speakerOptions);
      add(await run.stage("return", `${lost.name} has its power back`, back, watch));
    }
  }
  outcome.isWhole = !signal.aborted;
  return outcome;
}

function optionsOf({ random }: ScaleOptions) {
  return { restarting: false, softwareVersion: "spinelab", random };
}

/** They share their tables: nearly all of them have routes to nearly all prefixes. */
function routerOptions({ shared, world: { timing } }: SimFabric, { sharesTables }: ScaleOptions) {
  return { ...(sharesTables !== false && { shared }), pace: timing };
}

function powerOn(built: SimFabric, options: ScaleOptions): void {
  const { world, routers, nodes, shared } = built;
  const speaker = optionsOf(options);
  const ofRouters = { ...speaker, ...routerOptions(built, options) };
  for (const router of routers) router.powerOn(ofRouters);
  const { nodesPerRack } = options.fabric;
  // Nodes of a rack share small tables of their own: none of them has more than its own prefixes and the default.
  let ofRack = new SharedTables(shared.pool);
  for (const [i, node] of nodes.entries()) {
    if (i % nodesPerRack === 0) ofRack = new SharedTables(shared.pool);
    const own = options.sharesTables === false ? speaker : { ...speaker, shared: ofRack };
    const atMs = agentStartMs.first + agentStartMs.within * options.random();
    world.clock.setTimer(atMs, () => node.powerOn(own));
  }
}

class Stages {
  readonly #fabric: SimFabric;
  readonly #options: Pick<ScaleOptions, "signal" | "onBegin" | "onProgress">;

  constructor(fabric: SimFabric, options: Pick<ScaleOptions, "signal" | "onBegin" | "onProgress">) {
    this.#fabric = fabric;
    this.#options = options;
  }

  async stage(
    name: ScaleStage["name"],
    what: string,
    happen: () => void,
    watch?: FlowWatch,
  ): Promise<ScaleStage> {
    const { world, routers } = this.#fabric;
    const { clock, counts } = world;
    this.#options.onBegin?.({ name, what });
    const realBeganMs = performance.now();
    const cpuBegan = process.cpuUsage();
    const beganMs = clock.nowMs;
    const before = { ...counts };
    watch?.begin();
    happen();
    watch?.look();
    const { isAtRest, pace } = await this.#untilRest();
    const isRestless = !isAtRest && !this.#options.signal.aborted;
    const changedAtMs = Math.max(beganMs, ...routers.map((router) => router.changedAtMs));
    const flows = watch?.end();
    return {
      ...{ name, what, isAtRest },
      restless: isRestless
        ? routers.filter((of) => clock.nowMs - of.changedAtMs < restMs).map((of) => of.name)
        : [],
      realMs: performance.now() - realBeganMs,
      cpuMs: cpuMsSince(cpuBegan),
      convergenceMs: changedAtMs - beganMs,
      ...held(this.#fabric),
      updates: counts.updates - before.updates,
      updateBytes: counts.updateBytes - before.updateBytes,
      otherMessages: counts.others - before.others,
      announced: counts.announced - before.announced,
      withdrawn: counts.withdrawn - before.withdrawn,
      memoryBytes: process.memoryUsage().rss,
      ...(flows !== undefined && { flows }),
      routers: routers.map((router) => routerOutcome(router, beganMs)),
      pace,
    };
  }

  async #untilRest(): Promise<Pick<ScaleStage, "isAtRest" | "pace">> {
    const { world } = this.#fabric;
    const { clock, counts } = world;
    const { signal, onProgress } = this.#options;
    const beganMs = clock.nowMs;
    const routesBefore = counts.announced + counts.withdrawn;
    const pace = { binMs: paceBinMs, routes: [] as number[] };
    let routesSeen = routesBefore;
    let updates = counts.updates;
    let quietSinceMs = clock.nowMs;
    let lookAtMs = 0;
    for (;;) {
      if (performance.now() >= lookAtMs) {
        await setImmediate();
        if (signal.aborted) return { isAtRest: false, pace };
        const routes = counts.announced + counts.withdrawn - routesBefore;
        onProgress?.({ virtualMs: clock.nowMs - beganMs, routes });
        lookAtMs = performance.now() + sliceMs;
      }
      if (!clock.step()) return { isAtRest: true, pace };
      if (counts.updates !== updates) {
        updates = counts.updates;
        quietSinceMs = clock.nowMs;
        const bin = Math.floor((clock.nowMs - beganMs) / paceBinMs);
        while (pace.routes.length <= bin) pace.routes.push(0);
        const routes = counts.announced + counts.withdrawn;
        pace.routes[bin]! += routes - routesSeen;
        routesSeen = routes;
      } else if (clock.nowMs - quietSinceMs > restMs) return { isAtRest: true, pace };
      if (clock.nowMs - beganMs > restLimitMs) return { isAtRest: false, pace };
    }
  }
}

function routerOutcome({ name, speaker, changedAtMs }: Host, sinceMs: number) {
  const isUp = speaker !== undefined;
  const hasChanged = isUp && changedAtMs > sinceMs;
  return { name, isUp, ...(hasChanged && { changedAfterMs: changedAtMs - sinceMs }) };
}

/** Sessions have two ends, and each router–router session is counted at both. */
function held({ routers, nodes }: SimFabric): Pick<ScaleStage, "sessions" | "paths"> {
  let ends = 0;
  let paths = 0;
  for (const { speaker, kind } of [...routers, ...nodes]) {
    const counts = speaker?.counts;
    if (counts === undefined) continue;
    ends += counts.established;
    if (kind === "router") paths += counts.received;
  }
  return { sessions: ends / 2, paths };
}

function cpuMsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}
