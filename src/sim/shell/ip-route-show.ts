import { parseAddress } from "../../net/address.ts";
import type { FibNextHop, FibRoute } from "../fib.ts";
import { IpPacket } from "../netfilter.ts";
import type { SimNode } from "../network.ts";
import { sourceAddress } from "../source-address.ts";
import { type DropReason, outgoing } from "../walk.ts";
import { done, failed, json, type Output } from "./ip.ts";

/** `ip [-j] route get ADDRESS`: as the kernel sends a packet of the node's own. Undefined: more is asked. */
export function getRoute(
  node: SimNode,
  words: readonly string[],
  isJson: boolean,
): Output | undefined {
  const [text = "", ...options] = words;
  const to = parseAddress(text);
  if (to === undefined)
    return failed(`Error: any valid prefix is expected rather than "${text}".`, 1);
  if (options.length > 0) return undefined;
  const source = sourceAddress(node, to);
  const prefsrc = source === undefined ? {} : { prefsrc: source };
  if (node.ownerOf(to) !== undefined) {
    const own = { type: "local", dst: to, dev: "lo", ...prefsrc, flags: [], cache: ["local"] };
    return isJson ? json([own]) : { ...done, stdout: `local ${to} dev lo src ${to}\n` };
  }
  const packet = new IpPacket({ protocol: "icmp", source: source ?? to, destination: to });
  const hop = outgoing(node, packet, {});
  if (typeof hop === "string") return failed(`RTNETLINK answers: ${refusal(node, hop)}`);
  if (!isJson) {
    const src = source === undefined ? "" : ` src ${source}`;
    return { ...done, stdout: `${to}${hopText(hop, to.includes(":"))}${src}\n` };
  }
  const way = shownHop(hop, to.includes(":"));
  return json([{ dst: to, ...way, ...prefsrc, flags: linkFlags(node, hop), cache: [] }]);
}

function refusal(node: SimNode, reason: DropReason): string {
  if (reason === "blackhole") return "Invalid argument";
  return node.isUp ? "Network is unreachable" : "Network is down";
}

/** `ip [-j] route [show [table main|all] [dev NAME] [proto NAME]]`; undefined: more is asked. There is one table. */
export function showRoutes(
  node: SimNode,
  words: readonly string[],
  isIpv6: boolean,
  isJson: boolean,
): Output | undefined {
  const asked: Record<string, string> = {};
  for (let i = 0; i < words.length; i += 2) asked[words[i]!] = words[i + 1] ?? "";
  const { table = "main", dev, proto, ...more } = asked;
  if (Object.keys(more).length > 0 || !["main", "all"].includes(table)) return undefined;
  const routes = node.fib
    .routes()
    .filter(
      ({ prefix, protocol, nextHops }) =>
        prefix.includes(":") === isIpv6 &&
        (proto === undefined || proto === protocol) &&
        (dev === undefined || nextHops.some((hop) => hop.interface === dev)),
    );
  if (isJson) return json(routes.map((route) => shownRoute(node, route)));
  return { ...done, stdout: routes.map((route) => routeText(node, route)).join("") };
}

function shownRoute(node: SimNode, route: FibRoute): object {
  const { prefix, kind, protocol, metric, nextHops } = route;
  const hops = nextHops.map((hop) => ({
    ...shownHop(hop, prefix.includes(":")),
    flags: linkFlags(node, hop),
  }));
  return {
    dst: shownPrefix(route),
    ...(kind !== "unicast" && { type: kind }),
    protocol,
    ...(metric > 0 && { metric }),
    ...(hops.length > 1 ? { nexthops: hops, flags: [] } : (hops[0] ?? { flags: [] })),
  };
}

function shownHop({ address, interface: dev }: FibNextHop, isIpv6: boolean): object {
  if (address === undefined) return { dev };
  const isOther = address.includes(":") !== isIpv6;
  return {
    ...(isOther ? { via: { family: "inet6", host: address } } : { gateway: address }),
    dev,
  };
}

function shownPrefix({ prefix }: FibRoute): string {
  return prefix.endsWith("/0") ? "default" : prefix;
}

function linkFlags(node: SimNode, { interface: dev }: FibNextHop): string[] {
  return node.interfaces.get(dev)?.hasCarrier === true ? [] : ["linkdown"];
}

/** As iproute2 prints it: hosts without a length, what was put there by hand without its protocol. */
function routeText(node: SimNode, route: FibRoute): string {
  const { prefix, kind, protocol, metric, nextHops, source } = route;
  const isIpv6 = prefix.includes(":");
  const text = (hop: FibNextHop) => hopText(hop, isIpv6);
  const flags = (hop: FibNextHop) => linkFlags(node, hop).map((flag) => ` ${flag}`);
  const of = [
    ...(protocol === "boot" ? [] : [` proto ${protocol}`]),
    ...(protocol === "kernel" && !isIpv6 ? [" scope link"] : []),
    ...(source === undefined ? [] : [` src ${source}`]),
    ...(metric > 0 ? [` metric ${metric}`] : []),
  ].join("");
  const to = shownPrefix(route).replace(isIpv6 ? /\/128$/ : /\/32$/, "");
  const [first, ...others] = nextHops;
  if (others.length > 0) {
    const hops = nextHops.map((hop) => `\tnexthop${text(hop)} weight 1${flags(hop).join("")}\n`);
    return `${to}${of}\n${hops.join("")}`;
  }
  const way = first === undefined ? "" : text(first);
  const end = first === undefined ? "" : flags(first).join("");
  return `${kind === "unicast" ? "" : `${kind} `}${to}${way}${of}${end}\n`;
}

function hopText({ address, interface: dev }: FibNextHop, isIpv6: boolean): string {
  if (address === undefined) return ` dev ${dev}`;
  const isOther = address.includes(":") !== isIpv6;
  return ` via ${isOther ? "inet6 " : ""}${address} dev ${dev}`;
}
