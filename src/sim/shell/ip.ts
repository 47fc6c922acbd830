import { type Address, familyOf, parseAddress } from "../../net/address.ts";
import {
  addressBits,
  defaultRoutes,
  parsePrefix,
  type Prefix,
  prefixFamily,
  prefixOf,
} from "../../net/prefix.ts";
import { type FibNextHop, type FibRoute } from "../fib.ts";
import type { SimNode } from "../network.ts";
import { addressCommand } from "./ip-address.ts";
import { linkCommand } from "./ip-link.ts";
import { getRoute, showRoutes } from "./ip-route-show.ts";

export type Output = { exitCode: number; stdout: string; stderr: string };

export const done: Output = { exitCode: 0, stdout: "", stderr: "" };

/** As iproute2 and the kernel fail. */
export function failed(message: string, exitCode = 2): Output {
  return { exitCode, stdout: "", stderr: `${message}\n` };
}

/** `ip`, as far as laboratories use it; undefined: not simulated. */
export function ip(node: SimNode, argv: readonly string[]): Output | undefined {
  const at = argv.findIndex((word) => objectWords.has(word));
  const flags = new Set(argv.slice(0, at));
  const [what = "", verb = "show", ...words] = argv.slice(at);
  if (at < 0 || [...flags].some((flag) => !knownFlags.has(flag))) return undefined;
  const isJson = flags.has("-j");
  switch (what) {
    case "address":
    case "addr":
    case "a":
      return addressCommand(node, verb, words, flags);
    case "route":
    case "r":
      return routeCommand(node, verb, words, speaksOfIpv6(words, flags), isJson);
    case "link":
    case "l":
      return linkCommand(node, verb, words, isJson);
    case "neigh":
      return verb === "show" && isJson && flags.has("-6") ? neighbors(node, words) : undefined;
    default:
      return undefined;
  }
}

/** `show dev NAME`: who is at the other end, as if everybody had been heard of; undefined: more is asked. */
function neighbors(
  node: SimNode,
  [dev, name = "", ...more]: readonly string[],
): Output | undefined {
  if (dev !== "dev" || more.length > 0) return undefined;
  const link = node.interfaces.get(name);
  if (link === undefined) return failed(`Cannot find device "${name}"`, 1);
  const found = [...link.ways()].flatMap(({ to: { linkLocal, mac } }) =>
    linkLocal === undefined ? [] : [{ dst: linkLocal, lladdr: mac, state: ["REACHABLE"] }],
  );
  return json(found);
}

/** The family that is not told follows from the gateway, as iproute2 has it. */
function speaksOfIpv6(words: readonly string[], flags: ReadonlySet<string>): boolean {
  if (flags.has("-6")) return true;
  const gateway = words[words.indexOf("via") + 1];
  return !flags.has("-4") && words.includes("via") && gateway!.includes(":");
}

const knownFlags: ReadonlySet<string> = new Set(["-j", "-4", "-6"]);

const objectWords: ReadonlySet<string> = new Set([
  ...["address", "addr", "a", "route", "r", "link", "l", "neigh"],
]);

