import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeMessage } from "./decode.ts";
import { encodeMessage } from "./encode.ts";
import { WireError } from "./error.ts";
import { FrameReader } from "./frame.ts";
import { arbitraryMessage } from "./message.testkit.ts";
import type { AsPathSegment, CodecOptions, Message } from "./message.ts";
import { extendedMessageBytesMax, ipv4Unicast, ipv6Unicast } from "./registry.ts";

const fourOctet: CodecOptions = { fourOctetAs: true, extendedMessage: true };
const numbered: CodecOptions = { ...fourOctet, pathIdsIn: [ipv4Unicast, ipv6Unicast] };
const twoOctet: CodecOptions = { fourOctetAs: false, extendedMessage: true };

describe("every message", () => {
  it("reads back as it was written", () => {
    fc.assert(
      fc.property(arbitraryMessage, (message) => {
        const frames = encodeMessage(message, fourOctet);
        expect(frames).toHaveLength(1);
        expect(decodeMessage(frames[0]!, fourOctet)).toEqual({ message, problems: [] });
      }),
    );
  });

  it("reads back through a two-octet peer, AS_PATH and AGGREGATOR merged", () => {
    fc.assert(
      fc.property(arbitraryMessage, (message) => {
        fc.pre(message.type === "UPDATE" && !confederationInAs4Path(message));
        const [frame] = encodeMessage(message, twoOctet);
        const decoded = decodeMessage(frame!, twoOctet);
        expect(decoded.problems).toEqual([]);
        expect(joined(decoded.message)).toEqual(joined(message));
      }),
    );
  });

  it("comes out of the stream whole, however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryMessage, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        (messages, cuts) => {
          const frames = messages.flatMap((message) => encodeMessage(message, fourOctet));
          const stream = Buffer.concat(frames);
          const reader = new FrameReader();
          const read: Uint8Array[] = [];
          for (let at = 0, cut = 0; at < stream.length; cut++) {
            const end = at + cuts[cut % cuts.length]!;
            reader.push(Uint8Array.from(stream.subarray(at, end)));
            at = end;
            for (;;) {
              const frame = reader.next(extendedMessageBytesMax);
              if (frame === undefined) break;
              read.push(frame.slice());
            }
          }
          expect(read).toEqual(frames);
        },
      ),
    );
  });
});

describe("bytes that no speaker should send", () => {
  it("bring nothing but WireError", () => {
    const mutation = fc.record({
      at: fc.nat(),
      value: fc.integer({ min: 0, max: 255 }),
      kind: fc.constantFrom("set", "cut", "insert"),
    });
    fc.assert(
      fc.property(
        arbitraryMessage,
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (message, mutations, external) => {
          let bytes = encodeMessage(message, fourOctet)[0]!;
          for (const { at, value, kind } of mutations) {
            const index = at % (bytes.length + 1);
            if (kind === "set" && index < bytes.length) bytes[index] = value;
            if (kind === "cut") bytes = bytes.slice(0, index);
            if (kind === "insert") {
              bytes = Uint8Array.of(...bytes.subarray(0, index), value, ...bytes.subarray(index));
            }
          }
          for (const codec of [fourOctet, twoOctet]) {
            expect(legal(() => decodeMessage(bytes, { ...codec, external }).message)).toBe(true);
          }
          expect(legal(() => readFrame(bytes))).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("of any kind bring nothing but WireError, and what decodes is legal", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.integer({ min: 0, max: 6 }),
        (body, type) => {
          const bytes = Uint8Array.of(
            ...Array<number>(16).fill(0xff),
            0,
            19 + body.length,
            type,
            ...body,
          );
          for (const codec of [fourOctet, numbered]) {
            expect(legal(() => decodeMessage(bytes, codec).message)).toBe(true);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

/** Whether that gives a value that its type allows, or a WireError that NOTIFICATION can say. */
function legal(run: () => Message | undefined): boolean {
  try {
    const message = run();
    if (message?.type !== "UPDATE") return true;
    return (message.attributes === undefined) === (message.announced.length === 0);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.code >= 1 && error.code <= 7;
  }
}

function readFrame(bytes: Uint8Array): undefined {
  const reader = new FrameReader();
  reader.push(bytes);
  reader.next(4096);
}

/** Where AS4_PATH is sent, confederation segments behind the first real one are lost: RFC 6793 says so. */
function confederationInAs4Path(message: Message): boolean {
  if (message.type !== "UPDATE" || message.attributes === undefined) return false;
  return message.attributes.asPath.some(
    ({ kind }) => kind === "confedSequence" || kind === "confedSet",
  );
}

/** Sequences side by side as one: the merge of AS4_PATH does not keep their seams. */
function joined(message: Message): Message {
  if (message.type !== "UPDATE" || message.attributes === undefined) return message;
  const asPath: AsPathSegment[] = [];
  for (const { kind, asns } of message.attributes.asPath) {
    const last = asPath.at(-1);
    if (kind === "sequence" && last?.kind === "sequence") last.asns.push(...asns);
    else asPath.push({ kind, asns: [...asns] });
  }
  return { ...message, attributes: { ...message.attributes, asPath } };
}
