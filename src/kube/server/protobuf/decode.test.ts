import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Deployment } from "./apps-messages.ts";
import { ConfigMap, Secret, Service } from "./core-messages.ts";
import { decode, UnknownFieldError } from "./decode.ts";
import { decodeBody } from "./envelope.ts";
import { int, list, type Message, message, one, type Shape, string } from "./message.ts";
import { DeleteOptions } from "./meta-messages.ts";
import { Pod } from "./pod-messages.ts";
import { ClusterRole, RoleBinding } from "./rights-messages.ts";
import { ProtobufError } from "./wire.ts";

type Json = Record<string, unknown>;

/** What `kubectl` 1.32.5 sent for a command, and what it prints of it with --dry-run=client -o json. */
const recorded = JSON.parse(
  readFileSync(
    new URL("../../../../test/data/kubectl/1.32.5/create.json", import.meta.url),
    "utf8",
  ),
) as { command: string; base64: string; printed: Json }[];

/** Go prints times that are not set as null. */
function withoutNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, each: unknown) => each ?? undefined);
}

test.each(recorded)("$command", ({ base64, printed }) => {
  expect(decodeBody(Buffer.from(base64, "base64"))).toEqual(withoutNulls(printed));
});

describe("round trip: what a Go program would write of an object is read as that object", () => {
  test.each([Pod, Deployment, Service, Secret, ConfigMap, DeleteOptions, ClusterRole])(
    "$name",
    (of) => {
      fc.assert(
        fc.property(objects(of), (object) => {
          expect(decode(of, encode(of, object))).toEqual(object);
        }),
        { numRuns: 200 },
      );
    },
  );
});

describe("what the tables do not have is refused by message and number, never left out", () => {
  test("a field, at any depth", () => {
    const unknown = field(99, 0, varint(7n));
    const container = field(2, 2, sized(unknown));
    const podSpec = field(2, 2, sized(container));
    const body = field(2, 2, sized(field(3, 2, sized(podSpec))));
    expect(() => decode(Deployment, body)).toThrow(new UnknownFieldError("field 99 of Container"));
    const overhead = field(2, 2, sized(field(32, 2, sized(Buffer.alloc(0)))));
    expect(() => decode(Pod, overhead)).toThrow(
      new UnknownFieldError("field 32 (overhead) of PodSpec"),
    );
  });

  test("a part of an entry of a map, of a port", () => {
    const entry = field(2, 2, sized(field(3, 0, varint(1n))));
    expect(() => decode(ConfigMap, entry)).toThrow(
      new UnknownFieldError("field 3 of an entry of field 2 (data) of ConfigMap"),
    );
    const port = field(4, 2, sized(field(4, 0, varint(1n))));
    expect(() => decode(Service, field(2, 2, sized(field(1, 2, sized(port)))))).toThrow(
      new UnknownFieldError("field 4 of field 4 (targetPort) of ServicePort"),
    );
  });

  test("a kind", () => {
    const body = (apiVersion: string, kind: string) => {
      const type = Buffer.concat([text(1, apiVersion), text(2, kind)]);
      return Buffer.concat([Buffer.from("k8s\0"), field(1, 2, sized(type)), text(2, "")]);
    };
    expect(decodeBody(body("v1", "Pod"))).toEqual({ apiVersion: "v1", kind: "Pod" });
    for (const [apiVersion, kind] of [
      ["v1", "Binding"],
      ["apps/v1", "Pod"],
      ["constructor", "Pod"],
    ] as const) {
      expect(() => decodeBody(body(apiVersion, kind))).toThrow(
        new UnknownFieldError(`${apiVersion} ${kind}`),
      );
    }
    // Options of a request are a kind of the group it is for.
    expect(decodeBody(body("apps/v1", "DeleteOptions"))).toMatchObject({ kind: "DeleteOptions" });
  });
});

describe("damaged bodies are told, and nothing else is thrown", () => {
  test("cut off anywhere", () => {
    for (const { base64 } of recorded) {
      const body = Buffer.from(base64, "base64");
      for (let end = 0; end < body.length; end++)
        expect(told(() => decodeBody(body.subarray(0, end)))).toBe(true);
    }
  });

  test("bytes by chance, and bodies with one byte changed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(told(() => decode(Pod, bytes))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...recorded), fc.nat(), fc.nat(255), ({ base64 }, at, octet) => {
        const body = Buffer.from(base64, "base64");
        body[at % body.length] = octet;
        expect(told(() => decodeBody(body))).toBe(true);
      }),
    );
  });

  test.each([
    ["a number as a text", field(1, 0, varint(1n)), "field 1 (name) of M is a number"],
    ["a text as a number", text(2, "x"), "field 2 (count) of M is no number"],
    ["a float", field(1, 5, Buffer.alloc(4)), "field 1 of M has wire type 5"],
    ["no UTF-8", field(1, 2, sized(Buffer.from([0xff]))), "field 1 (name) of M is no UTF-8"],
    ["a length beyond the end", Buffer.from([0x0a, 0x7f]), "M ends within its field 1"],
    ["eleven octets of a number", Buffer.alloc(11, 0xff), "M has a number of more than 10 octets"],
    [
      "a number that JSON cannot hold",
      field(2, 0, varint(2n ** 60n)),
      `field 2 (count) of M is a number that JSON cannot hold: ${2n ** 60n}`,
    ],
  ])("%s", (_, body, error) => {
    const M = message("M", { 1: ["name", string], 2: ["count", int] });
    expect(() => decode(M, body)).toThrow(new ProtobufError(error));
  });
});

