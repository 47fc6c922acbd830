import { readFileSync } from "node:fs";
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import type { Diagnostic } from "./diagnostic.ts";

/**
 * YAML with the line of everything. Read by the core schema of YAML 1.2, so `no` and `2211:22` are
 * text; a number or boolean keeps its source text too, for fields that are text whatever they look
 * like (`0123`, `1.10`). Aliases and merge keys are resolved here.
 */
export type YamlNode = YamlMap | YamlList | YamlScalar;

/** `line`: 1-based; of the key where the node is the value of one. */
export type YamlMap = { type: "map"; line: number; entries: Map<string, YamlNode> };
export type YamlList = { type: "list"; line: number; items: YamlNode[] };
export type YamlScalar = {
  type: "scalar";
  line: number;
  value: string | number | boolean | null;
  /** As written, without quotes. */
  text: string;
  /** Line of the text's first line: below `line` for block scalars. */
  textLine: number;
};

export type YamlDocument = {
  file: string;
  root: YamlNode;
  /**
   * The line of a dotted path, `spec.peers[0].name`, or of the nearest part of it that is there.
   * A key may itself hold dots.
   */
  lineOf(path: string): number;
};

/** A file without a document, or with a mistake in any, has diagnostics. */
export type YamlFile = { documents: YamlDocument[] } | { diagnostics: Diagnostic[] };

/** More than this is a mistake or a bomb of aliases. */
const nodesMax = 500_000;
const depthMax = 100;

export function readYamlFile(file: string): YamlFile {
  const content = readTextFile(file);
  return "diagnostics" in content ? content : parseYaml(content.text, file);
}

/** A file's text, or why there is none. */
export function readTextFile(file: string): { text: string } | { diagnostics: Diagnostic[] } {
  const unreadable = (message: string, hint?: string) => ({
    diagnostics: [
      { file, line: 0, code: "UnreadableFile", path: "", message, ...(hint && { hint }) },
    ],
  });
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
    return { text };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return unreadable("no such file", "is the path right?");
    if (code === "EISDIR") return unreadable("is a folder, not a file");
    if (code === "EACCES") return unreadable("may not be read by this user");
    if (error instanceof TypeError) return unreadable("is not UTF-8 text");
    return unreadable((error as Error).message);
  }
}

/** `firstLine`: the line of the file on which `text` begins, for YAML inside another file's string. */
export function parseYaml(text: string, file: string, firstLine = 1): YamlFile {
  const lines = new LineCounter();
  const parsed = parseAllDocuments<Node>(text, {
    version: "1.2",
    schema: "core",
    lineCounter: lines,
    prettyErrors: false,
    // Duplicates are found below, so that the message can name both lines.
    uniqueKeys: false,
  });
  const lineAt = (offset: number) => lines.linePos(offset).line + firstLine - 1;
  const diagnostics: Diagnostic[] = [];
  const documents: YamlDocument[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const errors = document.errors.map((error) => syntaxError(error, text, file, lineAt));
    diagnostics.push(...oneALine(errors));
    if (document.errors.length > 0) continue;
    const root = new Reading(document, file, lineAt, diagnostics).root();
    if (root) documents.push({ file, root, lineOf: (path) => lineOfPath(root, path) });
  }
  if (diagnostics.length > 0) return { diagnostics };
  if (documents.length > 0) return { documents };
  const message = text.trim() === "" ? "is empty" : "holds nothing but comments";
  return { diagnostics: [{ file, line: 0, code: "EmptyFile", path: "", message }] };
}

/** The plain JavaScript value. */
export function yamlValue(node: YamlNode): unknown {
  if (node.type === "scalar") return node.value;
  if (node.type === "list") return node.items.map(yamlValue);
  return Object.fromEntries([...node.entries].map(([key, value]) => [key, yamlValue(value)]));
}

/** The parser stumbles on after a mistake: of what it says about one line, what it has a hint for is the most use. */
function oneALine(errors: readonly Diagnostic[]): Diagnostic[] {
  const lines = Map.groupBy(errors, (error) => error.line);
  return Array.from(lines.values(), (all) => all.find((error) => error.hint) ?? all[0]!);
}

function syntaxError(
  error: YAMLError,
  text: string,
  file: string,
  lineAt: (offset: number) => number,
): Diagnostic {
  const line = lineAt(error.pos[0]);
  const message = error.message.split("\n")[0]!;
  const tab = error.code === "TAB_AS_INDENT" || /^ *\t/.test(lineOfText(text, error.pos[0]));
  const hint = tab
    ? "indent with spaces: YAML forbids tabs there"
    : message.startsWith("Flow ")
      ? "is a bracket or brace left open above?"
      : hintOfSyntax[error.code];
  return { file, line, code: "YamlSyntax", path: "", message, ...(hint && { hint }) };
}

const hintOfSyntax: Partial<Record<YAMLError["code"], string>> = {
  BAD_INDENT: "entries of one block begin in the same column",
  BAD_SCALAR_START: "put the text in quotes",
  BLOCK_AS_IMPLICIT_KEY: "is a colon too many on this line, or the indentation wrong?",
  MISSING_CHAR: "is a quote, bracket or brace left open, or a space missing after a colon?",
  MULTILINE_IMPLICIT_KEY: "is a colon missing after the key?",
};

function lineOfText(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return text.slice(start, end < 0 ? undefined : end);
}

