import { nearest } from "../../../input/nearest.ts";
import { isObject } from "../merge-patch.ts";
import type { Message, Shape } from "./message.ts";

export type UnknownField = { path: string; hint?: string };

/** Removes the fields of an object that its table does not have, and returns them: `spec.template.spec.contaners`. */
export function removeUnknownFields(of: Message, object: Record<string, unknown>): UnknownField[] {
  const found: UnknownField[] = [];
  remove(of, object, "", ["apiVersion", "kind"], found);
  return found;
}

function remove(
  of: Message,
  object: Record<string, unknown>,
  path: string,
  alsoKnown: readonly string[],
  found: UnknownField[],
): void {
  const shapes = shapesOf(of);
  for (const [name, value] of Object.entries(object)) {
    const at = `${path}${name}`;
    const shape = shapes.get(name);
    if (shape !== undefined) removeWithin(shape, value, at, found);
    else if (!alsoKnown.includes(name)) {
      const guess = nearest(name, shapes.keys());
      found.push({ path: at, ...(guess !== undefined && { hint: `did you mean '${guess}'?` }) });
      delete object[name];
    }
  }
}

/** What is of another type than it should be is left to those who check types. */
function removeWithin(shape: Shape, value: unknown, path: string, found: UnknownField[]): void {
  if (shape.as === "message" && isObject(value)) {
    remove(shape.message, value, `${path}.`, [], found);
  } else if (shape.as === "list" && Array.isArray(value)) {
    for (const [index, each] of value.entries()) {
      removeWithin(shape.of, each, `${path}[${index}]`, found);
    }
  }
}

const shapesByMessage = new WeakMap<Message, ReadonlyMap<string, Shape>>();

/** By name, those of embedded structs among them. */
function shapesOf(of: Message): ReadonlyMap<string, Shape> {
  const kept = shapesByMessage.get(of);
  if (kept !== undefined) return kept;
  const shapes = new Map<string, Shape>();
  for (const [name, shape] of Object.values(of.fields)) {
    if (shape.as !== "inlined") shapes.set(name, shape);
    else for (const [inner, its] of shapesOf(shape.message)) shapes.set(inner, its);
  }
  shapesByMessage.set(of, shapes);
  return shapes;
}
