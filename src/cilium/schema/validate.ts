import { z } from "zod";
import { metallbResources } from "../metallb/schema.ts";
import { nearest } from "./nearest.ts";
import { ciliumResources } from "./resources.ts";

/** One mistake in an object; `path` as `spec.bgpInstances[0].peers[1].peerASN`, empty for the whole. */
export type Problem = { path: string; message: string; code: ProblemCode; hint?: string };

export type ProblemCode =
  /** The object is of no kind that Cilium has, or of a version that this kind does not have. */
  | "UnknownKind"
  | "UnknownVersion"
  | "UnknownField"
  | "MissingField"
  | "WrongType"
  | "OutOfRange"
  /** Not one of the values an enum allows. */
  | "UnknownValue"
  | "InvalidFormat"
  /** Two elements of a list-map with one key. */
  | "Duplicate"
  /** A CEL rule (x-kubernetes-validations) does not hold; the message is Cilium's own. */
  | "RuleBroken";

type Known = {
  group: string;
  kind: string;
  versions: readonly { name: string; served: boolean; schema: z.ZodType }[];
};

export type Validation = {
  /** Every mistake found, in the order of the document's schema. */
  problems: Problem[];
  /** The object as it would be stored: nulls dropped, defaults filled in. As given where there are problems. */
  defaulted: object;
};

/**
 * Checks an object of group cilium.io against the schema of its kind and version, as the API server
 * does with a CustomResourceDefinition: nulls are dropped, defaults filled in, then everything
 * checked. An unknown field, which Kubernetes drops or warns about, is a problem here.
 */
export function validateResource(object: object): Validation {
  const { apiVersion, kind } = object as { apiVersion?: unknown; kind?: unknown };
  const isMetallb = typeof apiVersion === "string" && apiVersion.startsWith("metallb.io/");
  const resources: readonly Known[] = isMetallb ? metallbResources : ciliumResources;
  const resource = resources.find((candidate) => candidate.kind === kind);
  if (resource === undefined) return unknownKind(object, kind, resources);
  const versions = resource.versions.filter((version) => version.served);
  const version = versions.find(({ name }) => `${resource.group}/${name}` === apiVersion);
  if (version === undefined) {
    const served = versions.map(({ name }) => `${resource.group}/${name}`).join(", ");
    const message = `no version ${shown(apiVersion)} of ${resource.kind}; served: ${served}`;
    return {
      problems: [{ path: "apiVersion", message, code: "UnknownVersion" }],
      defaulted: object,
    };
  }
  const parsed = version.schema.safeParse(withoutNulls(object), { reportInput: true });
  if (parsed.success) return { problems: [], defaulted: parsed.data as object };
  const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, version.schema));
  return { problems, defaulted: object };
}

function unknownKind(object: object, kind: unknown, resources: readonly Known[]): Validation {
  const kinds = resources.map((resource) => resource.kind);
  const message = `no kind ${shown(kind)} in group ${resources[0]!.group}`;
  const problem: Problem = { path: "kind", message, code: "UnknownKind" };
  return { problems: [{ ...problem, ...hintAt(String(kind), kinds) }], defaulted: object };
}

/** The API server drops nulls of fields that are not nullable, and Cilium has no nullable field. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([name, field]) => [name, withoutNulls(field)]),
  );
}

function problemsOf(issue: z.core.$ZodIssue, schema: z.ZodType): Problem[] {
  const path = pathText(issue.path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = fieldsAt(schema, issue.path);
      return issue.keys.map((key) => ({
        path: pathText([...issue.path, key]),
        message: "no such field",
        code: "UnknownField",
        ...hintAt(key, known),
      }));
    }
    case "invalid_type":
      if (issue.input === undefined)
        return [{ path, message: "is required", code: "MissingField" }];
      return [
        {
          path,
          message: `must be of type ${typeName(issue.expected)}, not ${shown(issue.input)}`,
          code: "WrongType",
        },
      ];
    case "too_small":
      return [
        { path, message: bound(issue.origin, "at least", issue.minimum), code: "OutOfRange" },
      ];
    case "too_big":
      return [{ path, message: bound(issue.origin, "at most", issue.maximum), code: "OutOfRange" }];
    case "invalid_value": {
      if (issue.input === undefined)
        return [{ path, message: "is required", code: "MissingField" }];
      const allowed = issue.values.map(String);
      const message = `${shown(issue.input)} is not one of: ${allowed.join(", ")}`;
      return [{ path, message, code: "UnknownValue", ...hintAt(String(issue.input), allowed) }];
    }
    case "invalid_format":
      return [
        { path, message: `${issue.message}, not ${shown(issue.input)}`, code: "InvalidFormat" },
      ];
    case "invalid_key":
      return issue.issues.map((inner) => ({ path, message: inner.message, code: "InvalidFormat" }));
    case "custom": {
      const code = (issue.params?.["code"] as ProblemCode | undefined) ?? "RuleBroken";
      return [{ path, message: issue.message, code }];
    }
    default:
      return [{ path, message: issue.message, code: "InvalidFormat" }];
  }
}

/** Names of the fields that the object at `path` may have. */
function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.$ZodType | undefined = unwrapped(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = unwrapped(at.shape[String(step)]);
    else if (at instanceof z.ZodArray) at = unwrapped(at.element);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** The schema inside an optional field or one with a default. */
function unwrapped(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  return schema instanceof z.ZodExactOptional || schema instanceof z.ZodDefault
    ? unwrapped(schema.unwrap())
    : schema;
}

function hintAt(word: string, candidates: readonly string[]): { hint?: string } {
  const candidate = nearest(word, candidates);
  return candidate === undefined ? {} : { hint: `did you mean '${candidate}'?` };
}

function pathText(path: readonly PropertyKey[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? String(step) : `.${String(step)}`;
  }
  return text;
}

/** JSON schema's type names, where zod has others. Every number of Cilium's is an integer. */
function typeName(expected: string): string {
  return { int: "integer", number: "integer", record: "object" }[expected] ?? expected;
}

function bound(origin: string, side: "at least" | "at most", limit: number | bigint): string {
  if (origin === "string") return `must have ${side} ${limit} character${limit === 1 ? "" : "s"}`;
  if (origin === "array") return `must have ${side} ${limit} item${limit === 1 ? "" : "s"}`;
  return `must be ${side} ${limit}`;
}

/** A value as it stands in JSON, shortened. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
