import { parsePrefix } from "../../net/prefix.ts";
import type { FrrConfig, ListEntry, Permit } from "./config.ts";
import type { LineResult } from "./interpret.ts";

/** `ip prefix-list`, `ipv6 prefix-list`, `bgp community-list`, `bgp large-community-list`, `bgp as-path access-list`. */
export function listLine(config: FrrConfig, words: readonly string[], isNo: boolean): LineResult {
  const [, kind, ...rest] = words;
  switch (kind) {
    case "prefix-list":
      return prefixListLine(config, rest, isNo);
    case "community-list":
      return communityListLine(config.communityLists, rest, isNo);
    case "large-community-list":
      return communityListLine(config.largeCommunityLists, rest, isNo);
    case "as-path": {
      const [, name, ...entry] = rest;
      return listEntry(config.asPathLists, name, entry, isNo, (value) => value.join(" "));
    }
    case "forwarding":
      config.doesNotForward[words[0] === "ip" ? "ipv4" : "ipv6"] = isNo;
      return "done";
    case "nht":
      return "done"; // Next hops resolve as the profile says.
    default:
      return "unknown";
  }
}

/** `NAME [seq N] permit|deny PREFIX [ge N] [le N]`. */
function prefixListLine(config: FrrConfig, words: readonly string[], isNo: boolean): LineResult {
  const [name, ...rest] = words;
  if (name === undefined) return "unknown";
  if (isNo && rest.length === 0) {
    config.prefixLists.delete(name);
    return "done";
  }
  const entries = config.prefixLists.get(name) ?? [];
  const isNumbered = rest[0] === "seq";
  const last = entries.at(-1)?.sequence ?? 0;
  const sequence = isNumbered ? Number(rest[1]) : 5 * (Math.floor(last / 5) + 1);
  const [permit, to, ...bounds] = isNumbered ? rest.slice(2) : rest;
  const prefix = to === "any" ? parsePrefix("0.0.0.0/0") : parsePrefix(to ?? "");
  if (!isPermit(permit) || prefix === undefined) return "unknown";
  const bound = (word: string) => {
    const at = bounds.indexOf(word);
    return at < 0 ? undefined : Number(bounds[at + 1]);
  };
  const minLength = to === "any" ? 0 : bound("ge");
  const maxLength = to === "any" ? 32 : bound("le");
  const others = entries.filter((entry) => entry.sequence !== sequence);
  const entry = {
    ...{ sequence, permit, prefix },
    ...(minLength !== undefined && { minLength }),
    ...(maxLength !== undefined && { maxLength }),
  };
  const left = isNo ? others : [...others, entry];
  config.prefixLists.set(
    name,
    left.sort((a, b) => a.sequence - b.sequence),
  );
  return "done";
}

/** `[standard|expanded] NAME [seq N] permit|deny VALUE…`. */
function communityListLine(
  lists: Map<string, ListEntry<string[]>[]>,
  words: readonly string[],
  isNo: boolean,
): LineResult {
  if (words[0] === "expanded") return "unknown";
  const [name, ...entry] = words[0] === "standard" ? words.slice(1) : words;
  return listEntry(lists, name, entry, isNo, (value) => value);
}

function listEntry<Value>(
  lists: Map<string, ListEntry<Value>[]>,
  name: string | undefined,
  words: readonly string[],
  isNo: boolean,
  valueOf: (words: string[]) => Value,
): LineResult {
  if (name === undefined) return "unknown";
  if (isNo) {
    lists.delete(name);
    return "done";
  }
  const [permit, ...value] = words[0] === "seq" ? words.slice(2) : words;
  if (!isPermit(permit)) return "unknown";
  lists.set(name, [...(lists.get(name) ?? []), { permit, value: valueOf(value) }]);
  return "done";
}

function isPermit(word: string | undefined): word is Permit {
  return word === "permit" || word === "deny";
}
