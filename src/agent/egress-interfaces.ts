import { defaultRoutes } from "../net/prefix.ts";
import { type KernelRoute, type RouteRequest, RouteTable, RouteType } from "../sys/kernel-route.ts";
import { RouteMonitor } from "../sys/route-monitor.ts";
import { RouteSocket } from "../sys/route-socket.ts";
import { Coalescer } from "./coalesce.ts";
import type { AgentClock } from "./edges.ts";
import type { Log } from "./log.ts";

/** A routing table of what is to leave by one interface. */
export type InterfaceTable = { interfaceIndex: number; table: number };

/** RTPROT_STATIC: other routes of these tables are not touched. */
const protocol = 4;
/** Behind all others but the one that leads nowhere. */
const onLinkMetric = 4_294_967_294;
/** Routes come and go in numbers. */
const settleMs = 20;

/**
 * What the kernel finds where it is asked for a way over one interface: the main table's routes that lead
 * over it, and for IPv4 that a destination without a route is on the link.
 */
export function routesOver(
  { interfaceIndex, table }: InterfaceTable,
  routes: readonly KernelRoute[],
): KernelRoute[] {
  const own = { table, protocol, type: RouteType.unicast };
  const found = routes.flatMap((route): KernelRoute[] => {
    const hops = route.hops.filter((hop) => hop.interfaceIndex === interfaceIndex && !hop.isDown);
    const isFit = route.table === RouteTable.main && route.type === RouteType.unicast;
    return isFit && hops.length > 0 ? [{ ...route, ...own, hops }] : [];
  });
  const onLink = { prefix: defaultRoutes.ipv4, metric: onLinkMetric, hops: [{ interfaceIndex }] };
  return [...found, { ...onLink, ...own }];
}

/** Keeps such tables as the main table is, which changes with BGP, links and people. */
export class EgressInterfaces {
  readonly #log: Log;
  readonly #sync: Coalescer;
  #tables: readonly InterfaceTable[] = [];
  #open: { socket: RouteSocket; monitor: RouteMonitor } | undefined;

  constructor(clock: Pick<AgentClock, "monotonicMs" | "setTimer">, log: Log) {
    this.#log = log;
    this.#sync = new Coalescer(
      clock,
      async () => this.#syncOnce(),
      (error) => this.#log("warn", `routes of egress interfaces, trying again: ${error.message}`),
      { delayMs: settleMs },
    );
  }

  /** Tables that are followed no more are emptied. */
  follow(tables: readonly InterfaceTable[]): void {
    if (JSON.stringify(tables) === JSON.stringify(this.#tables)) return;
    const left = this.#tables.filter(({ table }) => !tables.some((each) => each.table === table));
    this.#tables = tables;
    if (tables.length > 0) this.#open ??= this.#begin();
    if (this.#open === undefined) return;
    this.#syncOnce(left);
    if (tables.length === 0) this.close();
  }

  /** Leaves the tables as they are. */
  close(): void {
    this.#open?.monitor.close();
    this.#open?.socket.close();
    this.#open = undefined;
  }

  #begin(): { socket: RouteSocket; monitor: RouteMonitor } {
    const socket = new RouteSocket();
    const monitor = new RouteMonitor({
      ignorePortId: socket.portId,
      onRoute: (_, { table }) => {
        if (table === RouteTable.main) this.#sync.request();
      },
      onUnsure: () => this.#sync.request(),
    });
    return { socket, monitor };
  }

  #syncOnce(left: readonly InterfaceTable[] = []): void {
    if (this.#open === undefined) return;
    const { socket } = this.#open;
    const all = socket.dump();
    const wanted = this.#tables.flatMap((each) => routesOver(each, all));
    const tables = new Set([...this.#tables, ...left].map(({ table }) => table));
    const there = all.filter((route) => tables.has(route.table) && route.protocol === protocol);
    const requests: RouteRequest[] = [
      ...without(there, wanted).map((route) => ({ change: "delete" as const, route })),
      ...without(wanted, there).map((route) => ({ change: "replace" as const, route })),
    ];
    for (const { request, code } of socket.change(requests)) {
      // A link that went down took it along, or is not up yet; both are heard of.
      if (["ESRCH", "ENETDOWN", "ENODEV", "ENETUNREACH"].includes(code)) continue;
      this.#log("warn", `route ${request.route.prefix} of an egress interface: ${code}`);
    }
  }
}

function without(routes: readonly KernelRoute[], others: readonly KernelRoute[]): KernelRoute[] {
  const keyOf = ({ prefix, table, metric, hops }: KernelRoute) =>
    JSON.stringify([
      prefix,
      table,
      metric,
      hops.map((each) => [each.gateway, each.interfaceIndex]),
    ]);
  const known = new Set(others.map(keyOf));
  return routes.filter((route) => !known.has(keyOf(route)));
}
