import type { Prefix } from "../../net/prefix.ts";
import { prefixFamily } from "../../net/prefix.ts";
import { kernelRoutes } from "../../observe/kernel.ts";
import type { RibRoute } from "../../observe/rib-view.ts";
import { readRoute } from "../../observe/router.ts";
import { boundsText, inBounds, textMatches, textMatchText } from "../bounds.ts";
import type { CheckContext, CheckHandler, Look } from "../check.ts";
import {
  familyText,
  ipFamily,
  isNextHop,
  nextHopText,
  nodeNamed,
  referenceText,
  resolveDestination,
  sameNextHops,
} from "../resolve.ts";
import type { Carried, CheckOf, NextHop } from "../schema/types.ts";

type RouteCheck = CheckOf<"route">;

/** One prefix in the BGP table of a router or agent. */
export const route: CheckHandler<"route"> = {
  text(check) {
    const via = check.via?.length ? ` via ${check.via.map(referenceText).join(", ")}` : "";
    const what = `${referenceText(check.prefix)}${familyText(check.family)}`;
    return `route ${what} on ${check.on}${check.absent ? " absent" : via}`;
  },

  expected: (check) =>
    check.absent ? "not in the table" : wants(check).join(", ") || "in the table",

  async look(context, check) {
    const node = nodeNamed(context, check.on);
    const prefix = await resolveDestination(context, check.prefix, ipFamily(check.family));
    const [paths] = await Promise.all([
      readRoute(context.runtime, node, prefix),
      context.names.ready(),
    ]);
    const installed =
      check.installed === undefined ? undefined : await isInstalled(context, node.name, prefix);
    return judgeRoute(context, check, node.name, prefix, paths, installed);
  },
};

/** What the paths of the prefix say to the check; each mismatch is named. */
function judgeRoute(
  context: CheckContext,
  check: RouteCheck,
  node: string,
  prefix: Prefix,
  paths: RibRoute[],
  installed: boolean | undefined,
): Look {
  const seen = pathsText(context, node, prefix, paths, installed);
  if (check.absent) {
    return paths.length === 0 ? { ok: true, seen } : { ok: false, seen, differs: ["it is there"] };
  }
  if (paths.length === 0) return { ok: false, seen, differs: ["no path to it"] };

  const used = paths.filter((path) => path.best || path.multipath);
  const subject = check.best === undefined ? used : overVia(context, node, paths, check.via);
  const differs = [
    ...wrongWay(context, node, check, used, subject),
    ...(check.paths !== undefined && !inBounds(used.length, check.paths)
      ? [`${used.length} paths used, not ${boundsText(check.paths)}`]
      : []),
    ...(check.installed !== undefined && installed !== check.installed
      ? [installed ? "in the FIB" : "not in the FIB"]
      : []),
    ...wrongReason(check, paths),
    ...(subject.length === 0 && check.best === undefined ? ["no path is used"] : []),
    ...new Set(subject.flatMap((path) => wrongAttributes(path, check))),
  ];
  return { ok: differs.length === 0, seen, differs };
}

function wrongWay(
  context: CheckContext,
  node: string,
  check: RouteCheck,
  used: RibRoute[],
  subject: RibRoute[],
): string[] {
  if (check.best !== undefined) {
    if (subject.length === 0) return ["no path over this next hop"];
    const isBest = subject.every((path) => path.best || path.multipath);
    return isBest === check.best ? [] : [isBest ? "it is best" : "it is not best"];
  }
  if (check.via === undefined) return [];
  const hops = used.flatMap((path) => path.nextHops);
  if (sameNextHops(context, node, hops, check.via)) return [];
  const seen = hops.map((hop) => nextHopText(context, node, hop)).join(", ") || "nobody";
  return [`via ${seen}, not ${check.via.map(referenceText).join(", ")}`];
}

function wrongReason(check: RouteCheck, paths: RibRoute[]): string[] {
  if (check.why === undefined) return [];
  const why = paths.find((path) => path.best)?.why ?? "";
  return textMatches(why, check.why) ? [] : [`best because ${why || "(not told)"}`];
}

function wrongAttributes(path: RibRoute, check: RouteCheck): string[] {
  const compared = [
    ["AS path", path.asPath, check.asPath],
    ["local preference", path.localPref, check.localPreference],
    ["MED", path.med, check.med],
    ["origin", path.origin, check.origin],
    ["stale", path.stale, check.stale],
  ] as const;
  return [
    ...compared.flatMap(([name, seen, wanted]) =>
      wanted === undefined || seen === wanted
        ? []
        : [`${name} ${JSON.stringify(seen ?? null)}, not ${JSON.stringify(wanted)}`],
    ),
    ...wrongCommunities("communities", path.communities, check.communities),
    ...wrongCommunities("large communities", path.largeCommunities, check.largeCommunities),
  ];
}

