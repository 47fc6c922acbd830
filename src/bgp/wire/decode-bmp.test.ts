import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Address, address, addressFromBytes } from "../../net/address.ts";
import {
  encodeInitiation,
  encodePeerDown,
  encodePeerUp,
  encodeRouteMonitoring,
  encodeStatistics,
  encodeTermination,
} from "./bmp.ts";
import { BmpError, BmpFrames, type BmpMessage, decodeBmp } from "./decode-bmp.ts";
import { decodeMessage } from "./decode.ts";
import { bytes, message } from "./hex.testkit.ts";

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(addressFromBytes);
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(addressFromBytes);
const text = fc.string({ unit: "grapheme", maxLength: 30 });
/** What a BMP reader looks at of a BGP message is its length. */
const bgp = fc
  .uint8Array({ maxLength: 60 })
  .map((body) => message(2, Buffer.from(body).toString("hex")));

type Rib = "pre-policy" | "post-policy" | "loc-rib";
/** RFC 9069 §4.2: of the loc-rib the address is 0. */
const peer = fc.oneof(ipv4, ipv6).chain((of) =>
  fc
    .record({
      rib: fc.constantFrom<Rib>("pre-policy", "post-policy", "loc-rib"),
      asn: u32,
      bgpIdentifier: ipv4,
      atMs: fc.integer({ min: 1, max: 0xffffffff * 1000 }),
    })
    .map((each) => ({ ...each, address: each.rib === "loc-rib" ? address("0.0.0.0") : of })),
);
const sameFamily = (of: Address) => (of.includes(":") ? ipv6 : ipv4);

/** A message as a value and as what the exporter writes of it. */
const exported: fc.Arbitrary<{ value: BmpMessage; frame: Uint8Array }> = fc.oneof(
  fc.record({ sysName: text, sysDescr: text }).map((of) => ({
    value: { type: "initiation" as const, ...of },
    frame: encodeInitiation(of),
  })),
  fc.tuple(u16, fc.option(text, { nil: undefined })).map(([reason, words]) => ({
    value: { type: "termination" as const, reason, ...(words !== undefined && { words }) },
    frame: encodeTermination(reason, words),
  })),
  fc.tuple(peer, bgp).map(([of, update]) => ({
    value: { type: "routeMonitoring" as const, peer: of, update },
    frame: encodeRouteMonitoring(of, update),
  })),
  fc
    .tuple(
      peer,
      fc.array(
        fc.record({ type: u16, value: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }) }),
      ),
    )
    .map(([of, statistics]) => ({
      value: { type: "statistics" as const, peer: of, statistics },
      frame: encodeStatistics(of, statistics),
    })),
  fc
    .tuple(
      peer,
      fc.oneof(
        bgp.map((notification) => ({ reason: "localNotification" as const, notification })),
        u16.map((fsmEvent) => ({ reason: "localNoNotification" as const, fsmEvent })),
        bgp.map((notification) => ({ reason: "remoteNotification" as const, notification })),
        fc.constant({ reason: "remoteNoData" as const }),
      ),
    )
    .map(([of, down]) => ({
      value: { type: "peerDown" as const, peer: of, down },
      frame: encodePeerDown(of, down),
    })),
  peer.chain((of) =>
    fc
      .record(
        {
          localAddress: sameFamily(of.address),
          localPort: u16,
          remotePort: u16,
          sentOpen: bgp,
          receivedOpen: bgp,
          tableName: text,
        },
        { requiredKeys: ["localAddress", "localPort", "remotePort", "sentOpen", "receivedOpen"] },
      )
      .map((up) => ({
        value: { type: "peerUp" as const, peer: of, ...up },
        frame: encodePeerUp(of, up),
      })),
  ),
);

