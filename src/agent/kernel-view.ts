import type { Prefix } from "../net/prefix.ts";
import type { KernelRoute, RouteRequest } from "../sys/kernel-route.ts";
import { RouteMonitor } from "../sys/route-monitor.ts";
import { type RouteFailure, RouteSocket } from "../sys/route-socket.ts";
import { KernelTable } from "./kernel-table.ts";

/**
 * Who put a route there, as `ip route` shows it: `proto 179`, after BGP's TCP port. Free in iproute2's
 * rt_protos, where FRR is 186, BIRD 12 and the kernel 2; /etc/iproute2/rt_protos.d can give it a name.
 */
export const routeProtocol = 179;

export type KernelSubscriber = {
  /** Others' routes to these prefixes changed: what was resolved before may be resolved differently. */
  onChanged: (prefixes: Iterable<Prefix>) => void;
  /** All routes of Spinelab's protocol as the kernel has them: at first, and whenever that is in doubt. */
  onOwn: (routes: readonly KernelRoute[]) => void;
};

/** What a user of the kernel's routes needs: KernelView, or a stand-in of a test. */
export type KernelAccess = {
  readonly table: KernelTable;
  subscribe(subscriber: KernelSubscriber): () => void;
  change(requests: readonly RouteRequest[]): RouteFailure[];
};

/** A link that changes says so several times; the kernel needs a moment until its routes follow. */
const settleMs = 20;
const readAgainAfterMs = 1000;

/** The kernel's routes, followed as long as somebody is interested. One for a process: it takes a thread to wait. */
export class KernelView implements KernelAccess {
  readonly table = new KernelTable();
  readonly #subscribers = new Set<KernelSubscriber>();
  #open: { socket: RouteSocket; monitor: RouteMonitor } | undefined;
  readonly #changed = new Set<Prefix>();
  #turn: NodeJS.Immediate | undefined;
  #unsure: NodeJS.Timeout | undefined;
  readonly #log: (level: "warn", message: string) => void;

  constructor(log: (level: "warn", message: string) => void) {
    this.#log = log;
  }

  /** Calls back with what is there before it returns, and returns how to stop. */
  subscribe(subscriber: KernelSubscriber): () => void {
    this.#subscribers.add(subscriber);
    // Before the first dump: what changes meanwhile is heard after it.
    this.#open ??= this.#begin();
    this.#take(this.#open.socket.dump(), [subscriber]);
    return () => {
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size === 0) this.#end();
    };
  }

  change(requests: readonly RouteRequest[]): RouteFailure[] {
    if (this.#open === undefined) throw new Error("the kernel's routes are not followed");
    return this.#open.socket.change(requests);
  }

  #begin(): { socket: RouteSocket; monitor: RouteMonitor } {
    const socket = new RouteSocket();
    const monitor = new RouteMonitor({
      ignorePortId: socket.portId,
      onRoute: (change, route) => this.#onRoute(change, route),
      onUnsure: () => {
        this.#unsure ??= setTimeout(() => this.#reread(), settleMs);
      },
    });
    return { socket, monitor };
  }

  #end(): void {
    clearImmediate(this.#turn);
    clearTimeout(this.#unsure);
    this.#turn = undefined;
    this.#unsure = undefined;
    this.#open?.monitor.close();
    this.#open?.socket.close();
    this.#open = undefined;
  }

  #onRoute(change: "add" | "delete", route: KernelRoute): void {
    if (this.#open === undefined) return;
    if (route.protocol === routeProtocol) {
      // Somebody else took one of ours, or changed it.
      this.#unsure ??= setTimeout(() => this.#reread(), settleMs);
      return;
    }
    this.table[change](route);
    this.#changed.add(route.prefix);
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#tell();
    });
  }

  #reread(): void {
    this.#unsure = undefined;
    for (const prefix of this.table.prefixes()) this.#changed.add(prefix);
    let routes: readonly KernelRoute[];
    try {
      routes = this.#open!.socket.dump();
    } catch (error) {
      this.#log("warn", `the kernel's routes cannot be read: ${(error as Error).message}`);
      this.#unsure = setTimeout(() => this.#reread(), readAgainAfterMs);
      return;
    }
    this.#take(routes, [...this.#subscribers]);
    for (const prefix of this.table.prefixes()) this.#changed.add(prefix);
    this.#tell();
  }

  #tell(): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const { onChanged } of this.#subscribers) onChanged(changed);
  }

  #take(routes: readonly KernelRoute[], subscribers: readonly KernelSubscriber[]): void {
    const own: KernelRoute[] = [];
    this.table.clear();
    for (const route of routes) {
      if (route.protocol === routeProtocol) own.push(route);
      else this.table.add(route);
    }
    for (const { onOwn } of subscribers) onOwn(own);
  }
}
