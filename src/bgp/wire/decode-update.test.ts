// Errors in an UPDATE, each as RFC 7606 wants it handled.
import { describe, expect, it } from "vitest";
import { type AttributeProblem, decodeMessage } from "./decode.ts";
import { encodeAttributes } from "./encode-update.ts";
import { WireError } from "./error.ts";
import { hex, message } from "./hex.testkit.ts";
import type { UpdateMessage } from "./message.ts";

const ipv4 = { afi: "ipv4", safi: "unicast" };
const ipv6 = { afi: "ipv6", safi: "unicast" };

const origin = "40 01 01 00";
const asPath = "40 02 06 02 01 0000fdf2";
const nextHop = "40 03 04 0a000201";
const mandatory = `${origin} ${asPath} ${nextHop}`;
const nlri = "18 cb0071";
const prefix = "203.0.113.0/24";
/** fd00::/16 through 2001:db8::1. */
const mpReach = "80 0e 18 0002 01 10 20010db8000000000000000000000001 00 10 fd00";

function octets(hexText: string): string {
  const length = hexText.replaceAll(/\s/g, "").length / 2;
  return length.toString(16).padStart(4, "0");
}

function update(attributes: string, prefixes = nlri, withdrawn = ""): string {
  return `${octets(withdrawn)} ${withdrawn} ${octets(attributes)} ${attributes} ${prefixes}`;
}

function decode(
  body: string,
  { fourOctetAs = true, external = false } = {},
): { message: UpdateMessage; problems: AttributeProblem[] } {
  const decoded = decodeMessage(message(2, body), {
    fourOctetAs,
    extendedMessage: false,
    external,
  });
  return decoded as { message: UpdateMessage; problems: AttributeProblem[] };
}

function refusal(body: string): string {
  try {
    decode(body);
  } catch (error) {
    if (error instanceof WireError)
      return `${error.code}/${error.subcode} ${hex(error.data)}`.trim();
    throw error;
  }
  return "none";
}

describe("a well-formed UPDATE", () => {
  it("announces and withdraws", () => {
    expect(decode(update(mandatory, nlri, "10 0a01"))).toEqual({
      message: {
        type: "UPDATE",
        withdrawn: [{ family: ipv4, prefixes: ["10.1.0.0/16"] }],
        attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65010] }] },
        announced: [{ family: ipv4, nextHop: "10.0.2.1", prefixes: [prefix] }],
      },
      problems: [],
    });
  });

  it("keeps the Partial bit of what goes on (RFC 4271 §5), and of nothing else", () => {
    const marked = `60 01 01 00 ${asPath} ${nextHop} e0 08 04 00000001`;
    const { attributes } = decode(update(marked)).message;
    expect(attributes).toMatchObject({ communities: [1], partial: [8] });
    const sent = encodeAttributes(attributes!, { fourOctetAs: true, extendedMessage: false });
    expect(hex(sent)).toMatch(/^40010100.*e0080400000001$/);
  });

  it("clears bits beyond the prefix's length", () => {
    expect(
      decode(update(mandatory, "0c 0aff 00 19 cb0071ff")).message.announced[0]!.prefixes,
    ).toEqual(["10.240.0.0/12", "0.0.0.0/0", "203.0.113.128/25"]);
  });

  it("takes both families at once", () => {
    const { message: decoded } = decode(update(`${mpReach} ${mandatory}`));
    expect(decoded.announced).toEqual([
      { family: ipv4, nextHop: "10.0.2.1", prefixes: [prefix] },
      { family: ipv6, nextHop: "2001:db8::1", prefixes: ["fd00::/16"] },
    ]);
  });

  it("takes the global next hop of two, and the link-local one where there is no other (RFC 2545)", () => {
    const linkLocal = "fe800000000000000000000000000001";
    const two = (global: string): string =>
      `80 0e 28 0002 01 20 ${global} ${linkLocal} 00 10 fd00 ${origin} ${asPath}`;
    expect(
      decode(update(two("20010db8000000000000000000000001"), "")).message.announced,
    ).toMatchObject([{ nextHop: "2001:db8::1" }]);
    expect(decode(update(two("0".repeat(32)), "")).message.announced).toMatchObject([
      { nextHop: "fe80::1" },
    ]);
  });

  it("takes IPv4 with an IPv6 next hop (RFC 8950)", () => {
    const attribute = `80 0e 19 0001 01 10 20010db8000000000000000000000001 00 18 cb0071`;
    expect(decode(update(`${attribute} ${origin} ${asPath}`, "")).message.announced).toEqual([
      { family: ipv4, nextHop: "2001:db8::1", prefixes: [prefix] },
    ]);
  });

  it("ignores a family it does not have, and is then no End-of-RIB", () => {
    const evpn = "80 0f 03 0019 46";
    expect(decode(update(evpn, "")).message).toEqual({
      type: "UPDATE",
      withdrawn: [],
      attributes: undefined,
      announced: [],
    });
  });

  it("is End-of-RIB where it holds nothing (RFC 4724 §2)", () => {
    expect(decode("0000 0000").message.endOfRib).toEqual(ipv4);
    expect(decode(update("80 0f 03 0002 01", "")).message.endOfRib).toEqual(ipv6);
    expect(decode(update(origin, "")).message.endOfRib).toBeUndefined();
    expect(decode(update(`80 0f 03 0002 01 ${origin}`, "")).message.endOfRib).toBeUndefined();
    expect(decode(update("", "", "10 0a01")).message.endOfRib).toBeUndefined();
  });

  it("ignores NEXT_HOP where all it announces is in MP_REACH_NLRI (RFC 4760 §3)", () => {
    const attributes = `${mpReach} ${origin} ${asPath} 40 03 04 00000000`;
    expect(decode(update(attributes, ""))).toMatchObject({
      problems: [],
      message: { announced: [{ family: ipv6 }] },
    });
  });
});

