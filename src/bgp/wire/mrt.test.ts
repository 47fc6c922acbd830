import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { bytes } from "./hex.testkit.ts";
import { encodePeerIndexTable, encodeRibEntry } from "./mrt.ts";

const at = 0x65000000;

describe("TABLE_DUMP_V2 (RFC 6396 §4.3), byte for byte", () => {
  it("§4.3.1 the peer index table", () => {
    const peers = [
      { address: address("10.0.0.2"), asn: 65002, bgpIdentifier: address("2.2.2.2") },
      { address: address("fd00::3"), asn: 4_200_000_000, bgpIdentifier: address("3.3.3.3") },
    ];
    expect(
      encodePeerIndexTable(at, { collectorId: address("1.1.1.1"), viewName: "v", peers }),
    ).toEqual(
      bytes(
        `65000000 000d 0001 0000002f 01010101 0001 76 0002
         02 02020202 0a000002 0000fdea
         03 03030303 fd00${"00".repeat(13)}03 fa56ea00`,
      ),
    );
  });

  const attributes = {
    origin: "igp" as const,
    asPath: [{ kind: "sequence" as const, asns: [65002] }],
  };

  it("§4.3.2 IPv4: NEXT_HOP among the attributes, AS numbers of four octets", () => {
    const routes = [
      { peerIndex: 1, originatedSeconds: 7, nextHop: address("10.0.0.2"), attributes },
    ];
    expect(encodeRibEntry(at, { sequence: 5, prefix: prefix("10.1.0.0/16"), routes })).toEqual(
      bytes(
        `65000000 000d 0002 00000025 00000005 10 0a01 0001
         0001 00000007 0014 40010100 400206 0201 0000fdea 400304 0a000002`,
      ),
    );
  });

  it("§4.3.4 IPv6, and IPv4 by an IPv6 next hop: of MP_REACH_NLRI the next hop only", () => {
    const nextHop = address("fd00::2");
    const routes = [{ peerIndex: 1, originatedSeconds: 7, nextHop, attributes }];
    const entry = `0001 00000007 0021 800e11 10fd00${"00".repeat(13)}02 40010100 400206 0201 0000fdea`;
    expect(encodeRibEntry(at, { sequence: 0, prefix: prefix("fd01::/16"), routes })).toEqual(
      bytes(`65000000 000d 0004 00000032 00000000 10 fd01 0001 ${entry}`),
    );
    expect(encodeRibEntry(at, { sequence: 0, prefix: prefix("10.1.0.0/16"), routes })).toEqual(
      bytes(`65000000 000d 0002 00000032 00000000 10 0a01 0001 ${entry}`),
    );
  });

  it("RFC 8050 §4: with Path Identifiers the record is of another kind", () => {
    const route = { peerIndex: 1, originatedSeconds: 7, nextHop: address("10.0.0.2"), attributes };
    const written = encodeRibEntry(at, {
      sequence: 0,
      prefix: prefix("10.1.0.0/16"),
      routes: [{ ...route, pathId: 9 }, route],
    });
    const rest = "0014 40010100 400206 0201 0000fdea 400304 0a000002";
    expect(written).toEqual(
      bytes(
        `65000000 000d 0008 00000049 00000000 10 0a01 0002
         0001 00000007 00000009 ${rest} 0001 00000007 00000000 ${rest}`,
      ),
    );
  });
});