/** Turns one document of the yaml package into YamlNodes. */
class Reading {
  readonly #document: Document<Node>;
  readonly #file: string;
  readonly #lineAt: (offset: number) => number;
  readonly #diagnostics: Diagnostic[];
  /** Nodes that were given a name so far: an alias means the last one of its name above it. */
  readonly #anchors = new Map<string, Node>();
  #count = 0;

  constructor(
    document: Document<Node>,
    file: string,
    lineAt: (offset: number) => number,
    diagnostics: Diagnostic[],
  ) {
    this.#document = document;
    this.#file = file;
    this.#lineAt = lineAt;
    this.#diagnostics = diagnostics;
  }

  /** Undefined where the document holds nothing, as between two `---`. */
  root(): YamlNode | undefined {
    const contents = this.#document.contents as Node | null;
    if (contents === null || (isScalar(contents) && contents.value === null)) return undefined;
    return this.#node(contents, this.#line(contents, 1), "", 0);
  }

  #node(node: Node | null, line: number, path: string, depth: number): YamlNode {
    this.#count++;
    if (depth > depthMax || this.#count > nodesMax) {
      if (this.#count <= nodesMax || this.#count === nodesMax + 1) {
        const message = `more than ${depthMax} levels or ${nodesMax} values`;
        this.#report(line, "TooDeep", path, message, "does an alias contain itself?");
      }
      return emptyScalar(line);
    }
    if (isAlias(node)) return this.#alias(node, line, path, depth);
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, node);
    }
    if (isMap(node)) return this.#map(node as YAMLMap<Node, Node | null>, line, path, depth);
    if (isSeq(node)) {
      const items = (node.items as (Node | null)[]).map((item, index) =>
        this.#node(item, this.#line(item, line), `${path}[${index}]`, depth + 1),
      );
      return { type: "list", line, items };
    }
    if (!isScalar(node)) return emptyScalar(line);
    const value = node.value;
    const known = typeof value === "string" || typeof value === "number" || value === null;
    const block = node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED";
    return {
      type: "scalar",
      line,
      value: known || typeof value === "boolean" ? value : String(value),
      text: typeof value === "string" ? value : (node.source ?? String(value)),
      textLine: this.#line(node, line) + (block ? 1 : 0),
    };
  }

  #alias(alias: Alias, line: number, path: string, depth: number): YamlNode {
    const target = this.#anchors.get(alias.source);
    if (target === undefined) {
      const message = `no anchor &${alias.source} above this alias`;
      this.#report(line, "YamlSyntax", path, message);
      return emptyScalar(line);
    }
    return this.#node(target, line, path, depth + 1);
  }

  #map(map: YAMLMap<Node, Node | null>, line: number, path: string, depth: number): YamlMap {
    const entries = new Map<string, YamlNode>();
    const merged: YamlMap[] = [];
    for (const pair of map.items) {
      const keyLine = this.#line(pair.key, line);
      if (!isScalar(pair.key)) {
        this.#report(keyLine, "YamlSyntax", path, "a key is text here, not a list or a mapping");
        continue;
      }
      const key = pair.key.source ?? String(pair.key.value);
      const at = path === "" ? key : `${path}.${key}`;
      const value = this.#node(pair.value, keyLine, at, depth + 1);
      if (key === "<<" && pair.key.type === "PLAIN") {
        merged.push(...this.#merged(value, at));
        continue;
      }
      const earlier = entries.get(key);
      if (earlier) {
        const message = `'${key}' is here twice: also on line ${earlier.line}`;
        this.#report(keyLine, "DuplicateKey", at, message, "keep one of the two");
      } else entries.set(key, value);
    }
    // What the mapping itself says wins over what it merges, earlier merges over later ones.
    for (const other of merged) {
      for (const [key, value] of other.entries) if (!entries.has(key)) entries.set(key, value);
    }
    return { type: "map", line, entries };
  }

  #merged(value: YamlNode, path: string): YamlMap[] {
    const maps = value.type === "list" ? value.items : [value];
    const wrong = maps.find((node) => node.type !== "map");
    if (wrong) {
      const message = "a merge key takes a mapping or a list of mappings";
      this.#report(wrong.line, "YamlSyntax", path, message, "write `<<: *anchor`");
    }
    return maps.filter((node) => node.type === "map");
  }

  #line(node: Node | null, otherwise: number): number {
    return node?.range ? this.#lineAt(node.range[0]) : otherwise;
  }

  #report(line: number, code: string, path: string, message: string, hint?: string): void {
    this.#diagnostics.push({ file: this.#file, line, code, path, message, ...(hint && { hint }) });
  }
}

function emptyScalar(line: number): YamlScalar {
  return { type: "scalar", line, value: null, text: "", textLine: line };
}

/** What YamlDocument.lineOf tells, from any node. */
export function lineOfPath(node: YamlNode, path: string): number {
  if (path === "") return node.line;
  if (node.type === "list") {
    const index = /^\[?(\d+)\]?\.?/.exec(path);
    const item = index && node.items[Number(index[1])];
    return item ? lineOfPath(item, path.slice(index[0].length)) : node.line;
  }
  if (node.type === "map") {
    const keys = [...node.entries.keys()].filter((key) => startsWithKey(path, key));
    const key = keys.sort((a, b) => b.length - a.length)[0];
    if (key !== undefined) {
      return lineOfPath(node.entries.get(key)!, path.slice(key.length).replace(/^\./, ""));
    }
  }
  return node.line;
}

function startsWithKey(path: string, key: string): boolean {
  const next = path[key.length];
  return path.startsWith(key) && (next === undefined || next === "." || next === "[");
}
