import { Names } from "../observe/names.ts";
import type { LabCluster } from "../lab/backend.ts";
import { BmpListeners } from "../lab/bmp-listeners.ts";
import { DaemonWatch } from "../lab/daemon-watch.ts";
import { deploy } from "../lab/deploy.ts";
import { noAgents, noCluster } from "../lab/no-cluster.ts";
import { LabNodes } from "../lab/nodes.ts";
import { SimBackend } from "../lab/sim-backend.ts";
import type { LabSpec } from "../lab/spec.ts";
import type { LabContext } from "../scenario/context.ts";
import type { World } from "../sim/world.ts";
import type { Recorder } from "../timeline/record.ts";

/** A lab in virtual time by itself: no folder, no socket, no timeline, as many beside each other as there is memory for. */
export class SimulatedLab implements AsyncDisposable {
  readonly spec: LabSpec;
  readonly context: LabContext;
  /** What was said to be not simulated, or went wrong: `tor0: not simulated: …`. */
  readonly problems: readonly string[];
  readonly #backend: SimBackend;
  readonly #clusters: LabCluster[];

  private constructor(
    context: LabContext,
    made: { spec: LabSpec; backend: SimBackend; clusters: LabCluster[]; problems: string[] },
  ) {
    this.context = context;
    this.spec = made.spec;
    this.problems = made.problems;
    this.#backend = made.backend;
    this.#clusters = made.clusters;
  }

  /** The lab as `run --runtime sim --seed N` deploys it. Throws as that does. */
  static async up(spec: LabSpec, seed: number, signal: AbortSignal): Promise<SimulatedLab> {
    const backend = new SimBackend(seed);
    const { runtime, clock } = backend;
    const { fabric } = spec;
    const problems = new Set<string>();
    const record: Recorder = (body) => {
      if (body.type === "log" && body.level !== "info") problems.add(body.message);
      if (body.type === "failure") problems.add(body.message);
    };
    let clusters: LabCluster[] = [];
    const bmp = new BmpListeners({ runtime: () => runtime, listenIn: undefined, record });
    const nodes = new LabNodes({
      ...{ bmp, fabric, record, runtime: () => runtime, clusters: () => clusters },
      daemons: new DaemonWatch(backend, () => {}),
      onChanged: () => {},
    });
    try {
      await deploy({
        nowMs: () => backend.clock.nowMs(),
        ...{ spec, backend, record, signal, runtime: () => runtime },
        bmpStation: (node) => bmp.stationOf(node),
        onLinked: () => {},
        onBuilt: (built) => {
          clusters = built;
        },
        stopNode: (node) => nodes.stop(node),
        onRouters: async () => {},
        onDeath: () => {},
        onLost: () => {},
        onPodsChanged: () => {},
      });
    } catch (error) {
      await close(backend, clusters);
      throw error;
    }
    const [cluster] = clusters;
    const context: LabContext = {
      ...{ bmp, fabric, runtime, clock, seed, signal, nodes },
      kube: cluster?.port ?? noCluster,
      agents: cluster?.agents ?? noAgents,
      recorder: record,
      names: new Names(runtime, fabric),
    };
    return new SimulatedLab(context, { spec, backend, clusters, problems: [...problems] });
  }

  get world(): World {
    return this.#backend.runtime.world;
  }

  get clusters(): readonly LabCluster[] {
    return this.#clusters;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await close(this.#backend, this.#clusters);
  }
}

async function close(backend: SimBackend, clusters: readonly LabCluster[]): Promise<void> {
  await backend.down();
  await Promise.all(clusters.map((each) => each.close()));
}
