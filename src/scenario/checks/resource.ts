import { isDeepStrictEqual } from "node:util";
import { boundsText, excerpt, inBounds, textMatches, textMatchText } from "../bounds.ts";
import type { CheckHandler } from "../check.ts";
import type { ResourceReference } from "../schema/types.ts";

/** A field of a Kubernetes object. */
export const resource: CheckHandler<"resource"> = {
  text: (check) => `resource ${resourceText(check.resource)}${fieldText(check.field)}`,

  expected: ({ absent, equals, bounds, text }) => {
    if (absent) return "not there";
    if (equals !== undefined) return JSON.stringify(equals);
    if (bounds !== undefined) return boundsText(bounds);
    return text === undefined ? "there" : textMatchText(text);
  },

  async look({ kube }, check) {
    const object = await kube.get(check.resource);
    const value = fieldOf(object, check.field);
    const seen = value === undefined ? "not there" : excerpt(JSON.stringify(value));
    if (check.absent) return { ok: value === undefined, seen };
    const ok =
      value !== undefined &&
      (check.equals === undefined || isDeepStrictEqual(value, check.equals)) &&
      (check.bounds === undefined ||
        (typeof value === "number" && inBounds(value, check.bounds))) &&
      (check.text === undefined || textMatches(asText(value), check.text));
    return { ok, seen: object === undefined ? `no ${resourceText(check.resource)}` : seen };
  },
};

/** `DaemonSet kube-system/x`. */
export function resourceText({ kind, namespace, name }: ResourceReference): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

function fieldText(field: readonly (string | number)[]): string {
  return field.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
}

function fieldOf(object: unknown, field: readonly (string | number)[]): unknown {
  let value = object;
  for (const key of field) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value ?? undefined;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
