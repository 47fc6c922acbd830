import { familyOf } from "../../net/address.ts";
import type { Chain, Hook, Netfilter, Tuple } from "../netfilter.ts";
import type { SimNode } from "../network.ts";
import { done, failed, type Output } from "./ip.ts";
import { type Match, meets, type UnseenPacket } from "./packet-match.ts";

/**
 * `nft COMMAND; …` and `nft -f -`, as far as scenarios use it: tables, base chains without NAT, rules that drop.
 * Undefined: something that is not simulated, or would meet `unseen`: what comes to the node's programs by another
 * way than as packets.
 */
export function nft(
  node: SimNode,
  words: readonly string[],
  stdin: string | undefined,
  unseen?: UnseenPacket,
): Output | undefined {
  const text = words.join(" ") === "-f -" ? stdin : words.join(" ");
  return text === undefined ? undefined : new Reader(node, text, unseen).run();
}

/** Drops what all of it matches. */
type DropRule = readonly Match[];

/** Chains by name. */
type Table = Map<string, { at: BaseChain; rules: DropRule[] }>;
/** `device`: of `ingress`. */
type BaseChain = Pick<Chain, "hook" | "priority"> & { device?: string };

const hooks: ReadonlySet<string> = new Set(["ingress", "input", "forward", "output"]);
const priorities: Partial<Record<string, number>> = { raw: -300, mangle: -150, filter: 0 };

/** By `FAMILY NAME`. They go with the node's netfilter when the node starts anew. */
const tablesOf = new WeakMap<Netfilter, Map<string, Table>>();

class Reader {
  readonly #node: SimNode;
  readonly #tables: Map<string, Table>;
  readonly #words: string[];
  readonly #unseen: UnseenPacket | undefined;

  constructor(node: SimNode, text: string, unseen: UnseenPacket | undefined) {
    this.#node = node;
    this.#unseen = unseen;
    const netfilter = node.withNetfilter();
    this.#tables = tablesOf.get(netfilter) ?? new Map();
    tablesOf.set(netfilter, this.#tables);
    this.#words = text
      .replaceAll('"', "")
      .replaceAll(/[{};]|\n/g, " $& ")
      .split(/[^\S\n]+/)
      .filter((word) => word !== "");
  }

  run(): Output | undefined {
    for (;;) {
      this.#skip(";", "\n");
      if (this.#words.length === 0) return done;
      const output = this.#command();
      for (const [name, table] of this.#tables) {
        this.#node.setPacketRules(`nft ${name}`, chainsOf(name, table));
      }
      if (output !== done) return output;
    }
  }

  #command(): Output | undefined {
    this.#skip("add");
    const verb = this.#next();
    const isDelete = verb === "delete";
    const what = isDelete ? this.#next() : verb;
    const table = `${this.#next()} ${this.#next()}`;
    const tables = this.#tables;
    if (what === "table" && isDelete) {
      this.#node.setPacketRules(`nft ${table}`, []);
      return tables.delete(table)
        ? done
        : failed(`Error: No such file or directory; table ${table}`, 1);
    }
    if (what === "table") {
      if (!tables.has(table)) tables.set(table, new Map());
      return this.#peek() === "{" ? this.#tableBody(table) : done;
    }
    if (isDelete || !tables.has(table)) return undefined;
    if (what === "chain") return this.#chain(table);
    return what === "rule" ? this.#rule(table, this.#next()) : undefined;
  }

  #tableBody(table: string): Output | undefined {
    this.#next();
    for (;;) {
      this.#skip("\n", ";");
      const word = this.#next();
      if (word === "}") return done;
      if (word !== "chain") return undefined;
      const output = this.#chain(table);
      if (output !== done) return output;
    }
  }

  /** `NAME { type filter hook HOOK [device NAME] priority N; [policy drop;] RULE… }`. */
  #chain(table: string): Output | undefined {
    const name = this.#next();
    const line = this.#statement("{");
    const option = (key: string) => line[line.indexOf(key) + 1] ?? "";
    const [hook, priority, device] = [option("hook"), option("priority"), option("device")];
    const at = priorities[priority] ?? Number(priority);
    if (!hooks.has(hook) || option("type") !== "filter" || Number.isNaN(at)) return undefined;
    if (hook === "ingress" && !this.#node.interfaces.has(device)) {
      return failed(`Error: Could not process rule: No such device ${device}`, 1);
    }
    this.#tables.get(table)!.set(name, {
      at: { hook: hook as Hook, priority: at, ...(hook === "ingress" && { device }) },
      rules: [],
    });
    for (;;) {
      this.#skip("\n", ";");
      if (this.#peek() === "}") {
        this.#next();
        return done;
      }
      if (this.#peek() === "policy") {
        // What no rule accepted, and none here accepts.
        if (!this.#statement().includes("drop")) continue;
        const output = this.#add(table, name, []);
        if (output !== done) return output;
        continue;
      }
      const output = this.#rule(table, name);
      if (output !== done) return output;
    }
  }

  /** `[iifname NAME] [tcp|udp sport|dport N]… [counter] drop`. */
  #rule(table: string, chain: string): Output | undefined {
    const words = this.#statement();
    const rule: Match[] = [];
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (word === "iifname") {
        const name = words.shift();
        rule.push((_, device) => device === name);
      } else if (word === "tcp" || word === "udp") {
        const port = ({ sport: "sourcePort", dport: "destinationPort" } as const)[words.shift()!];
        const value = Number(words.shift());
        if (port === undefined || Number.isNaN(value)) return undefined;
        rule.push((tuple) => tuple.protocol === word && tuple[port] === value);
      } else if (word === "drop" && words.length === 0) {
        return this.#add(table, chain, rule);
      } else if (word !== "counter") return undefined;
    }
    return undefined;
  }

  #add(table: string, name: string, rule: DropRule): Output | undefined {
    const chain = this.#tables.get(table)!.get(name);
    if (chain === undefined) return undefined;
    const { hook, device: only } = chain.at;
    const matches: Match = (tuple, device) =>
      (only === undefined || only === device) && isDropped([rule], tuple, device);
    if (meets(matches, hook, this.#unseen)) return undefined;
    chain.rules.push(rule);
    return done;
  }

  /** The words up to `;`, the end of the line or of the block. */
  #statement(opening?: "{"): string[] {
    if (opening !== undefined) this.#skip(opening, "\n");
    const words: string[] = [];
    while (this.#words.length > 0 && !["\n", ";", "}"].includes(this.#peek()!)) {
      words.push(this.#next());
    }
    return words;
  }

  #peek(): string | undefined {
    return this.#words[0];
  }

  #next(): string {
    return this.#words.shift() ?? "";
  }

  #skip(...which: string[]): void {
    while (which.includes(this.#words[0] ?? "")) this.#words.shift();
  }
}

function chainsOf(name: string, table: Table): Chain[] {
  const family = ({ ip: "ipv4", ip6: "ipv6" } as const)[name.split(" ")[0]!];
  return [...table.values()].map(({ at: { device: only, ...at }, rules }) => ({
    ...at,
    see: ({ tuple }, device) => {
      if (only !== undefined && device !== only) return "accept";
      if (family !== undefined && familyOf(tuple.source) !== family) return "accept";
      return isDropped(rules, tuple, device) ? "drop" : "accept";
    },
  }));
}

function isDropped(rules: readonly DropRule[], tuple: Tuple, device: string | undefined): boolean {
  return rules.some((rule) => rule.every((matches) => matches(tuple, device)));
}
