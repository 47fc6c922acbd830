import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** A file of the project. `path` is relative to the repository, with `/`. */
export type SourceFile = { path: string; text: string };

export type Import = {
  line: number;
  /** As written: `../net/address.ts`, `node:fs`, `zod`. */
  specifier: string;
  /** `import type` and `export type … from`: gone at run time. */
  typeOnly: boolean;
  /** `import(…)`. Its specifier is empty where it is not a plain string. */
  dynamic: boolean;
};

/** Not ours to judge: what is installed, generated or kept as test data. */
const skipped = new Set(["node_modules", ".git", "reports", ".cache"]);

/** Every text file below `folder`, which is relative to `root`. */
export function readTree(root: string, folder = ""): SourceFile[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => !skipped.has(entry.name))
    .flatMap((entry) => {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) return readTree(root, name);
      if (!entry.isFile()) return [];
      const text = readFileSync(path.join(root, name), "utf8");
      return text.includes("\0") ? [] : [{ path: name, text }];
    });
}

/**
 * The code with comments blanked, so that neither prose nor an example is taken for code. Line
 * numbers stay. `//` inside a string, as in a URL, is left alone by asking for a space or the
 * line's beginning before it, which is how the formatter writes comments.
 */
export function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, " "))
    .replaceAll(/(^|\s)\/\/.*$/gm, "$1");
}

/** The imports of a TypeScript or JavaScript file, those of types and dynamic ones among them. */
export function importsOf(file: SourceFile): Import[] {
  const code = withoutComments(file.text);
  const at = (index: number): number => code.slice(0, index).split("\n").length;
  const found: Import[] = [];
  // The formatter puts statements at the beginning of a line.
  const statement =
    /^(?:import\b(?<names>[^"'=;(]*)|export\b(?<exports>[^"'=;(]*)\bfrom\s*)["'](?<specifier>[^"']+)["']/gm;
  for (const match of code.matchAll(statement)) {
    const { names, exports, specifier = "" } = match.groups!;
    const typeOnly = /^\s*type\b/.test(names ?? exports ?? "");
    found.push({ line: at(match.index), specifier, typeOnly, dynamic: false });
  }
  const dynamic = /(?<![.\w])import\s*\(\s*(?:["'](?<specifier>[^"']+)["']\s*[,)])?/g;
  for (const match of code.matchAll(dynamic)) {
    const specifier = match.groups!["specifier"] ?? "";
    found.push({ line: at(match.index), specifier, typeOnly: false, dynamic: true });
  }
  return found;
}
