import { drive } from "../sim/drive.ts";
import { measuredFile, readTiming } from "../sim/frr/timing.ts";
import { SimPods } from "../sim/kubernetes/pods.ts";
import { podNode, SimRuntime } from "../sim/runtime.ts";
import { World } from "../sim/world.ts";
import type { Clock } from "../scenario/clock.ts";
import { seededRandom } from "../scenario/random.ts";
import type { Backend, BuildOptions, Entry, LabCluster, PodEntry, TimeGone } from "./backend.ts";
import { simulatedKubernetes } from "./kubernetes-simulated.ts";

/** Routes are still when none moved for so long. */
const stillMs = 2_000;
const lookEveryMs = 100;
/** More than a hold time of FRR's datacenter defaults, or of Cilium's. */
const stillWithinMs = 120_000;

/** Nodes and pods in virtual time. */
export class SimBackend implements Backend {
  readonly runtime: SimRuntime;
  readonly daemonLookEveryMs = 250;
  readonly clock: Clock;

  constructor(seed: number) {
    const world = new World(seededRandom(seed, "world"));
    drive(world);
    this.runtime = new SimRuntime({
      ...{ world, timing: readTiming(measuredFile) },
      onProblem: (node, message) => this.#onProblem(node, message),
    });
    this.clock = {
      nowMs: () => world.clock.nowMs,
      wait: (ms, signal) => world.sleep(ms, signal),
      performanceAtZeroMs: 0,
      unixAtZeroMs: this.runtime.unixAtZeroMs,
    };
  }

  #onProblem: (node: string, message: string) => void = () => {};
  #nodes: readonly string[] = [];
  /** Of each cluster. */
  readonly #pods: SimPods[] = [];

  async build(options: BuildOptions): Promise<LabCluster[]> {
    this.#onProblem = (node, message) =>
      options.record({ type: "log", level: "warn", message: `${node}: not simulated: ${message}` });
    await this.runtime.up(options.fabric, options.progress);
    this.#nodes = options.fabric.nodes.map(({ name }) => name);
    options.onLinked();
    return options.fabric.clusters.map((cluster) => {
      const sandboxes = new SimPods(this.runtime.world);
      this.#pods.push(sandboxes);
      return simulatedKubernetes({ ...options, cluster, runtime: this.runtime, sandboxes });
    });
  }

  entries(): { nodes: Record<string, Entry>; pods: Record<string, PodEntry> } {
    const nodes = this.#nodes.map((node) => [node, { simulated: { node } }]);
    const pods = this.#pods
      .flatMap((each) => each.list())
      .map(({ node, ...pod }) => [podNode(pod), { simulated: { node, pod }, node }]);
    return { nodes: Object.fromEntries(nodes), pods: Object.fromEntries(pods) };
  }

  async untilStill(atLeastMs: number, signal: AbortSignal): Promise<TimeGone> {
    const { world } = this.runtime;
    const beganMs = world.clock.nowMs;
    const goneMs = () => world.clock.nowMs - beganMs;
    const isStill = () =>
      world.clock.nowMs - world.routesMovedAtMs >= stillMs && !world.tcp.isRetransmitting;
    while (goneMs() < atLeastMs || (goneMs() < stillWithinMs && !isStill())) {
      await world.sleep(lookEveryMs, signal);
    }
    return { goneMs: Math.round(goneMs()), isStill: isStill() };
  }

  /** None that could end by itself. */
  async daemons(): Promise<Map<string, string>> {
    return new Map();
  }

  down(): Promise<void> {
    return this.runtime.down();
  }
}
