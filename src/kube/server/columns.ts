import type { KubeObject } from "../object.ts";
import { formatLabelSelector, type LabelSelector } from "../selector.ts";
import type { Column } from "./resource.ts";

/** How long ago, as kubectl writes it: `45s`, `3m20s`, `5h2m`, `2d` (duration.HumanDuration). */
export function age(since: unknown, nowMs: number): string {
  if (typeof since !== "string") return "<unknown>";
  const seconds = Math.floor((nowMs - Date.parse(since)) / 1000);
  if (Number.isNaN(seconds)) return "<unknown>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return pair(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return pair(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return pair(days, "d", hours % 24, "h");
  if (days < 730) return `${days}d`;
  return pair(Math.floor(days / 365), "y", days % 365, "d");
}

const pair = (large: number, unit: string, small: number, smallUnit: string) =>
  small === 0 ? `${large}${unit}` : `${large}${unit}${small}${smallUnit}`;

/** A field's value by path, `["status", "phase"]`. */
export function fieldAt(object: unknown, path: readonly string[]): unknown {
  let at = object;
  for (const name of path) {
    at = typeof at === "object" && at !== null ? (at as Record<string, unknown>)[name] : undefined;
  }
  return at;
}

export const nameColumn: Column = {
  name: "Name",
  type: "string",
  cell: (object) => object.metadata.name,
};

export const ageColumn: Column = {
  name: "Age",
  type: "string",
  cell: (object, nowMs) => age(object.metadata.creationTimestamp, nowMs),
};

export function column(name: string, cell: (object: KubeObject) => string | number): Column {
  return { name, type: "string", cell };
}

/** A field as it is; `none` where it is absent. */
export function fieldColumn(name: string, path: string, none = "<none>"): Column {
  return column(name, (object) => text(fieldAt(object, path.split(".")), none));
}

export function countColumn(name: string, path: string): Column {
  return {
    name,
    type: "integer",
    cell: (object) => Number(fieldAt(object, path.split(".")) ?? 0),
  };
}

export const wide = (of: Column): Column => ({ ...of, wide: true });

export function text(value: unknown, none = "<none>"): string {
  if (value === undefined || value === null || value === "") return none;
  return typeof value === "object" ? JSON.stringify(value) : String(value as string | number);
}

export const listText = (values: readonly string[], none = "<none>") =>
  values.length === 0 ? none : values.join(",");

type Template = {
  spec?: { template?: { spec?: { containers?: { name: string; image: string }[] } } };
};
const containersOf = (object: KubeObject) =>
  (object as Template).spec?.template?.spec?.containers ?? [];

/** Containers, Images and Selector: the wide columns of every workload. */
export const workloadColumns: Column[] = [
  column("Containers", (object) => listText(containersOf(object).map((one) => one.name))),
  column("Images", (object) => listText(containersOf(object).map((one) => one.image))),
  column("Selector", (object) =>
    formatLabelSelector(fieldAt(object, ["spec", "selector"]) as LabelSelector | undefined),
  ),
].map(wide);
