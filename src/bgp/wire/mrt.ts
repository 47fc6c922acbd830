// MRT dumps of a RIB, type TABLE_DUMP_V2 (RFC 6396 §4.3; with Path Identifiers RFC 8050 §4).
import { type Address, addressToBytes, familyOf } from "../../net/address.ts";
import { type Prefix, prefixFamily } from "../../net/prefix.ts";
import { ByteWriter } from "./bytes.ts";
import { encodeAttribute, encodeAttributes } from "./encode-update.ts";
import { NoRoomError } from "./error.ts";
import type { PathAttributes } from "./message.ts";
import { encodePrefix } from "./nlri.ts";
import { AttributeCode, AttributeFlag } from "./registry.ts";

const tableDumpV2 = 13;

const Subtype = {
  peerIndexTable: 1,
  ribIpv4Unicast: 2,
  ribIpv6Unicast: 4,
  ribIpv4UnicastAddPath: 8 /* RFC 8050 */,
  ribIpv6UnicastAddPath: 10 /* RFC 8050 */,
} as const;

/** RFC 6396 §4.3.1: the bits of the Peer Type. */
const peerType = { ipv6: 1, fourOctetAs: 2 } as const;

export type MrtPeer = { address: Address; asn: number; bgpIdentifier: Address };

export type MrtRoute = {
  /** Into the peers of the index table. */
  peerIndex: number;
  originatedSeconds: number;
  pathId?: number;
  nextHop: Address;
  attributes: Readonly<PathAttributes>;
};

/** The first record of a dump: whom the routes came from (RFC 6396 §4.3.1). */
export function encodePeerIndexTable(
  atSeconds: number,
  of: { collectorId: Address; viewName: string; peers: readonly MrtPeer[] },
): Uint8Array {
  const name = new TextEncoder().encode(of.viewName);
  const body = new ByteWriter().address(of.collectorId).u16(name.length).bytes(name);
  body.u16(of.peers.length);
  for (const { address, asn, bgpIdentifier } of of.peers) {
    const family = familyOf(address) === "ipv6" ? peerType.ipv6 : 0;
    body
      .u8(family | peerType.fourOctetAs)
      .address(bgpIdentifier)
      .address(address)
      .u32(asn);
  }
  return record(atSeconds, Subtype.peerIndexTable, body);
}

/**
 * All routes to one prefix, `sequence` counting the records from 0 (RFC 6396 §4.3.2). Where one of them has a
 * Path Identifier the record is of the kind that has one for each; it is 0 where there was none. Throws NoRoomError.
 */
export function encodeRibEntry(
  atSeconds: number,
  of: { sequence: number; prefix: Prefix; routes: readonly MrtRoute[] },
): Uint8Array {
  const family = prefixFamily(of.prefix);
  const isNumbered = of.routes.some(({ pathId }) => pathId !== undefined);
  const body = new ByteWriter().u32(of.sequence).bytes(encodePrefix(of.prefix, family));
  body.u16(of.routes.length);
  for (const { peerIndex, originatedSeconds, pathId = 0, nextHop, attributes } of of.routes) {
    const encoded = attributesOf(attributes, nextHop, family === "ipv4");
    if (encoded.length > 0xffff) throw new NoRoomError(`attributes of ${encoded.length} bytes`);
    body.u16(peerIndex).u32(originatedSeconds);
    if (isNumbered) body.u32(pathId);
    body.u16(encoded.length).bytes(encoded);
  }
  const plain = family === "ipv4" ? Subtype.ribIpv4Unicast : Subtype.ribIpv6Unicast;
  const numbered =
    family === "ipv4" ? Subtype.ribIpv4UnicastAddPath : Subtype.ribIpv6UnicastAddPath;
  return record(atSeconds, isNumbered ? numbered : plain, body);
}

/** RFC 6396 §4.3.4: AS numbers of four octets; of MP_REACH_NLRI the next hop with its length, and nothing else. */
function attributesOf(
  attributes: Readonly<PathAttributes>,
  nextHop: Address,
  isIpv4: boolean,
): Uint8Array {
  const codec = { fourOctetAs: true, extendedMessage: true };
  if (isIpv4 && familyOf(nextHop) === "ipv4") {
    return encodeAttributes(attributes, codec, nextHop);
  }
  const bytes = addressToBytes(nextHop);
  const value = new ByteWriter().u8(bytes.length).bytes(bytes).finish();
  const writer = new ByteWriter();
  encodeAttribute(writer, AttributeFlag.optional, AttributeCode.mpReachNlri, value);
  return writer.bytes(encodeAttributes(attributes, codec)).finish();
}

/** RFC 6396 §2. */
function record(atSeconds: number, subtype: number, body: ByteWriter): Uint8Array {
  return new ByteWriter()
    .u32(atSeconds)
    .u16(tableDumpV2)
    .u16(subtype)
    .u32(body.length)
    .bytes(body.finish())
    .finish();
}
