import type { InstallRoutes } from "../bgp/speaker/config.ts";
import type { NextHop, RouteChange } from "../bgp/speaker/route-feed.ts";
import { type Address, type Family, familyOf, isLinkLocal } from "../net/address.ts";
import { type Prefix, prefixFamily } from "../net/prefix.ts";
import {
  type KernelHop,
  type KernelRoute,
  type RouteRequest,
  RouteType,
} from "../sys/kernel-route.ts";
import { type KernelAccess, routeProtocol } from "./kernel-view.ts";
import { WantedRoutes } from "./wanted-routes.ts";

export type KernelRoutesOptions = InstallRoutes & {
  kernel: KernelAccess;
  /** The link of a peer's session, for link-local next hops; undefined: not known. */
  interfaceOf: (peer: string) => number | undefined;
  log: (level: "info" | "warn", message: string) => void;
};

/** Prefixes dealt with before others get their turn: some milliseconds. */
const turnMax = 512;
/** Prefixes that are named in the log where one reason stops many. */
const namedMax = 5;

/**
 * The routes of one speaker in the kernel: those of `proto 179` in its table at its metric. No other is ever
 * changed. What an earlier process left is taken over: it stays until the same route is known again, or is
 * swept once the family's routes are known to be complete.
 */
export class KernelRoutes {
  readonly #options: KernelRoutesOptions;
  readonly #wanted = new WantedRoutes();
  /** What the kernel has of ours: prefix to hops as text. */
  #installed = new Map<Prefix, string>();
  /** Why the kernel does not have what it should. */
  readonly #failed = new Map<Prefix, string>();
  /** How next hops resolve as long as the kernel's other routes do not change; link-local ones are left out. */
  readonly #resolved = new Map<Address, readonly KernelHop[]>();
  #turn: NodeJS.Immediate | undefined;
  readonly #unsubscribe: () => void;

