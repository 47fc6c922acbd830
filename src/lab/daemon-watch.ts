import type { Backend } from "./backend.ts";

/**
 * Notices routing daemons that die. watchfrr starts a dead daemon again after five seconds, without what was not
 * saved of its configuration: a lab in which that happened unasked proves nothing.
 */
export class DaemonWatch {
  readonly #backend: Backend;
  readonly #onDeath: (node: string, daemon: string) => void;
  readonly #known = new Map<string, Map<string, string>>();
  readonly #expected = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(backend: Backend, onDeath: (node: string, daemon: string) => void) {
    this.#backend = backend;
    this.#onDeath = onDeath;
  }

  /** From now on; what does not run yet is noticed when it does. */
  async start(nodes: readonly string[]): Promise<void> {
    await this.#look(nodes);
  }

  /** A scenario is about to end this node's daemon, once (undefined: all that run). */
  expect(node: string, daemon: string | undefined): void {
    const ending = daemon === undefined ? (this.#known.get(node)?.keys() ?? []) : [daemon];
    for (const each of ending) this.#expected.add(`${node}/${each}`);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #look(nodes: readonly string[]): Promise<void> {
    for (const node of nodes) {
      // A node that cannot be asked has no daemon that could be seen to run.
      const running = await this.#backend.daemons(node).catch(() => new Map<string, string>());
      if (this.#stopped) return;
      for (const [daemon, mark] of this.#known.get(node) ?? []) {
        if (running.get(daemon) === mark) continue;
        if (!this.#expected.delete(`${node}/${daemon}`)) this.#onDeath(node, daemon);
      }
      this.#known.set(node, running);
    }
    this.#timer = setTimeout(() => void this.#look(nodes), this.#backend.daemonLookEveryMs);
  }
}
