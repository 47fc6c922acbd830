import { ownPathOf } from "../../bgp/rib/path.ts";
import { Policy, type PrefixRange } from "../../bgp/rib/policy.ts";
import { communitiesUnder } from "../../bgp/rib/policy-set.ts";
import type { ImportPolicy, OwnRoute, PolicyStatement } from "../../bgp/speaker/config.ts";
import { parseCommunity, parseLargeCommunity } from "../../bgp/speaker/community-text.ts";
import type { Origin } from "../../bgp/wire/message.ts";
import { type Address, parseAddress } from "../../net/address.ts";
import {
  addressBits,
  defaultRoutes,
  type Prefix,
  prefixFamily,
  prefixLength,
} from "../../net/prefix.ts";
import type {
  FrrConfig,
  FrrFamily,
  NeighborFamily,
  PrefixListEntry,
  RouteMapEntry,
} from "./config.ts";
import { isWhole } from "./interpret-bgp.ts";
import type { RouteMapSource } from "./route-maps-in-force.ts";

type Match = NonNullable<PolicyStatement["match"]>;
type Set = NonNullable<PolicyStatement["set"]>;

const origins: ReadonlySet<string> = new Set<Origin>(["igp", "egp", "incomplete"]);

/** A route that the router has itself. `interface`: that it is connected by. `nextHop`: of a static one. */
export type OwnCandidate = { prefix: Prefix; interface?: string; nextHop?: Address };

type OwnAttributes = Omit<OwnRoute, "prefix" | "nextHop">;

/** What of a route map or list the simulation cannot do is told by `problem`, and left out. */
export class PolicyBuilder {
  readonly #config: FrrConfig;
  /** Route maps as they are in force, which may not be as they are configured. */
  readonly #maps: RouteMapSource;
  readonly #problem: (message: string) => void;

  constructor(config: FrrConfig, maps: RouteMapSource, problem: (message: string) => void) {
    this.#config = config;
    this.#maps = maps;
    this.#problem = problem;
  }

