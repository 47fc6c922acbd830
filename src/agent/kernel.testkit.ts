import { address } from "../net/address.ts";
import { type Prefix, prefix } from "../net/prefix.ts";
import type { KernelHop, KernelRoute, RouteRequest } from "../sys/kernel-route.ts";
import type { RouteFailure } from "../sys/route-socket.ts";
import { KernelTable } from "./kernel-table.ts";
import { type KernelAccess, type KernelSubscriber, routeProtocol } from "./kernel-view.ts";

/** A route of somebody else's, by default on link 2 of the main table. */
export function othersRoute(
  to: string,
  of: Partial<KernelRoute> & { via?: string } = {},
): KernelRoute {
  const { via, ...rest } = of;
  const hop: KernelHop = { ...(via !== undefined && { gateway: address(via) }), interfaceIndex: 2 };
  return { prefix: prefix(to), table: 254, protocol: 2, metric: 0, type: 1, hops: [hop], ...rest };
}

/** Does what Linux does with a route request, as far as installing routes depends on it. */
export class FakeKernel implements KernelAccess {
  readonly table = new KernelTable();
  readonly own = new Map<Prefix, KernelRoute>();
  readonly requests: string[] = [];
  #subscriber: KernelSubscriber | undefined;

  constructor(others: readonly KernelRoute[]) {
    for (const route of others) this.table.add(route);
  }

  subscribe(subscriber: KernelSubscriber): () => void {
    this.#subscriber = subscriber;
    subscriber.onOwn([...this.own.values()]);
    return () => (this.#subscriber = undefined);
  }

  change(requests: readonly RouteRequest[]): RouteFailure[] {
    return requests.flatMap((request) => {
      const { prefix: to, hops } = request.route;
      const over = hops.map(({ gateway, interfaceIndex }) => `${gateway}%${interfaceIndex}`);
      this.requests.push([request.change, to, ...over].join(" "));
      const code = this.#perform(request);
      return code === undefined ? [] : [{ request, code }];
    });
  }

  #perform({ change, route }: RouteRequest): string | undefined {
    if (route.protocol !== routeProtocol) throw new Error("a route of somebody else was touched");
    const others = this.table.to(route.prefix).filter(({ metric }) => metric === route.metric);
    if (change === "delete") return this.own.delete(route.prefix) ? undefined : "ESRCH";
    if (change === "add" && (others.length > 0 || this.own.has(route.prefix))) return "EEXIST";
    if (change === "replace" && others.length > 0) throw new Error("another's would be replaced");
    this.own.set(route.prefix, route);
    return undefined;
  }

  /** Somebody else adds a route or takes one away. */
  others(change: "add" | "delete", route: KernelRoute): void {
    this.table[change](route);
    this.#subscriber?.onChanged([route.prefix]);
  }

  /** Somebody else takes one of ours away. */
  lose(to: string): void {
    this.own.delete(prefix(to));
    this.#subscriber?.onOwn([...this.own.values()]);
  }
}
