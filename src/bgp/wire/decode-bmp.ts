// BMP messages (RFC 7854), as a station reads them.
import { type Address, addressFromBytes, familyOf } from "../../net/address.ts";
import {
  type BmpPeer,
  type BmpRib,
  BmpType,
  bmpVersion,
  commonHeaderBytes,
  InformationType,
  type PeerDown,
  type PeerUp,
  PeerFlag,
  PeerType,
  tableNameType,
  TerminationType,
} from "./bmp.ts";
import { ByteReader, MalformedError } from "./bytes.ts";
import { headerBytes } from "./registry.ts";

/** No message of a router is longer: an UPDATE has 64 KiB at most (RFC 8654), a Peer Up two OPENs. */
const messageBytesMax = 1 << 20;

/** What a router says that this reader cannot make out: the connection is of no use any more. */
export class BmpError extends Error {
  override readonly name = "BmpError";
}

/** As BmpRib; and what the router sends (RFC 8671), which this speaker does not tell of. */
export type HeardRib = BmpRib | "adj-rib-out";

/** `distinguisher`: of a VRF, sixteen hexadecimal digits; undefined in the global instance (RFC 7854 §4.2). */
export type HeardPeer = Omit<BmpPeer, "rib"> & {
  rib: HeardRib;
  distinguisher?: string;
  /** AS_PATH has two octets a number. */
  twoOctetAsPath?: true;
};

export type BmpMessage =
  | { type: "initiation"; sysName?: string; sysDescr?: string }
  /** `reason`: RFC 7854 §4.5. */
  | { type: "termination"; reason?: number; words?: string }
  | { type: "routeMonitoring"; peer: HeardPeer; update: Uint8Array }
  | { type: "statistics"; peer: HeardPeer; statistics: { type: number; value: number }[] }
  | { type: "peerDown"; peer: HeardPeer; down: HeardPeerDown }
  | ({ type: "peerUp"; peer: HeardPeer } & PeerUp)
  /** Route Mirroring, or a type of another RFC. */
  | { type: "other"; code: number };

/** `other`: reason 5 (not monitored any more), or one of another RFC. */
export type HeardPeerDown = PeerDown | { reason: "other"; code: number };

/** Cuts a TCP stream into BMP messages. */
export class BmpFrames {
  #rest = new Uint8Array();

  /** The messages that are whole now. Throws BmpError where this is no BMP. */
  push(bytes: Uint8Array): Uint8Array[] {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (all.length - at >= commonHeaderBytes) {
      const header = new ByteReader(all, at);
      const version = header.u8("Version");
      const length = header.u32("Message Length");
      if (version !== bmpVersion) throw new BmpError(`BMP version ${version} (RFC 7854 §4.1)`);
      if (length < commonHeaderBytes || length > messageBytesMax)
        throw new BmpError(`a message of ${length} bytes (RFC 7854 §4.1)`);
      if (all.length - at < length) break;
      frames.push(all.subarray(at, at + length));
      at += length;
    }
    this.#rest = all.slice(at);
    return frames;
  }
}

/** One whole message, as BmpFrames finds it. Throws BmpError. */
export function decodeBmp(frame: Uint8Array): BmpMessage {
  try {
    return decodeBody(frame[commonHeaderBytes - 1]!, new ByteReader(frame, commonHeaderBytes));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new BmpError(error.message, { cause: error });
  }
}

function decodeBody(code: number, body: ByteReader): BmpMessage {
  switch (code) {
    case BmpType.initiation: {
      const words = textTlvs(body);
      const sysName = words.get(InformationType.sysName);
      const sysDescr = words.get(InformationType.sysDescr);
      return {
        type: "initiation",
        ...(sysName !== undefined && { sysName }),
        ...(sysDescr !== undefined && { sysDescr }),
      };
    }
    case BmpType.termination:
      return termination(body);
    case BmpType.routeMonitoring:
      return {
        type: "routeMonitoring",
        peer: peerHeader(body),
        update: bgpMessage(body, "UPDATE"),
      };
    case BmpType.statisticsReport:
      return statistics(body);
    case BmpType.peerDownNotification:
      return { type: "peerDown", peer: peerHeader(body), down: peerDown(body) };
    case BmpType.peerUpNotification:
      return peerUp(body);
    default:
      return { type: "other", code };
  }
}