  /** What a neighbor's prefix list and route map for one direction come to: both must let a route through. */
  statements(of: NeighborFamily, direction: "in" | "out"): PolicyStatement[] {
    const list = direction === "in" ? of.prefixListIn : of.prefixListOut;
    const map = direction === "in" ? of.routeMapIn : of.routeMapOut;
    const entries: PolicyStatement[] =
      map === undefined ? [{ name: "all", action: "accept" }] : this.#routeMap(map, direction);
    if (list === undefined) return entries;
    const prefixRanges = rangesOf(this.#config, list);
    if (prefixRanges.length === 0) return [{ name: `prefix-list ${list}`, action: "reject" }];
    return entries.map((entry) => {
      if (entry.match?.prefixRanges !== undefined) {
        this.#problem(`prefix-list ${list} beside a route map that matches another one`);
      }
      return { ...entry, match: { ...entry.match, prefixRanges } };
    });
  }

  /** `default-originate route-map`: what must let some route through. A map that does not exist lets none. */
  condition(map: string): PolicyStatement[] {
    return this.#routeMap(map, "out");
  }

  /** What a route map makes of an own route; undefined: it does not let it through, as where there is no such map. */
  own(
    map: string,
    candidate: OwnCandidate,
    { prefix, nextHop, ...attributes }: OwnRoute,
  ): OwnRoute | undefined {
    const entries = this.#maps.routeMaps.get(map) ?? [];
    const path = ownPathOf(attributes);
    for (const entry of entries) {
      const isInterface = (words: readonly string[]) => words[0] === "interface";
      const names = entry.matches.filter(isInterface).map(([, name]) => name);
      if (names.some((name) => name !== candidate.interface)) continue;
      const matches = entry.matches.filter((words) => !isInterface(words));
      const [statement] = this.#entry(map, { ...entry, matches }, "own");
      if (statement === undefined || !new Policy([statement]).match(prefix, path)) continue;
      if (statement.action === "reject") return undefined;
      const set = statement.set ?? {};
      return {
        ...{ prefix, ...this.#attributesUnder(map, attributes, set) },
        ...(nextHop !== undefined && { nextHop }),
      };
    }
    return undefined;
  }

  #attributesUnder(map: string, of: OwnAttributes, set: Set): OwnAttributes {
    for (const key of ["asPathPrepend", "nextHop"] as const) {
      if (set[key] !== undefined)
        this.#problem(`route-map ${map}: ${key} of the router's own routes`);
    }
    const med = set.med ?? of.med;
    return {
      origin: of.origin,
      ...(med !== undefined && { med }),
      ...(set.localPref !== undefined && { localPref: set.localPref }),
      ...communitiesUnder({ ...of, asPath: [] }, set),
    };
  }

  /** FRR: a route map that does not exist lets nothing through. */
  #routeMap(name: string, direction: "in" | "out"): PolicyStatement[] {
    const entries = this.#maps.routeMaps.get(name) ?? [];
    for (const { sequence, sets } of entries) {
      for (const words of sets) {
        if (!this.#prependsOther(words, direction)) continue;
        this.#problem(`route-map ${name} ${sequence}: ${direction}: set ${words.join(" ")}`);
      }
    }
    return entries.flatMap((entry) => this.#entry(name, entry, direction));
  }

  /** Spinelab's speaker puts its own AS number before a path that goes out, and the path's first before one that comes. */
  #prependsOther([first, second, ...rest]: readonly string[], direction: "in" | "out"): boolean {
    if (first !== "as-path" || second !== "prepend") return false;
    if (direction === "in" || rest[0] === "last-as") {
      return direction === "out" || rest[0] !== "last-as";
    }
    return rest.some((asn) => Number(asn) !== this.#config.bgp?.asn);
  }

  #entry(map: string, entry: RouteMapEntry, direction: "in" | "out" | "own"): PolicyStatement[] {
    const name = `${map} ${entry.sequence}`;
    const match: Match = {};
    for (const words of entry.matches) {
      if (!this.#match(match, words, direction))
        this.#problem(`route-map ${name}: match ${words.join(" ")}`);
    }
    // A list that nothing can be in.
    if (match.prefixRanges?.length === 0 || match.communities?.any?.length === 0) return [];
    const set: Set = {};
    for (const words of entry.sets) {
      if (!setOf(set, words)) this.#problem(`route-map ${name}: set ${words.join(" ")}`);
    }
    return [
      {
        name,
        action: entry.permit === "permit" ? "accept" : "reject",
        ...(Object.keys(match).length > 0 && { match }),
        ...(Object.keys(set).length > 0 && entry.permit === "permit" && { set }),
      },
    ];
  }

  /** Whether it was understood. */
  #match(match: Match, words: readonly string[], direction: "in" | "out" | "own"): boolean {
    const [first, ...rest] = words;
    const maps = this.#maps;
    switch (first) {
      case "ip":
      case "ipv6": {
        const [what, kind, list, ...others] = rest;
        if (what !== "address" || kind !== "prefix-list" || list === undefined) return false;
        // Of both families at once nothing can be.
        if (others.length > 0 || match.prefixRanges !== undefined) return false;
        match.prefixRanges = rangesOf(maps, list);
        return true;
      }
      case "community": {
        if (rest.length !== 1) return false;
        const values = entriesOf(maps.communityLists.get(rest[0] ?? ""), parseCommunity);
        if (values === undefined) return false;
        match.communities = values;
        return true;
      }
      case "large-community": {
        if (rest.length !== 1) return false;
        const values = entriesOf(maps.largeCommunityLists.get(rest[0] ?? ""), parseLargeCommunity);
        if (values === undefined) return false;
        match.largeCommunities = values;
        return true;
      }
      case "as-path": {
        const entries = maps.asPathLists.get(rest[0] ?? "");
        if (entries?.length !== 1 || entries[0]!.permit === "deny") return false;
        match.asPath = { regex: entries[0]!.value };
        return true;
      }
      case "origin":
        if (!origins.has(rest[0]!)) return false;
        match.origin = [rest[0] as Origin];
        return true;
      case "peer":
        // On the way out FRR asks for the peer that it is sent to.
        if (direction !== "in" || rest[0] === "local") return false;
        match.neighbors = [parseAddress(rest[0]!) ?? rest[0]!];
        return true;
      default:
        return false;
    }
  }
}

function rangesOf({ prefixLists }: RouteMapSource, list: string): PrefixRange[] {
  return (prefixLists.get(list) ?? []).map(rangeOf);
}

/** What all of the families have; undefined: not all have the same. */
function common<Of>(families: readonly FrrFamily[], of: (family: FrrFamily) => Of): Of | undefined {
  const [first = "ipv4", ...others] = families;
  const ofFirst = of(first);
  const text = JSON.stringify(ofFirst);
  return others.every((other) => JSON.stringify(of(other)) === text) ? ofFirst : undefined;
}

/** One policy of those of several families: where they differ, each is for the prefixes of its own. */
export function ofFamilies(
  families: readonly FrrFamily[],
  of: (family: FrrFamily) => PolicyStatement[],
): PolicyStatement[] {
  const ofEach = () =>
    families.flatMap((family) => of(family).flatMap((one) => within(family, one) ?? []));
  return common(families, of) ?? ofEach();
}

/** As `ofFamilies`. */
export function importPolicyOf(
  families: readonly FrrFamily[],
  of: (family: FrrFamily) => ImportPolicy,
): ImportPolicy {
  const statements = (family: FrrFamily): PolicyStatement[] => {
    const policy = of(family);
    return typeof policy === "string" ? [{ name: "all", action: policy }] : policy;
  };
  return common(families, of) ?? ofFamilies(families, statements);
}

/** The statement for the prefixes of one family; undefined: it holds for none of them. */
function within(family: FrrFamily, statement: PolicyStatement): PolicyStatement | undefined {
  const { match } = statement;
  const all = { prefix: defaultRoutes[family], minLength: 0, maxLength: addressBits(family) };
  const ranges = match?.prefixRanges ?? [all];
  const prefixRanges = ranges.filter(({ prefix }) => prefixFamily(prefix) === family);
  return prefixRanges.length === 0
    ? undefined
    : { ...statement, match: { ...match, prefixRanges } };
}

function rangeOf({ permit, prefix, minLength, maxLength }: PrefixListEntry): PrefixRange {
  const own = prefixLength(prefix);
  // `ge` alone: up to a host's own prefix.
  const most = minLength === undefined ? own : addressBits(prefixFamily(prefix));
  return {
    ...{ prefix, minLength: minLength ?? own, maxLength: maxLength ?? most },
    ...(permit === "deny" && { isExcluded: true }),
  };
}

function entriesOf<Value>(
  entries: readonly { permit: string; value: string[] }[] | undefined,
  parse: (text: string) => Value | undefined,
): { any: Value[] } | { all: Value[] } | undefined {
  if (entries === undefined) return { any: [] };
  if (entries.some(({ permit }) => permit === "deny")) return undefined;
  const parsed = entries.map(({ value }) => value.map(parse));
  if (parsed.flat().includes(undefined)) return undefined;
  const lists = parsed as Value[][];
  // Of one entry all must be there; of several entries any.
  if (lists.length === 1) return { all: lists[0]! };
  return lists.every((list) => list.length === 1) ? { any: lists.flat() } : undefined;
}

/** Whether it was understood. */
function setOf(set: Set, words: readonly string[]): boolean {
  const [first, ...rest] = words;
  switch (first) {
    case "local-preference":
      // `+10` is added to what is there.
      if (!isWhole(rest[0])) return false;
      set.localPref = Number(rest[0]);
      return true;
    case "metric":
      if (!isWhole(rest[0])) return false;
      set.med = Number(rest[0]);
      return true;
    case "as-path":
      if (rest[0] !== "prepend") return false;
      set.asPathPrepend = rest[1] === "last-as" ? Number(rest[2]) : rest.length - 1;
      return true;
    case "community": {
      const isAdded = rest.at(-1) === "additive";
      const values = (isAdded ? rest.slice(0, -1) : rest).map(parseCommunity);
      if (values.includes(undefined)) return false;
      const communities = values as number[];
      if (isAdded) set.communities = communities;
      else set.replace = { ...set.replace, communities };
      return true;
    }
    case "large-community": {
      const isAdded = rest.at(-1) === "additive";
      const values = (isAdded ? rest.slice(0, -1) : rest).map(parseLargeCommunity);
      if (values.includes(undefined)) return false;
      const largeCommunities = values as [number, number, number][];
      if (isAdded) set.largeCommunities = largeCommunities;
      else set.replace = { ...set.replace, largeCommunities };
      return true;
    }
    case "ip":
    case "ipv6": {
      const [what, ...hop] = first === "ipv6" && rest[1] === "global" ? rest.toSpliced(1, 1) : rest;
      const parsed = parseAddress(hop[0] ?? "");
      if (what !== "next-hop" || hop.length !== 1 || parsed === undefined) return false;
      set.nextHop = parsed;
      return true;
    }
    default:
      return false;
  }
}
