// What FRR 8.4.4 (`frr1`, AS 65010, router id 10.0.0.1) sent to this speaker, as captured.
import { describe, expect, it } from "vitest";
import { decodeMessage } from "./decode.ts";
import { FrameReader } from "./frame.ts";
import { bytes } from "./hex.testkit.ts";

const codec = { fourOctetAs: true, extendedMessage: true, external: true };
const ipv4 = { afi: "ipv4", safi: "unicast" };
const ipv6 = { afi: "ipv6", safi: "unicast" };

function decodeStream(hex: string): unknown[] {
  const reader = new FrameReader();
  reader.push(bytes(hex));
  const messages: unknown[] = [];
  for (let frame = reader.next(4096); frame !== undefined; frame = reader.next(4096)) {
    const { message, problems } = decodeMessage(frame, codec);
    expect(problems).toEqual([]);
    messages.push(message);
  }
  return messages;
}

describe("messages that FRR sent", () => {
  it("OPEN, a capability to a parameter", () => {
    const [open] = decodeStream(
      "ffffffffffffffffffffffffffffffff007b0104fdf200030a0000015e0206010400010001020601040002000102028000" +
        "0202020002024600020641040000fdf202020600020a4508000101010002010102084906046672723100020c400ac07800" +
        "010100000201000210470e0001018000000000020180000000",
    );
    expect(open).toEqual({
      type: "OPEN",
      version: 4,
      asn: 65010,
      holdTimeSeconds: 3,
      bgpIdentifier: "10.0.0.1",
      capabilities: [
        { capability: "multiprotocol", family: ipv4 },
        { capability: "multiprotocol", family: ipv6 },
        { capability: "unknown", code: 128, value: bytes("") },
        { capability: "routeRefresh" },
        { capability: "enhancedRouteRefresh" },
        { capability: "fourOctetAs", asn: 65010 },
        { capability: "extendedMessage" },
        {
          capability: "addPath",
          entries: [
            { family: ipv4, send: false, receive: true },
            { family: ipv6, send: false, receive: true },
          ],
        },
        { capability: "fqdn", hostname: "frr1", domain: "" },
        {
          capability: "gracefulRestart",
          restarting: true,
          notification: true,
          restartTimeSeconds: 120,
          families: [
            { family: ipv4, forwardingPreserved: false },
            { family: ipv6, forwardingPreserved: false },
          ],
        },
        {
          capability: "longLivedGracefulRestart",
          families: [
            { family: ipv4, forwardingPreserved: true, staleTimeSeconds: 0 },
            { family: ipv6, forwardingPreserved: true, staleTimeSeconds: 0 },
          ],
        },
      ],
    });
  });

  it("the first routes of both families and their End-of-RIB, in one segment", () => {
    const attributes = { origin: "igp", asPath: [{ kind: "sequence", asns: [65010] }], med: 0 };
    expect(
      decodeStream(
        "ffffffffffffffffffffffffffffffff003c020000001c400101005002000602010000fdf24003040a0002018004040000" +
          "000019c633640018cb0071ffffffffffffffffffffffffffffffff004a0200000033900e001a0002011000000000000000" +
          "000000ffff0a000201002020010db8400101005002000602010000fdf280040400000000ffffffffffffffffffffffffff" +
          "ffffff00170200000000ffffffffffffffffffffffffffffffff001d0200000006800f03000201",
      ),
    ).toEqual([
      {
        type: "UPDATE",
        withdrawn: [],
        attributes,
        announced: [
          { family: ipv4, nextHop: "10.0.2.1", prefixes: ["198.51.100.0/25", "203.0.113.0/24"] },
        ],
      },
      {
        type: "UPDATE",
        withdrawn: [],
        attributes,
        announced: [{ family: ipv6, nextHop: "::ffff:a00:201", prefixes: ["2001:db8::/32"] }],
      },
      { type: "UPDATE", withdrawn: [], attributes: undefined, announced: [], endOfRib: ipv4 },
      { type: "UPDATE", withdrawn: [], attributes: undefined, announced: [], endOfRib: ipv6 },
    ]);
  });

  it("our own attributes sent back, AS_PATH with an extended length, the unknown one marked partial", () => {
    const [update] = decodeStream(
      "ffffffffffffffffffffffffffffffff00690200" +
        "00004e400101005002000a02020000fdf2fa56ea014003040a000201400600c00708fa56ea010a000202c00804fde80064" +
        "c0200cfa56ea010000000100000002c010080002fde800000005e06303010203180a0101",
    );
    expect(update).toEqual({
      type: "UPDATE",
      withdrawn: [],
      attributes: {
        origin: "igp",
        asPath: [{ kind: "sequence", asns: [65010, 4200000001] }],
        atomicAggregate: true,
        aggregator: { asn: 4200000001, address: "10.0.2.2" },
        communities: [0xfde80064],
        largeCommunities: [[4200000001, 1, 2]],
        extendedCommunities: [bytes("0002fde800000005")],
        unknown: [{ flags: 0xe0, code: 99, value: bytes("010203") }],
      },
      announced: [{ family: ipv4, nextHop: "10.0.2.1", prefixes: ["10.1.1.0/24"] }],
    });
  });
});
