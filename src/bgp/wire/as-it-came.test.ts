import * as fc from "fast-check";
import { expect, it } from "vitest";
import { receiveMessage } from "./decode.ts";
import type { ReceivedUpdate } from "./decode-update.ts";
import { encodeMessage } from "./encode.ts";
import { encodeAttributes } from "./encode-update.ts";
import { WireError } from "./error.ts";
import { bytes as bytesOf, hex, message } from "./hex.testkit.ts";
import { arbitraryMessage } from "./message.testkit.ts";
import type { CodecOptions } from "./message.ts";

const fourOctet: CodecOptions = { fourOctetAs: true, extendedMessage: true };

/** What a session takes in of these bytes; undefined where it ends instead. */
function received(bytes: Uint8Array, codec: CodecOptions): ReceivedUpdate | undefined {
  try {
    const { message: read } = receiveMessage({ bytes, start: 0, end: bytes.length }, codec);
    return read.type === "UPDATE" ? read : undefined;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}

/** Of an UPDATE with these attributes that announces one prefix. */
function asItCame(attributesHex: string, codec: CodecOptions = fourOctet): string | undefined {
  const length = bytesOf(attributesHex).length.toString(16).padStart(4, "0");
  const update = received(message(2, `0000 ${length} ${attributesHex} 18 0a0000`), codec);
  expect(update?.announced).toHaveLength(1);
  const range = update?.announced[0]!.asItCame;
  return range && hex(range.bytes.subarray(range.start, range.end));
}

const origin = "40 01 01 00";
const asPath = "40 02 06 02 01 0000fde8";
const nextHop = "40 03 04 0a000001";
const communities = "c0 08 04 fde80001";

it("attributes in the order and form of our own are kept as they came", () => {
  const all = `${origin} ${asPath} ${nextHop} 80 04 04 00000001 ${communities}`;
  expect(asItCame(all)).toEqual(all.replaceAll(" ", ""));
});

it.each([
  ["out of order", `${origin} ${nextHop} ${asPath}`],
  ["with one twice", `${origin} ${asPath} ${nextHop} ${nextHop}`],
  ["with a longer length than needed", `${origin} 50 02 0006 02 01 0000fde8 ${nextHop}`],
  ["marked partial", `${origin} ${asPath} ${nextHop} ${communities.replace("c0", "e0")}`],
  ["with one that loses duplicates", `${origin} ${asPath} ${nextHop} c0 20 0c ${"0".repeat(24)}`],
  ["with an unknown one", `${origin} ${asPath} ${nextHop} c0 63 01 00`],
  ["with one that is discarded", `${origin} ${asPath} ${nextHop} c0 07 01 00`],
])("attributes %s are not", (_, all) => {
  expect(asItCame(all)).toBeUndefined();
});

it("nor is what an external peer must not send, or what comes with two octets to an AS number", () => {
  const all = `${origin} ${asPath} ${nextHop} 40 05 04 00000064`;
  expect(asItCame(all)).toBeDefined();
  expect(asItCame(all, { ...fourOctet, external: true })).toBeUndefined();
  const twoOctet = { ...fourOctet, fourOctetAs: false };
  expect(asItCame(`${origin} 40 02 04 02 01 fde8 ${nextHop}`, twoOctet)).toBeUndefined();
});

it("whatever is kept as it came is what its values are written as", () => {
  const mutation = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(
      arbitraryMessage,
      fc.array(mutation, { maxLength: 2 }),
      fc.boolean(),
      (from, mutations, external) => {
        const bytes = encodeMessage(from, fourOctet)[0]!;
        for (const { at, value } of mutations) bytes[19 + (at % (bytes.length - 18))] = value;
        const update = received(bytes, { ...fourOctet, external });
        for (const { asItCame: range, nextHop: via } of update?.announced ?? []) {
          if (range === undefined) continue;
          const written = encodeAttributes(update!.attributes!, fourOctet, via);
          expect(range.bytes.slice(range.start, range.end)).toEqual(written);
        }
      },
    ),
    { numRuns: 5000 },
  );
});
