import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { decodeMessage } from "./decode.ts";
import { encodeMessage } from "./encode.ts";
import { WireError } from "./error.ts";
import { hex, message } from "./hex.testkit.ts";
import { arbitraryNumberedUpdate } from "./message.testkit.ts";
import type { CodecOptions, UpdateMessage } from "./message.ts";
import { ipv4Unicast, ipv6Unicast } from "./registry.ts";

const both = [ipv4Unicast, ipv6Unicast];
const codec: CodecOptions = { fourOctetAs: true, extendedMessage: true };
const numbered: CodecOptions = { ...codec, pathIdsIn: both, pathIdsOut: both };

const update: UpdateMessage = {
  type: "UPDATE",
  withdrawn: [],
  attributes: { origin: "igp", asPath: [] },
  announced: [
    {
      family: ipv4Unicast,
      nextHop: address("10.0.0.1"),
      prefixes: [prefix("10.1.0.0/16"), prefix("10.1.0.0/16")],
      pathIds: [1, 0xffffffff],
    },
  ],
};

describe("paths with identifiers (RFC 7911)", () => {
  it("§3: four octets before each prefix", () => {
    const [frame] = encodeMessage(update, numbered);
    expect(hex(frame!.subarray(-14))).toBe("00000001100a01ffffffff100a01");
    expect(decodeMessage(frame!, numbered).message).toEqual(update);
  });

  it("withdrawn, in the UPDATE's own field and in MP_UNREACH_NLRI", () => {
    const withdrawn = decodeMessage(
      message(2, "0007 00000005 10 0a01 000d 800f0a 0002 01 00000009 10 fd00"),
      numbered,
    ).message;
    expect(withdrawn).toMatchObject({
      withdrawn: [
        { prefixes: ["10.1.0.0/16"], pathIds: [5] },
        { prefixes: ["fd00::/16"], pathIds: [9] },
      ],
    });
  });

  it("reads back as it was written", () => {
    fc.assert(
      fc.property(arbitraryNumberedUpdate, (of) => {
        const frames = encodeMessage(of, numbered);
        expect(frames.map((frame) => decodeMessage(frame, numbered).message)).toEqual([of]);
      }),
    );
  });

  it("one way only, and of one family only, where that was settled", () => {
    const onlyOut = { ...codec, pathIdsOut: [ipv4Unicast] };
    const onlyIn = { ...codec, pathIdsIn: [ipv4Unicast] };
    const [frame] = encodeMessage(update, onlyOut);
    expect(decodeMessage(frame!, onlyIn).message).toEqual(update);
    // Read as plain prefixes the identifier is something else.
    expect(() => decodeMessage(frame!, codec)).toThrow(WireError);
    const { pathIds: _, ...plain } = update.announced[0]!;
    const unnumbered = { ...update, announced: [plain] };
    expect(decodeMessage(encodeMessage(unnumbered, onlyIn)[0]!, codec).message).toEqual(unnumbered);
    expect(() => encodeMessage(unnumbered, onlyOut)).toThrow(TypeError);
  });

  it("an identifier that is cut off ends the session", () => {
    expect(() => decodeMessage(message(2, "0003 000000 0000"), numbered)).toThrow(
      /Path Identifier/,
    );
  });

  it("treat-as-withdraw keeps the identifiers", () => {
    // ORIGIN 7.
    const bad = message(2, "0000 000e 400101 07 400200 400304 0a000001 00000005 10 0a01");
    expect(decodeMessage(bad, numbered)).toMatchObject({
      message: { withdrawn: [{ prefixes: ["10.1.0.0/16"], pathIds: [5] }], announced: [] },
      problems: [{ attribute: "ORIGIN" }],
    });
  });
});
