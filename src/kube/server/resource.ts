import type { KubeObject } from "../object.ts";
import type { Cause } from "./api-error.ts";

/** One kind the server serves, all its versions together: they differ in `apiVersion` only. */
export type ResourceDefinition = {
  /** Empty for the core group. */
  group: string;
  /** The first is preferred and is what the store keeps. */
  versions: readonly string[];
  /** Served, with a warning to use the first. */
  deprecatedVersions: readonly string[];
  /** By version, what is said in place of that. */
  deprecationWarnings?: Readonly<Record<string, string>>;
  plural: string;
  singular: string;
  kind: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  /** `status`: spec and status are written apart. `scale`: autoscaling/v1 Scale over spec.replicas. */
  subresources: readonly ("status" | "scale")[];
  /** Defined by a CustomResourceDefinition: its lists know no merge keys. */
  custom: boolean;
  /** A create may carry the status already, as kubelets' Node objects do. */
  statusOnCreate?: boolean;
  /** Made by the server itself: clients may change an object, so that they can apply it again. */
  fixedSet?: boolean;
  /** What field selectors may ask for beside the name and the namespace. */
  fieldLabels?: readonly string[];
  /** Its schema as OpenAPI has it, in one of its versions: for `kubectl explain`. */
  schema?(version: string): object;
  columns: readonly Column[];
  /** Defaults filled in and what is wrong. Called with the object as it will be stored. */
  admit(object: KubeObject): Admission;
  /** What an update may not change. */
  checkUpdate?(before: KubeObject, after: KubeObject): Cause[];
};

export type Admission = {
  object: KubeObject;
  causes: Cause[];
  /** Fields the schema does not know; they are dropped from `object`. */
  unknownFields: { path: string; hint?: string }[];
};

/** A column of `kubectl get`. `wide`: only with -o wide. */
export type Column = {
  name: string;
  type: "string" | "integer" | "number" | "boolean" | "date";
  wide?: boolean;
  description?: string;
  cell(object: KubeObject, nowMs: number): string | number | boolean;
};

/** How kubectl writes a resource: `pods`, `daemonsets.apps`. */
export type ResourceKey = string;

export function resourceKey(of: Pick<ResourceDefinition, "group" | "plural">): ResourceKey {
  return of.group === "" ? of.plural : `${of.plural}.${of.group}`;
}

/** `v1`, `apps/v1`: of the preferred version unless another is named. */
export function apiVersionOf(of: ResourceDefinition, version = of.versions[0]!): string {
  return of.group === "" ? version : `${of.group}/${version}`;
}
