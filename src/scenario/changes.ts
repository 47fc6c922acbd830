import { EnvironmentError } from "../input/diagnostic.ts";
import type { BmpTold } from "../observe/bmp.ts";
import { hasAgent } from "../observe/router.ts";
import type { RouteChange } from "../runtime/port.ts";
import type { RecordBody } from "../timeline/record.ts";
import type { ScenarioContext } from "./context.ts";
import { Convergence } from "./convergence.ts";
import { VersionPoll } from "./version-poll.ts";

/**
 * Hears of changes: of routes in kernels as they happen; in BGP tables by FRR's table version, which
 * goes up with every change of a best path, and by BMP from routers that speak it; of objects of the
 * Kubernetes API. Wakes those who wait for a change, and tells the steps that measure convergence of
 * those of routes.
 */
export class Changes implements AsyncDisposable {
  readonly #context: ScenarioContext;
  readonly #stopWatching: (() => void)[] = [];
  /** Why kernels cannot be watched; then convergence cannot be told. */
  readonly #unwatchable: EnvironmentError | undefined;
  readonly #wake = new Set<() => void>();
  readonly #measuring = new Set<Convergence>();
  /** By router: until when it decides upon what it took in last. */
  readonly #deciding = new Map<string, number>();
  readonly #ended = new AbortController();
  #polling:
    | { stop: AbortController; polls: readonly VersionPoll[]; ended: Promise<unknown> }
    | undefined;

  constructor(context: ScenarioContext) {
    this.#context = context;
    this.#stopWatching.push(context.kube.onChange(() => this.#wakeAll()));
    this.#stopWatching.push(context.bmp.onTold((told) => this.#told(told)));
    try {
      const nodes = context.fabric.nodes.map(({ name }) => name);
      this.#stopWatching.push(context.runtime.watchRoutes(nodes, (change) => this.#heard(change)));
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error;
      this.#unwatchable = error;
    }
  }

