import { jsonEqual } from "../../cilium/json-equal.ts";
import { addressBits, defaultRoutes, parsePrefix, prefixFamily } from "../../net/prefix.ts";
import type { FrrConfig, FrrFamily, ListEntry, Permit, PrefixListEntry } from "./config.ts";
import { isWhole } from "./interpret-bgp.ts";
import type { LineResult } from "./interpret.ts";

/** `ip prefix-list`, `ipv6 prefix-list`, `bgp community-list`, `bgp large-community-list`, `bgp as-path access-list`. */
export function listLine(config: FrrConfig, words: readonly string[], isNo: boolean): LineResult {
  const [, kind, ...rest] = words;
  switch (kind) {
    case "prefix-list":
      return prefixListLine(config, words[0] === "ip" ? "ipv4" : "ipv6", rest, isNo);
    case "community-list":
      return communityListLine(config.communityLists, rest, isNo);
    case "large-community-list":
      return communityListLine(config.largeCommunityLists, rest, isNo);
    case "as-path": {
      const [, name, ...entry] = rest;
      return listEntry(config.asPathLists, { name, entry, isNo }, (value) => value.join(" "));
    }
    case "route-map": {
      const [timer, delay] = rest;
      // 0: what is changed is never applied to what is there.
      if (timer !== "delay-timer" || (!isNo && Number(delay) === 0)) return "unknown";
      if (isNo) delete config.routeMapDelaySeconds;
      else if (isWhole(delay)) config.routeMapDelaySeconds = Number(delay);
      return isNo || isWhole(delay) ? "done" : "unknown";
    }
    case "forwarding":
      config.doesNotForward[words[0] === "ip" ? "ipv4" : "ipv6"] = isNo;
      return "done";
    case "nht":
      if (rest.join(" ") !== "resolve-via-default" || words[0] !== "ip") return "unknown";
      config.resolvesViaDefault = !isNo;
      return "done";
    default:
      return "unknown";
  }
}

/** `NAME [seq N] permit|deny PREFIX [ge N] [le N]`. Lists of the two families may have the same name. */
function prefixListLine(
  config: FrrConfig,
  family: FrrFamily,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  const [name, ...rest] = words;
  if (name === undefined) return "unknown";
  if (rest[0] === "description") return "done";
  const all = config.prefixLists.get(name) ?? [];
  const entries = all.filter((entry) => prefixFamily(entry.prefix) === family);
  const put = (own: PrefixListEntry[]): LineResult => {
    const others = all.filter((entry) => !entries.includes(entry));
    const left = [...others, ...own].sort((a, b) => a.sequence - b.sequence);
    if (left.length === 0) config.prefixLists.delete(name);
    else config.prefixLists.set(name, left);
    return "done";
  };
  if (isNo && rest.length === 0) return put([]);
  const isNumbered = rest[0] === "seq";
  if (isNumbered && !isWhole(rest[1])) return "unknown";
  const [permit, to, ...bounds] = isNumbered ? rest.slice(2) : rest;
  const numbered = isNumbered ? Number(rest[1]) : undefined;
  if (isNo && isNumbered && permit === undefined) {
    return put(entries.filter(({ sequence }) => sequence !== numbered));
  }
  const range = rangeOf(family, to, bounds);
  if (!isPermit(permit) || range === undefined) return "unknown";
  const isSame = (entry: PrefixListEntry) =>
    entry.permit === permit &&
    entry.prefix === range.prefix &&
    entry.minLength === range.minLength &&
    entry.maxLength === range.maxLength &&
    (numbered ?? entry.sequence) === entry.sequence;
  if (isNo) return put(entries.filter((entry) => !isSame(entry)));
  if (entries.some(isSame)) return "done";
  const last = entries.at(-1)?.sequence ?? 0;
  const sequence = numbered ?? 5 * (Math.floor(last / 5) + 1);
  const others = entries.filter((entry) => entry.sequence !== sequence);
  return put([...others, { sequence, permit, ...range }]);
}

/** `any`, or `PREFIX [ge N] [le N]` in either order. */
function rangeOf(
  family: FrrFamily,
  to: string | undefined,
  bounds: readonly string[],
): Pick<PrefixListEntry, "prefix" | "minLength" | "maxLength"> | undefined {
  if (to === "any") {
    const every = { prefix: defaultRoutes[family], minLength: 0, maxLength: addressBits(family) };
    return bounds.length === 0 ? every : undefined;
  }
  const prefix = parsePrefix(to ?? "");
  if (prefix === undefined || prefixFamily(prefix) !== family) return undefined;
  const lengths: { ge?: number; le?: number } = {};
  for (let at = 0; at < bounds.length; at += 2) {
    const [word, length] = bounds.slice(at);
    if ((word !== "ge" && word !== "le") || !isWhole(length)) return undefined;
    lengths[word] = Number(length);
  }
  const { ge, le } = lengths;
  return {
    prefix,
    ...(ge !== undefined && { minLength: ge }),
    ...(le !== undefined && { maxLength: le }),
  };
}

/** `[standard|expanded] NAME [seq N] permit|deny VALUE…`. */
function communityListLine(
  lists: Map<string, ListEntry<string[]>[]>,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  if (words[0] === "expanded") return "unknown";
  const [name, ...entry] = words[0] === "standard" ? words.slice(1) : words;
  return listEntry(lists, { name, entry, isNo }, (value) => value);
}

/** Of the same name in the order of their numbers, those without one last. `no` takes away the entry that it names. */
function listEntry<Value>(
  lists: Map<string, ListEntry<Value>[]>,
  line: { name: string | undefined; entry: readonly string[]; isNo: boolean },
  valueOf: (words: string[]) => Value,
): LineResult {
  const { name, entry, isNo } = line;
  if (name === undefined) return "unknown";
  if (isNo && entry.length === 0) {
    lists.delete(name);
    return "done";
  }
  const isNumbered = entry[0] === "seq";
  const [permit, ...words] = isNumbered ? entry.slice(2) : entry;
  if (!isPermit(permit) || (isNumbered && !isWhole(entry[1]))) return "unknown";
  const before = lists.get(name) ?? [];
  const value = valueOf(words);
  const others = before.filter((one) => one.permit !== permit || !jsonEqual(one.value, value));
  const last = before.at(-1)?.sequence ?? 0;
  const sequence = isNumbered ? Number(entry[1]) : 5 * (Math.floor(last / 5) + 1);
  const left = isNo ? others : [...others, { sequence, permit, value }];
  if (left.length === 0) lists.delete(name);
  else
    lists.set(
      name,
      left.sort((a, b) => a.sequence - b.sequence),
    );
  return "done";
}

function isPermit(word: string | undefined): word is Permit {
  return word === "permit" || word === "deny";
}
