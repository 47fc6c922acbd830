import { parseAddress } from "../../net/address.ts";
import { parsePrefix } from "../../net/prefix.ts";
import {
  type BfdProfile,
  type BgpConfig,
  emptyBgp,
  type FrrConfig,
  type FrrFamily,
  type Permit,
  type RouteMapEntry,
} from "./config.ts";
import { bfdLine } from "./interpret-bfd.ts";
import { bgpLine } from "./interpret-bgp.ts";
import { neighborLine } from "./interpret-neighbor.ts";
import { listLine } from "./interpret-lists.ts";

/** Whether two are about the same: `ip address prefix-list`, `community`, `ip next-hop`. */
function isSameClause(a: string, b: string): boolean {
  const kindOf = (text: string) =>
    /^(?:ip|ipv6) \S+(?: prefix-list)?|^as-path \S+|^\S+/.exec(text)?.[0];
  return kindOf(a) === kindOf(b);
}

/** A line of `interface NAME`: what zebra makes of the interface. */
function interfaceLine(
  config: FrrConfig,
  name: string,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  const [first, second, third] = words;
  if (first === "description") return "done";
  // Links are up, and routers are advertised where sessions need it.
  const text = words.join(" ");
  if (isNo && (text === "shutdown" || text === "ipv6 nd suppress-ra")) return "done";
  if ((first !== "ip" && first !== "ipv6") || second !== "address") return "unknown";
  const [own, length] = (third ?? "").split("/");
  const parsed = parseAddress(own ?? "");
  if (parsed === undefined || length === undefined || words.length > 3) return "unknown";
  const added = { address: parsed, prefixLength: Number(length) };
  const others = (config.interfaces.get(name) ?? []).filter(({ address }) => address !== parsed);
  config.interfaces.set(name, isNo ? others : [...others, added]);
  return "done";
}

/** Where a line stands: within what was opened before. */
type Context =
  | { in: "top" }
  | {
      in: "bgp";
      bgp: BgpConfig;
      family: FrrFamily;
      isInFamily: boolean;
      within?: "bmp" | "unknown family";
    }
  | { in: "route-map"; entry: RouteMapEntry }
  | { in: "interface"; name: string }
  | { in: "bfd"; profile?: BfdProfile }
  /** Opened by a line that is not simulated, as `router ospf`: what stands there is not either. */
  | { in: "unknown" };

/** Lines that open what others stand in, until `exit`, `exit-vrf` or the next of them. */
const openers: ReadonlySet<string> = new Set(
  "router vrf key pbr-map segment-routing nexthop-group mpls l2vpn rpki pseudowire".split(" "),
);

/** What comes of a line. */
export type LineResult = "done" | "unknown";

/**
 * Takes configuration lines one by one into a configuration, as vtysh does: `router bgp` opens what the next
 * lines are about, `exit` and `!` close it.
 */
export class Interpreter {
  readonly config: FrrConfig;
  #context: Context = { in: "top" };

  constructor(config: FrrConfig) {
    this.config = config;
  }

  /** Whether the line was understood. One that was not has no effect. */
  take(line: string): LineResult {
    const words = line
      .trim()
      .split(/\s+/)
      .filter((word) => word !== "");
    const [first] = words;
    if (first === undefined || first.startsWith("!") || first.startsWith("#")) return "done";
    const isNo = first === "no";
    const rest = isNo ? words.slice(1) : words;
    const inner = this.#inner(rest, isNo);
    if (inner === "done") return "done";
    // vtysh leaves what is open where the words belong to the top.
    return this.#top(rest, isNo);
  }

