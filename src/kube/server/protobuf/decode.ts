import type { Message, Shape } from "./message.ts";
import { ProtobufError, type Value, valuesOf } from "./wire.ts";

/** What is written is good protobuf, and of a field that the tables do not have. */
export class UnknownFieldError extends Error {
  override readonly name = "UnknownFieldError";
}

type Json = Record<string, unknown>;

/** The message as it is in JSON. Throws ProtobufError, or UnknownFieldError: nothing is left out unsaid. */
export function decode(of: Message, bytes: Uint8Array): Json {
  const object: Json = {};
  for (const value of valuesOf(of.name, bytes)) {
    const field = of.fields[value.number];
    if (field === undefined) throw new UnknownFieldError(`field ${value.number} of ${of.name}`);
    const [name, shape] = field;
    if (shape.as === "unread") {
      throw new UnknownFieldError(`field ${value.number} (${name}) of ${of.name}`);
    }
    put(object, name, shape, value, `field ${value.number} (${name}) of ${of.name}`);
  }
  return object;
}

function put(object: Json, name: string, shape: Shape, value: Value, where: string): void {
  switch (shape.as) {
    case "inlined":
      Object.assign(object, decode(shape.message, delimited(value, where)));
      return;
    case "list":
      ((object[name] ??= []) as unknown[]).push(valueOf(shape.of, value, where));
      return;
    case "map": {
      const entry = entryOf(shape.of, delimited(value, where), where);
      // Keys are the client's: `__proto__` too is a key as any other.
      const enumerable = { writable: true, enumerable: true, configurable: true };
      Object.defineProperty((object[name] ??= {}), entry.key, {
        value: entry.value,
        ...enumerable,
      });
      return;
    }
    case "pointer":
      object[name] = valueOf(shape.to, value, where);
      return;
    default: {
      const decoded = valueOf(shape, value, where);
      if (isEmpty(decoded)) delete object[name];
      else object[name] = decoded;
    }
  }
}

/** An empty text, number or time: not an empty message. */
const isEmpty = (value: unknown) =>
  value === undefined || value === "" || value === 0 || value === false;

function entryOf(of: Shape, bytes: Uint8Array, where: string): { key: string; value: unknown } {
  const entry: { key: string; value: unknown } = { key: "", value: "" };
  for (const part of valuesOf(where, bytes)) {
    if (part.number === 1) entry.key = text(delimited(part, where), where);
    else if (part.number === 2) entry.value = valueOf(of, part, where);
    else throw new UnknownFieldError(`field ${part.number} of an entry of ${where}`);
  }
  return entry;
}

function valueOf(shape: Shape, value: Value, where: string): unknown {
  switch (shape.as) {
    case "string":
      return text(delimited(value, where), where);
    case "bytes":
      return Buffer.from(delimited(value, where)).toString("base64");
    case "int":
      return integer(value, where);
    case "bool":
      return integer(value, where) !== 0;
    case "time":
      return timeOf(parts(value, where, 2));
    case "quantity":
      return String(parts(value, where, 1)[1] ?? "");
    case "intOrString": {
      const [, type = 0, number = 0, word = ""] = parts(value, where, 3);
      return type === 0 ? number : word;
    }
    case "message":
      return decode(shape.message, delimited(value, where));
    default:
      throw new TypeError(`${where}: a ${shape.as} within another`);
  }
}

/** The fields of a small message of numbers and texts, by number. */
function parts(value: Value, where: string, numberMax: number): (string | number | undefined)[] {
  const found: (string | number | undefined)[] = [];
  for (const part of valuesOf(where, delimited(value, where))) {
    if (part.number > numberMax) throw new UnknownFieldError(`field ${part.number} of ${where}`);
    found[part.number] = part.wireType === 2 ? text(part.value, where) : integer(part, where);
  }
  return found;
}

function timeOf([, seconds]: (string | number | undefined)[]): string | undefined {
  if (seconds === undefined) return undefined;
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) throw new ProtobufError(`${seconds} s is no time`);
  return date.toISOString().replace(".000Z", "Z");
}

function delimited(value: Value, where: string): Uint8Array {
  if (value.wireType === 2) return value.value;
  throw new ProtobufError(`${where} is a number`);
}

function integer(value: Value, where: string): number {
  if (value.wireType !== 0) throw new ProtobufError(`${where} is no number`);
  const number = Number(BigInt.asIntN(64, value.value));
  if (Number.isSafeInteger(number)) return number;
  throw new ProtobufError(`${where} is a number that JSON cannot hold: ${value.value}`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function text(bytes: Uint8Array, where: string): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new ProtobufError(`${where} is no UTF-8`, { cause: error });
  }
}