function routeCommand(
  node: SimNode,
  verb: string,
  words: readonly string[],
  isIpv6: boolean,
  isJson: boolean,
): Output | undefined {
  if (verb === "show" || verb === "list") return showRoutes(node, words, isIpv6, isJson);
  if (verb === "get") return getRoute(node, words, isJson);
  const kinds = new Set(["blackhole", "unreachable"]);
  const kind = kinds.has(words[0] ?? "") ? (words[0] as "blackhole" | "unreachable") : "unicast";
  const [to = "", ...options] = kind === "unicast" ? words : words.slice(1);
  const prefix = destination(to, isIpv6 || isViaIpv6(options));
  if (prefix === undefined)
    return failed(`Error: any valid prefix is expected rather than "${to}".`);
  const read = routeOptions(node, options);
  if (read === undefined) return undefined;
  if (typeof read === "string") return failed(read);
  const { protocol = "boot", nextHops } = read;
  // IP6_RT_PRIO_USER of the kernel.
  const metric = read.metric || (prefixFamily(prefix) === "ipv6" ? 1024 : 0);
  const route: FibRoute = { prefix, kind, protocol, metric, nextHops };
  const same = node.fib.at(prefix).find((one) => one.metric === metric);
  switch (verb) {
    case "add":
      if (same !== undefined) return failed("RTNETLINK answers: File exists");
      node.fib.replace(route);
      return done;
    case "replace":
      if (same !== undefined) node.fib.remove(prefix, (one) => one === same);
      node.fib.replace(route);
      return done;
    case "del":
    case "delete": {
      const gone = node.fib
        .at(prefix)
        .find(
          (one) =>
            (read.metric === undefined || one.metric === metric) &&
            (read.protocol === undefined || one.protocol === protocol) &&
            nextHops.every((hop) => one.nextHops.some((other) => isSameHop(hop, other))),
        );
      if (gone === undefined) return failed("RTNETLINK answers: No such process");
      node.fib.remove(prefix, (one) => one === gone);
      return done;
    }
    default:
      return undefined;
  }
}

function isSameHop(a: FibNextHop, b: FibNextHop): boolean {
  return a.address === b.address && a.interface === b.interface;
}

/** `default` is of the family of its gateway, unless that is said to be of another (`via inet6`). */
function isViaIpv6(words: readonly string[]): boolean {
  return words[words.indexOf("via") + 1]?.includes(":") === true;
}

function destination(to: string, isIpv6: boolean): Prefix | undefined {
  if (to === "default") return defaultRoutes[isIpv6 ? "ipv6" : "ipv4"];
  if (to.includes("/")) return parsePrefix(to);
  const parsed = parseAddress(to);
  return parsed && prefixOf(parsed, addressBits(familyOf(parsed)));
}

type RouteOptions = { nextHops: FibNextHop[]; metric?: number; protocol?: string };

/** Undefined: something that is not simulated; a text: how the kernel refuses it. */
function routeOptions(node: SimNode, words: readonly string[]): RouteOptions | string | undefined {
  const hops: { via?: Address; dev?: string }[] = [{}];
  const read: RouteOptions = { nextHops: [] };
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === "nexthop") {
      hops.push({});
      continue;
    }
    const value = words[++i] ?? "";
    const hop = hops.at(-1)!;
    switch (word) {
      case "via": {
        const text = value === "inet6" || value === "inet" ? (words[++i] ?? "") : value;
        const parsed = parseAddress(text);
        if (parsed === undefined) return `Error: inet address is expected rather than "${text}".`;
        hop.via = parsed;
        break;
      }
      case "dev":
        if (!node.interfaces.has(value)) return `Cannot find device "${value}"`;
        hop.dev = value;
        break;
      case "metric":
      case "preference":
        read.metric = Number(value);
        break;
      case "proto":
      case "protocol":
        read.protocol = value;
        break;
      case "weight":
        if (value !== "1") return undefined;
        break;
      default:
        return undefined;
    }
  }
  for (const { via, dev } of hops) {
    if (via === undefined && dev === undefined) continue;
    const link = dev ?? (via && onLink(node, via));
    if (link === undefined) return "Error: Nexthop has invalid gateway.";
    read.nextHops.push({ ...(via !== undefined && { address: via }), interface: link });
  }
  return read;
}

/** The interface whose subnet the gateway is in. */
function onLink(node: SimNode, gateway: Address): string | undefined {
  const route = node.fib.lookup(gateway, ({ nextHops }) => nextHops[0]?.address === undefined);
  return route?.nextHops[0]?.interface;
}

export function json(value: unknown): Output {
  return { ...done, stdout: JSON.stringify(value) };
}
