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
      // A neighbor one hop away is reached at any of its addresses here.
      return "done";
    case "default show-hostname":
    case "default show-nexthop-hostname":
    case "log-neighbor-changes":
    case "deterministic-med":
    case "suppress-duplicates":
      return "done"; // What is told, not what is done; and the decision is deterministic.
  }
  if (first === "graceful-restart" && second === "restart-time") {
    bgp.gracefulRestartSeconds = Number(third);
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

function listenLine(bgp: BgpConfig, words: readonly string[], isNo: boolean): LineResult {
  const [what, value, , group] = words;
  if (what === "limit") {
    bgp.listenLimit = isNo ? 100 : Number(value);
    return "done";
  }
  const prefix = parsePrefix(value ?? "");
  if (what !== "range" || prefix === undefined || group === undefined) return "unknown";
  bgp.listenRanges = bgp.listenRanges.filter((range) => range.prefix !== prefix);
  if (!isNo) bgp.listenRanges.push({ prefix, group });
  return "done";
}

function timersLine(
  bgp: BgpConfig,
  [, keepalive, hold]: readonly string[],
  isNo: boolean,
): LineResult {
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
  if (prefix === undefined || (words.length > 1 && routeMap === undefined)) return "unknown";
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
  const [from, key, value] = words;
  if (from === undefined || !redistributed.has(from)) return "unknown";
  if (key !== undefined && key !== "route-map") return "unknown";
  const of = bgp.families[family];
  of.redistribute = of.redistribute.filter((one) => one.from !== from);
  if (!isNo) {
    const routeMap = key === undefined ? {} : { routeMap: value! };
    of.redistribute.push({ from: from as Redistributed, ...routeMap });
  }
  return "done";
}

function maximumPathsLine(
  { bgp, family }: BgpContext,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  const isInternal = words[0] === "ibgp";
  const count = Number(isInternal ? words[1] : words[0]);
  if (!isNo && !Number.isInteger(count)) return "unknown";
  const key = isInternal ? "maximumPathsIbgp" : "maximumPaths";
  if (isNo) delete bgp.families[family][key];
  else bgp.families[family][key] = count;
  return "done";
}