function wrongCommunities(
  what: string,
  communities: string[] | undefined,
  wanted: Carried | undefined,
): string[] {
  return carries(communities, wanted) ? [] : [`${what} ${communities?.join(" ") || "none"}`];
}

/** Whatever the case: FRR prints `local-AS`. */
function carries(communities: string[] = [], wanted: Carried | undefined): boolean {
  if (wanted === undefined) return true;
  const there = new Set(communities.map((one) => one.toLowerCase()));
  const names = "exactly" in wanted ? wanted.exactly : wanted.includes;
  const hasAll = names.every((one) => there.has(one.toLowerCase()));
  return hasAll && (!("exactly" in wanted) || there.size === new Set(names).size);
}

function carriedText(what: [one: string, many: string], wanted: Carried | undefined): string[] {
  if (wanted === undefined) return [];
  if ("includes" in wanted) return wanted.includes.map((one) => `${what[0]} ${one}`);
  const { exactly } = wanted;
  return [exactly.length === 0 ? `no ${what[0]}` : `${what[1]} ${exactly.join(", ")} and no other`];
}

/** The paths over the next hops written; all of them where none is. */
function overVia(
  context: CheckContext,
  node: string,
  paths: RibRoute[],
  via: NextHop[] | undefined,
): RibRoute[] {
  if (via === undefined) return paths;
  return paths.filter((path) =>
    path.nextHops.some((hop) => via.some((one) => isNextHop(context, node, hop, one))),
  );
}

/** Whether the main table has the prefix, and not as a mere blackhole, by which pod ranges are held. */
async function isInstalled(context: CheckContext, node: string, prefix: Prefix): Promise<boolean> {
  const routes = await kernelRoutes(context.runtime, { node }, prefixFamily(prefix));
  return routes.some(
    (one) => one.prefix === prefix && one.table === "main" && one.type === "unicast",
  );
}

function wants(check: RouteCheck): string[] {
  return [
    ...(check.via ? [`via ${check.via.map(referenceText).join(", ")}`] : []),
    ...(check.best === undefined ? [] : [check.best ? "best" : "not best"]),
    ...(check.paths ? [`paths ${boundsText(check.paths)}`] : []),
    ...(check.asPath === undefined ? [] : [`AS path ${quoted(check.asPath)}`]),
    ...(check.localPreference === undefined ? [] : [`local preference ${check.localPreference}`]),
    ...(check.med === undefined ? [] : [`MED ${check.med}`]),
    ...(check.origin === undefined ? [] : [`origin ${check.origin}`]),
    ...carriedText(["community", "communities"], check.communities),
    ...carriedText(["large community", "large communities"], check.largeCommunities),
    ...(check.stale === undefined ? [] : [check.stale ? "stale" : "not stale"]),
    ...(check.why ? [`because ${textMatchText(check.why)}`] : []),
    ...(check.installed === undefined ? [] : [check.installed ? "in the FIB" : "not in the FIB"]),
  ];
}

function pathsText(
  context: CheckContext,
  node: string,
  prefix: Prefix,
  paths: RibRoute[],
  installed: boolean | undefined,
): string {
  if (paths.length === 0) return `${prefix} is not in the table`;
  const texts = paths.map((path) =>
    [
      path.nextHops.length === 0
        ? "own"
        : `via ${path.nextHops.map((hop) => nextHopText(context, node, hop)).join(", ")}`,
      ...(path.best ? ["best"] : path.multipath ? ["multipath"] : []),
      ...(path.stale ? ["stale"] : []),
      ...(path.valid ? [] : ["not valid"]),
      `AS path ${quoted(path.asPath)}`,
      ...(path.localPref === undefined ? [] : [`local preference ${path.localPref}`]),
      ...(path.med === undefined ? [] : [`MED ${path.med}`]),
      `origin ${path.origin}`,
      ...(path.communities ?? []).map((one) => `community ${one}`),
      ...(path.largeCommunities ?? []).map((one) => `large community ${one}`),
      ...(path.why === undefined ? [] : [`(${path.why})`]),
    ].join(" "),
  );
  const fib = installed === undefined ? "" : `; ${installed ? "in" : "not in"} the FIB`;
  return `${prefix} ${texts.join("; ")}${fib}`;
}

function quoted(asPath: string): string {
  return `"${asPath}"`;
}
