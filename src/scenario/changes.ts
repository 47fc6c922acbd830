import { EnvironmentError } from "../input/diagnostic.ts";
import { frrText, parseFrrSummary, parseJson, tryOpenVty } from "../observe/frr.ts";
import { hasAgent } from "../observe/router.ts";
import type { VtyConnection } from "../observe/vty.ts";
import type { RouteChange } from "../runtime/port.ts";
import type { ScenarioContext } from "./context.ts";

const pollMsMin = 40;
/** For nodes without a BGP daemon, and while one is not running. */
const pollUnreadableMs = 500;
/** A router that takes longer is not waited for. */
const answerWithinMs = 2_000;
const pauseMsMax = 5_000;
/** Polling may take one part in so many of a router's time. */
const pollShare = 10;
const versionCommand = "show bgp summary json";

/**
 * Hears of route changes: in kernels as they happen, in BGP tables by FRR's table version, which
 * goes up with every change of a best path. Wakes those who wait for a change, and keeps the time
 * of the last one, so that convergence can be told.
 */
export class Changes implements AsyncDisposable {
  readonly #context: ScenarioContext;
  readonly #stopWatching: () => void;
  /** Why kernels cannot be watched; then convergence cannot be told. */
  readonly #unwatchable: EnvironmentError | undefined;
  readonly #wake = new Set<() => void>();
  #polling:
    | { stop: AbortController; polls: readonly VersionPoll[]; ended: Promise<unknown> }
    | undefined;
  #firstEventMs: number | undefined;
  #lastChangeMs: number | undefined;

  constructor(context: ScenarioContext) {
    this.#context = context;
    try {
      const nodes = context.fabric.nodes.map(({ name }) => name);
      this.#stopWatching = context.runtime.watchRoutes(nodes, (change) => this.#heard(change));
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error;
      this.#stopWatching = () => undefined;
      this.#unwatchable = error;
    }
  }

  /** Before a step's first event: notes the tables' versions and begins to poll them. */
  async beginEvents(): Promise<void> {
    await this.endStep();
    const stop = new AbortController();
    const routers = this.#context.fabric.nodes.filter(
      (node) => node.kind === "linux" && !hasAgent(node),
    );
    const polls = routers.map((node) => new VersionPoll(this.#context, node.name));
    await Promise.all(polls.map((poll) => poll.look()));
    this.#lastChangeMs = undefined;
    const ended = Promise.all(
      polls.map((poll) => poll.run(stop.signal, () => this.#changed({ node: poll.node }))),
    );
    this.#polling = { stop, polls, ended };
  }

  /** From here on changes count. */
  firstEvent(): void {
    this.#firstEventMs ??= this.#context.clock.nowMs();
  }

  async endStep(): Promise<void> {
    const polling = this.#polling;
    this.#polling = undefined;
    this.#firstEventMs = undefined;
    polling?.stop.abort();
    await polling?.ended;
  }

  /**
   * From the step's first event to the last change; undefined where nothing changed. Throws
   * EnvironmentError where the runtime cannot watch routes.
   */
  get convergeMs(): number | undefined {
    if (this.#unwatchable) throw this.#unwatchable;
    if (this.#firstEventMs === undefined || this.#lastChangeMs === undefined) return undefined;
    return this.#lastChangeMs - this.#firstEventMs;
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

  /** Resolves when nothing changed for `quietMs`, after `withinMs` at the latest. */
  async quiet(quietMs: number, withinMs: number): Promise<void> {
    const { clock } = this.#context;
    const beganMs = clock.nowMs();
    for (;;) {
      const nowMs = clock.nowMs();
      const quietAtMs = Math.max(this.#lastChangeMs ?? beganMs, this.#firstEventMs ?? 0) + quietMs;
      const leftMs = Math.min(quietAtMs, beganMs + withinMs) - nowMs;
      if (leftMs > 0) await this.next(leftMs);
      // On a busy machine polls are far apart: only a look at the end knows that it is quiet.
      else if (nowMs >= beganMs + withinMs || !(await this.#lookAtTables())) return;
    }
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWatching();
    await this.endStep();
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
    if (this.#firstEventMs !== undefined && atMs >= this.#firstEventMs) {
      this.#lastChangeMs = Math.max(this.#lastChangeMs ?? 0, atMs);
      this.#context.recorder({
        type: "routeChange",
        table: of.prefix === undefined ? "rib" : "fib",
        ...of,
        change: of.change ?? "version",
      });
    }
    for (const wake of this.#wake) wake();
  }
}

/** Watches the table versions of one router, over one connection as long as it lasts. */
class VersionPoll {
  readonly node: string;
  readonly #context: ScenarioContext;
  #vty: VtyConnection | undefined;
  #version: string | undefined;
  /** The version that `look` spoke of last. */
  #toldVersion: string | undefined;
  #readable = false;
  #looking: Promise<void> = Promise.resolve();
  /** A look that has not begun: whoever asks meanwhile shares it. */
  #nextLook: Promise<void> | undefined;

  constructor(context: ScenarioContext, node: string) {
    this.#context = context;
    this.node = node;
  }

  async run(stop: AbortSignal, onChange: () => void): Promise<void> {
    const { clock } = this.#context;
    using _ = { [Symbol.dispose]: () => this.#vty?.[Symbol.dispose]() };
    while (!stop.aborted) {
      const beganMs = clock.nowMs();
      if (await this.look(stop)) onChange();
      const leastMs = this.#readable ? pollMsMin : pollUnreadableMs;
      const pauseMs = Math.max(leastMs, pollShare * (clock.nowMs() - beganMs));
      // Rejects only where it is told to stop.
      await clock.wait(Math.min(pauseMs, pauseMsMax), stop).catch(() => undefined);
    }
  }

  /**
   * Whether the version is another than at the last look. A router that cannot be read, or does not
   * answer for a while because it is paused, has not changed.
   */
  async look(stop?: AbortSignal): Promise<boolean> {
    // One after the other: there is one connection.
    this.#nextLook ??= this.#looking.then(() => {
      this.#nextLook = undefined;
      return this.#lookOnce();
    });
    this.#looking = this.#nextLook;
    const answered = new AbortController();
    const over = stop ? AbortSignal.any([answered.signal, stop]) : answered.signal;
    const silent = this.#context.clock.wait(answerWithinMs, over).then(
      () => (this.#readable = false),
      () => undefined,
    );
    await Promise.race([this.#looking, silent]);
    answered.abort();
    const before = this.#toldVersion;
    this.#toldVersion = this.#version;
    return before !== undefined && before !== this.#version;
  }

  async #lookOnce(): Promise<void> {
    try {
      this.#version = versionsOf(this.node, await this.#ask());
      this.#readable = true;
    } catch {
      this.#readable = false;
    }
  }

  async #ask(): Promise<string> {
    const { runtime } = this.#context;
    if (this.#vty?.isOpen !== true) {
      this.#vty = await tryOpenVty(runtime, this.node, "bgpd");
    }
    if (this.#vty === undefined) return await frrText(runtime, this.node, "bgpd", versionCommand);
    return (await this.#vty.run(versionCommand)).output;
  }
}

/** The versions of all families. */
function versionsOf(node: string, text: string): string {
  const families = parseJson(node, versionCommand, text) as Record<string, unknown>;
  return Object.entries(families)
    .map(([family, of]) => `${family}=${parseFrrSummary(of).tableVersion}`)
    .join(" ");
}
