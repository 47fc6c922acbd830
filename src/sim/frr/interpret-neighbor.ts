import type { BfdConfig } from "../../bgp/speaker/config.ts";
import { parseAddress } from "../../net/address.ts";
import { emptyNeighbor, type Neighbor, type NeighborFamily } from "./config.ts";
import type { BgpContext } from "./interpret-bgp.ts";
import type { LineResult } from "./interpret.ts";

/** Of bfdd. */
export const bfdDefaults: BfdConfig = {
  ...{ detectMultiplier: 3, receiveIntervalMs: 300, transmitIntervalMs: 300 },
};

/** `neighbor` and what follows it. */
export function neighborLine(
  context: BgpContext,
  [id, ...words]: readonly string[],
  isNo: boolean,
): LineResult {
  const { bgp } = context;
  const [first] = words;
  if (id === undefined) return "unknown";
  if (first === "peer-group" && words.length === 1) {
    if (isNo) bgp.peerGroups.delete(id);
    else bgp.peerGroups.set(id, bgp.peerGroups.get(id) ?? emptyNeighbor(false));
    return "done";
  }
  if (isNo && first === undefined) {
    bgp.neighbors.delete(id);
    return "done";
  }
  if (first === "interface") return interfaceLine(context, id, words.slice(1), isNo);
  const found = bgp.peerGroups.get(id) ?? bgp.neighbors.get(id) ?? addressNeighbor(context, id);
  if (found === undefined) return "unknown";
  return settingLine(context, found, words, isNo);
}

/** FRR makes a neighbor with the first line that says whose it is. */
function addressNeighbor({ bgp }: BgpContext, id: string): Neighbor | undefined {
  const parsed = parseAddress(id);
  if (parsed === undefined) return undefined;
  const made = emptyNeighbor(false);
  bgp.neighbors.set(parsed, made);
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
  if (isNo) {
    bgp.neighbors.delete(id);
    return "done";
  }
  const neighbor = bgp.neighbors.get(id) ?? emptyNeighbor(true);
  bgp.neighbors.set(id, neighbor);
  const rest = words[0] === "v6only" ? words.slice(1) : words;
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
      return set("group", second);
    case "remote-as": {
      const word = second === "internal" || second === "external" ? second : Number(second);
      return Number.isNaN(word) && !isNo ? "unknown" : set("remoteAs", word);
    }
    case "local-as":
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
      if (second === "connect") return set("connectSeconds", Number(third));
      if (second === "delayopen") return set("delayOpenSeconds", Number(third));
      return set("timers", { keepaliveSeconds: Number(second), holdSeconds: Number(third) });
    case "advertisement-interval":
      return set("advertisementSeconds", Number(second));
    case "passive":
      return set("passive", true);
    case "shutdown":
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
      return "done"; // A neighbor one hop away is reached at any of its addresses here.
    case "capability":
      return second === "extended-nexthop" ? set("extendedNextHop", true) : "unknown";
    default:
      return familyLine(of.families[context.family], words, isNo);
  }
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
      return words.length === 1 ? set("defaultOriginate", true) : "unknown";
    case "next-hop-self":
      return set("nextHopSelf", second === "force" ? "force" : true);
    case "route-reflector-client":
      return set("routeReflectorClient", true);
    case "soft-reconfiguration":
      return set("softReconfigurationInbound", true);
    case "addpath-tx-all-paths":
      return set("addPathTxAll", true);
    case "allowas-in":
      return set("allowAsIn", second === undefined ? 3 : Number(second));
    case "route-map":
      if (third !== "in" && third !== "out") return "unknown";
      return set(third === "in" ? "routeMapIn" : "routeMapOut", second);
    case "prefix-list":
      if (third !== "in" && third !== "out") return "unknown";
      return set(third === "in" ? "prefixListIn" : "prefixListOut", second);
    case "maximum-prefix": {
      const restart = words.indexOf("restart");
      return set("maximumPrefix", {
        count: Number(second),
        warningOnly: words.includes("warning-only"),
        thresholdPercent: /^\d+$/.test(third ?? "") ? Number(third) : 75,
        ...(restart > 0 && { restartMinutes: Number(words[restart + 1]) }),
      });
    }
    case "send-community":
      return isNo ? "unknown" : "done"; // All are sent unless told otherwise.
    default:
      return "unknown";
  }
}