  constructor(options: KernelRoutesOptions) {
    this.#options = options;
    this.#unsubscribe = options.kernel.subscribe({
      onChanged: (prefixes) => this.#resolveAgain(prefixes),
      onOwn: (routes) => this.#compare(routes),
    });
    for (const prefix of this.#installed.keys()) this.#wanted.stale.add(prefix);
    this.#wanted.dirty.clear();
  }

  take(changes: readonly RouteChange[]): void {
    this.#wanted.take(changes);
    this.#schedule();
  }

  /** The family's routes are known: the stale ones that are not among them go. */
  selected(family: Family): void {
    this.#wanted.selected(family);
    this.#schedule();
  }

  /** Takes every route out of the kernel again. */
  withdraw(): void {
    this.#wanted.nextHops.clear();
    this.#wanted.stale.clear();
    for (const prefix of this.#installed.keys()) this.#wanted.dirty.add(prefix);
  }

  /** Does what is still to be done, at once, and leaves the routes as they are then. */
  close(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    while (this.#wanted.dirty.size > 0) this.#work();
    this.#unsubscribe();
  }

  #schedule(): void {
    if (this.#turn !== undefined || this.#wanted.dirty.size === 0) return;
    this.#turn = setImmediate(() => {
      this.#turn = undefined;
      this.#work();
      this.#schedule();
    });
  }

  #work(): void {
    const planned: { request: RouteRequest; key: string }[] = [];
    let count = 0;
    for (const prefix of this.#wanted.dirty) {
      this.#wanted.dirty.delete(prefix);
      planned.push(...this.#plan(prefix));
      if (++count === turnMax) break;
    }
    const failures = this.#options.kernel.change(planned.map(({ request }) => request));
    const codeOf = new Map(failures.map(({ request, code }) => [request, code]));
    const told = new Map<string, Prefix[]>();
    for (const { request, key } of planned) {
      const { prefix } = request.route;
      const code = codeOf.get(request);
      if (request.change === "delete") {
        this.#installed.delete(prefix);
        // ESRCH, ENOENT: somebody else was quicker.
        if (code !== undefined && code !== "ESRCH" && code !== "ENOENT") {
          told.set(code, [...(told.get(code) ?? []), prefix]);
        }
      } else if (code === undefined) {
        this.#installed.set(prefix, key);
        this.#failed.delete(prefix);
      } else {
        if (this.#failed.get(prefix) !== code) told.set(code, [...(told.get(code) ?? []), prefix]);
        this.#failed.set(prefix, code);
        // A replacement that failed leaves the earlier route, which is not true any more.
        if (request.change === "replace") this.#wanted.dirty.add(prefix);
      }
    }
    for (const [code, prefixes] of told) this.#tell(code, prefixes);
  }

  #plan(prefix: Prefix): { request: RouteRequest; key: string }[] {
    const nextHops = this.#wanted.nextHops.get(prefix);
    const installed = this.#installed.get(prefix);
    if (nextHops === undefined) {
      this.#failed.delete(prefix);
      if (installed === undefined || this.#wanted.stale.has(prefix)) return [];
      return [{ request: { change: "delete", route: this.#route(prefix, []) }, key: "" }];
    }
    this.#wanted.stale.delete(prefix);
    const hops = this.#hops(prefix, nextHops);
    const key = hopsKey(hops);
    const route = this.#route(prefix, hops);
    const gone = { request: { change: "delete", route } as const, key: "" };
    if (hops.length === 0) return installed === undefined ? [] : [gone];
    if (installed === key) return [];
    if (installed === undefined) return [{ request: { change: "add", route }, key }];
    // The kernel replaces by prefix and metric: beside another's it could take that one. And one that
    // could not replace ours is put there anew.
    const isAlone = !this.#failed.has(prefix) && !this.#hasOthers(prefix);
    if (isAlone) return [{ request: { change: "replace", route }, key }];
    return [gone, { request: { change: "add", route }, key }];
  }

  #hasOthers(prefix: Prefix): boolean {
    const { kernel, table, metric } = this.#options;
    return kernel.table.to(prefix).some((of) => of.table === table && of.metric === metric);
  }

  /** Over which links; none where no next hop can be reached, or where the prefix is on a link of this machine. */
  #hops(prefix: Prefix, nextHops: readonly NextHop[]): readonly KernelHop[] {
    const { kernel, table } = this.#options;
    if (kernel.table.isConnected(prefix, table)) return [];
    const family = prefixFamily(prefix);
    // The kernel takes IPv4 over IPv6, and not the other way round.
    const usable = nextHops.filter(
      ({ address }) => family === "ipv4" || familyOf(address) === "ipv6",
    );
    const [only] = usable;
    if (only !== undefined && usable.length === 1) return this.#resolve(only);
    const all = usable.flatMap((nextHop) => this.#resolve(nextHop));
    return [...new Map(all.map((hop) => [hopKey(hop), hop])).values()];
  }

  #resolve({ address, peer }: NextHop): readonly KernelHop[] {
    const { kernel, table, interfaceOf } = this.#options;
    if (isLinkLocal(address)) {
      const interfaceIndex = interfaceOf(peer);
      return interfaceIndex === undefined ? [] : [{ gateway: address, interfaceIndex }];
    }
    let hops = this.#resolved.get(address);
    if (hops === undefined) {
      hops = kernel.table.resolve(address, table)?.hops ?? [];
      this.#resolved.set(address, hops);
    }
    return hops;
  }

  /** Others' routes to `prefixes` changed. */
  #resolveAgain(prefixes: Iterable<Prefix>): void {
    const { kernel, table } = this.#options;
    const moved = new Set<Address>();
    for (const [address, before] of this.#resolved) {
      const after = kernel.table.resolve(address, table)?.hops ?? [];
      if (hopsKey(before) === hopsKey(after)) continue;
      moved.add(address);
      this.#resolved.set(address, after);
    }
    if (moved.size > 0) {
      for (const [prefix, nextHops] of this.#wanted.nextHops) {
        if (nextHops.some(({ address }) => moved.has(address))) this.#wanted.dirty.add(prefix);
      }
    }
    // Now, or not any more, on a link of this machine.
    for (const prefix of prefixes)
      if (this.#wanted.nextHops.has(prefix)) this.#wanted.dirty.add(prefix);
    for (const prefix of this.#failed.keys()) this.#wanted.dirty.add(prefix);
    this.#schedule();
  }

  /** What the kernel has of ours, against what it should have. */
  #compare(routes: readonly KernelRoute[]): void {
    const { table, metric } = this.#options;
    const before = this.#installed;
    const own = routes.filter((route) => route.table === table && route.metric === metric);
    this.#installed = new Map(own.map(({ prefix, hops }) => [prefix, hopsKey(hops)]));
    for (const prefix of this.#wanted.stale)
      if (!this.#installed.has(prefix)) this.#wanted.stale.delete(prefix);
    for (const prefix of new Set([...before.keys(), ...this.#installed.keys()])) {
      if (before.get(prefix) !== this.#installed.get(prefix)) this.#wanted.dirty.add(prefix);
    }
    this.#schedule();
  }

  #route(prefix: Prefix, hops: readonly KernelHop[]): KernelRoute {
    const { table, metric } = this.#options;
    return { prefix, table, metric, protocol: routeProtocol, type: RouteType.unicast, hops };
  }

  #tell(code: string, prefixes: readonly Prefix[]): void {
    const { table, metric, log } = this.#options;
    const named = prefixes.slice(0, namedMax).join(", ");
    const more = prefixes.length > namedMax ? ` and ${prefixes.length - namedMax} more` : "";
    const reason = reasons[code]?.(table, metric);
    log(
      "warn",
      `the kernel does not take the route to ${named}${more}: ${code}${reason === undefined ? "" : `, ${reason}`}`,
    );
  }
}

const reasons: Readonly<Record<string, (table: number, metric: number) => string>> = {
  EEXIST: (table, metric) => `table ${table} has one of somebody else's with metric ${metric}`,
  ENETUNREACH: () => "its next hop is not on a link of this machine",
  EHOSTUNREACH: () => "its next hop is not on a link of this machine",
  ENETDOWN: () => "the link to its next hop is down",
  EPERM: () => "changing routes needs CAP_NET_ADMIN",
};

function hopsKey(hops: readonly KernelHop[]): string {
  return hops.length === 1 ? hopKey(hops[0]!) : hops.map(hopKey).toSorted().join(" ");
}

function hopKey({ gateway, interfaceIndex }: KernelHop): string {
  return `${gateway ?? ""}%${interfaceIndex}`;
}
