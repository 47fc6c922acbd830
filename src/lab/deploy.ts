import type { Runtime } from "../runtime/port.ts";
import type { FabricNode } from "../topology/fabric.ts";
import type { Backend, BuildOptions, LabCluster } from "./backend.ts";
import { runExecLines } from "./exec-lines.ts";
import type { LabSpec } from "./spec.ts";

export type DeployOptions = Pick<
  BuildOptions,
  "bmpStation" | "record" | "signal" | "onLinked" | "onDeath" | "onLost" | "onPodsChanged"
> & {
  spec: Pick<LabSpec, "name" | "fabric" | "manifests" | "installRoutes" | "stopped">;
  backend: Backend;
  /** The lab's own time. */
  nowMs: () => number;
  /** Where the exec lines run; there is none before the nodes are. */
  runtime: () => Runtime;
  /** The clusters are there, with nothing in them. */
  onBuilt: (clusters: LabCluster[]) => void;
  stopNode: (node: string) => Promise<void>;
  /** The exec lines of these nodes are done. */
  onRouters: (nodes: readonly string[]) => Promise<void>;
};

/** Makes a lab: nodes, links, exec lines, Kubernetes. On an error it is left as it is. */
export async function deploy(options: DeployOptions): Promise<void> {
  const { spec, backend, record } = options;
  const { fabric, manifests, stopped = [] } = spec;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const exec = (stage: string, nodes: readonly FabricNode[]) =>
    recordStage(options, stage, async () => {
      await runExecLines(nodes, options.runtime(), record, signal);
      return `${nodes.reduce((sum, node) => sum + node.exec.length, 0)} lines`;
    });
  const running = fabric.nodes.filter(({ name }) => !stopped.includes(name));
  const members = running.filter((node) => node.kubernetes);
  const routers = running.filter((node) => !node.kubernetes);
  let ofRouters = Promise.resolve();
  try {
    const clusters = await backend.build({
      ...{ lab: spec.name, fabric, manifests, installRoutes: spec.installRoutes === true },
      ...{ record, signal, bmpStation: options.bmpStation },
      onLinked: () => {
        options.onLinked();
        ofRouters = exec("exec", routers);
        // A cluster that is still being made is of no use then.
        ofRouters.catch((error: unknown) => failed.abort(error));
      },
      progress: (stage, state, detail) =>
        record({ type: "stage", stage, state, ...(detail !== undefined && { detail }) }),
      onDeath: options.onDeath,
      onLost: options.onLost,
      onPodsChanged: options.onPodsChanged,
    });
    options.onBuilt(clusters);
    await Promise.all(stopped.map((node) => options.stopNode(node)));
    signal.throwIfAborted();
    await allOrFirstError([
      ofRouters.then(() => options.onRouters(routers.map(({ name }) => name))),
      ...(members.length > 0 ? [exec("exec on Kubernetes nodes", members)] : []),
      ...clusters.map((cluster) =>
        recordStage(options, "kubernetes", async () => {
          await cluster.deploy(manifests, signal);
          return cluster.summary();
        }),
      ),
    ]);
  } catch (error) {
    failed.abort(error);
    await ofRouters.catch(() => {}); // It is the error, or was ended by it.
    throw error;
  }
}

async function recordStage(
  { record, nowMs }: Pick<DeployOptions, "record" | "nowMs">,
  stage: string,
  work: () => Promise<string>,
): Promise<void> {
  const beganMs = nowMs();
  record({ type: "stage", stage, state: "begin" });
  const detail = await work();
  record({ type: "stage", stage, state: "end", detail, tookMs: nowMs() - beganMs });
}

/** Waits for all, so that nothing is still being made when the error is reported. */
async function allOrFirstError(work: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
