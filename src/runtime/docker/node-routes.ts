import type { RouteChange } from "../port.ts";
import type { Helper } from "./helper-container.ts";

type Follower = {
  nodes: readonly string[];
  onChange: (change: RouteChange) => void;
  stop: () => void;
};

/** Who hears of which nodes' routes, across stops and starts of the nodes. */
export class NodeRoutes {
  readonly #helper: () => Helper;
  readonly #pidOf: (node: string) => number | undefined;
  readonly #followers = new Set<Follower>();
  #ready: Promise<unknown> = Promise.resolve();

  /** `pidOf`: first process of a node, as the engine's machine numbers it; undefined while it is stopped. */
  constructor(helper: () => Helper, pidOf: (node: string) => number | undefined) {
    this.#helper = helper;
    this.#pidOf = pidOf;
  }

  /** Settled when everybody hears: nothing may change before. */
  get ready(): Promise<unknown> {
    return this.#ready;
  }

  follow(nodes: readonly string[], onChange: (change: RouteChange) => void): () => void {
    const follower: Follower = { nodes, onChange, stop: () => {} };
    this.#begin(follower);
    this.#followers.add(follower);
    return () => {
      this.#followers.delete(follower);
      follower.stop();
    };
  }

  nodeStarted(node: string): void {
    for (const follower of this.#followers) {
      if (!follower.nodes.includes(node)) continue;
      follower.stop();
      this.#begin(follower);
    }
  }

  #begin(follower: Follower): void {
    const nodeOf = new Map(
      follower.nodes.flatMap((node) => {
        const pid = this.#pidOf(node);
        return pid === undefined ? [] : [[pid, node] as const];
      }),
    );
    const watch = this.#helper().watchRoutes([...nodeOf.keys()], ({ pid, ...change }) => {
      follower.onChange({ node: nodeOf.get(pid)!, ...change, atMs: performance.now() });
    });
    follower.stop = watch.stop;
    this.#ready = Promise.all([this.#ready, watch.ready]);
    this.#ready.catch(() => {}); // The next command is told.
  }
}
