import path from "node:path";
import { importsOf, withoutComments, type SourceFile } from "./source-file.ts";

const isTest = (file: SourceFile): boolean => file.path.endsWith(".test.ts");
const isSource = (file: SourceFile): boolean =>
  /^src\/.*\.ts$/.test(file.path) && !file.path.includes("/testdata/");

/** What reaches the outside world, or chance, without an import. */
const outside =
  /\b(?:Date|setTimeout|setInterval|setImmediate|queueMicrotask|performance)\b|\bfetch\s*\(|\bconsole\s*\.|\bprocess\s*[.[]|\bMath\.random\b|\bcrypto\s*\./g;

/** bfd/, nd/, bgp/ and cilium/: time comes in as a value, effects go out as values. */
export function sansIoViolations(files: readonly SourceFile[]): string[] {
  const pure = files.filter(
    (file) => /^src\/(?:bfd|nd|bgp|cilium)\/.*\.ts$/.test(file.path) && !isTest(file),
  );
  const violations: string[] = [];
  for (const file of pure) {
    for (const { line, specifier } of importsOf(file))
      if (specifier.startsWith("node:"))
        violations.push(`${file.path}:${line}: imports ${specifier}`);
    for (const [index, line] of withoutComments(file.text).split("\n").entries())
      for (const [name] of line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').matchAll(outside))
        violations.push(`${file.path}:${index + 1}: uses ${name}`);
  }
  return violations;
}

const linesMax = 400;

/** Files of src/ that are longer, the ones of the list left out; and entries that the list no longer needs. */
export function tooLong(
  files: readonly SourceFile[],
  exceptions: Readonly<Record<string, string>>,
): string[] {
  const lines = new Map(
    files.filter(isSource).map((file) => [file.path, file.text.trimEnd().split("\n").length]),
  );
  return [
    ...[...lines]
      .filter(([name, count]) => count > linesMax && exceptions[name] === undefined)
      .map(([name, count]) => `${name}: ${count} lines, ${linesMax} are the most`),
    ...Object.keys(exceptions)
      .filter((name) => (lines.get(name) ?? 0) <= linesMax)
      .map((name) => `${name}: needs no exception`),
  ];
}

/** A file is named by what it does; an index file hides where things are. */
export function vagueNames(files: readonly SourceFile[]): string[] {
  return files
    .filter(isSource)
    .filter((file) =>
      /\/(?:utils?|helpers?|common|misc|index)(?:\/|(?:\.test)?\.ts$)/.test(file.path),
    )
    .map((file) => `${file.path}: says nothing about what it does`);
}

/** The folder beside the repository in which the project was planned: nobody else has it. */
const planning = /(?:\.\.\/|\/work\/)shared\b/;

export function planningMentions(files: readonly SourceFile[]): string[] {
  return matches(files, planning, "mentions a folder that only its founders have");
}

/** A package comes from wherever the user's package manager is told to look. */
const registryHost =
  /\b(?:registry\.(?:npmjs|yarnpkg|npmmirror)\b|npmjs\.(?:org|com)|pypi\.org|crates\.io|proxy\.golang\.org|deb\.debian\.org|archive\.ubuntu\.com|artifactory|verdaccio)|"resolved":/i;

export function registryMentions(files: readonly SourceFile[]): string[] {
  return matches(
    files.filter((file) => /(?:package-lock\.json|\.npmrc|\.md)$/.test(file.path)),
    registryHost,
    "names a package registry",
  );
}

function matches(files: readonly SourceFile[], pattern: RegExp, why: string): string[] {
  return files.flatMap((file) =>
    file.text
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${why}`] : [])),
  );
}

/** Links of documents to files of the project that are not there. */
export function brokenLinks(files: readonly SourceFile[]): string[] {
  const there = new Set(files.flatMap((file) => [file.path, ...foldersOf(file.path)]));
  return files
    .filter((file) => file.path.endsWith(".md"))
    .flatMap((file) =>
      Array.from(file.text.matchAll(/\]\((?!\w+:)([^)#\s]+)/g), ([, target = ""]) => target)
        .filter((target) => !there.has(path.posix.join(path.posix.dirname(file.path), target)))
        .map((target) => `${file.path}: links to ${target}, which is not there`),
    );
}

function foldersOf(file: string): string[] {
  const folder = path.posix.dirname(file);
  return folder === "." ? [] : [folder, ...foldersOf(folder)];
}

type Lock = {
  packages: Record<
    string,
    { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> }
  >;
};

/**
 * Dependencies that the lock file asks for and has no entry of. npm leaves out those that are
 * optional and not to be had where the file is written, and `npm ci` then refuses the file.
 */
export function lockGaps(lock: Lock): string[] {
  return Object.entries(lock.packages).flatMap(([place, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter((name) => !places(place).some((folder) => lock.packages[folder + name] !== undefined))
      .map((name) => `package-lock.json: ${place === "" ? "the project" : place} wants ${name}`),
  );
}

/** Where Node looks for a package's dependency: its own node_modules, then those around it. */
function places(place: string): string[] {
  if (place === "") return ["node_modules/"];
  const around = place.lastIndexOf("node_modules/");
  return [`${place}/node_modules/`, ...places(place.slice(0, around).replace(/\/$/, ""))];
}
