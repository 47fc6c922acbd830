import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import {
  encodeInitiation,
  encodePeerDown,
  encodePeerUp,
  encodeRouteMonitoring,
  encodeStatistics,
  encodeTermination,
  StatisticsType,
  TerminationReason,
} from "./bmp.ts";
import { bytes } from "./hex.testkit.ts";

const peer = {
  address: address("10.0.0.2"),
  asn: 65002,
  bgpIdentifier: address("2.2.2.2"),
  atMs: 1_700_000_000_250,
};

/** RFC 7854 §4.2: type, flags, distinguisher, address, AS, identifier, seconds, microseconds. */
const header = `00 00 ${"00".repeat(8)} ${"00".repeat(12)}0a000002 0000fdea 02020202 6553f100 0003d090`;

describe("BMP messages (RFC 7854), byte for byte", () => {
  it("§4.3 Initiation: sysDescr and sysName", () => {
    expect(encodeInitiation({ sysName: "n1", sysDescr: "s/1" })).toEqual(
      bytes("03 00000013 04 0001 0003 732f31 0002 0002 6e31"),
    );
  });

  it("§4.5 Termination: the reason, and words", () => {
    const { administrativelyClosed } = TerminationReason;
    expect(encodeTermination(administrativelyClosed)).toEqual(
      bytes("03 0000000c 05 0001 0002 0000"),
    );
    expect(encodeTermination(administrativelyClosed, "ok")).toEqual(
      bytes("03 00000012 05 0001 0002 0000 0000 0002 6f6b"),
    );
  });

  it("§4.6 Route Monitoring: the UPDATE as it is", () => {
    expect(encodeRouteMonitoring(peer, bytes("ffff"))).toEqual(
      bytes(`03 00000032 00 ${header} ffff`),
    );
  });

  it("§4.2 an IPv6 peer has the V flag, and a time that is not known is 0", () => {
    const { atMs: _, ...of } = peer;
    const message = encodeRouteMonitoring({ ...of, address: address("fd00::2") }, bytes(""));
    expect(message).toEqual(
      bytes(
        `03 00000030 00 00 80 ${"00".repeat(8)} fd00${"00".repeat(13)}02 0000fdea 02020202 ${"00".repeat(8)}`,
      ),
    );
  });

  it("§4.10 Peer Up: our end, the ports, both OPENs", () => {
    const of = {
      localAddress: address("10.0.0.1"),
      localPort: 179,
      remotePort: 40000,
      sentOpen: bytes("aa"),
      receivedOpen: bytes("bbbb"),
    };
    expect(encodePeerUp(peer, of)).toEqual(
      bytes(`03 00000047 03 ${header} ${"00".repeat(12)}0a000001 00b3 9c40 aa bbbb`),
    );
  });

  it("§4.9 Peer Down: by whom, and what was said", () => {
    const notification = bytes("cc");
    expect(encodePeerDown(peer, { reason: "localNotification", notification })).toEqual(
      bytes(`03 00000032 02 ${header} 01 cc`),
    );
    expect(encodePeerDown(peer, { reason: "localNoNotification", fsmEvent: 2 })).toEqual(
      bytes(`03 00000033 02 ${header} 02 0002`),
    );
    expect(encodePeerDown(peer, { reason: "remoteNotification", notification })).toEqual(
      bytes(`03 00000032 02 ${header} 03 cc`),
    );
    expect(encodePeerDown(peer, { reason: "remoteNoData" })).toEqual(
      bytes(`03 00000031 02 ${header} 04`),
    );
  });

  it("§4.8 Statistics: gauges of 64 bits", () => {
    const gauges = [
      { type: StatisticsType.adjRibInRoutes, value: 5 },
      { type: StatisticsType.locRibRoutes, value: 2 ** 32 + 1 },
    ];
    expect(encodeStatistics(peer, gauges)).toEqual(
      bytes(
        `03 0000004c 01 ${header} 00000002 0007 0008 ${"00".repeat(7)}05 0008 0008 0000000100000001`,
      ),
    );
  });
});