  /** Before a step's first event: the tables' versions are noted, and polled until `endStep`. */
  async beginEvents(): Promise<Convergence> {
    const convergence = new Convergence(this.#unwatchable);
    // Before anything is waited for: a step beside this one may end meanwhile, and polling with the last.
    this.#measuring.add(convergence);
    await this.#beginPolling();
    return convergence;
  }

  async endStep(convergence: Convergence): Promise<void> {
    this.#measuring.delete(convergence);
    if (this.#measuring.size === 0) await this.#endPolling();
  }

  /** Resolves at the next change, after `ms` at the latest. */
  async next(ms: number): Promise<void> {
    const { clock, signal } = this.#context;
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#wake.add(wake);
    try {
      await clock.wait(ms, AbortSignal.any([signal, woken.signal]));
    } catch (error) {
      if (!woken.signal.aborted || signal.aborted) throw error;
    } finally {
      this.#wake.delete(wake);
    }
  }

  /** Resolves when no route changed for `quietMs`, after `withinMs` at the latest. */
  async quiet(convergence: Convergence, quietMs: number, withinMs: number): Promise<void> {
    const { clock } = this.#context;
    const beganMs = clock.nowMs();
    for (;;) {
      const nowMs = clock.nowMs();
      const quietAtMs = (convergence.lastMs ?? beganMs) + quietMs;
      const leftMs = Math.min(quietAtMs, beganMs + withinMs) - nowMs;
      if (leftMs > 0) await this.next(leftMs);
      // On a busy machine polls are far apart: only a look at the end knows that it is quiet.
      else if (nowMs >= beganMs + withinMs || !(await this.#lookAtTables())) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stopWatching) stop();
    this.#ended.abort();
    await this.#endPolling();
  }

  async #beginPolling(): Promise<void> {
    if (this.#polling !== undefined) {
      await this.#lookAtTables();
      return;
    }
    const stop = new AbortController();
    const routers = this.#context.fabric.nodes.filter(
      (node) => node.kind === "linux" && !hasAgent(node),
    );
    const polls = routers.map((node) => new VersionPoll(this.#context, node.name));
    const noted = Promise.all(polls.map((poll) => poll.look()));
    const ended = noted.then(() =>
      Promise.all(
        polls.map((poll) => poll.run(stop.signal, () => this.#changed({ node: poll.node }))),
      ),
    );
    // At once: a step that begins beside this one finds it.
    this.#polling = { stop, polls, ended };
    await noted;
  }

  async #endPolling(): Promise<void> {
    const polling = this.#polling;
    this.#polling = undefined;
    polling?.stop.abort();
    await polling?.ended;
  }

  /** Whether a table has changed since it was last looked at. */
  async #lookAtTables(): Promise<boolean> {
    const polls = this.#polling?.polls ?? [];
    const changed = await Promise.all(
      polls.map(async (poll) => {
        const isChanged = await poll.look();
        if (isChanged) this.#changed({ node: poll.node });
        return isChanged;
      }),
    );
    return changed.includes(true);
  }

  /** By BMP. What a neighbor sent is no change yet of what is used: only the loc-rib's counts as convergence. */
  #told(told: BmpTold): void {
    switch (told.what) {
      case "peerUp":
      case "peerDown": {
        const isDown = told.what === "peerDown";
        if (isDown && !told.wasUp) break;
        const { node, peer } = told;
        const state = isDown ? "down" : "up";
        const reason = isDown ? { reason: told.reason } : {};
        for (const each of this.#measuring) each.told(node, told.what);
        this.#record({
          type: "sessionChange",
          node,
          peer,
          state,
          ...reason,
          ...this.#byRouter(told),
        });
        break;
      }
      case "routes":
        this.#toldRoutes(told);
        break;
      case "statistics":
      case "gone":
        break;
    }
    this.#wakeAll();
    if (told.what === "routes" && told.decidesWithinMs !== undefined) {
      void this.#wakeWhenDecided(told.node, told.decidesWithinMs);
    }
  }

  #toldRoutes(told: Extract<BmpTold, { what: "routes" }>): void {
    const { node, rib, peer, announced, withdrawn } = told;
    const atMs = this.#context.clock.nowMs();
    const isAfterEvent = [...this.#measuring].some(({ events }) => events.length > 0);
    if (!isAfterEvent) return;
    for (const each of this.#measuring) {
      each.told(node, "routeMonitoring");
      if (rib === "loc-rib") each.changed(node, atMs);
    }
    const of = { node, table: "rib", rib, peer, ...this.#byRouter(told) } as const;
    for (const prefix of withdrawn) {
      this.#record({ type: "routeChange", ...of, change: "delete", prefix });
    }
    for (const { prefix, via } of announced) {
      this.#record({ type: "routeChange", ...of, change: "add", prefix, via });
    }
  }

  /** A time from before the lab was is none: FRR has that of the machine's start where nothing happened yet. */
  #byRouter({ routerUnixMs }: BmpTold): { routerAtMs?: number } {
    if (routerUnixMs === undefined) return {};
    const routerAtMs = routerUnixMs - this.#context.clock.unixAtZeroMs;
    return routerAtMs < 0 ? {} : { routerAtMs: Math.round(routerAtMs * 1000) / 1000 };
  }

  /** Messages come in bunches: the first is waited for, then once more the last of those that came meanwhile. */
  async #wakeWhenDecided(node: string, withinMs: number): Promise<void> {
    const { clock } = this.#context;
    const isWaiting = this.#deciding.has(node);
    this.#deciding.set(node, clock.nowMs() + withinMs);
    if (isWaiting) return;
    for (let waitMs = withinMs; waitMs > 0; waitMs = this.#deciding.get(node)! - clock.nowMs()) {
      // Rejects only where the scenario is over.
      await clock.wait(waitMs, this.#ended.signal).catch(() => undefined);
      if (this.#ended.signal.aborted) break;
      this.#wakeAll();
    }
    this.#deciding.delete(node);
  }

  #heard(change: RouteChange): void {
    const { node, prefix, via } = change;
    const atMs = change.atMs - this.#context.clock.performanceAtZeroMs;
    this.#changed({ node, prefix, change: change.change, ...(via !== undefined && { via }) }, atMs);
  }

  /** A FIB change has a prefix, a change of a BGP table has none. */
  #changed(
    of: { node: string; prefix?: string; via?: string; change?: "add" | "delete" },
    atMs = this.#context.clock.nowMs(),
  ): void {
    const counted = [...this.#measuring].map((each) => each.changed(of.node, atMs));
    if (counted.includes(true)) {
      this.#record({
        type: "routeChange",
        table: of.prefix === undefined ? "rib" : "fib",
        ...of,
        change: of.change ?? "version",
      });
    }
    this.#wakeAll();
  }

  #record(body: RecordBody): void {
    this.#context.recorder(body);
  }

  #wakeAll(): void {
    for (const wake of this.#wake) wake();
  }
}