  #inner(words: readonly string[], isNo: boolean): LineResult {
    const context = this.#context;
    switch (context.in) {
      case "bgp":
        return this.#bgp(context, words, isNo);
      case "route-map":
        return this.#routeMapEntry(context.entry, words, isNo);
      case "interface":
        return interfaceLine(this.config, context.name, words, isNo);
      case "bfd": {
        const taken = bfdLine(this.config, context.profile, words, isNo);
        if (taken === "end") {
          this.#context = context.profile === undefined ? { in: "top" } : { in: "bfd" };
          return "done";
        }
        if (typeof taken === "string") return taken;
        this.#context = { in: "bfd", profile: taken.profile };
        return "done";
      }
      case "unknown":
        if (!/^exit(-vrf)?$/.test(words[0]!)) return "unknown";
        this.#context = { in: "top" };
        return "done";
      default:
        return "unknown";
    }
  }

  #routeMapEntry(entry: RouteMapEntry, words: readonly string[], isNo: boolean): LineResult {
    const [first, ...rest] = words;
    if (first === "match" || first === "set") {
      const key = first === "match" ? "matches" : "sets";
      const text = rest.join(" ");
      // One of a kind: what is written again takes the place of what was.
      const others = entry[key].filter((each) => !isSameClause(each.join(" "), text));
      entry[key] = isNo ? others : [...others, rest];
    } else if (first === "exit") this.#context = { in: "top" };
    else if (first !== "description") return "unknown";
    return "done";
  }

  #bgp(context: Context & { in: "bgp" }, words: readonly string[], isNo: boolean): LineResult {
    const [first, second, third] = words;
    const { within, ...bgp } = context;
    if (first === "address-family") {
      if ((second !== "ipv4" && second !== "ipv6") || (third ?? "unicast") !== "unicast") {
        this.#context = { ...bgp, isInFamily: true, within: "unknown family" };
        return "unknown";
      }
      this.#context = { ...bgp, family: second, isInFamily: true };
      return "done";
    }
    if (first === "exit-address-family" || (first === "exit" && context.isInFamily)) {
      this.#context = { ...bgp, family: "ipv4", isInFamily: false };
      return "done";
    }
    // `neighbor … activate` for EVPN is none for IPv4.
    if (within === "unknown family") return "unknown";
    // Stations of BMP: nobody listens in the simulation, and what a router tells is no part of what it does.
    if (first === "bmp") {
      if (second === "targets" && !isNo) this.#context = { ...context, within: "bmp" };
      return "done";
    }
    if (first === "exit") {
      this.#context = within === "bmp" ? bgp : { in: "top" };
      return "done";
    }
    if (first === "neighbor") return neighborLine(context, words.slice(1), isNo);
    return bgpLine(context, words, isNo);
  }

  #top(words: readonly string[], isNo: boolean): LineResult {
    const { config } = this;
    const [first, second, third] = words;
    // What stands in a VRF is of that VRF alone, static routes too.
    const isClosed = this.#context.in === "unknown" && first === "ip" && second === "route";
    if (isClosed) return "unknown";
    switch (first) {
      case "configure":
      case "conf":
      case "end":
      case "exit":
      case "write":
      case "line":
      case "service":
        this.#context = { in: "top" };
        return "done";
      case "debug":
      case "password":
      case "enable":
      case "username":
      case "banner":
        return "done"; // What is told, and who may log in by telnet.
      case "log":
        if (second === "file" && third !== undefined) {
          if (isNo) delete config.logFile;
          else config.logFile = third;
        }
        this.#context = { in: "top" };
        return "done";
      case "hostname":
        if (second !== undefined) config.hostname = second;
        return "done";
      case "frr":
        if (second === "version") return "done";
        if (second !== "defaults" || (third !== "datacenter" && third !== "traditional")) {
          return "unknown";
        }
        config.profile = third;
        return "done";
      case "router":
        return this.#router(words, isNo);
      case "bfd":
        if (second !== undefined || isNo) return "unknown";
        this.#context = { in: "bfd" };
        return "done";
      case "interface":
        if (second === undefined || isNo || words.length > 2) return "unknown";
        this.#context = { in: "interface", name: second };
        return "done";
      case "route-map":
        return this.#routeMap(words, isNo);
      case "ip":
      case "ipv6":
      case "bgp":
        if (second === "route") return this.#staticRoute(words, isNo);
        return listLine(config, words, isNo);
      default:
        if (openers.has(first!) && !isNo) this.#context = { in: "unknown" };
        return "unknown";
    }
  }

  /** `router bgp [AS]`; another protocol's, or a VRF's, is not simulated. */
  #router([, protocol, asnText, ...others]: readonly string[], isNo: boolean): LineResult {
    const { config } = this;
    const asn = Number(asnText ?? config.bgp?.asn);
    if (protocol !== "bgp" || others.length > 0 || !Number.isInteger(asn) || asn < 1) {
      if (!isNo) this.#context = { in: "unknown" };
      return "unknown";
    }
    if (isNo) {
      delete config.bgp;
      this.#context = { in: "top" };
      return "done";
    }
    if (config.bgp !== undefined && config.bgp.asn !== asn) {
      this.#context = { in: "unknown" };
      return "unknown";
    }
    config.bgp ??= emptyBgp(asn, config.profile);
    this.#context = { in: "bgp", bgp: config.bgp, family: "ipv4", isInFamily: false };
    return "done";
  }

  #routeMap([, name, permit, sequenceText]: readonly string[], isNo: boolean): LineResult {
    const { routeMaps } = this.config;
    if (name === undefined) return "unknown";
    if (isNo && permit === undefined) {
      routeMaps.delete(name);
      return "done";
    }
    const sequence = Number(sequenceText);
    if ((permit !== "permit" && permit !== "deny") || !Number.isInteger(sequence)) return "unknown";
    const entries = routeMaps.get(name) ?? [];
    const others = entries.filter((entry) => entry.sequence !== sequence);
    const entry = entries.find((one) => one.sequence === sequence) ?? {
      ...{ sequence, permit: permit as Permit, matches: [], sets: [] },
    };
    entry.permit = permit;
    const left = isNo ? others : [...others, entry];
    routeMaps.set(
      name,
      left.sort((a, b) => a.sequence - b.sequence),
    );
    this.#context = isNo ? { in: "top" } : { in: "route-map", entry };
    return "done";
  }

  /** `ip route PREFIX ADDRESS [INTERFACE]`, or `… Null0`. A distance, tag or table is not simulated. */
  #staticRoute([, , to, via, link, ...others]: readonly string[], isNo: boolean): LineResult {
    const prefix = parsePrefix(to ?? "");
    const isBlackhole = via === "blackhole" || via === "Null0";
    const address = isBlackhole ? ("blackhole" as const) : parseAddress(via ?? "");
    if (prefix === undefined || address === undefined || others.length > 0) return "unknown";
    if (link !== undefined && (isBlackhole || /^\d+$|^onlink$/.test(link))) return "unknown";
    const { config } = this;
    config.staticRoutes = config.staticRoutes.filter(
      (route) => route.prefix !== prefix || route.via !== address,
    );
    if (!isNo) {
      const onLink = link === undefined ? {} : { interface: link };
      config.staticRoutes.push({ prefix, via: address, ...onLink });
    }
    return "done";
  }
}
