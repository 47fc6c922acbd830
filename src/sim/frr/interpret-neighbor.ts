import type { BfdConfig } from "../../bgp/speaker/config.ts";
import { parseAddress } from "../../net/address.ts";
import {
  type BgpConfig,
  emptyNeighbor,
  type Neighbor,
  type NeighborFamily,
  removePrivateForms,
} from "./config.ts";
import { isInternalNeighbor } from "./effective-neighbor.ts";
import { type BgpContext, isWhole } from "./interpret-bgp.ts";
import type { LineResult } from "./interpret.ts";

/** Of bfdd. */
export const bfdDefaults: BfdConfig = {
  ...{ detectMultiplier: 3, receiveIntervalMs: 300, transmitIntervalMs: 300 },
};

/** `neighbor` and what follows it. */
export function neighborLine(
  context: BgpContext,
  [written, ...words]: readonly string[],
  isNo: boolean,
): LineResult {
  const { bgp } = context;
  const [first] = words;
  if (written === undefined) return "unknown";
  const id = parseAddress(written) ?? written;
  if (first === "peer-group" && words.length === 1) {
    if (isNo) return removeGroup(bgp, id);
    bgp.peerGroups.set(id, bgp.peerGroups.get(id) ?? emptyNeighbor(false));
    return "done";
  }
  if (isNo && first === undefined && bgp.peerGroups.has(id)) return removeGroup(bgp, id);
  // A neighbor does not outlive what says whose it is.
  const saysWhose = first === undefined || first === "remote-as" || first === "peer-group";
  if (isNo && saysWhose && !bgp.peerGroups.has(id)) {
    return bgp.neighbors.delete(id) ? "done" : "unknown";
  }
  if (first === "interface" && parseAddress(id) === undefined) {
    return interfaceLine(context, id, words.slice(1), isNo);
  }
  const group = bgp.peerGroups.get(id);
  if (isNo && group !== undefined && first === "remote-as") removeMembers(bgp, id);
  const found = group ?? bgp.neighbors.get(id) ?? addressNeighbor(context, id, words, isNo);
  if (found === undefined) return "unknown";
  return settingLine(context, found, words, isNo);
}

/** Its members and listen ranges go with it. */
function removeGroup(bgp: BgpConfig, name: string): LineResult {
  if (!bgp.peerGroups.delete(name)) return "unknown";
  removeMembers(bgp, name);
  bgp.listenRanges = bgp.listenRanges.filter(({ group }) => group !== name);
  return "done";
}

function removeMembers({ neighbors }: BgpConfig, name: string): void {
  for (const [id, { group }] of [...neighbors]) if (group === name) neighbors.delete(id);
}

/** FRR makes a neighbor with the line that says whose it is, and takes no other line before. */
function addressNeighbor(
  { bgp }: BgpContext,
  id: string,
  [first, group = ""]: readonly string[],
  isNo: boolean,
): Neighbor | undefined {
  const saysWhose = first === "remote-as" || (first === "peer-group" && bgp.peerGroups.has(group));
  if (isNo || !saysWhose || parseAddress(id) === undefined) return undefined;
  const made = emptyNeighbor(false);
  bgp.neighbors.set(id, made);
  return made;
}

/** `neighbor net0 interface [v6only] [peer-group G | remote-as N]`. */
function interfaceLine(
  context: BgpContext,
  id: string,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  const { bgp } = context;
  if (isNo) return bgp.neighbors.delete(id) ? "done" : "unknown";
  const rest = words[0] === "v6only" ? words.slice(1) : words;
  const [what, group = ""] = rest;
  if (what !== undefined && what !== "remote-as" && what !== "peer-group") return "unknown";
  if (what === "peer-group" && !bgp.peerGroups.has(group)) return "unknown";
  const neighbor = bgp.neighbors.get(id) ?? emptyNeighbor(true);
  bgp.neighbors.set(id, neighbor);
  return rest.length === 0 ? "done" : settingLine(context, neighbor, rest, false);
}

function settingLine(
  context: BgpContext,
  of: Neighbor,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  const [first, second, third] = words;
  const set = <Key extends keyof Neighbor>(key: Key, value: Neighbor[Key]): LineResult => {
    if (isNo) delete of[key];
    else of[key] = value;
    return "done";
  };
  switch (first) {
    case "peer-group":
      return context.bgp.peerGroups.has(second ?? "") ? set("group", second) : "unknown";
    case "remote-as": {
      const isWord = second === "internal" || second === "external";
      const ofGroup = context.bgp.peerGroups.get(of.group ?? "")?.remoteAs;
      // FRR: a member cannot override the AS of its group.
      if (!isNo && ((!isWord && !isWhole(second)) || ofGroup !== undefined)) return "unknown";
      return set("remoteAs", isWord ? second : Number(second));
    }
    case "local-as":
      if (!isNo && !isWhole(second)) return "unknown";
      return set("localAs", {
        asn: Number(second),
        noPrepend: words.includes("no-prepend"),
        replaceAs: words.includes("replace-as"),
      });
    case "description":
      return set("description", words.slice(1).join(" "));
    case "password":
      return set("password", words.slice(1).join(" "));
    case "timers":
      if (!isNo && !isWhole(third)) return "unknown";
      if (second === "connect") return set("connectSeconds", Number(third));
      if (second === "delayopen") return set("delayOpenSeconds", Number(third));
      if (!isNo && !isWhole(second)) return "unknown";
      return set("timers", { keepaliveSeconds: Number(second), holdSeconds: Number(third) });
    case "advertisement-interval":
      return isNo || isWhole(second) ? set("advertisementSeconds", Number(second)) : "unknown";
    case "passive":
      return set("passive", true);
    case "shutdown":
      if (second !== undefined && second !== "message") return "unknown";
      return set("shutdown", second === "message" ? { message: words.slice(2).join(" ") } : {});
    case "update-source":
      return set("updateSource", second);
    case "ebgp-multihop":
      return set("ebgpMultihop", second === undefined ? 255 : Number(second));
    case "ttl-security":
      return set("ttlSecurityHops", Number(third));
    case "bfd":
      if (second === "profile" && third !== undefined && words.length === 3) {
        // Without its profile there is still BFD.
        of.bfd ??= bfdDefaults;
        return set("bfdProfile", third);
      }
      if (isNo) delete of.bfdProfile;
      return bfdLine(words.slice(1), (value) => set("bfd", value));
    case "disable-connected-check":
      return set("disableConnectedCheck", true);
    case "capability":
      // FRR does not let it be taken from a neighbor that is named by its interface.
      if (second !== "extended-nexthop" || (isNo && of.isInterface)) return "unknown";
      return set("extendedNextHop", true);
    default:
      if (first === "route-reflector-client" && isExternal(context.bgp, of)) return "unknown";
      return familyLine(of.families[context.family], words, isNo);
  }
}

