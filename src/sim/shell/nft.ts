import type { SimNode } from "../network.ts";
import type { DropRule, Hook } from "../packet-filter.ts";
import { done, failed, type Output } from "./ip.ts";

/**
 * `nft COMMAND; …` and `nft -f -`, as far as scenarios use it: tables, chains at `ingress` and `input`, rules that
 * drop. Undefined: something that is not simulated.
 */
export function nft(
  node: SimNode,
  words: readonly string[],
  stdin: string | undefined,
): Output | undefined {
  const text = words.join(" ") === "-f -" ? stdin : words.join(" ");
  return text === undefined ? undefined : new Reader(node, text).run();
}

class Reader {
  readonly #node: SimNode;
  readonly #words: string[];

  constructor(node: SimNode, text: string) {
    this.#node = node;
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
      if (output !== done) return output;
    }
  }

  #command(): Output | undefined {
    this.#skip("add");
    const verb = this.#next();
    const isDelete = verb === "delete";
    const what = isDelete ? this.#next() : verb;
    const table = `${this.#next()} ${this.#next()}`;
    const { tables } = this.#node.filter;
    if (what === "table" && isDelete) {
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
    const device = option("device");
    const at: Hook | undefined =
      option("hook") === "input"
        ? { hook: "input" }
        : option("hook") === "ingress"
          ? { hook: "ingress", device }
          : undefined;
    if (at === undefined) return undefined;
    if (at.hook === "ingress" && !this.#node.interfaces.has(device)) {
      return failed(`Error: Could not process rule: No such device ${device}`, 1);
    }
    this.#node.filter.tables.get(table)!.set(name, { at, rules: [] });
    for (;;) {
      this.#skip("\n", ";");
      if (this.#peek() === "}") {
        this.#next();
        return done;
      }
      if (this.#peek() === "policy") {
        const isDrop = this.#statement().includes("drop");
        // Whatever no rule accepted, and none here accepts.
        if (isDrop) this.#node.filter.tables.get(table)!.get(name)!.rules.push({});
        continue;
      }
      const output = this.#rule(table, name);
      if (output !== done) return output;
    }
  }

  /** `[iifname NAME] [tcp sport N] [tcp dport N] [counter] drop`. */
  #rule(table: string, chain: string): Output | undefined {
    const words = this.#statement();
    const rule: DropRule = {};
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (word === "iifname") rule.device = words.shift() ?? "";
      else if (word === "tcp") {
        const key = words.shift() === "sport" ? "tcpSourcePort" : "tcpDestinationPort";
        rule[key] = Number(words.shift());
      } else if (word === "drop" && words.length === 0) {
        this.#node.filter.tables.get(table)!.get(chain)?.rules.push(rule);
        return done;
      } else if (word !== "counter") return undefined;
    }
    return undefined;
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