/** AS_TRANS in AS_PATH, AS 4200000001 in AS4_PATH and AS4_AGGREGATOR, that AS in AGGREGATOR. */
function throughTwoOctets(aggregator: string): string {
  const as4 = "c0 11 06 02 01 fa56ea01 c0 12 08 fa56ea01 0a000002";
  return `${origin} 40 02 04 02 01 5ba0 ${nextHop} c0 07 06 ${aggregator} 0a000001 ${as4}`;
}

describe("from a two-octet peer (RFC 6793 §4.2.3)", () => {
  it("takes AS4_PATH and AS4_AGGREGATOR where AGGREGATOR has AS_TRANS", () => {
    expect(
      decode(update(throughTwoOctets("5ba0")), { fourOctetAs: false }).message.attributes,
    ).toMatchObject({
      asPath: [{ asns: [4200000001] }],
      aggregator: { asn: 4200000001, address: "10.0.0.2" },
    });
  });

  it("ignores both where AGGREGATOR has another AS: it was aggregated anew", () => {
    expect(
      decode(update(throughTwoOctets("fdf2")), { fourOctetAs: false }).message.attributes,
    ).toMatchObject({
      asPath: [{ asns: [23456] }],
      aggregator: { asn: 65010, address: "10.0.0.1" },
    });
  });
});

