import path from "node:path";
import { importsOf, type SourceFile } from "./source-file.ts";

/** From here up the house is put together, and may look into every room below. */
const belowLab =
  "net input timeline sys bgp cilium kube agent topology runtime observe sim scenario".split(" ");

/**
 * The floors of src/, from the ground up, and what each may import: a floor, a folder or file of
 * one, or with `type ` before it only its types. docs/architecture.md tells why.
 */
export const floors: Record<string, readonly string[]> = {
  net: [],
  input: ["net"],
  timeline: ["net"],
  sys: ["net", "input", "timeline"],
  bfd: ["net"],
  nd: ["net"],
  "bgp/wire": ["net"],
  "bgp/session": ["net", "bgp/wire"],
  "bgp/rib": ["net", "bgp/wire"],
  "bgp/speaker": ["net", "input", "bfd", "bgp/wire", "bgp/session", "bgp/rib"],
  cilium: ["net", "input", "bgp/wire", "type bgp/speaker/config.ts"],
  kube: ["net", "input", "timeline", "cilium/schema"],
  agent: ["net", "input", "timeline", "sys", "bfd", "nd", "bgp", "cilium", "kube"],
  topology: ["net", "input", "timeline"],
  runtime: ["net", "input", "timeline", "sys", "topology", "kube/pod-sandbox.ts"],
  observe: ["net", "input", "timeline", "runtime", "topology", "type bgp", "bgp/wire"],
  sim: [
    ...["net", "input", "bfd", "nd", "bgp", "cilium", "kube", "agent", "topology", "runtime"],
    "observe/speaker.ts",
  ],
  scenario: ["net", "input", "timeline", "topology", "runtime", "observe", "kube"],
  lab: belowLab,
  explore: [...belowLab, "lab"],
  report: ["net", "timeline", "lab"],
  library: [...belowLab, "lab", "report"],
  cli: [...belowLab, "lab", "explore", "report"],
};

/** Files that import by a computed name, each with the reason. */
const computedImports: Record<string, string> = {
  "src/cli/verbs/parts.ts": "the bundle of agent and operator, built when it is needed",
};

/** Packages that belong to one place: what they do is wrapped there once. */
const packageHomes: Record<string, string> = { koffi: "sys" };
/** Floors that use no package at all. */
const bareFloors = new Set(["net", "bfd", "nd", "bgp/wire", "bgp/session", "bgp/rib"]);
/** What a test may use wherever it stands. */
const testPackages = new Set(["vitest", "fast-check"]);

/** The floor that a file of src/ lies on: `bgp/wire` of `src/bgp/wire/open.ts`. */
function floorOf(file: string): string | undefined {
  const [, first, second] = file.split("/");
  if (first === "bgp") return `${first}/${second}`;
  return first?.endsWith(".ts") ? undefined : first;
}

/** Every import of src/ that the table does not allow, as `file:line: why`. */
export function floorViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => file.path.startsWith("src/") && file.path.endsWith(".ts"))
    .flatMap((file) => {
      const floor = floorOf(file.path);
      const allowed = floor === undefined ? undefined : floors[floor];
      if (floor === undefined || allowed === undefined)
        return [`${file.path}: lies on no floor of the table`];
      return importsOf(file).flatMap((each) => {
        const why = refusal(file.path, floor, allowed, each);
        return why === undefined ? [] : [`${file.path}:${each.line}: ${why}`];
      });
    });
}

function refusal(
  from: string,
  floor: string,
  allowed: readonly string[],
  { specifier, typeOnly, dynamic }: ReturnType<typeof importsOf>[number],
): string | undefined {
  if (dynamic && specifier === "")
    return computedImports[from] === undefined
      ? "imports by a computed name, which nothing can check"
      : undefined;
  if (!specifier.startsWith(".")) return packageRefusal(from, floor, specifier);

  const target = path.posix.join(path.posix.dirname(from), specifier);
  if (!target.startsWith("src/")) return `imports ${target}, which is outside src/`;
  const name = target.slice("src/".length);
  if (covers(floor, name)) return undefined;
  if (allowed.some((entry) => covers(entry, name))) return undefined;
  if (allowed.includes(`type ${name}`) || allowed.some((entry) => covers(entry, `type ${name}`)))
    return typeOnly ? undefined : `${floor} may import only the types of ${name}`;
  return `${floor} may not import ${name}`;
}

/** Whether `entry` is `name` or a folder that it lies in. */
function covers(entry: string, name: string): boolean {
  return name === entry || name.startsWith(`${entry}/`);
}

function packageRefusal(from: string, floor: string, specifier: string): string | undefined {
  if (specifier.startsWith("node:")) return undefined; // the rule for sans-I/O floors has its say
  if (/\.(?:test|testkit|arbitrary)\.ts$/.test(from) && testPackages.has(specifier))
    return undefined;
  const home = packageHomes[specifier];
  if (home !== undefined && home !== floor) return `${specifier} is used only in src/${home}`;
  if (bareFloors.has(floor)) return `${floor} uses no package, and this is ${specifier}`;
  return undefined;
}