test("a key of a map is a key, whatever it is called", () => {
  const entry = Buffer.concat([text(1, "__proto__"), text(2, "x")]);
  const { data } = decode(ConfigMap, field(2, 2, sized(entry))) as { data: Json };
  expect(Object.keys(data)).toEqual(["__proto__"]);
});

test("an empty list within a list, an inner message left empty: both stay", () => {
  const M: Message = message("M", { 1: ["inner", list(one(message("I", {})))] });
  expect(decode(M, field(1, 2, sized(Buffer.alloc(0))))).toEqual({ inner: [{}] });
  expect(decode(RoleBinding, field(3, 2, sized(Buffer.alloc(0))))).toEqual({ roleRef: {} });
});

/** Whether it is read or refused; what else is thrown fails the test. */
function told(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof ProtobufError || error instanceof UnknownFieldError) return true;
    throw error;
  }
}

function objects(of: Message): fc.Arbitrary<Json> {
  const read = Object.values(of.fields).filter(([, shape]) => shape.as !== "unread");
  const fields = read.map(([name, shape]) =>
    shape.as === "inlined"
      ? objects(shape.message)
      : values(shape, true).map((value) => ({ [name]: value })),
  );
  const some = fields.map((each) => fc.option(each, { freq: 2, nil: {} }));
  return fc.tuple(...some).map((parts) => Object.assign({}, ...parts) as Json);
}

/** `filled`: none that Go would leave out of JSON. */
function values(shape: Shape, filled = false): fc.Arbitrary<unknown> {
  const word = fc.string({ minLength: filled ? 1 : 0, maxLength: 4, unit: "grapheme" });
  const integer = filled ? fc.maxSafeInteger().filter((n) => n !== 0) : fc.maxSafeInteger();
  switch (shape.as) {
    case "string":
    case "quantity":
      return word;
    case "bytes":
      return fc.uint8Array({ maxLength: 4 }).map((each) => Buffer.from(each).toString("base64"));
    case "int":
      return integer;
    case "bool":
      return filled ? fc.constant(true) : fc.boolean();
    case "time":
      return fc
        .integer({ min: 0, max: 4_000_000_000 })
        .map((seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z"));
    case "intOrString":
      return fc.oneof(word, integer);
    case "message":
    case "inlined":
      return objects(shape.message);
    case "pointer":
      return values(shape.to);
    case "list":
      return fc.array(values(shape.of), { minLength: 1, maxLength: 2 });
    case "map":
      return fc
        .dictionary(fc.string(), values(shape.of), { minKeys: 1, maxKeys: 2 })
        .map((each) => ({ ...each }));
    case "unread":
      throw new TypeError("what is not read has no values");
  }
}

/** As Go writes it: of fields that are no pointers the empty ones too. */
function encode(of: Message, object: Json): Buffer {
  const parts = Object.entries(of.fields).map(([number, [name, shape]]) => {
    const n = Number(number);
    if (shape.as === "inlined") return field(n, 2, sized(encode(shape.message, object)));
    const value = object[name];
    const isScalar = ["string", "int", "bool", "time", "intOrString"].includes(shape.as);
    if (value === undefined) return isScalar ? empty(n, shape) : Buffer.alloc(0);
    if (shape.as === "list")
      return joined(value as unknown[], (each) => encoded(n, shape.of, each));
    if (shape.as !== "map") return encoded(n, shape.as === "pointer" ? shape.to : shape, value);
    return joined(Object.entries(value as Json), ([key, each]) =>
      field(n, 2, sized(Buffer.concat([text(1, key), encoded(2, shape.of, each)]))),
    );
  });
  return Buffer.concat(parts);
}

function empty(number: number, { as }: Shape): Buffer {
  if (as === "time") return field(number, 2, sized(Buffer.alloc(0)));
  return encoded(number, { as } as Shape, { int: 0, bool: false }[as as string] ?? "");
}

function encoded(number: number, shape: Shape, value: unknown): Buffer {
  switch (shape.as) {
    case "string":
      return text(number, value as string);
    case "bytes":
      return field(number, 2, sized(Buffer.from(value as string, "base64")));
    case "int":
    case "bool":
      return field(number, 0, varint(BigInt(value as number)));
    case "time":
      return field(number, 2, sized(encoded(1, int, Date.parse(value as string) / 1000)));
    case "quantity":
      return field(number, 2, sized(text(1, value as string)));
    case "intOrString": {
      const isText = typeof value === "string";
      const body = [
        encoded(1, int, isText ? 1 : 0),
        encoded(2, int, isText ? 0 : value),
        text(3, isText ? value : ""),
      ];
      return field(number, 2, sized(Buffer.concat(body)));
    }
    case "message":
      return field(number, 2, sized(encode(shape.message, value as Json)));
    default:
      throw new TypeError(shape.as);
  }
}

function joined<T>(each: readonly T[], part: (value: T) => Buffer): Buffer {
  return Buffer.concat(each.map(part));
}

function varint(value: bigint): Buffer {
  const octets: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) octets.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...octets, Number(rest)]);
}

function sized(body: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(body.length)), body]);
}

function field(number: number, wireType: number, body: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(number * 8 + wireType)), body]);
}

function text(number: number, value: string): Buffer {
  return field(number, 2, sized(Buffer.from(value)));
}
