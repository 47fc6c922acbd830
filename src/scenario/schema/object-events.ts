import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  anyMapping,
  described,
  integer,
  mistake,
  object,
  oneOrMore,
  refined,
  type Shape,
  text,
} from "../../input/shape.ts";
import { type Manifest, readManifest, readManifests } from "../../topology/manifests.ts";
import { fieldsOf } from "./event-fields.ts";
import { type Reading } from "./mentions.ts";
import type { EventBody, ResourceReference } from "./types.ts";
import { locationOf, resourceFields, resourceReference } from "./values.ts";

/** Files and objects, in order; a file's path is relative to the scenario. */
export function applyEvent(reading: Reading): Shape<EventBody> {
  const item: Shape<Manifest[]> = (node, at) => {
    if (node.type === "map") return readManifest(node, at, reading.validate, at.diagnostics);
    const written = text("a manifest file or an object")(node, at);
    if (written === undefined) return undefined;
    const file = resolve(dirname(at.file), written);
    if (!existsSync(file)) {
      const hint = "paths are relative to the scenario file";
      return mistake(at, "MissingFile", `no file '${written}'`, hint);
    }
    return readManifests([file], reading.validate, at.diagnostics);
  };
  const schema = {
    type: ["string", "object"],
    description: "a manifest file, relative to the scenario, or a Kubernetes object",
  };
  const noted = described<Manifest[]>(schema, (node, at) => {
    const manifests = item(node, at);
    reading.applied.push(...(manifests ?? []));
    return manifests;
  });
  return refined(oneOrMore(noted, "a list of files and objects"), (read) => ({
    kind: "apply" as const,
    manifests: read.flat(),
  }));
}

/** Fields that name an object, and those of the event beside them. */
function resource<F extends Parameters<typeof object>[0]>(
  reading: Reading,
  more: F,
  what: string,
): Shape<{ resource: ResourceReference; fields: Record<string, unknown> }> {
  return refined(fieldsOf({ ...resourceFields, ...more }, what), (fields, at) => {
    const { apiVersion, kind, namespace, name } = fields as Parameters<typeof resourceReference>[0];
    const named = resourceReference(
      {
        kind,
        name,
        ...(apiVersion !== undefined && { apiVersion }),
        ...(namespace !== undefined && { namespace }),
      },
      at,
    );
    reading.mentions.push({ type: "resource", resource: named, at: locationOf(at) });
    return { resource: named, fields: fields as Record<string, unknown> };
  });
}

export function patchEvent(reading: Reading): Shape<EventBody> {
  const shape = resource(reading, { merge: anyMapping }, "'patch'");
  return refined(shape, (read) => ({
    kind: "patch" as const,
    resource: read.resource,
    merge: read.fields["merge"] as Record<string, unknown>,
  }));
}

export function scaleEvent(reading: Reading): Shape<EventBody> {
  const replicas = integer(0, 10_000, "a number of pods");
  return refined(resource(reading, { replicas }, "'scale'"), (read) => ({
    kind: "scale" as const,
    resource: read.resource,
    replicas: read.fields["replicas"] as number,
  }));
}

export function deleteEvent(reading: Reading): Shape<EventBody> {
  return refined(resource(reading, {}, "'delete'"), (read) => ({
    kind: "delete" as const,
    resource: read.resource,
  }));
}
