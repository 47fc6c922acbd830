import { drive } from "../sim/drive.ts";
import { measuredFile, readTiming } from "../sim/frr/timing.ts";
import { SimRuntime } from "../sim/runtime.ts";
import { World } from "../sim/world.ts";
import type { Clock } from "../scenario/clock.ts";
import { seededRandom } from "../scenario/random.ts";
import type { Backend, BuildOptions, Entry, LabCluster, PodEntry } from "./backend.ts";
import { simulatedKubernetes } from "./kubernetes-simulated.ts";

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

  async build(options: BuildOptions): Promise<LabCluster[]> {
    this.#onProblem = (node, message) =>
      options.record({ type: "log", level: "warn", message: `${node}: not simulated: ${message}` });
    await this.runtime.up(options.fabric, options.progress);
    options.onLinked();
    return options.fabric.clusters.map((cluster) =>
      simulatedKubernetes({ ...options, cluster, runtime: this.runtime }),
    );
  }

  entries(): { nodes: Record<string, Entry>; pods: Record<string, PodEntry> } {
    return { nodes: {}, pods: {} };
  }

  /** None that could end by itself. */
  async daemons(): Promise<Map<string, string>> {
    return new Map();
  }

  down(): Promise<void> {
    return this.runtime.down();
  }
}