describe("treat-as-withdraw", () => {
  it.each([
    ["ORIGIN of a value unknown", `40 01 01 03 ${asPath} ${nextHop}`, "ORIGIN"],
    ["ORIGIN of two bytes", `40 01 02 0000 ${asPath} ${nextHop}`, "ORIGIN"],
    ["AS_PATH whose segment overruns", `${origin} 40 02 06 02 02 0000fdf2 ${nextHop}`, "AS_PATH"],
    ["AS_PATH with a byte too many", `${origin} 40 02 07 02 01 0000fdf2 00 ${nextHop}`, "AS_PATH"],
    ["AS_PATH with a segment unknown", `${origin} 40 02 06 05 01 0000fdf2 ${nextHop}`, "AS_PATH"],
    ["AS_PATH with an empty segment", `${origin} 40 02 02 02 00 ${nextHop}`, "AS_PATH"],
    ["AS_PATH with AS 0 (RFC 7607)", `${origin} 40 02 06 02 01 00000000 ${nextHop}`, "AS_PATH"],
    ["NEXT_HOP of three bytes", `${origin} ${asPath} 40 03 03 0a0002`, "NEXT_HOP"],
    ["NEXT_HOP that is no host", `${origin} ${asPath} 40 03 04 e0000001`, "NEXT_HOP"],
    ["MULTI_EXIT_DISC of two bytes", `${mandatory} 80 04 02 0000`, "MULTI_EXIT_DISC"],
    ["LOCAL_PREF of two bytes", `${mandatory} 40 05 02 0000`, "LOCAL_PREF"],
    ["COMMUNITIES without any", `${mandatory} c0 08 00`, "COMMUNITIES"],
    ["COMMUNITIES of five bytes", `${mandatory} c0 08 05 0000000000`, "COMMUNITIES"],
    ["ORIGINATOR_ID of five bytes", `${mandatory} 80 09 05 0000000000`, "ORIGINATOR_ID"],
    ["CLUSTER_LIST of five bytes", `${mandatory} 80 0a 05 0000000000`, "CLUSTER_LIST"],
    [
      "EXTENDED COMMUNITIES of four bytes",
      `${mandatory} c0 10 04 00000000`,
      "EXTENDED COMMUNITIES",
    ],
    ["LARGE_COMMUNITY of eight bytes", `${mandatory} c0 20 08 0000000000000000`, "LARGE_COMMUNITY"],
    ["ORIGIN flagged optional", `c0 01 01 00 ${asPath} ${nextHop}`, "ORIGIN"],
    ["COMMUNITIES flagged non-transitive", `${mandatory} 80 08 04 00000001`, "COMMUNITIES"],
    ["no ORIGIN", `${asPath} ${nextHop}`, "ORIGIN"],
    ["no AS_PATH", `${origin} ${nextHop}`, "AS_PATH"],
    ["no NEXT_HOP", `${origin} ${asPath}`, "NEXT_HOP"],
    ["an attribute that runs past the field", `${mandatory} 80 04 05 00000000`, "path attributes"],
    ["half an attribute header", `${mandatory} 80`, "path attributes"],
  ])("for %s", (_name, attributes, attribute) => {
    const { message: decoded, problems } = decode(update(attributes));
    expect(problems).toEqual([
      { attribute, handling: "treatAsWithdraw", reason: expect.any(String) },
    ]);
    expect(decoded).toEqual({
      type: "UPDATE",
      withdrawn: [{ family: ipv4, prefixes: [prefix] }],
      attributes: undefined,
      announced: [],
    });
  });

  it.each([
    ["::", "0002", "10 00000000000000000000000000000000", "10 fd00"],
    ["ff02::1", "0002", "10 ff020000000000000000000000000001", "10 fd00"],
    ["0.0.0.0", "0001", "04 00000000", "10 cb00"],
    ["224.0.0.1", "0001", "04 e0000001", "10 cb00"],
  ])(
    "for MP_REACH_NLRI with next hop %s, which is no host (RFC 4271 §6.3)",
    (nextHopText, ...of) => {
      const [afi, hop, routes] = of;
      const value = `${afi} 01 ${hop} 00 ${routes}`;
      const { message: decoded, problems } = decode(
        update(`80 0e ${octets(value).slice(2)} ${value} ${origin} ${asPath}`, ""),
      );
      expect(problems).toEqual([
        {
          attribute: "MP_REACH_NLRI",
          handling: "treatAsWithdraw",
          reason: `next hop ${nextHopText}`,
        },
      ]);
      expect(decoded.announced).toEqual([]);
      expect(decoded.withdrawn).toHaveLength(1);
    },
  );

  it("withdraws both families, and keeps what was withdrawn anyway", () => {
    const { message: decoded } = decode(
      update(`${mpReach} ${mandatory} 80 04 02 0000`, nlri, "10 0a01"),
    );
    expect(decoded.withdrawn).toEqual([
      { family: ipv4, prefixes: ["10.1.0.0/16"] },
      { family: ipv4, prefixes: [prefix] },
      { family: ipv6, prefixes: ["fd00::/16"] },
    ]);
  });

  it("withdraws what an MP_REACH_NLRI with wrong flags announces", () => {
    const { message: decoded, problems } = decode(
      update(`c0${mpReach.slice(2)} ${origin} ${asPath}`, ""),
    );
    expect(problems).toMatchObject([{ attribute: "MP_REACH_NLRI", handling: "treatAsWithdraw" }]);
    expect(decoded.withdrawn).toEqual([{ family: ipv6, prefixes: ["fd00::/16"] }]);
  });

  it("takes confederation segments from an internal peer only (RFC 5065 §4)", () => {
    const confed = `${origin} 40 02 06 03 01 0000fdf2 ${nextHop}`;
    expect(decode(update(confed)).problems).toEqual([]);
    expect(decode(update(confed), { external: true }).problems).toMatchObject([
      { attribute: "AS_PATH" },
    ]);
  });
});

