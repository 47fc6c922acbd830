import { RouteWatch } from "../../sys/route-watch.ts";
import type { RouteChange } from "../port.ts";

type Follower = {
  nodes: ReadonlySet<string>;
  onChange: (change: RouteChange) => void;
  stops: Map<string, () => void>;
};

/** Who hears of which nodes' routes, across stops and starts of the nodes. */
export class NodeRoutes {
  readonly #namespaceOf: (node: string) => string | undefined;
  readonly #followers = new Set<Follower>();
  #watch: RouteWatch | undefined;

  /** `namespaceOf`: a file such as /proc/PID/ns/net; undefined while the node is stopped. */
  constructor(namespaceOf: (node: string) => string | undefined) {
    this.#namespaceOf = namespaceOf;
  }

  follow(nodes: readonly string[], onChange: (change: RouteChange) => void): () => void {
    const follower = { nodes: new Set(nodes), onChange, stops: new Map() };
    this.#followers.add(follower);
    for (const node of nodes) this.#begin(follower, node);
    return () => {
      this.#followers.delete(follower);
      for (const stop of follower.stops.values()) stop();
    };
  }

  /** A socket would keep the stopped node's namespace. */
  nodeStopped(node: string): void {
    for (const { stops } of this.#followers) {
      stops.get(node)?.();
      stops.delete(node);
    }
  }

  nodeStarted(node: string): void {
    for (const follower of this.#followers) {
      if (follower.nodes.has(node)) this.#begin(follower, node);
    }
  }

  close(): void {
    this.#followers.clear();
    this.#watch?.close();
    this.#watch = undefined;
  }

  #begin({ stops, onChange }: Follower, node: string): void {
    const namespace = this.#namespaceOf(node);
    if (namespace === undefined) return;
    this.#watch ??= new RouteWatch();
    const stop = this.#watch.add(namespace, ({ change, prefix, gateway }) => {
      const via = gateway === undefined ? {} : { via: gateway };
      onChange({ node, change, prefix, ...via, atMs: performance.now() });
    });
    stops.set(node, stop);
  }
}
