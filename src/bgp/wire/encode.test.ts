import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix, type Prefix } from "../../net/prefix.ts";
import { decodeMessage } from "./decode.ts";
import { encodeMessage } from "./encode.ts";
import { hex, message } from "./hex.testkit.ts";
import { arbitraryPrefix } from "./message.testkit.ts";
import type { AsPathSegment, PathAttributes, UpdateMessage } from "./message.ts";

const ipv4 = { afi: "ipv4", safi: "unicast" } as const;
const ipv6 = { afi: "ipv6", safi: "unicast" } as const;
const plain = { fourOctetAs: true, extendedMessage: false };
const extended = { fourOctetAs: true, extendedMessage: true };
const attributes: PathAttributes = { origin: "igp", asPath: [{ kind: "sequence", asns: [65010] }] };
const shared = "40 01 01 00 40 02 06 02 01 0000fdf2";

function update(of: Partial<UpdateMessage>): UpdateMessage {
  return { type: "UPDATE", withdrawn: [], attributes: undefined, announced: [], ...of };
}

describe("UPDATE, byte for byte", () => {
  it.each([
    [
      "IPv4 in its own field",
      update({
        attributes,
        announced: [
          { family: ipv4, nextHop: address("10.0.2.2"), prefixes: [prefix("10.1.1.0/24")] },
        ],
      }),
      `0000 0014 ${shared} 40 03 04 0a000202 18 0a0101`,
    ],
    [
      "IPv6 in MP_REACH_NLRI, which comes first",
      update({
        attributes,
        announced: [{ family: ipv6, nextHop: address("fd00::2"), prefixes: [prefix("fd01::/48")] }],
      }),
      `0000 002c 80 0e 1c 0002 01 10 fd000000000000000000000000000002 00 30 fd0100000000 ${shared}`,
    ],
    [
      "IPv4 with an IPv6 next hop in MP_REACH_NLRI (RFC 8950)",
      update({
        attributes,
        announced: [
          { family: ipv4, nextHop: address("fd00::2"), prefixes: [prefix("10.1.1.0/24")] },
        ],
      }),
      `0000 0029 80 0e 19 0001 01 10 fd000000000000000000000000000002 00 18 0a0101 ${shared}`,
    ],
    [
      "IPv4 withdrawn",
      update({ withdrawn: [{ family: ipv4, prefixes: [prefix("10.1.1.0/24")] }] }),
      "0004 18 0a0101 0000",
    ],
    [
      "IPv6 withdrawn",
      update({ withdrawn: [{ family: ipv6, prefixes: [prefix("fd01::/48")] }] }),
      "0000 000d 80 0f 0a 0002 01 30 fd0100000000",
    ],
    ["End-of-RIB of IPv4", update({ endOfRib: ipv4 }), "0000 0000"],
    ["End-of-RIB of IPv6", update({ endOfRib: ipv6 }), "0000 0006 80 0f 03 0002 01"],
  ])("%s", (_name, value, body) => {
    expect(encodeMessage(value, plain).map(hex)).toEqual([hex(message(2, body))]);
  });

  it("has its attributes in ascending order, unknown ones among them", () => {
    const unknown = [{ flags: 0xc0, code: 22, value: Uint8Array.of(1) }];
    const announced = [
      { family: ipv4, nextHop: address("10.0.2.2"), prefixes: [prefix("10.1.1.0/24")] },
    ];
    const largeCommunities: [number, number, number][] = [[1, 2, 3]];
    const body = `0000 0027 ${shared} 40 03 04 0a000202 c0 16 01 01 c0 20 0c 000000010000000200000003 18 0a0101`;
    expect(
      encodeMessage(
        update({ attributes: { ...attributes, unknown, largeCommunities }, announced }),
        plain,
      ).map(hex),
    ).toEqual([hex(message(2, body))]);
  });

  it("has no confederation segments in AS4_PATH, and none of that where nothing else is left (RFC 6793 §3)", () => {
    const as4PathIn = (asPath: PathAttributes["asPath"]) => {
      const nextHop = address("10.0.2.2");
      const announced = [{ family: ipv4, nextHop, prefixes: [prefix("10.1.1.0/24")] }];
      const value = update({ attributes: { origin: "igp", asPath }, announced });
      const [bytes] = encodeMessage(value, { ...plain, fourOctetAs: false });
      return Buffer.from(bytes!).toString("hex").split("c011")[1]?.slice(0, 14);
    };
    const confederation: AsPathSegment = { kind: "confedSequence", asns: [4_200_000_001] };
    const sequence: AsPathSegment = { kind: "sequence", asns: [4_200_000_000] };
    expect(as4PathIn([confederation, sequence])).toBe("060201fa56ea00");
    expect(as4PathIn([confederation])).toBeUndefined();
  });

  it("to a two-octet peer has AS_TRANS and AS4_PATH (RFC 6793)", () => {
    const value = update({
      attributes: {
        ...attributes,
        asPath: [{ kind: "sequence", asns: [70000, 65010] }],
        aggregator: { asn: 70000, address: address("10.0.0.1") },
      },
      announced: [
        { family: ipv4, nextHop: address("10.0.2.2"), prefixes: [prefix("10.1.1.0/24")] },
      ],
    });
    const body = `0000 0035 40 01 01 00 40 02 06 02 02 5ba0 fdf2 40 03 04 0a000202 c0 07 06 5ba0 0a000001
      c0 11 0a 02 02 00011170 0000fdf2 c0 12 08 00011170 0a000001 18 0a0101`;
    const frames = encodeMessage(value, { fourOctetAs: false, extendedMessage: false });
    expect(frames.map(hex)).toEqual([hex(message(2, body.replaceAll(/\s/g, "")))]);
  });
});