describe("attribute discard", () => {
  it.each([
    [
      "ATOMIC_AGGREGATE with a value",
      `${mandatory} 40 06 01 00`,
      "ATOMIC_AGGREGATE",
      "atomicAggregate",
    ],
    ["AGGREGATOR of six bytes", `${mandatory} c0 07 06 fdf20a000001`, "AGGREGATOR", "aggregator"],
    ["AGGREGATOR with AS 0", `${mandatory} c0 07 08 000000000a000001`, "AGGREGATOR", "aggregator"],
  ])("for %s", (_name, attributes, attribute, field) => {
    const { message: decoded, problems } = decode(update(attributes));
    expect(problems).toEqual([
      { attribute, handling: "attributeDiscard", reason: expect.any(String) },
    ]);
    expect(decoded.announced).toHaveLength(1);
    expect(decoded.attributes).not.toHaveProperty(field);
  });

  it("for a malformed AS4_PATH from a two-octet peer (RFC 6793 §6)", () => {
    const attributes = `${origin} 40 02 04 02 01 fdf2 ${nextHop} c0 11 05 02 01 fdf200`;
    const { message: decoded, problems } = decode(update(attributes), { fourOctetAs: false });
    expect(problems).toMatchObject([{ attribute: "AS4_PATH", handling: "attributeDiscard" }]);
    expect(decoded.attributes!.asPath).toEqual([{ kind: "sequence", asns: [65010] }]);
  });

  it("for what only internal peers may send, without a word (RFC 7606 §7.5, §7.9, §7.10)", () => {
    const attributes = `${mandatory} 40 05 02 0000 80 09 04 0a000001 80 0a 04 0a000001`;
    const { message: decoded, problems } = decode(update(attributes), { external: true });
    expect(problems).toEqual([]);
    expect(Object.keys(decoded.attributes!).toSorted()).toEqual(["asPath", "origin"]);
  });

  it("for a second attribute of the same kind: the first counts (RFC 7606 §3)", () => {
    const { message: decoded, problems } = decode(
      update(`${mandatory} 80 04 04 00000001 80 04 04 00000002`),
    );
    expect(problems).toEqual([]);
    expect(decoded.attributes!.med).toBe(1);
  });

  it("for duplicates among large communities (RFC 8092 §5)", () => {
    const one = "00000001 00000002 00000003";
    const { message: decoded } = decode(update(`${mandatory} c0 20 18 ${one} ${one}`));
    expect(decoded.attributes!.largeCommunities).toEqual([[1, 2, 3]]);
  });
});

describe("the session ends", () => {
  it.each([
    ["withdrawn routes longer than the message", "00ff 0000", "3/1"],
    ["path attributes longer than the message", "0000 00ff 40", "3/1"],
    ["a prefix of 33 bits", update(mandatory, "21 0a00000000"), "3/10"],
    ["a prefix cut short", update(mandatory, "18 cb00"), "3/10"],
    ["a withdrawn prefix of 33 bits", update("", "", "21 0a00000000"), "3/10"],
    ["an unknown well-known attribute", update(`${mandatory} 40 63 02 abcd`), "3/2 406302abcd"],
    ["MP_REACH_NLRI twice", update(`${mpReach} ${mpReach} ${mandatory}`), "3/1"],
    [
      "a next hop of 8 bytes",
      update(`80 0e 10 0002 01 08 2001000000000000 00 10 fd00 ${origin} ${asPath}`, ""),
      "3/9",
    ],
    ["an IPv6 prefix of 129 bits", update("80 0f 04 0002 01 81", ""), "3/9"],
    ["MP_UNREACH_NLRI without a family", update("80 0f 01 00", ""), "3/9"],
    ["an error beside no NLRI (RFC 7606 §5.2)", update("40 01 01 03", ""), "3/1"],
    ["a NEXT_HOP of two bytes beside withdrawals", update("40 03 02 0a00", "", "10 0a01"), "3/1"],
  ])("for %s", (_name, body, expected) => {
    expect(refusal(body)).toBe(expected);
  });
});
