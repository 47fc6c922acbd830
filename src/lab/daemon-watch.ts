import { readdirSync, readFileSync } from "node:fs";

/**
 * Notices routing daemons that die. watchfrr starts a dead daemon again only after a minute, and
 * without its configuration: a lab in which that happened unasked proves nothing.
 */
export class DaemonWatch {
  readonly #daemons = new Map<string, { node: string; daemon: string; pid: number }>();
  readonly #expected = new Set<string>();
  readonly #onDeath: (node: string, daemon: string) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onDeath: (node: string, daemon: string) => void) {
    this.#onDeath = onDeath;
  }

  /** `roots`: node → path of its root directory. Daemons are found by their pid files in /run/frr. */
  watch(roots: Record<string, string>): void {
    for (const [node, root] of Object.entries(roots)) this.#find(node, root);
    this.#timer ??= setInterval(() => this.#look(roots), 250).unref();
  }

  /** A scenario is about to stop or restart this node's daemon (undefined: all of them). */
  expect(node: string, daemon: string | undefined): void {
    this.#expected.add(`${node}/${daemon ?? "*"}`);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #find(node: string, root: string): void {
    for (const file of list(`${root}/run/frr`)) {
      if (!file.endsWith(".pid")) continue;
      const daemon = file.slice(0, -4);
      const inner = read(`${root}/run/frr/${file}`)?.trim();
      // The number is the sandbox's own; /proc seen from inside the sandbox proves it is alive.
      if (inner && read(`${root}/proc/${inner}/comm`) !== undefined) {
        this.#daemons.set(`${node}/${daemon}`, { node, daemon, pid: Number(inner) });
      }
    }
  }

  #look(roots: Record<string, string>): void {
    for (const [key, { node, daemon, pid }] of this.#daemons) {
      const root = roots[node]!;
      if (read(`${root}/proc/${pid}/comm`) !== undefined) continue;
      this.#daemons.delete(key);
      const asked = this.#expected.has(key) || this.#expected.has(`${node}/*`);
      if (!asked) this.#onDeath(node, daemon);
      this.#find(node, root);
    }
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // No FRR on this node, or the node is gone.
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
