import type { KubeObject } from "../object.ts";
import { badRequest } from "./api-error.ts";
import { isObject } from "./merge-patch.ts";
import { apiVersionOf, type ResourceDefinition } from "./resource.ts";

/**
 * What came in, brought into the shape every kind shares. A copy: the caller's object stays as it is.
 * Throws 400 where it is no object of that resource.
 */
export function received(definition: ResourceDefinition, given: KubeObject): KubeObject {
  if (!isObject(given)) throw badRequest("the body of the request is no object");
  const object = structuredClone(given);
  if (object.metadata === undefined) object.metadata = { name: "" };
  if (!isObject(object.metadata)) throw badRequest("metadata must be an object");
  // Fields set to null are fields left out: Go's encoders write creationTimestamp so.
  const metadata = object.metadata as Record<string, unknown>;
  for (const field of Object.keys(metadata)) if (metadata[field] === null) delete metadata[field];
  object.metadata.name ??= "";
  for (const field of ["name", "namespace", "generateName", "uid", "resourceVersion"]) {
    const value = metadata[field];
    if (value === undefined || typeof value === "string") continue;
    throw badRequest(`metadata.${field} must be a string`);
  }
  object.apiVersion ??= apiVersionOf(definition);
  object.kind ??= definition.kind;
  const served = definition.versions.map((version) => apiVersionOf(definition, version));
  if (object.kind !== definition.kind || !served.includes(object.apiVersion)) {
    throw badRequest(
      `the object provided is ${object.apiVersion}, Kind=${object.kind}, which is not ${served[0]!}, Kind=${definition.kind}`,
    );
  }
  return object;
}

/** Puts back what a request cannot change. */
export function keepServerFields(object: KubeObject, before: KubeObject): void {
  const fixed = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "generateName",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "resourceVersion",
  ] as const;
  const from = before.metadata as Record<string, unknown>;
  const to = object.metadata as Record<string, unknown>;
  for (const field of fixed) {
    if (from[field] === undefined) delete to[field];
    else to[field] = from[field];
  }
}

/** All but metadata and status: what a new generation counts changes of. */
export function desired(object: KubeObject): object {
  const { metadata, status, apiVersion, ...rest } = object;
  return rest;
}

/** What two versions are compared by: an update that changes none of it is none. */
export function withoutVersion(object: KubeObject): object {
  const { resourceVersion, ...metadata } = object.metadata;
  // Maps left empty say the same as maps left out.
  for (const field of ["labels", "annotations", "finalizers", "ownerReferences"] as const) {
    if (metadata[field] && Object.keys(metadata[field]).length === 0) delete metadata[field];
  }
  return { ...object, metadata };
}
