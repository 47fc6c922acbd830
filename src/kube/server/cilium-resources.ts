import { type CiliumResource, ciliumResources as tables } from "../../cilium/schema/resources.ts";
import type { Immutable } from "../../cilium/schema/pod-ip-pool.ts";
import { structuralSchema } from "../../cilium/schema/structural.ts";
import { type Problem, validateResource } from "../../cilium/schema/validate.ts";
import type { KubeObject } from "../object.ts";
import type { Cause } from "./api-error.ts";
import { age, nameColumn, text } from "./columns.ts";
import { jsonPath } from "./json-path.ts";
import type { Admission, Column, ResourceDefinition } from "./resource.ts";

/** Cilium's custom resources, checked by Cilium's own schemas. */
export const ciliumResources: readonly ResourceDefinition[] = tables.map((table) => {
  const served = table.versions
    .filter((version) => version.served)
    .sort((a, b) => Number(b.storage) - Number(a.storage));
  const stored = `${table.group}/${served[0]!.name}`;
  return {
    group: table.group,
    versions: served.map((version) => version.name),
    deprecatedVersions: served.filter((one) => one.deprecated).map((one) => one.name),
    deprecationWarnings: Object.fromEntries(
      served.flatMap(({ name, deprecationWarning }) =>
        deprecationWarning === undefined ? [] : [[name, deprecationWarning]],
      ),
    ),
    plural: table.plural,
    singular: table.singular,
    kind: table.kind,
    shortNames: table.shortNames,
    categories: table.categories,
    namespaced: false,
    subresources: table.statusSubresource ? ["status"] : [],
    custom: true,
    columns: [nameColumn, ...table.printerColumns.map(printerColumn)],
    schema: (version) => structuralSchema(served.find((one) => one.name === version)!.schema),
    admit: (object) => admit(object, stored),
    ...(table.immutable && {
      checkUpdate: (before, after) => table.immutable!.flatMap(unchanged(before, after)),
    }),
  };
});

/**
 * Checked as what it was sent as, then cut to what the stored version knows. Unknown fields are
 * dropped and told apart from the other problems: the request says what to do about them.
 */
function admit(object: KubeObject, stored: string): Admission {
  const unknownFields = prune(object);
  const { problems, defaulted } = validateResource(object);
  const admitted = defaulted as KubeObject;
  if (problems.length === 0 && object.apiVersion !== stored) {
    admitted.apiVersion = stored;
    prune(admitted);
  }
  return { object: admitted, causes: problems.map(causeOf), unknownFields };
}

/** The causes of one field that is not as it was. */
function unchanged(before: KubeObject, after: KubeObject) {
  const at = (object: KubeObject, path: readonly string[]) =>
    path.reduce<unknown>(
      (value, step) => (value as Record<string, unknown> | undefined)?.[step],
      object,
    );
  return ({ path, message }: Immutable): Cause[] => {
    const [old, now] = [at(before, path), at(after, path)];
    // As CEL has it: a rule about the old value holds where there was none, or there is none now.
    if (old === undefined || now === undefined || old === now) return [];
    const told = `Invalid value: ${JSON.stringify(now)}: ${message}`;
    return [{ reason: "FieldValueInvalid", message: told, field: path.join(".") }];
  };
}

/** Removes what the schema does not know, and returns it. */
function prune(object: KubeObject): Admission["unknownFields"] {
  const unknown = validateResource(object).problems.filter((one) => one.code === "UnknownField");
  for (const { path } of unknown) removeAt(object, path);
  return unknown;
}

/** `path` as validateResource writes it: `spec.bgpInstances[0].peers[1].peerASN`. */
function removeAt(object: object, path: string): void {
  const steps = path.split(/[.[\]]+/).filter((step) => step !== "");
  const last = steps.pop()!;
  let at: unknown = object;
  for (const step of steps) at = (at as Record<string, unknown> | undefined)?.[step];
  if (typeof at === "object" && at !== null) delete (at as Record<string, unknown>)[last];
}

function causeOf({ path, message, code, hint }: Problem): Cause {
  const told = hint === undefined ? message : `${message} (${hint})`;
  switch (code) {
    case "MissingField":
      return { reason: "FieldValueRequired", message: "Required value", field: path };
    case "WrongType":
      return { reason: "FieldValueTypeInvalid", message: `Invalid value: ${told}`, field: path };
    case "UnknownValue":
      return {
        reason: "FieldValueNotSupported",
        message: `Unsupported value: ${told}`,
        field: path,
      };
    case "Duplicate":
      return { reason: "FieldValueDuplicate", message: `Duplicate value: ${told}`, field: path };
    default:
      return { reason: "FieldValueInvalid", message: `Invalid value: ${told}`, field: path };
  }
}

function printerColumn(printer: CiliumResource["printerColumns"][number]): Column {
  const find = jsonPath(printer.jsonPath);
  return {
    name: printer.name,
    type: printer.type,
    cell: (object, nowMs) => {
      const [value] = find(object);
      return printer.type === "date" ? age(value, nowMs) : text(value, "");
    },
  };
}