/** RFC 7854 §4.2. */
function peerHeader(body: ByteReader): HeardPeer {
  const type = body.u8("Peer Type");
  const flags = body.u8("Peer Flags");
  const distinguisher = hexOf(body.bytes(8, "Peer Distinguisher"));
  const isLocRib = type === PeerType.locRib;
  const address = sixteenOctets(body, !isLocRib && (flags & PeerFlag.ipv6) !== 0, "Peer Address");
  const asn = body.u32("Peer AS");
  const bgpIdentifier = body.address("ipv4", "Peer BGP ID");
  const atMs = body.u32("Timestamp (seconds)") * 1000 + body.u32("Timestamp (microseconds)") / 1000;
  return {
    ...{ rib: isLocRib ? "loc-rib" : ribOf(flags), address, asn, bgpIdentifier },
    // §4.2: zero where the router does not know.
    ...(atMs > 0 && { atMs }),
    ...(/[^0]/.test(distinguisher) && { distinguisher }),
    // RFC 9069 §4.2: in the loc-rib's the bit has no such meaning.
    ...(!isLocRib && (flags & PeerFlag.twoOctetAsPath) !== 0 && { twoOctetAsPath: true }),
  };
}

function ribOf(flags: number): HeardRib {
  if ((flags & PeerFlag.adjRibOut) !== 0) return "adj-rib-out";
  return (flags & PeerFlag.postPolicy) === 0 ? "pre-policy" : "post-policy";
}

function termination(body: ByteReader): BmpMessage {
  let reason: number | undefined;
  let words: string | undefined;
  for (const [type, value] of tlvs(body)) {
    if (type === TerminationType.reason) reason = value.u16("Reason");
    if (type === TerminationType.string) words = value.text(value.remaining, "String");
  }
  return {
    type: "termination",
    ...(reason !== undefined && { reason }),
    ...(words !== undefined && { words }),
  };
}

/** §4.8: counters have 32 bits, gauges 64. What is neither, as a gauge of each family is, is left out. */
function statistics(body: ByteReader): BmpMessage {
  const peer = peerHeader(body);
  body.u32("Stats Count");
  const found = Array.from(tlvs(body), ([type, value]) => {
    if (value.remaining === 4) return { type, value: value.u32("counter") };
    if (value.remaining !== 8) return undefined;
    return { type, value: value.u32("gauge") * 2 ** 32 + value.u32("gauge") };
  });
  return { type: "statistics", peer, statistics: found.filter((one) => one !== undefined) };
}

/** §4.9. */
function peerDown(body: ByteReader): HeardPeerDown {
  const code = body.u8("Reason");
  switch (code) {
    case 1:
      return { reason: "localNotification", notification: body.bytes(body.remaining, "Data") };
    case 2:
      return { reason: "localNoNotification", fsmEvent: body.u16("FSM event") };
    case 3:
      return { reason: "remoteNotification", notification: body.bytes(body.remaining, "Data") };
    case 4:
      return { reason: "remoteNoData" };
    default:
      return { reason: "other", code };
  }
}

/** §4.10. */
function peerUp(body: ByteReader): BmpMessage {
  const peer = peerHeader(body);
  // The V flag is for both ends.
  const localAddress = sixteenOctets(body, familyOf(peer.address) === "ipv6", "Local Address");
  const localPort = body.u16("Local Port");
  const remotePort = body.u16("Remote Port");
  const sentOpen = bgpMessage(body, "Sent OPEN");
  const receivedOpen = bgpMessage(body, "Received OPEN");
  const tableName = textTlvs(body).get(tableNameType);
  return {
    ...{ type: "peerUp", peer, localAddress, localPort, remotePort, sentOpen, receivedOpen },
    ...(tableName !== undefined && { tableName }),
  };
}

/** A whole BGP message, as long as its own header says. */
function bgpMessage(body: ByteReader, field: string): Uint8Array {
  const { bytes, start } = body.rest();
  const length = new ByteReader(bytes, start, start + body.remaining);
  length.bytes(16, `${field}: Marker`);
  const octets = length.u16(`${field}: Length`);
  if (octets < headerBytes) throw new BmpError(`${field} of ${octets} bytes`);
  return body.bytes(octets, field);
}

function sixteenOctets(body: ByteReader, isIpv6: boolean, field: string): Address {
  const octets = body.bytes(16, field);
  return addressFromBytes(isIpv6 ? octets : octets.subarray(12));
}

function* tlvs(body: ByteReader): Generator<[type: number, value: ByteReader]> {
  while (body.remaining > 0) {
    const type = body.u16("TLV type");
    const length = body.u16("TLV length");
    yield [type, body.part(length, "TLV value")];
  }
}

function textTlvs(body: ByteReader): Map<number, string> {
  return new Map(
    Array.from(tlvs(body), ([type, value]) => [type, value.text(value.remaining, "TLV value")]),
  );
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
