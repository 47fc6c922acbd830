import { type Controllers, startControllers } from "../kube/controllers/controllers.ts";
import type { KubeApi } from "../kube/server/kube-api.ts";
import type { KubePort } from "../scenario/context.ts";
import { type Cluster, type Fabric, findNode } from "../topology/fabric.ts";

export type ControlPlaneOptions = {
  api: KubeApi;
  fabric: Fabric;
  cluster: Cluster;
  onError: (what: string, error: unknown) => void;
  /** The API server goes with its nodes, and comes back with them. */
  suspend: () => void;
  resume: () => Promise<void>;
};

/** API server and controllers of a cluster, as long as enough of the nodes that they are on are up. */
export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #nodes: string[];
  /** Nodes without power. */
  readonly #stopped = new Set<string>();
  readonly #paused = new Set<string>();
  #controllers: Controllers | undefined;
  #isDown = false;

  constructor(options: ControlPlaneOptions) {
    const { cluster, fabric } = options;
    this.#options = options;
    const roleOf = (node: string) => findNode(fabric, node)?.kubernetes?.role;
    this.#nodes = cluster.nodes.filter((node) => roleOf(node) === "control-plane");
  }

  /** The controllers. */
  start(): void {
    const { api, cluster, onError } = this.#options;
    const controllers = startControllers(api, onError, cluster);
    for (const node of cluster.nodes) {
      const isSilent = this.#stopped.has(node) || this.#paused.has(node);
      controllers.nodes[isSilent ? "silent" : "heard"](node);
    }
    this.#controllers = controllers;
  }

  stop(): void {
    this.#controllers?.stop();
    this.#controllers = undefined;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  isStopped(node: string): boolean {
    return this.#stopped.has(node);
  }

  nodeStopping(node: string): void {
    this.#stopped.add(node);
    this.#controllers?.nodes.silent(node);
    if (this.#isDown || this.#hasQuorum) return;
    this.#isDown = true;
    this.stop();
    this.#options.suspend();
  }

  /** The node is up; `heard` says when its kubelet is. */
  async nodeStarting(node: string): Promise<void> {
    this.#stopped.delete(node);
    if (!this.#isDown || !this.#hasQuorum) return;
    await this.#options.resume();
    this.#isDown = false;
    this.start();
  }

  nodePaused(node: string): void {
    this.#paused.add(node);
    this.#controllers?.nodes.silent(node);
  }

  heard(node: string): void {
    this.#paused.delete(node);
    this.#controllers?.nodes.heard(node);
  }

  /** Where a pod is a lab knows by itself: it can be pinged without the API. All else is refused while that is down. */
  orDown(port: KubePort): KubePort {
    const down = () => {
      const nodes = this.#nodes.filter((each) => this.#stopped.has(each)).join(", ");
      return Promise.reject(new Error(`the API server does not answer: ${nodes} is stopped`));
    };
    const pods = async (namespace?: string) =>
      this.#options.api.list("pods", namespace === undefined ? {} : { namespace });
    return {
      ...port,
      get: (...of) => (this.#isDown ? down() : port.get(...of)),
      apply: (...of) => (this.#isDown ? down() : port.apply(...of)),
      patch: (...of) => (this.#isDown ? down() : port.patch(...of)),
      delete: (...of) => (this.#isDown ? down() : port.delete(...of)),
      list: (...of) => (this.#isDown ? down() : port.list(...of)),
      listPods: (...of) => (this.#isDown ? pods(...of) : port.listPods(...of)),
    };
  }

  /** As etcd has it: more than half of the nodes are up. */
  get #hasQuorum(): boolean {
    const up = this.#nodes.filter((each) => !this.#stopped.has(each));
    return up.length * 2 > this.#nodes.length;
  }
}
