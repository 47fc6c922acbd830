import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { decodeMessage } from "./decode.ts";
import { encodeMessage } from "./encode.ts";
import { WireError } from "./error.ts";
import { hex, message } from "./hex.testkit.ts";
import type { Capability, OpenMessage } from "./message.ts";

const codec = { fourOctetAs: false, extendedMessage: false };

function decode(body: string): OpenMessage {
  return decodeMessage(message(1, body), codec).message as OpenMessage;
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

const open: OpenMessage = {
  type: "OPEN",
  version: 4,
  asn: 65010,
  holdTimeSeconds: 90,
  bgpIdentifier: address("10.0.2.2"),
  capabilities: [],
};

/** Version, AS 65010, Hold Time 90, identifier 10.0.2.2. */
const fixed = "04 fdf2 005a 0a000202";

describe("OPEN (RFC 4271 §4.2)", () => {
  it("without capabilities", () => {
    expect(decode(`${fixed} 00`)).toEqual(open);
    expect(encodeMessage(open, codec)).toEqual([message(1, `${fixed} 00`)]);
  });

  it("with an AS number of four octets: AS_TRANS in its own field (RFC 6793)", () => {
    const body = "04 5ba0 005a 0a000202 08 02 06 41 04 fa56ea01";
    const capabilities: Capability[] = [{ capability: "fourOctetAs", asn: 4200000001 }];
    const expected = { ...open, asn: 4200000001, capabilities };
    expect(decode(body)).toEqual(expected);
    expect(encodeMessage(expected, codec)).toEqual([message(1, body)]);
  });

  it("with every capability, byte for byte", () => {
    const ipv4 = { afi: "ipv4", safi: "unicast" } as const;
    const ipv6 = { afi: "ipv6", safi: "unicast" } as const;
    const capabilities: Capability[] = [
      { capability: "multiprotocol", family: ipv6 },
      { capability: "routeRefresh" },
      { capability: "extendedNextHop", entries: [{ family: ipv4, nextHopAfi: "ipv6" }] },
      { capability: "extendedMessage" },
      {
        capability: "gracefulRestart",
        restarting: true,
        notification: true,
        restartTimeSeconds: 120,
        families: [{ family: ipv4, forwardingPreserved: true }],
      },
      { capability: "fourOctetAs", asn: 65010 },
      { capability: "enhancedRouteRefresh" },
      { capability: "fqdn", hostname: "w1", domain: "lab" },
      { capability: "softwareVersion", version: "s/1" },
    ];
    const body = `${fixed} 33 02 31 01040002 0001 0200 0506000100010002 0600 4006c07800010180
      4104 0000fdf2 4600 4907 02 7731 03 6c6162 4b04 03 732f31`;
    expect(encodeMessage({ ...open, capabilities }, codec).map(hex)).toEqual([
      hex(message(1, body)),
    ]);
    expect(decode(body).capabilities).toEqual(capabilities);
  });

  it("with more than 255 bytes of parameters (RFC 9072)", () => {
    const capabilities: Capability[] = [0, 1].map((code) => ({
      capability: "unknown",
      code: 200 + code,
      value: new Uint8Array(200),
    }));
    const [frame] = encodeMessage({ ...open, capabilities }, codec);
    // Opt Parm Len 255, type 255, then two-octet lengths.
    expect(hex(frame!.subarray(28, 35))).toBe("ffff0197020194");
    expect(decodeMessage(frame!, codec).message).toEqual({ ...open, capabilities });
    // The extended form is known by the type alone; the length before it may be anything but 0.
    frame![28] = 1;
    expect(decodeMessage(frame!, codec).message).toEqual({ ...open, capabilities });
  });

  it("keeps what it does not know", () => {
    expect(decode(`${fixed} 0e 02 06 01 04 0019 00 46 02 04 80 02 abcd`).capabilities).toEqual([
      {
        capability: "unknown",
        code: 1,
        value: Uint8Array.of(0, 25, 0, 70),
      } /* multiprotocol, EVPN */,
      { capability: "unknown", code: 128, value: Uint8Array.of(0xab, 0xcd) },
    ]);
  });

  it.each([
    [
      "a version other than 4: data is the version supported",
      "03 fdf2 005a 0a000202 00",
      "2/1 0004",
    ],
    ["an unknown optional parameter", `${fixed} 03 01 01 00`, "2/4"],
    ["parameters longer than said", `${fixed} 02 02 06 41 04`, "2/0"],
    ["parameters shorter than said", `${fixed} 09 02 06 41 04 0000fdf2`, "2/0"],
    ["a capability of the wrong length", `${fixed} 07 02 05 41 03 00fdf2`, "2/0"],
    ["two AS numbers that differ", `${fixed} 08 02 06 41 04 0000fdf3`, "2/2"],
  ])("is refused with %s", (_name, body, expected) => {
    expect(refusal(body)).toBe(expected);
  });
});

describe("capabilities by their bytes", () => {
  const family = { afi: "ipv4", safi: "unicast" } as const;

  it.each<[string, string, Capability]>([
    ["role (RFC 9234 §4.1)", "09 01 03", { capability: "role", role: "customer" }],
    [
      "ADD-PATH (RFC 7911 §4)",
      "45 08 000101 03 000201 01",
      {
        capability: "addPath",
        entries: [
          { family, send: true, receive: true },
          { family: { afi: "ipv6", safi: "unicast" }, send: false, receive: true },
        ],
      },
    ],
    [
      "long-lived graceful restart (RFC 9494 §3)",
      "47 07 000101 80 015180",
      {
        capability: "longLivedGracefulRestart",
        families: [{ family, forwardingPreserved: true, staleTimeSeconds: 86_400 }],
      },
    ],
  ])("%s", (_, written, capability) => {
    const bytes = written.replaceAll(" ", "");
    const length = (bytes.length / 2).toString(16).padStart(2, "0");
    const parameter = (bytes.length / 2 + 2).toString(16).padStart(2, "0");
    const body = `${fixed} ${parameter} 02 ${length} ${bytes}`;
    expect(decode(body).capabilities).toEqual([capability]);
    const [frame] = encodeMessage({ ...open, capabilities: [capability] }, codec);
    expect(frame).toEqual(message(1, body));
  });

  it("ADD-PATH with a value that is none is ignored (RFC 7911 §4), a role that is none is kept as it is", () => {
    expect(decode(`${fixed} 08 02 06 45 04 000101 04`).capabilities).toEqual([
      { capability: "addPath", entries: [] },
    ]);
    expect(decode(`${fixed} 05 02 03 09 01 07`).capabilities).toEqual([
      { capability: "unknown", code: 9, value: Uint8Array.of(7) },
    ]);
  });
});
