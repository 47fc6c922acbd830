import { familyOf, type Family, parseAddress } from "../../net/address.ts";
import {
  addressBits,
  parsePrefix,
  type Prefix,
  prefixContains,
  prefixFamily,
  prefixOf,
} from "../../net/prefix.ts";
import type { Chain, Hook, Tuple, Verdict } from "../netfilter.ts";
import type { SimNode } from "../network.ts";
import { done, failed, type Output } from "./ip.ts";

/** One line of `iptables -S`: what it matches, and what becomes of that. */
type Rule = { text: string; matches: (tuple: Tuple) => boolean; verdict: Verdict };

const hooks: Partial<Record<string, Hook>> = {
  ...{ INPUT: "input", FORWARD: "forward", OUTPUT: "output" },
};
const verdicts: Partial<Record<string, Verdict>> = {
  ...{ ACCEPT: "accept", DROP: "drop", REJECT: "reject" },
};
const bgpPort = 179;
/** Of the table `filter`. */
const priority = 0;

/** Rules by the node's chain, which goes with everything else when the node starts anew. */
const rulesOf = new WeakMap<Chain, Rule[]>();

/** `iptables -A|-D CHAIN MATCH… -j TARGET` of the filter table; undefined: not simulated. */
export function iptables(
  node: SimNode,
  family: Family,
  [action, chainName = "", ...words]: readonly string[],
): Output | undefined {
  const hook = hooks[chainName];
  const rule = ruleOf(words, family);
  if (hook === undefined || rule === undefined) return undefined;
  const table = `iptables ${family} ${chainName}`;
  const rules = node.netfilter?.table(table).flatMap((chain) => rulesOf.get(chain) ?? []) ?? [];
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

function setRules(node: SimNode, table: string, hook: Hook, rules: Rule[]): void {
  const chain: Chain = {
    ...{ hook, priority },
    see: ({ tuple }) => rules.find(({ matches }) => matches(tuple))?.verdict ?? "accept",
  };
  rulesOf.set(chain, rules);
  node.setPacketRules(table, rules.length > 0 ? [chain] : []);
}

function ruleOf(words: readonly string[], family: Family): Rule | undefined {
  const matches: ((tuple: Tuple) => boolean)[] = [({ source }) => familyOf(source) === family];
  let verdict: Verdict | undefined;
  let protocol: string | undefined;
  let isOfPort = false;
  for (let i = 0; i < words.length; i++) {
    const isNegated = words[i] === "!";
    if (isNegated) i++;
    const [option, value = ""] = [words[i], words[++i]];
    let match: (tuple: Tuple) => boolean;
    if (option === "-p" && ["tcp", "udp", "icmp"].includes(value)) {
      protocol = value;
      match = (tuple) => tuple.protocol === value;
    } else if (option === "--dport" && /^\d+$/.test(value)) {
      isOfPort = !isNegated && Number(value) !== bgpPort;
      match = ({ destinationPort }) => destinationPort === Number(value);
    } else if (option === "-s" || option === "-d") {
      const prefix = destination(value);
      if (prefix === undefined || prefixFamily(prefix) !== family) return undefined;
      const end = option === "-s" ? "source" : "destination";
      match = (tuple) => prefixContains(prefix, tuple[end]);
    } else if (option === "-j" && !isNegated) {
      verdict = verdicts[value];
      continue;
    } else if (option === "--reject-with" && !isNegated) continue;
    else return undefined;
    matches.push(isNegated ? (tuple) => !match(tuple) : match);
  }
  // BGP, BFD and router discovery go by without being looked at.
  const leavesBgp = protocol === "icmp" || (protocol === "tcp" && isOfPort);
  if (verdict === undefined || !leavesBgp) return undefined;
  return { verdict, text: words.join(" "), matches: (tuple) => matches.every((one) => one(tuple)) };
}

function destination(text: string): Prefix | undefined {
  const address = parseAddress(text);
  return address === undefined
    ? parsePrefix(text)
    : prefixOf(address, addressBits(familyOf(address)));
}
