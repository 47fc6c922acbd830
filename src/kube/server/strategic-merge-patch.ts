import { badRequest } from "./api-error.ts";
import { isObject, setOwn } from "./merge-patch.ts";
import { isDeepStrictEqual } from "node:util";

/**
 * Strategic merge patch: a merge patch in which some lists merge by an item's key instead of being
 * replaced (Kubernetes: sig-api-machinery/strategic-merge-patch.md). Which lists do is part of the
 * built-in kinds' types; the ones that occur in what Spinelab serves are tabled here.
 */
const mergeKeys: Record<string, string | ((path: readonly string[]) => string | undefined)> = {
  containers: "name",
  initContainers: "name",
  ephemeralContainers: "name",
  env: "name",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
  volumes: "name",
  imagePullSecrets: "name",
  hostAliases: "ip",
  topologySpreadConstraints: "topologyKey",
  conditions: "type",
  ownerReferences: "uid",
  secrets: "name",
  podIPs: "ip",
  hostIPs: "ip",
  // NodeStatus.addresses merges; an EndpointSubset's or Endpoint's does not.
  addresses: (path) => (path.at(-1) === "status" ? "type" : undefined),
  // ContainerPort by containerPort, ServicePort by port; EndpointSubset's and EndpointSlice's do not.
  ports: (path) => {
    if (path.some((name) => name.endsWith("ontainers"))) return "containerPort";
    return path.at(-1) === "spec" ? "port" : undefined;
  },
};

/** Lists of plain values that merge as sets. */
const mergedSets = new Set(["finalizers", "podCIDRs"]);

export function strategicMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw badRequest("a strategic merge patch is an object");
  return mergeObject(isObject(target) ? target : {}, patch, []);
}

type Json = Record<string, unknown>;

function mergeObject(target: Json, patch: Json, path: readonly string[]): Json {
  const directive = patch.$patch;
  if (directive === "replace") return withoutDirectives(patch) as Json;
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") {
    throw badRequest(`unknown $patch directive ${JSON.stringify(directive)}`);
  }
  const merged: Json = { ...target };
  for (const [name, value] of Object.entries(patch)) {
    if (name === "$patch" || name === "$retainKeys") continue;
    if (name.startsWith("$setElementOrder/")) continue; // after the list itself is merged, below
    if (name.startsWith("$deleteFromPrimitiveList/")) {
      const list = name.slice("$deleteFromPrimitiveList/".length);
      const gone = Array.isArray(value) ? value : [];
      if (Array.isArray(merged[list])) {
        merged[list] = merged[list].filter((item) => !gone.includes(item));
      }
    } else if (value === null) delete merged[name];
    else if (Array.isArray(value)) setOwn(merged, name, mergeList(merged[name], value, name, path));
    else if (isObject(value)) {
      const before = Object.hasOwn(merged, name) ? merged[name] : undefined;
      const inner = mergeObject(isObject(before) ? before : {}, value, [...path, name]);
      if (value.$patch === "delete") delete merged[name];
      else setOwn(merged, name, inner);
    } else setOwn(merged, name, value);
  }
  if (Array.isArray(patch.$retainKeys)) {
    for (const name of Object.keys(merged)) {
      if (!patch.$retainKeys.includes(name)) delete merged[name];
    }
  }
  for (const [name, order] of Object.entries(patch)) {
    if (!name.startsWith("$setElementOrder/") || !Array.isArray(order)) continue;
    const list = name.slice("$setElementOrder/".length);
    if (Array.isArray(merged[list])) merged[list] = inOrder(merged[list], order, list, path);
  }
  return merged;
}

function mergeList(target: unknown, patch: unknown[], name: string, path: readonly string[]) {
  const before = Array.isArray(target) ? target : [];
  if (mergedSets.has(name)) {
    return [...before, ...patch.filter((item) => !before.includes(item))];
  }
  const key = mergeKeyOf(name, path);
  if (key === undefined) return withoutDirectives(patch);
  if (patch.some((item) => isObject(item) && item.$patch === "replace" && !(key in item))) {
    return withoutDirectives(patch.filter((item) => !isObject(item) || item.$patch === undefined));
  }
  const merged = [...before];
  for (const item of patch) {
    if (!isObject(item) || item[key] === undefined) {
      throw badRequest(`an item of ${[...path, name].join(".")} lacks its merge key ${key}`);
    }
    const at = merged.findIndex((has) => isObject(has) && isDeepStrictEqual(has[key], item[key]));
    if (item.$patch === "delete") {
      if (at >= 0) merged.splice(at, 1);
    } else if (at >= 0) merged[at] = mergeObject(merged[at] as Json, item, [...path, name]);
    else merged.push(mergeObject({}, item, [...path, name]));
  }
  return merged;
}

function mergeKeyOf(name: string, path: readonly string[]): string | undefined {
  const key = Object.hasOwn(mergeKeys, name) ? mergeKeys[name]! : undefined;
  return typeof key === "function" ? key(path) : key;
}

/** The items named by `order` take that order; the others keep their places behind what precedes them. */
function inOrder(list: unknown[], order: unknown[], name: string, path: readonly string[]) {
  const key = mergeKeyOf(name, path);
  const idOf = (item: unknown) => (key !== undefined && isObject(item) ? item[key] : item);
  const rank = new Map(order.map((item, index) => [idOf(item), index]));
  const ranked = list
    .filter((item) => rank.has(idOf(item)))
    .sort((a, b) => rank.get(idOf(a))! - rank.get(idOf(b))!);
  return list.map((item) => (rank.has(idOf(item)) ? ranked.shift() : item));
}

/** The value without directives: where there is nothing to merge with, they say nothing. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(
    ([name]) => name !== "$patch" && name !== "$retainKeys" && !/^\$[a-zA-Z]+\//.test(name),
  );
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutDirectives(inner)]));
}
