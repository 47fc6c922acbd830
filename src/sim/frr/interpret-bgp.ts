import { parseAddress } from "../../net/address.ts";
import { parsePrefix } from "../../net/prefix.ts";
import type { BgpConfig, FrrFamily, Redistributed } from "./config.ts";
import type { LineResult } from "./interpret.ts";

export type BgpContext = { bgp: BgpConfig; family: FrrFamily; isInFamily: boolean };

/** A line within `router bgp` that is not about a neighbor. */
export function bgpLine(context: BgpContext, words: readonly string[], isNo: boolean): LineResult {
  const [first, ...rest] = words;
  switch (first) {
    case "bgp":
      return globalLine(context.bgp, rest, isNo);
    case "timers":
      return timersLine(context.bgp, rest, isNo);
    case "network":
      return networkLine(context, rest, isNo);
    case "aggregate-address":
      return aggregateLine(context, rest, isNo);
    case "redistribute":
      return redistributeLine(context, rest, isNo);
    case "maximum-paths":
      return maximumPathsLine(context, rest, isNo);
    default:
      return "unknown";
  }
}

function globalLine(bgp: BgpConfig, words: readonly string[], isNo: boolean): LineResult {
  const text = words.join(" ");
  const [first, second, third] = words;
  switch (text) {
    case "ebgp-requires-policy":
      bgp.ebgpRequiresPolicy = !isNo;
      return "done";
    case "network import-check":
      bgp.networkImportCheck = !isNo;
      return "done";
    case "default ipv4-unicast":
      keepActivation(bgp);
      bgp.defaultIpv4Unicast = !isNo;
      return "done";
    case "bestpath as-path multipath-relax":
      bgp.multipathRelax = !isNo;
      return "done";
    case "bestpath compare-routerid":
      bgp.compareRouterId = !isNo;
      return "done";
    case "fast-external-failover":
      bgp.fastExternalFailover = !isNo;
      return "done";
    case "graceful-restart":
      bgp.gracefulRestart = !isNo;
      return "done";
    case "disable-ebgp-connected-route-check":
      bgp.disableConnectedCheck = !isNo;
      return "done";
    case "default show-hostname":
    case "default show-nexthop-hostname":
    case "log-neighbor-changes":
      return "done"; // What is told, not what is done.
    case "deterministic-med":
    case "suppress-duplicates":
      return isNo ? "unknown" : "done"; // As the speaker has it.
  }
  if (first === "graceful-restart" && second === "restart-time") {
    if (!isNo && !isWhole(third)) return "unknown";
    bgp.gracefulRestartSeconds = isNo ? 120 : Number(third);
    return "done";
  }
  if (first === "router-id" || first === "cluster-id") {
    const parsed = parseAddress(second ?? "");
    if (parsed === undefined && !isNo) return "unknown";
    const key = first === "router-id" ? "routerId" : "clusterId";
    if (isNo || parsed === undefined) delete bgp[key];
    else bgp[key] = parsed;
    return "done";
  }
  if (first === "listen") return listenLine(bgp, words.slice(1), isNo);
  return "unknown";
}

/** What was made before another default is as the default was then. Members of a group are as their group is. */
function keepActivation({ neighbors, peerGroups, defaultIpv4Unicast }: BgpConfig): void {
  for (const { group, families } of [...peerGroups.values(), ...neighbors.values()]) {
    if (group === undefined) families.ipv4.activate ??= defaultIpv4Unicast;
  }
}

export function isWhole(word: string | undefined): boolean {
  return word !== undefined && /^\d+$/.test(word);
}

function listenLine(bgp: BgpConfig, words: readonly string[], isNo: boolean): LineResult {
  const [what, value, , group] = words;
  if (what === "limit") {
    if (!isNo && !isWhole(value)) return "unknown";
    bgp.listenLimit = isNo ? 100 : Number(value);
    return "done";
  }
  const prefix = parsePrefix(value ?? "");
  if (what !== "range" || prefix === undefined || group === undefined) return "unknown";
  if (!isNo && !bgp.peerGroups.has(group)) return "unknown";
  bgp.listenRanges = bgp.listenRanges.filter((range) => range.prefix !== prefix);
  if (!isNo) bgp.listenRanges.push({ prefix, group });
  return "done";
}

function timersLine(
  bgp: BgpConfig,
  [of, keepalive, hold, ...others]: readonly string[],
  isNo: boolean,
): LineResult {
  if (of !== "bgp" || others.length > 0) return "unknown";
  if (!isNo && !(isWhole(keepalive) && isWhole(hold))) return "unknown";
  if (isNo) delete bgp.timers;
  else bgp.timers = { keepaliveSeconds: Number(keepalive), holdSeconds: Number(hold) };
  return "done";
}

function networkLine(
  { bgp, family }: BgpContext,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  const prefix = parsePrefix(words[0] ?? "");
  const routeMap = words[1] === "route-map" ? words[2] : undefined;
  if (prefix === undefined || words.length > 3) return "unknown";
  if (words.length > 1 && routeMap === undefined) return "unknown";
  const of = bgp.families[family];
  of.networks = of.networks.filter((network) => network.prefix !== prefix);
  if (!isNo) of.networks.push({ prefix, ...(routeMap !== undefined && { routeMap }) });
  return "done";
}

/** `aggregate-address PREFIX [summary-only]`. */
function aggregateLine(
  { bgp, family }: BgpContext,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  const [text = "", option, ...others] = words;
  const prefix = parsePrefix(text);
  const isKnown = option === undefined || option === "summary-only";
  if (prefix === undefined || !isKnown || others.length > 0) return "unknown";
  const of = bgp.families[family];
  of.aggregates = of.aggregates.filter((one) => one.prefix !== prefix);
  if (!isNo) of.aggregates.push({ prefix, summaryOnly: option === "summary-only" });
  return "done";
}

const redistributed: ReadonlySet<string> = new Set(["connected", "static", "kernel"]);

function redistributeLine(
  { bgp, family }: BgpContext,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  const [from, key, value, ...others] = words;
  if (from === undefined || !redistributed.has(from)) return "unknown";
  if (others.length > 0 || (key !== undefined && (key !== "route-map" || value === undefined))) {
    return "unknown";
  }
  const of = bgp.families[family];
  const before = of.redistribute.find((one) => one.from === from)?.routeMap;
  of.redistribute = of.redistribute.filter((one) => one.from !== from);
  if (!isNo) {
    // A map that was given before stays until it is taken back.
    const routeMap = value ?? before;
    const mapped = routeMap !== undefined && { routeMap };
    of.redistribute.push({ from: from as Redistributed, ...mapped });
  }
  return "done";
}

function maximumPathsLine(
  { bgp, family }: BgpContext,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  const isInternal = words[0] === "ibgp";
  const [count, ...others] = isInternal ? words.slice(1) : words;
  if ((!isNo && !isWhole(count)) || others.length > 0) return "unknown";
  const key = isInternal ? "maximumPathsIbgp" : "maximumPaths";
  if (isNo) delete bgp.families[family][key];
  else bgp.families[family][key] = Number(count);
  return "done";
}
