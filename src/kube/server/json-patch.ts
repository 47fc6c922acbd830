import { isDeepStrictEqual } from "node:util";
import { ApiError, badRequest } from "./api-error.ts";
import { isObject, setOwn } from "./merge-patch.ts";

/** JSON Patch (RFC 6902): the operations applied in order to a copy, or none of them. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest("a JSON patch is an array of operations");
  let document = structuredClone(target);
  for (const [index, operation] of patch.entries()) {
    if (!isObject(operation)) throw failed(index, "it is not an object");
    document = apply(document, operation, index);
  }
  return document;
}

function apply(document: unknown, operation: Record<string, unknown>, index: number): unknown {
  const path = pointer(operation.path, index, "path");
  switch (operation.op) {
    case "add":
      return add(document, path, valueOf(operation, index), index);
    case "remove":
      return remove(document, path, index);
    case "replace":
      find(document, path, index);
      return path.length === 0
        ? valueOf(operation, index)
        : add(remove(document, path, index), path, valueOf(operation, index), index);
    case "move": {
      const from = pointer(operation.from, index, "from");
      const value = find(document, from, index);
      return add(remove(document, from, index), path, value, index);
    }
    case "copy": {
      const value = find(document, pointer(operation.from, index, "from"), index);
      return add(document, path, structuredClone(value), index);
    }
    case "test":
      if (!isDeepStrictEqual(find(document, path, index), valueOf(operation, index))) {
        throw failed(index, `test of ${String(operation.path)} failed`);
      }
      return document;
    default:
      throw failed(index, `unknown operation ${JSON.stringify(operation.op)}`);
  }
}

/** RFC 6901 §4: `~1` is `/`, `~0` is `~`. */
function pointer(text: unknown, index: number, member: string): string[] {
  if (text === "") return [];
  if (typeof text !== "string" || !text.startsWith("/")) {
    throw failed(index, `${member} is no JSON pointer: ${JSON.stringify(text)}`);
  }
  return text
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueOf(operation: Record<string, unknown>, index: number): unknown {
  if (!("value" in operation)) throw failed(index, "it has no value");
  return operation.value;
}

function find(document: unknown, path: string[], index: number): unknown {
  let at = document;
  for (const part of path) {
    if (Array.isArray(at)) at = at[position(part, at.length - 1, index)];
    else if (isObject(at) && Object.hasOwn(at, part)) at = at[part];
    else throw failed(index, `there is no /${path.join("/")}`);
  }
  return at;
}

function add(document: unknown, path: string[], value: unknown, index: number): unknown {
  if (path.length === 0) return value;
  const parent = find(document, path.slice(0, -1), index);
  const last = path.at(-1)!;
  if (Array.isArray(parent)) {
    const at = last === "-" ? parent.length : position(last, parent.length, index);
    parent.splice(at, 0, value);
  } else if (isObject(parent)) setOwn(parent, last, value);
  else throw failed(index, `/${path.join("/")} lies in no object or array`);
  return document;
}

function remove(document: unknown, path: string[], index: number): unknown {
  find(document, path, index);
  if (path.length === 0) return null;
  const parent = find(document, path.slice(0, -1), index);
  const last = path.at(-1)!;
  if (Array.isArray(parent)) parent.splice(position(last, parent.length - 1, index), 1);
  else delete (parent as Record<string, unknown>)[last];
  return document;
}

function position(text: string, max: number, index: number): number {
  if (!/^(0|[1-9]\d*)$/.test(text) || Number(text) > max) {
    throw failed(index, `${JSON.stringify(text)} is no index of the array`);
  }
  return Number(text);
}

const failed = (index: number, why: string) =>
  new ApiError(
    422,
    "Invalid",
    `the server rejected our request: JSON patch operation ${index}: ${why}`,
  );
