import { defaultRoutes, type Prefix, prefixFamily } from "../../net/prefix.ts";
import { type FibNextHop, type FibRoute, kernelRoutes } from "../../observe/kernel.ts";
import type { LabContext } from "../context.ts";
import { EventError, type Undo } from "../event.ts";
import { runCommand } from "../node-command.ts";
import { isNextHop, nodeNamed, resolveDestination } from "../resolve.ts";
import type { EventOf } from "../schema/types.ts";

type Via = Extract<EventOf<"metric">, { of: "route" }>["via"];

/** Routes of a node's main table to a prefix, over the given gateway where there is one. */
export async function mainRoutes(
  context: LabContext,
  node: string,
  prefix: Prefix,
  via: Via,
): Promise<FibRoute[]> {
  await context.names.ready();
  const all = await kernelRoutes(context.runtime, { node }, prefixFamily(prefix));
  const found = all.filter((route) => route.prefix === prefix && route.table === "main");
  return via === undefined ? found : found.filter((route) => leadsOver(context, node, route, via));
}

function leadsOver(
  context: LabContext,
  node: string,
  route: FibRoute,
  via: NonNullable<Via>,
): boolean {
  return route.nextHops.some(({ address, interface: name }) => {
    if (via.type === "interface") {
      return nodeNamed(context, via.node).name === node
        ? name === via.interface
        : address !== undefined &&
            address ===
              context.names.addressOfInterface(via.node, via.interface, prefixFamily(route.prefix));
    }
    if (address === undefined) return false;
    return isNextHop(context, node, { address, ...(name && { interface: name }) }, via);
  });
}

/** The words of `ip route add` and `ip route del` that name a route. */
export function routeWords(route: FibRoute, metric = route.metric): string[] {
  const { prefix, protocol, nextHops, type } = route;
  const hops = nextHops.map((hop) => hopWords(prefix, hop));
  return [
    ...(type === "unicast" ? [] : [type]),
    prefix,
    ...(hops.length === 1 ? hops[0]! : hops.flatMap((words) => ["nexthop"].concat(words))),
    ...(protocol === "boot" ? [] : ["proto", protocol]),
    ...(metric === 0 ? [] : ["metric", String(metric)]),
  ];
}

function hopWords(prefix: Prefix, { address, interface: name }: FibNextHop): string[] {
  return [
    ...(address === undefined ? [] : ["via", ...viaWords(prefix, address)]),
    ...(name === undefined ? [] : ["dev", name]),
  ];
}

function viaWords(prefix: Prefix, address: string): string[] {
  const sameFamily = prefix.includes(":") === address.includes(":");
  return sameFamily ? [address] : [address.includes(":") ? "inet6" : "inet", address];
}

/**
 * The metric is part of a kernel route's key: `ip route change` cannot change it and `replace` adds
 * a second route. So the route is added with the new metric, then the old one is deleted.
 */
export async function setRouteMetric(
  context: LabContext,
  event: Extract<EventOf<"metric">, { of: "route" }>,
): Promise<Undo> {
  const node = nodeNamed(context, event.on).name;
  const prefix =
    event.route === "default"
      ? defaultRoutes[event.family ?? "ipv4"]
      : await resolveDestination(context, event.route, event.family);
  const routes = await mainRoutes(context, node, prefix, event.via);
  const route = routes[0];
  if (route === undefined) {
    throw new EventError(node, `ip route show ${prefix}`, "no such route in the main table");
  }
  if (routes.length > 1) {
    throw new EventError(
      node,
      `ip route show ${prefix}`,
      "several such routes: say which by `via`",
    );
  }
  await moveMetric(context, node, route, route.metric, event.metric);
  return () => moveMetric(context, node, route, event.metric, route.metric);
}

async function moveMetric(
  context: LabContext,
  node: string,
  route: FibRoute,
  from: number,
  to: number,
): Promise<void> {
  if (from === to) return;
  await runCommand(context, { node }, ["ip", "route", "add", ...routeWords(route, to)]);
  await runCommand(context, { node }, ["ip", "route", "del", ...routeWords(route, from)]);
}