function decodingError(frame: Uint8Array): unknown[] {
  try {
    decodeBmp(frame);
    return [];
  } catch (error) {
    return [error];
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe("what the exporter writes is read as it was meant", () => {
  it("every message, in a stream cut anywhere", () => {
    fc.assert(
      fc.property(
        fc.array(exported, { maxLength: 6 }),
        fc.integer({ min: 1, max: 200 }),
        (all, cut) => {
          const stream = joined(all.map(({ frame }) => frame));
          const frames = new BmpFrames();
          const read: BmpMessage[] = [];
          for (let at = 0; at < stream.length; at += cut) {
            read.push(...frames.push(stream.subarray(at, at + cut)).map(decodeBmp));
          }
          expect(read).toEqual(all.map(({ value }) => value));
        },
      ),
    );
  });

  it("of a message cut short nothing is made up", () => {
    fc.assert(
      fc.property(exported, fc.nat(), ({ frame }, at) => {
        const cut = frame.slice(0, 6 + (at % Math.max(1, frame.length - 6)));
        const errors = decodingError(cut);
        expect(errors.every((error) => error instanceof BmpError)).toBe(true);
      }),
    );
  });
});

describe("byte for byte", () => {
  const header = (type: string, flags: string) =>
    `${type} ${flags} ${"00".repeat(8)} ${"00".repeat(12)}0a000002 0000fdea 02020202 00000000 00000000`;

  it("RFC 7854 §4.2: the A flag; a time of zero is none; a VRF by its distinguisher", () => {
    const update = "ff".repeat(16) + "0013 02";
    expect(decodeBmp(bytes(`03 00000043 00 ${header("00", "20")} ${update}`))).toEqual({
      type: "routeMonitoring",
      peer: {
        ...{ rib: "pre-policy", address: "10.0.0.2", asn: 65002, bgpIdentifier: "2.2.2.2" },
        twoOctetAsPath: true,
      },
      update: bytes(update),
    });
    const vrf = header("01", "40").replace("00".repeat(8), "0000fde900000007");
    expect(decodeBmp(bytes(`03 00000043 00 ${vrf} ${update}`))).toMatchObject({
      peer: { rib: "post-policy", distinguisher: "0000fde900000007" },
    });
  });

  it("RFC 8671 §4: the O flag; RFC 9069 §4.2: the F flag is not V", () => {
    expect(decodeBmp(bytes(`03 00000034 01 ${header("00", "10")} 00000000`))).toMatchObject({
      peer: { rib: "adj-rib-out", address: "10.0.0.2" },
    });
    expect(decodeBmp(bytes(`03 00000034 01 ${header("03", "80")} 00000000`))).toMatchObject({
      peer: { rib: "loc-rib", address: "10.0.0.2" },
    });
  });

  it("types and reasons of other RFCs are named by their numbers", () => {
    expect(decodeBmp(bytes("03 00000006 06"))).toEqual({ type: "other", code: 6 });
    expect(decodeBmp(bytes(`03 00000031 02 ${header("00", "00")} 05`))).toMatchObject({
      down: { reason: "other", code: 5 },
    });
  });

  it("what is no BMP, or has no end, ends the connection", () => {
    expect(() => new BmpFrames().push(bytes("02 00000006 04"))).toThrow(BmpError);
    expect(() => new BmpFrames().push(bytes("03 00000005 04"))).toThrow(BmpError);
    expect(() => new BmpFrames().push(bytes("03 7fffffff 04"))).toThrow(BmpError);
  });
});

/**
 * Of `bgpd -M bmp` (`ra`, AS 65001) with one neighbor, whose 10.3.0.0/24 a prefix-list denies: the session comes up,
 * 10.2.0.0/24 is withdrawn, the neighbor shuts the session down. No `soft-reconfiguration inbound`.
 */
describe("a stream of FRR 8.4.4, as recorded", () => {
  const file = new URL("../../../test/data/bmp/frr-8.4.4.bmp", import.meta.url);
  const all = new BmpFrames().push(new Uint8Array(readFileSync(file))).map(decodeBmp);
  const codec = { fourOctetAs: true, extendedMessage: true };

  it("begins with who it is", () => {
    expect(all[0]).toEqual({ type: "initiation", sysDescr: "FRRouting 8.4.4", sysName: "ra" });
  });

  it("a session came up, and was shut down by the neighbor", () => {
    const up = all.find((one) => one.type === "peerUp")!;
    expect(up).toMatchObject({
      peer: { address: "10.7.0.2", asn: 65002, bgpIdentifier: "10.0.0.2" },
      localAddress: "10.7.0.1",
      localPort: 179,
    });
    const opens = [up.sentOpen, up.receivedOpen].map((open) => decodeMessage(open, codec).message);
    expect(opens).toMatchObject([{ asn: 65001 }, { asn: 65002 }]);
    const down = all.findLast((one) => one.type === "peerDown")!.down as {
      notification: Uint8Array;
    };
    // Cease, Administrative Shutdown.
    expect(decodeMessage(down.notification, codec).message).toMatchObject({ code: 6, subcode: 2 });
  });

  it("routes after policy; before it FRR knows of none that it was not told to keep", () => {
    const said = all.flatMap((one) => {
      if (one.type !== "routeMonitoring" || one.peer.address !== "10.7.0.2") return [];
      const { message: update } = decodeMessage(one.update, codec);
      if (update.type !== "UPDATE") throw new Error(update.type);
      return [
        ...update.announced.map((nlri) => `${one.peer.rib} + ${nlri.prefixes.join()}`),
        ...update.withdrawn.map((nlri) => `${one.peer.rib} - ${nlri.prefixes.join()}`),
      ];
    });
    expect(said).toContain("post-policy + 10.2.0.0/24");
    expect(said).toContain("post-policy - 10.3.0.0/24");
    expect(said).toContain("pre-policy - fd07::/64");
    expect(said.at(-2)).toBe("post-policy - 10.2.0.0/24");
    expect(said.filter((one) => one.startsWith("pre-policy +"))).toEqual([]);
  });

  it("counters of 32 bits: one prefix rejected by policy", () => {
    const { statistics } = all.find((one) => one.type === "statistics")!;
    expect(statistics).toContainEqual({ type: 0, value: 1 });
  });
});
