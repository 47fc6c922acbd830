import type { NodeObject } from "../kube/kinds.ts";
import type { KubeApi } from "../kube/server/kube-api.ts";
import { type ForwardingPlan, forwardingPlan } from "../kube/services/forwarding.ts";
import type { EndpointSlice, Service } from "../kube/services/service.ts";

const slices = "endpointslices.discovery.k8s.io";
const resources: ReadonlySet<string> = new Set(["services", "nodes", slices]);

export type ServiceForwardingOptions = {
  api: KubeApi;
  nodes: readonly string[];
  /** Makes a node forward so, in place of what it did before. */
  forward: (node: string, plan: ForwardingPlan) => Promise<void>;
  onError: (what: string, error: unknown) => void;
};

/** kube-proxy for every node of a cluster: what it does follows services and endpoints. */
export class ServiceForwarding {
  readonly #options: ServiceForwardingOptions;
  readonly #unsubscribe: () => void;
  /** What each node has. Without a service it has nothing. */
  readonly #applied = new Map<string, string>();
  /** Nodes without power. */
  readonly #absent = new Set<string>();
  #changed = false;
  #working: Promise<void> | undefined;
  #stopped = false;

  constructor(options: ServiceForwardingOptions) {
    this.#options = options;
    this.#unsubscribe = options.api.subscribe(({ resource }) => {
      if (resources.has(resource)) this.#mark();
    });
  }

  /** Resolves when every node forwards by what there is now. */
  async settled(): Promise<void> {
    await this.#working;
  }

  nodeStopped(node: string): void {
    this.#absent.add(node);
    this.#applied.delete(node);
  }

  nodeStarted(node: string): void {
    this.#absent.delete(node);
    this.#mark();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    await this.#working;
  }

  #mark(): void {
    this.#changed = true;
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  async #work(): Promise<void> {
    // What changes in one turn of the event loop is one change.
    await new Promise(setImmediate);
    while (this.#changed && !this.#stopped) {
      this.#changed = false;
      await Promise.all(this.#options.nodes.map((node) => this.#apply(node)));
    }
  }

  async #apply(node: string): Promise<void> {
    const { api, forward, onError } = this.#options;
    if (this.#absent.has(node)) return;
    const services = api.list("services") as Service[];
    const before = this.#applied.get(node);
    if (services.length === 0 && before === undefined) return;
    const endpointSlices = api.list(slices) as EndpointSlice[];
    const nodes = api.list("nodes") as NodeObject[];
    const plan = forwardingPlan(services, endpointSlices, nodes, node);
    const text = JSON.stringify(plan);
    if (text === before) return;
    try {
      await forward(node, plan);
      if (!this.#stopped && !this.#absent.has(node)) this.#applied.set(node, text);
    } catch (error) {
      // A node that is going down takes no rules any more.
      if (!this.#stopped && !this.#absent.has(node))
        onError(`service forwarding of ${node}`, error);
    }
  }
}