/** As far as it is said here, and not by a group. */
function isExternal(bgp: BgpConfig, of: Neighbor): boolean {
  return of.remoteAs !== undefined && !isInternalNeighbor(bgp, of);
}

/** `bfd [MULTIPLIER RECEIVE TRANSMIT]`, in milliseconds. */
function bfdLine(words: readonly string[], set: (value: BfdConfig) => LineResult): LineResult {
  if (words.length === 0) return set(bfdDefaults);
  const [detectMultiplier = NaN, receiveIntervalMs = NaN, transmitIntervalMs = NaN] =
    words.map(Number);
  const isTimers = words.length === 3 && words.every((word) => /^\d+$/.test(word));
  return isTimers ? set({ detectMultiplier, receiveIntervalMs, transmitIntervalMs }) : "unknown";
}

function familyLine(of: NeighborFamily, words: readonly string[], isNo: boolean): LineResult {
  const [first, second, third] = words;
  const set = <Key extends keyof NeighborFamily>(
    key: Key,
    value: NeighborFamily[Key],
  ): LineResult => {
    if (isNo) delete of[key];
    else of[key] = value;
    return "done";
  };
  switch (first) {
    case "activate":
      of.activate = !isNo;
      return "done";
    case "default-originate":
      if (isNo || words.length === 1) return set("defaultOriginate", {});
      if (second !== "route-map" || third === undefined) return "unknown";
      return set("defaultOriginate", { routeMap: third });
    case "next-hop-self":
      if (second === undefined) return set("nextHopSelf", true);
      return second === "force" || second === "all" ? set("nextHopSelfForce", true) : "unknown";
    case "remove-private-AS": {
      const form = removePrivateForms.find((one) => one === words.slice(1).join(" "));
      if (form === undefined) return "unknown";
      const { [form]: _, ...others } = of.removePrivateAs ?? {};
      const left = isNo ? others : { ...others, [form]: true };
      if (Object.keys(left).length > 0) of.removePrivateAs = left;
      else delete of.removePrivateAs;
      return "done";
    }
    case "as-override":
      return set("asOverride", true);
    case "route-reflector-client":
      return set("routeReflectorClient", true);
    case "soft-reconfiguration":
      return second === "inbound" ? set("softReconfigurationInbound", true) : "unknown";
    case "addpath-tx-all-paths":
      return set("addPathTxAll", true);
    case "allowas-in":
      // `origin`: only where we are the path's origin.
      if (!isNo && second !== undefined && !isWhole(second)) return "unknown";
      return set("allowAsIn", second === undefined ? 3 : Number(second));
    case "route-map":
      if (third !== "in" && third !== "out") return "unknown";
      return set(third === "in" ? "routeMapIn" : "routeMapOut", second);
    case "prefix-list":
      if (third !== "in" && third !== "out") return "unknown";
      return set(third === "in" ? "prefixListIn" : "prefixListOut", second);
    case "maximum-prefix": {
      if (isNo) return set("maximumPrefix", undefined);
      const maximum = maximumPrefix(words.slice(1));
      return maximum === undefined ? "unknown" : set("maximumPrefix", maximum);
    }
    case "send-community": {
      const isKnown = /^(standard|extended|both|large|all)?$/.test(words.slice(1).join(" "));
      return isNo || !isKnown ? "unknown" : "done"; // All are sent unless told otherwise.
    }
    default:
      return "unknown";
  }
}

/** `COUNT [PERCENT] [warning-only | restart MINUTES]`; undefined: another form, such as `force`. */
function maximumPrefix(words: readonly string[]): NeighborFamily["maximumPrefix"] {
  const { count, percent, warning, restart } =
    /^(?<count>\d+)( (?<percent>\d+))?(?<warning> warning-only)?( restart (?<restart>\d+))?$/.exec(
      words.join(" "),
    )?.groups ?? {};
  if (count === undefined) return undefined;
  return {
    count: Number(count),
    warningOnly: warning !== undefined,
    thresholdPercent: percent === undefined ? 75 : Number(percent),
    ...(restart !== undefined && { restartMinutes: Number(restart) }),
  };
}
