import type { Runtime } from "../runtime/port.ts";
import type { NodePort } from "../scenario/context.ts";
import type { Recorder } from "../timeline/record.ts";
import { type Fabric, findNode } from "../topology/fabric.ts";
import type { LabCluster } from "./backend.ts";
import type { BmpListeners } from "./bmp-listeners.ts";
import type { DaemonWatch } from "./daemon-watch.ts";
import { runExecLinesOf } from "./exec-lines.ts";

export type LabNodesOptions = {
  fabric: Fabric;
  runtime: () => Runtime;
  clusters: () => readonly LabCluster[];
  daemons: DaemonWatch;
  bmp: BmpListeners;
  record: Recorder;
  /** Other commands find the way into a node by what the state folder says. */
  onChanged: () => void;
};

/** The nodes of a lab as machines that are switched off and on. */
export class LabNodes implements NodePort {
  readonly #options: LabNodesOptions;

  constructor(options: LabNodesOptions) {
    this.#options = options;
  }

  async stop(node: string): Promise<void> {
    const { bmp, daemons, runtime, onChanged } = this.#options;
    daemons.expect(node, undefined);
    this.#clusterOf(node)?.nodeStopping(node);
    await runtime().stopNode(node);
    bmp.nodeStopped(node);
    onChanged();
  }

  async start(node: string): Promise<void> {
    const { bmp, fabric, runtime, record, onChanged } = this.#options;
    await runtime().startNode(node);
    onChanged();
    await runExecLinesOf(findNode(fabric, node)!, runtime(), record);
    await bmp.look([node]);
    await this.#clusterOf(node)?.nodeStarted(node);
  }

  async pause(node: string): Promise<void> {
    await this.#signalAll(node, "STOP");
    this.#clusterOf(node)?.nodePaused(node);
  }

  async unpause(node: string): Promise<void> {
    await this.#signalAll(node, "CONT");
    this.#clusterOf(node)?.nodeUnpaused(node);
  }

  expectDaemonToEnd(node: string, daemon: string | undefined): void {
    this.#options.daemons.expect(node, daemon);
  }

  #clusterOf(node: string): LabCluster | undefined {
    const { fabric, clusters } = this.#options;
    const name = findNode(fabric, node)?.kubernetes?.cluster;
    const index = fabric.clusters.findIndex((each) => each.name === name);
    return index < 0 ? undefined : clusters()[index];
  }

  /** kill -1 reaches every process of the node's PID namespace but its init and the shell itself. */
  async #signalAll(node: string, signal: "STOP" | "CONT"): Promise<void> {
    const argv = ["sh", "-c", `kill -${signal} -1`];
    const { exitCode, stderr } = await this.#options.runtime().exec({ node }, argv);
    if (exitCode !== 0) throw new Error(`${node}: kill -${signal} -1: ${stderr.trim()}`);
  }
}
