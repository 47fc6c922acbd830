import type { Diagnostic } from "../input/diagnostic.ts";
import { hintAtNames } from "../input/nearest.ts";
import { diagnosticAt, type Located } from "../input/shape.ts";
import type { NodeFields } from "./containerlab-fields.ts";

/** Where a node's fields come from besides itself. */
export type Levels = {
  kinds: Record<string, Located<NodeFields>>;
  groups: Record<string, Located<NodeFields>>;
  defaults: NodeFields;
};

/** Lists that are joined over the levels, each line once. */
const joinedLists = ["exec", "env-files", "cap-add", "devices", "security-opts"] as const;
/** Mappings that are merged over the levels, the node's own entries winning. */
const mergedMappings = ["env", "labels", "sysctls", "config", "stages", "certificate"] as const;

/**
 * The fields a node has in the end (containerlab: defaults < kind < group < node). Lists and
 * mappings of the fields above are merged; of all others the first that is not empty wins.
 */
export function inheritFields(
  node: NodeFields,
  { kinds, groups, defaults }: Levels,
  diagnostics: Diagnostic[],
): NodeFields {
  const groupName = node.group ?? defaults.group;
  const group = groupName && ownEntry(groups, groupName.value);
  if (node.group && !group) {
    const { value, at } = node.group;
    const hint = hintAtNames(value, Object.keys(groups));
    // A group that is not defined only sorts the graph: fine unless it looks like a slip.
    if (hint?.startsWith("did")) {
      diagnostics.push(diagnosticAt(at, "UnknownGroup", `no group '${value}'`, hint));
    }
  }
  const kindName = node.kind ?? group?.value.kind ?? defaults.kind;
  const kind = kindName && ownEntry(kinds, kindName.value);
  const levels = [defaults, kind?.value ?? {}, group?.value ?? {}, node];

  const merged: Record<string, unknown> = {};
  for (const level of levels) {
    for (const [field, value] of Object.entries(level)) if (!isEmpty(value)) merged[field] = value;
  }
  if (kindName) merged["kind"] = kindName;
  for (const field of joinedLists) {
    const all = levels.flatMap((level) => level[field] ?? []);
    if (all.length > 0) merged[field] = uniqueBy(all, (line) => line.value);
  }
  for (const field of ["binds", "volumes"] as const) {
    const all = levels.flatMap((level) => level[field] ?? []);
    if (all.length > 0) merged[field] = lastBy(all, (bind) => bindDestination(bind.value));
  }
  for (const field of mergedMappings) {
    const all = levels.flatMap((level) => level[field] ?? []);
    if (all.length > 0) merged[field] = Object.assign({}, ...all);
  }
  return merged as NodeFields;
}

/** Docker's form: `source:destination[:options]`, or a destination alone. */
export function bindDestination(bind: string): string {
  const parts = bind.split(":");
  return parts[1] ?? parts[0]!;
}

function ownEntry<T>(of: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === "" || value === undefined;
}

function uniqueBy<T>(all: readonly T[], key: (value: T) => string): T[] {
  return all.filter((value, i) => all.findIndex((other) => key(other) === key(value)) === i);
}

/** Of those with one key the last, in the place of the first. */
function lastBy<T>(all: readonly T[], key: (value: T) => string): T[] {
  return [...new Map(all.map((value) => [key(value), value])).values()];
}
