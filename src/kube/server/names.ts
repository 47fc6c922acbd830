import type { ObjectMeta } from "../object.ts";
import type { Cause } from "./api-error.ts";

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const dns1123Label = new RegExp(`^${label}$`);
const dns1123Subdomain = new RegExp(`^${label}(\\.${label})*$`);
const qualifiedName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** Causes for a name that is no RFC 1123 subdomain (most kinds) or label (namespaces, containers). */
export function checkName(name: string, form: "subdomain" | "label", field: string): Cause[] {
  const [pattern, max] = form === "label" ? [dns1123Label, 63] : [dns1123Subdomain, 253];
  if (name === "") return [required(field)];
  if (name.length > max) {
    return [invalidValue(field, name, `must be no more than ${max} characters`)];
  }
  if (pattern.test(name)) return [];
  const told =
    form === "label"
      ? "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name')"
      : "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')";
  return [invalidValue(field, name, told)];
}

/** Labels and annotations: what ValidateObjectMeta checks of them. */
export function checkMeta(metadata: ObjectMeta): Cause[] {
  const causes = [
    ...checkLabels(metadata.labels, "metadata.labels"),
    ...checkAnnotations(metadata.annotations),
  ];
  const { finalizers, ownerReferences } = metadata as {
    finalizers: unknown;
    ownerReferences: unknown;
  };
  if (finalizers !== undefined && !isList(finalizers, (one) => typeof one === "string")) {
    causes.push(invalidValue("metadata.finalizers", finalizers, "must be a list of strings"));
  }
  if (ownerReferences === undefined) return causes;
  if (!isList(ownerReferences, (one) => typeof one === "object" && one !== null)) {
    const told = "must be a list of objects";
    return [...causes, invalidValue("metadata.ownerReferences", ownerReferences, told)];
  }
  for (const [index, owner] of metadata.ownerReferences!.entries()) {
    for (const field of ["apiVersion", "kind", "name", "uid"] as const) {
      const at = `metadata.ownerReferences[${index}].${field}`;
      if (!owner[field]) causes.push(required(at));
      else if (typeof owner[field] !== "string") {
        causes.push(invalidValue(at, owner[field], "must be a string"));
      }
    }
  }
  return causes;
}

const isList = (value: unknown, item: (one: unknown) => boolean) =>
  Array.isArray(value) && value.every(item);

function checkAnnotations(annotations: unknown): Cause[] {
  if (annotations === undefined) return [];
  if (typeof annotations !== "object" || annotations === null || Array.isArray(annotations)) {
    return [invalidValue("metadata.annotations", annotations, "must be a map of strings")];
  }
  return Object.entries(annotations).flatMap(([key, value]) => [
    ...checkKey(key, "metadata.annotations"),
    ...(typeof value === "string"
      ? []
      : [invalidValue(`metadata.annotations[${key}]`, value, "must be a string")]),
  ]);
}

export function checkLabels(labels: unknown, field: string): Cause[] {
  if (labels === undefined || labels === null) return [];
  if (typeof labels !== "object" || Array.isArray(labels)) {
    return [invalidValue(field, labels, "must be a map of strings")];
  }
  const causes: Cause[] = [];
  for (const [key, value] of Object.entries(labels)) {
    causes.push(...checkKey(key, field));
    if (typeof value !== "string") {
      causes.push(invalidValue(`${field}.${key}`, value, "must be a string"));
    } else if (value.length > 63 || (value !== "" && !qualifiedName.test(value))) {
      causes.push(
        invalidValue(
          field,
          value,
          "a valid label must be an empty string or consist of at most 63 alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        ),
      );
    }
  }
  return causes;
}

function checkKey(key: string, field: string): Cause[] {
  const slash = key.lastIndexOf("/");
  const name = key.slice(slash + 1);
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const good =
    name.length <= 63 &&
    qualifiedName.test(name) &&
    (prefix === undefined || (prefix.length <= 253 && dns1123Subdomain.test(prefix.toLowerCase())));
  if (good) return [];
  return [
    invalidValue(
      field,
      key,
      "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character, with an optional DNS subdomain prefix and '/'",
    ),
  ];
}

export const required = (field: string, detail = ""): Cause => ({
  reason: "FieldValueRequired",
  message: detail === "" ? "Required value" : `Required value: ${detail}`,
  field,
});

export const invalidValue = (field: string, value: unknown, detail: string): Cause => ({
  reason: "FieldValueInvalid",
  message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
  field,
});

export const duplicate = (field: string, value: unknown): Cause => ({
  reason: "FieldValueDuplicate",
  message: `Duplicate value: ${JSON.stringify(value)}`,
  field,
});

export const notSupported = (field: string, value: unknown, allowed: readonly string[]): Cause => ({
  reason: "FieldValueNotSupported",
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed
    .map((one) => JSON.stringify(one))
    .join(", ")}`,
  field,
});

export const fieldForbidden = (field: string, detail: string): Cause => ({
  reason: "FieldValueForbidden",
  message: `Forbidden: ${detail}`,
  field,
});
