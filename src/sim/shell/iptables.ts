import { familyOf, type Family, parseAddress } from "../../net/address.ts";
import {
  addressBits,
  parsePrefix,
  type Prefix,
  prefixContains,
  prefixFamily,
  prefixOf,
} from "../../net/prefix.ts";
import type { Chain, Hook, Netfilter, Verdict } from "../netfilter.ts";
import type { SimNode } from "../network.ts";
import { done, failed, type Output } from "./ip.ts";
import { type Match, meets, type UnseenPacket } from "./packet-match.ts";

/** One line of `iptables -S`: what it matches, and what becomes of that. */
type Rule = { text: string; matches: Match; verdict: Verdict };

const hooks: Partial<Record<string, Hook>> = {
  ...{ INPUT: "input", FORWARD: "forward", OUTPUT: "output" },
};
const verdicts: Partial<Record<string, Verdict>> = {
  ...{ ACCEPT: "accept", DROP: "drop", REJECT: "reject" },
};
const rejections: Partial<Record<string, Verdict>> = {
  ...{ "icmp-port-unreachable": "reject", "icmp6-port-unreachable": "reject" },
  "tcp-reset": "reset",
};
/** Of the table `filter`. */
const priority = 0;

/** By chain. They go with the node's netfilter when the node starts anew. */
const rulesOf = new WeakMap<Netfilter, Map<string, Rule[]>>();

/**
 * `iptables -A|-D CHAIN MATCH… -j TARGET` of the filter table; undefined: not simulated. Nor is a rule that would
 * meet `unseen`: what comes to the node's programs by another way than as packets.
 */
export function iptables(
  node: SimNode,
  family: Family,
  [action, chainName = "", ...words]: readonly string[],
  unseen?: UnseenPacket,
): Output | undefined {
  const hook = hooks[chainName];
  const rule = ruleOf(words, family);
  if (hook === undefined || rule === undefined || meets(rule.matches, hook, unseen)) {
    return undefined;
  }
  const table = `iptables ${family} ${chainName}`;
  const rules = (node.netfilter && rulesOf.get(node.netfilter)?.get(table)) ?? [];
  switch (action) {
    case "-A":
      setRules(node, table, hook, [...rules, rule]);
      return done;
    case "-D": {
      const at = rules.findIndex(({ text }) => text === rule.text);
      if (at < 0)
        return failed("iptables: Bad rule (does a matching rule exist in that chain?).", 1);
      setRules(node, table, hook, rules.toSpliced(at, 1));
      return done;
    }
    default:
      return undefined;
  }
}

/** `iptables-save`: the rules of the filter table. */
export function iptablesSave(node: SimNode, family: Family): Output {
  const chains = node.netfilter && rulesOf.get(node.netfilter);
  const lines = Object.keys(hooks).flatMap((chain) =>
    (chains?.get(`iptables ${family} ${chain}`) ?? []).map(({ text }) => `-A ${chain} ${text}\n`),
  );
  return { ...done, stdout: lines.length === 0 ? "" : `*filter\n${lines.join("")}COMMIT\n` };
}

function setRules(node: SimNode, table: string, hook: Hook, rules: Rule[]): void {
  const chain: Chain = {
    ...{ hook, priority },
    see: ({ tuple }, device) =>
      rules.find(({ matches }) => matches(tuple, device))?.verdict ?? "accept",
  };
  const netfilter = node.withNetfilter();
  netfilter.setTable(table, rules.length > 0 ? [chain] : []);
  const chains = rulesOf.get(netfilter) ?? new Map<string, Rule[]>();
  rulesOf.set(netfilter, chains.set(table, rules));
}

function ruleOf(words: readonly string[], family: Family): Rule | undefined {
  const matches: Match[] = [({ source }) => familyOf(source) === family];
  let verdict: Verdict | undefined;
  let protocol: string | undefined;
  for (let i = 0; i < words.length; i++) {
    const isNegated = words[i] === "!";
    if (isNegated) i++;
    const [option, value = ""] = [words[i], words[++i]];
    let match: Match;
    if (option === "-p" && ["tcp", "udp", "icmp"].includes(value)) {
      if (!isNegated) protocol = value;
      match = (tuple) => tuple.protocol === value;
    } else if ((option === "--dport" || option === "--sport") && /^\d+$/.test(value)) {
      if (protocol !== "tcp" && protocol !== "udp") return undefined;
      const port = option === "--dport" ? "destinationPort" : "sourcePort";
      match = (tuple) => tuple[port] === Number(value);
    } else if (option === "-i") {
      match = (_, device) => device === value;
    } else if (option === "-s" || option === "-d") {
      const prefix = destination(value);
      if (prefix === undefined || prefixFamily(prefix) !== family) return undefined;
      const end = option === "-s" ? "source" : "destination";
      match = (tuple) => prefixContains(prefix, tuple[end]);
    } else if (option === "-j" && !isNegated) {
      verdict = verdicts[value];
      continue;
    } else if (option === "--reject-with" && !isNegated) {
      if (verdict !== "reject" || rejections[value] === undefined) return undefined;
      verdict = rejections[value];
      continue;
    } else return undefined;
    matches.push(isNegated ? (...of) => !match(...of) : match);
  }
  // Of ICMPv6, what finds neighbors is not all simulated.
  const meetsNeighborDiscovery =
    family === "ipv6" && (protocol === undefined || protocol === "icmp");
  if (verdict === undefined || meetsNeighborDiscovery) return undefined;
  return { verdict, text: words.join(" "), matches: (...of) => matches.every((one) => one(...of)) };
}

function destination(text: string): Prefix | undefined {
  const address = parseAddress(text);
  return address === undefined
    ? parsePrefix(text)
    : prefixOf(address, addressBits(familyOf(address)));
}
