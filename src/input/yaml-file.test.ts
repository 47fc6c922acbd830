import { describe, expect, test } from "vitest";
import { filesFor, shown } from "./files.testkit.ts";
import { parseYaml, readYamlFile, type YamlDocument, yamlValue } from "./yaml-file.ts";

function documents(text: string, firstLine?: number): YamlDocument[] {
  const parsed = parseYaml(text, "f.yaml", firstLine);
  if ("diagnostics" in parsed) throw new Error(shown(parsed).join("\n"));
  return parsed.documents;
}

function mistakes(text: string): string[] {
  return shown(parseYaml(text, "f.yaml"));
}

test("YAML 1.2 core: text stays text, and numbers keep how they were written", () => {
  const [document] = documents("a: no\nb: 2211:22\nc: 0123\nd: 1.10\ne: ~\nf: 'x'\ng: on\n");
  expect(yamlValue(document!.root)).toEqual({
    a: "no",
    b: "2211:22",
    c: 123,
    d: 1.1,
    e: null,
    f: "x",
    g: "on",
  });
  const root = document!.root;
  const texts = root.type === "map" ? [...root.entries.values()] : [];
  expect(texts.map((node) => node.type === "scalar" && node.text)).toEqual([
    "no",
    "2211:22",
    "0123",
    "1.10",
    "~",
    "x",
    "on",
  ]);
});

test("lines of paths, also with dots in a key, and of the nearest part that is there", () => {
  const [document] = documents(
    "a:\n  b:\n    - c: 1\n    - c: 2\n      d: 3\nlabels:\n  app.kubernetes.io/name: x\n",
  );
  const line = (path: string) => document!.lineOf(path);
  expect(["", "a", "a.b", "a.b[1].c", "a.b[1].d"].map(line)).toEqual([1, 1, 2, 4, 5]);
  expect(line("a.b[1].missing.too")).toBe(4);
  expect(line("labels.app.kubernetes.io/name")).toBe(7);
  expect(line("nothing")).toBe(1);
});

test("a block scalar's text begins a line below, for YAML inside YAML", () => {
  const [document] = documents("- |\n  kind: X\n");
  const root = document!.root;
  const item = root.type === "list" ? root.items[0] : undefined;
  expect(item).toMatchObject({ line: 1, textLine: 2, text: "kind: X\n" });
  expect(documents("kind: X\nb:\n  c: 1\n", 12)[0]!.lineOf("b.c")).toBe(14);
});

test("documents that hold nothing are left out", () => {
  expect(
    documents("---\na: 1\n---\n---\n# only this\n---\nb: 2\n").map((d) => d.root.line),
  ).toEqual([2, 7]);
});

test("aliases and merge keys are resolved; own keys win, then earlier merges", () => {
  const [document] = documents(
    "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], a: 0}\nw: *x\n",
  );
  expect(yamlValue(document!.root)).toMatchObject({
    z: { a: 0, b: 1, c: 2 },
    w: { a: 1, b: 1 },
  });
});

describe("mistakes, each with its line", () => {
  test.each([
    ["an empty file", "", "f.yaml: EmptyFile: is empty"],
    ["comments only", "# a\n", "f.yaml: EmptyFile: holds nothing but comments"],
    [
      "a key twice",
      "a:\n  b: 1\n  c: 2\n  b: 3\n",
      "f.yaml:4: DuplicateKey a.b: 'b' is here twice: also on line 2\n  hint: keep one of the two",
    ],
    [
      "a tab",
      "a:\n\tb: 1\n",
      "f.yaml:2: YamlSyntax: Tabs are not allowed as indentation\n  hint: indent with spaces: YAML forbids tabs there",
    ],
    [
      "one mistake that the parser stumbles over many times",
      "- a: { b: c[0].d, e: 1 }\n",
      "f.yaml:1: YamlSyntax: Flow map in block collection must be sufficiently indented and end with a }\n  hint: is a bracket or brace left open above?",
    ],
    [
      "a colon too many",
      "a: b: c\n",
      "f.yaml:1: YamlSyntax: Nested mappings are not allowed in compact mappings\n  hint: is a colon too many on this line, or the indentation wrong?",
    ],
    [
      "an alias of nothing",
      "a: 1\nb: *nope\n",
      "f.yaml:2: YamlSyntax b: no anchor &nope above this alias",
    ],
    [
      "a merge of text",
      "a: {<<: text}\n",
      "f.yaml:1: YamlSyntax a.<<: a merge key takes a mapping or a list of mappings\n  hint: write `<<: *anchor`",
    ],
    [
      "a list as key",
      "? [a]\n: 1\n",
      "f.yaml:1: YamlSyntax: a key is text here, not a list or a mapping",
    ],
  ])("%s", (_, text, expected) => {
    expect(mistakes(text)).toEqual([expected]);
  });

  test("an alias that contains itself ends", () => {
    expect(mistakes("a: &a [*a]\n")[0]).toContain("TooDeep");
  });

  test("a bomb of aliases ends", () => {
    const levels = Array.from({ length: 12 }, (_, i) => {
      const of = i === 0 ? "x" : `*l${i - 1}`;
      return `l${i}: &l${i} [${Array(10).fill(of).join(", ")}]`;
    });
    expect(mistakes(levels.join("\n"))[0]).toContain("TooDeep");
  });

  test("all documents are looked at", () => {
    expect(mistakes("a: 1\na: 2\n---\nb: 1\nb: 2\n").map((each) => each.split(" ")[0])).toEqual([
      "f.yaml:2:",
      "f.yaml:5:",
    ]);
  });
});

test("a file that is not there, is a folder, or is not text", () => {
  const path = filesFor({ "binary.yaml": "" });
  expect(shown(readYamlFile(path("nope.yaml")))).toEqual([
    "nope.yaml: UnreadableFile: no such file\n  hint: is the path right?",
  ]);
  expect(shown(readYamlFile(path(".")))[0]).toContain("UnreadableFile: is a folder, not a file");
  expect(shown(readYamlFile(process.execPath))[0]).toContain("UnreadableFile: is not UTF-8 text");
});
