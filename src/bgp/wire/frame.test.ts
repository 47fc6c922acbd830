import { describe, expect, it } from "vitest";
import { WireError } from "./error.ts";
import { FrameReader } from "./frame.ts";
import { bytes, hex, message } from "./hex.testkit.ts";

const keepalive = message(4, "");

function read(stream: Uint8Array, maxLength = 4096): Uint8Array | undefined {
  const reader = new FrameReader();
  reader.push(stream);
  return reader.next(maxLength);
}

function refusal(stream: Uint8Array, maxLength = 4096): string {
  try {
    read(stream, maxLength);
  } catch (error) {
    if (error instanceof WireError)
      return `${error.code}/${error.subcode} ${hex(error.data)}`.trim();
    throw error;
  }
  return "none";
}

/** A header that announces `length` bytes. */
function header(length: number, type: number): Uint8Array {
  const head = message(type, "");
  head[16] = length >> 8;
  head[17] = length & 0xff;
  return head;
}

describe("the stream", () => {
  it("gives nothing until a message is whole", () => {
    const reader = new FrameReader();
    for (const byte of keepalive.subarray(0, 18)) {
      reader.push(Uint8Array.of(byte));
      expect(reader.next(4096)).toBeUndefined();
    }
    reader.push(keepalive.subarray(18));
    expect(reader.next(4096)).toEqual(keepalive);
    expect(reader.next(4096)).toBeUndefined();
  });

  it("gives a message that lies whole in a chunk without a copy", () => {
    const stream = Buffer.concat([keepalive, keepalive]);
    const frame = read(stream)!;
    expect(frame.buffer).toBe(stream.buffer);
  });

  it("takes half a megabyte byte by byte, in time that grows with its length only", () => {
    const reader = new FrameReader();
    const update = message(2, `0000 0000${" 18 0a 00 00".repeat(16_000)}`);
    let frames = 0;
    for (let n = 0; n < 8; n++) {
      for (const byte of update) {
        reader.push(Uint8Array.of(byte));
        if (reader.next(65535) !== undefined) frames++;
      }
    }
    expect(frames).toBe(8);
  });
});

describe("a header that RFC 4271 §6.1 refuses", () => {
  it("has a marker that is not all ones", () => {
    const broken = keepalive.slice();
    broken[15] = 0xfe;
    expect(refusal(broken)).toBe("1/1");
  });

  it.each([
    ["shorter than a header", header(18, 4), "1/2 0012"],
    ["longer than 4096", header(4097, 2), "1/2 1001"],
    ["KEEPALIVE with a body", header(20, 4), "1/2 0014"],
    ["OPEN without its fixed fields", header(28, 1), "1/2 001c"],
    ["UPDATE without its lengths", header(22, 2), "1/2 0016"],
    ["NOTIFICATION without a code", header(20, 3), "1/2 0014"],
  ])("has a bad length: %s", (_name, stream, expected) => {
    expect(refusal(stream)).toBe(expected);
  });

  it("has an unknown type", () => {
    expect(refusal(header(19, 6))).toBe("1/3 06");
    expect(refusal(header(19, 0))).toBe("1/3 00");
  });
});

it("extended messages may be longer, but for OPEN and KEEPALIVE (RFC 8654)", () => {
  expect(refusal(header(4097, 2), 65535)).toBe("none");
  expect(refusal(header(4097, 1), 65535)).toBe("1/2 1001");
  expect(refusal(header(4097, 4), 65535)).toBe("1/2 1001");
});

it("the smallest messages pass", () => {
  for (const [type, body] of [
    [1, "04 fdf2 005a 0a000001 00"],
    [2, "0000 0000"],
    [3, "06 02"],
    [4, ""],
    [5, "0001 00 01"],
  ] as const) {
    expect(read(message(type, body))).toEqual(message(type, body));
  }
  expect(bytes("ff 00")).toEqual(Uint8Array.of(255, 0));
});