describe("the other messages, byte for byte", () => {
  it("NOTIFICATION, KEEPALIVE, ROUTE-REFRESH", () => {
    const notification = {
      type: "NOTIFICATION",
      code: 6,
      subcode: 2,
      data: Uint8Array.of(1, 0x61),
    } as const;
    expect(encodeMessage(notification, plain)).toEqual([message(3, "06 02 01 61")]);
    expect(encodeMessage({ type: "KEEPALIVE" }, plain)).toEqual([message(4, "")]);
    const refresh = { type: "ROUTE-REFRESH", family: ipv6, subtype: 1 } as const;
    expect(encodeMessage(refresh, plain)).toEqual([message(5, "0002 01 01")]);
  });

  it("ROUTE-REFRESH for a family unknown decodes to none, of a wrong length to NOTIFICATION 7/1 (RFC 7313)", () => {
    expect(decodeMessage(message(5, "0019 00 46"), plain).message).toEqual({
      type: "ROUTE-REFRESH",
      family: undefined,
      subtype: 0,
    });
    expect(() => decodeMessage(message(5, "0001 01 01 00"), plain)).toThrow(
      expect.objectContaining({ code: 7, subcode: 1, data: message(5, "0001 01 01 00") }),
    );
    expect(() => decodeMessage(message(5, "0001 00 01 00"), plain)).toThrow(
      expect.objectContaining({ code: 1, subcode: 2 }),
    );
  });
});

describe("many prefixes", () => {
  it("are split over as few messages as hold them, none lost, none too long", () => {
    const prefixes = fc.array(fc.oneof(arbitraryPrefix("ipv4"), arbitraryPrefix("ipv6")), {
      maxLength: 3000,
      size: "max",
    });
    fc.assert(
      fc.property(prefixes, fc.boolean(), (all, extendedMessage) => {
        const of = (colon: boolean): Prefix[] => all.filter((one) => one.includes(":") === colon);
        const codec = { fourOctetAs: true, extendedMessage };
        const value = update({
          attributes,
          announced: [
            { family: ipv4, nextHop: address("10.0.2.2"), prefixes: of(false) },
            { family: ipv6, nextHop: address("fd00::2"), prefixes: of(true) },
          ],
          withdrawn: [
            { family: ipv4, prefixes: of(false) },
            { family: ipv6, prefixes: of(true) },
          ],
        });
        const announced: Prefix[] = [];
        const withdrawn: Prefix[] = [];
        for (const frame of encodeMessage(value, codec)) {
          expect(frame.length).toBeLessThanOrEqual(extendedMessage ? 65535 : 4096);
          const decoded = decodeMessage(frame, codec).message as UpdateMessage;
          expect(decoded.announced.length + decoded.withdrawn.length).toBe(1);
          for (const item of decoded.announced) announced.push(...item.prefixes);
          for (const item of decoded.withdrawn) withdrawn.push(...item.prefixes);
        }
        expect(announced).toEqual([...of(false), ...of(true)]);
        expect(withdrawn).toEqual([...of(false), ...of(true)]);
      }),
      { numRuns: 20 },
    );
  });

  it("of four bytes fill a message to the last", () => {
    const prefixes = Array.from({ length: 2000 }, (_, i) => prefix(`10.${i >> 8}.${i & 255}.0/24`));
    const frames = encodeMessage(update({ withdrawn: [{ family: ipv4, prefixes }] }), plain);
    // 4096 - 19 - 4 = 4073 bytes: 1018 prefixes.
    expect(frames.map(({ length }) => length)).toEqual([23 + 1018 * 4, 23 + 982 * 4]);
    expect(
      encodeMessage(update({ withdrawn: [{ family: ipv4, prefixes }] }), extended),
    ).toHaveLength(1);
  });
});

describe("what no message can hold", () => {
  const announced = [
    { family: ipv4, nextHop: address("10.0.2.2"), prefixes: [prefix("10.1.1.0/24")] },
  ];
  const long = { ...attributes, unknown: [{ flags: 0xc0, code: 99, value: new Uint8Array(4090) }] };

  it("is refused: attributes that leave no room, unless messages are extended", () => {
    expect(() => encodeMessage(update({ attributes: long, announced }), plain)).toThrow(RangeError);
    expect(encodeMessage(update({ attributes: long, announced }), extended)).toHaveLength(1);
  });

  it("is refused: routes without attributes, a prefix of the other family, a set of 256", () => {
    expect(() => encodeMessage(update({ announced }), plain)).toThrow(RangeError);
    const wrong = [{ ...announced[0]!, prefixes: [prefix("fd00::/16")] }];
    expect(() => encodeMessage(update({ attributes, announced: wrong }), plain)).toThrow(TypeError);
    const asPath = [{ kind: "set" as const, asns: Array<number>(256).fill(1) }];
    expect(() =>
      encodeMessage(update({ attributes: { ...attributes, asPath }, announced }), plain),
    ).toThrow(RangeError);
  });

  it("but a sequence of 300 becomes two segments", () => {
    const asPath = [{ kind: "sequence" as const, asns: Array<number>(300).fill(1) }];
    const [frame] = encodeMessage(
      update({ attributes: { ...attributes, asPath }, announced }),
      plain,
    );
    const decoded = decodeMessage(frame!, plain).message as UpdateMessage;
    expect(decoded.attributes!.asPath.map(({ asns }) => asns.length)).toEqual([255, 45]);
  });
});
