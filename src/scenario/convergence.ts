import type { EnvironmentError } from "../input/diagnostic.ts";
import type { BmpCounts } from "../timeline/record.ts";

/** What the tables did after one event, until the next one. */
export type EventConvergence = {
  text: string;
  atMs: number;
  /** By node: from the event to the last change of one of its tables. */
  nodesMs: Record<string, number>;
};

/**
 * Convergence in the control plane, of one step: when its events were, and when the tables of which
 * node changed last. Terms of RFC 6412: an event is a Convergence Event Instant.
 */
export class Convergence {
  readonly #unwatchable: EnvironmentError | undefined;
  readonly #events: EventConvergence[] = [];
  readonly #bmp: Record<string, BmpCounts> = {};
  #lastChangeMs: number | undefined;

  /** `unwatchable`: why the runtime cannot watch routes, where that is so. */
  constructor(unwatchable: EnvironmentError | undefined) {
    this.#unwatchable = unwatchable;
  }

  /** An event is about to take effect: from here on changes count, and are its. */
  event(text: string, atMs: number): void {
    this.#events.push({ text, atMs, nodesMs: {} });
  }

  /** Whether the change counts. */
  changed(node: string, atMs: number): boolean {
    const event = this.#events.findLast((each) => each.atMs <= atMs);
    if (event === undefined) return false;
    event.nodesMs[node] = Math.max(event.nodesMs[node] ?? 0, atMs - event.atMs);
    this.#lastChangeMs = Math.max(this.#lastChangeMs ?? 0, atMs);
    return true;
  }

  /** A router told of itself by BMP. */
  told(node: string, what: keyof BmpCounts): void {
    if (this.#events.length === 0) return;
    const counts = (this.#bmp[node] ??= { routeMonitoring: 0, peerUp: 0, peerDown: 0 });
    counts[what]++;
  }

  /** What was told since the first event, by node. */
  get bmp(): Readonly<Record<string, BmpCounts>> {
    return this.#bmp;
  }

  get events(): readonly EventConvergence[] {
    return this.#events;
  }

  /** Of the last event or change, whichever is later. */
  get lastMs(): number | undefined {
    const times = [this.#events.at(-1)?.atMs, this.#lastChangeMs].filter((ms) => ms !== undefined);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  /**
   * From the step's first event to the last change; undefined where nothing changed. Throws
   * EnvironmentError where the runtime cannot watch routes.
   */
  get convergeMs(): number | undefined {
    if (this.#unwatchable) throw this.#unwatchable;
    const [first] = this.#events;
    if (first === undefined || this.#lastChangeMs === undefined) return undefined;
    return this.#lastChangeMs - first.atMs;
  }
}
