// Capabilities (RFC 5492 §4), one row per code: how the value reads and writes.
import { ByteReader, ByteWriter, MalformedError } from "./bytes.ts";
import type { AfiSafi, Capability } from "./message.ts";
import { Afi, CapabilityCode, familyOfNumbers, roles, Safi } from "./registry.ts";

type Known = Exclude<Capability["capability"], "unknown">;
type Row<K extends Known> = {
  code: number;
  /** Undefined where the value holds only what this speaker does not have: it is then kept as unknown. */
  decode: (value: ByteReader) => Extract<Capability, { capability: K }> | undefined;
  encode(from: Extract<Capability, { capability: K }>, value: ByteWriter): void;
  /** A malformed value ends the session; without, it is kept as unknown. */
  strict: boolean;
};

const restartFlag = 0x8; // RFC 4724 §3
const notificationFlag = 0x4; // RFC 8538 §2
const forwardingFlag = 0x80; // RFC 4724 §3
const restartTimeMax = 0xfff;
const addPathReceive = 1; // RFC 7911 §4
const addPathSend = 2;
const staleTimeMax = 0xffffff; // RFC 9494 §3

type LongLived = Extract<Capability, { capability: "longLivedGracefulRestart" }>;

/** A capability that is there or not, without a value. */
function flag<K extends "routeRefresh" | "extendedMessage" | "enhancedRouteRefresh">(
  name: K,
): Row<K> {
  return {
    code: CapabilityCode[name],
    strict: false,
    decode: () => ({ capability: name }) as Extract<Capability, { capability: K }>,
    encode: () => {},
  };
}

const rows: { [K in Known]: Row<K> } = {
  multiprotocol: {
    code: CapabilityCode.multiprotocol,
    strict: true,
    decode(value) {
      const afi = value.u16("AFI");
      value.u8("reserved");
      const family = familyOfNumbers(afi, value.u8("SAFI"));
      return family && { capability: "multiprotocol", family };
    },
    encode: ({ family }, value) => value.u16(Afi[family.afi]).u8(0).u8(Safi[family.safi]),
  },
  routeRefresh: flag("routeRefresh"),
  extendedNextHop: {
    code: CapabilityCode.extendedNextHop,
    strict: true,
    decode(value) {
      const entries: { family: AfiSafi; nextHopAfi: "ipv4" | "ipv6" }[] = [];
      while (value.remaining > 0) {
        const afi = value.u16("NLRI AFI");
        const family = familyOfNumbers(afi, value.u16("NLRI SAFI"));
        const nextHop = familyOfNumbers(value.u16("next hop AFI"), Safi.unicast);
        if (family !== undefined && nextHop !== undefined)
          entries.push({ family, nextHopAfi: nextHop.afi });
      }
      return { capability: "extendedNextHop", entries };
    },
    encode({ entries }, value) {
      for (const { family, nextHopAfi } of entries) {
        value.u16(Afi[family.afi]).u16(Safi[family.safi]).u16(Afi[nextHopAfi]);
      }
    },
  },
  extendedMessage: flag("extendedMessage"),
  role: {
    code: CapabilityCode.role,
    strict: true,
    decode(value) {
      const role = roles[value.u8("role")];
      return role && { capability: "role", role };
    },
    encode: ({ role }, value) => value.u8(roles.indexOf(role)),
  },
  gracefulRestart: {
    code: CapabilityCode.gracefulRestart,
    strict: true,
    decode(value) {
      const head = value.u16("restart flags and time");
      const families: { family: AfiSafi; forwardingPreserved: boolean }[] = [];
      while (value.remaining > 0) {
        const afi = value.u16("AFI");
        const family = familyOfNumbers(afi, value.u8("SAFI"));
        const forwardingPreserved = (value.u8("flags") & forwardingFlag) !== 0;
        if (family !== undefined) families.push({ family, forwardingPreserved });
      }
      return {
        capability: "gracefulRestart",
        restarting: ((head >> 12) & restartFlag) !== 0,
        notification: ((head >> 12) & notificationFlag) !== 0,
        restartTimeSeconds: head & restartTimeMax,
        families,
      };
    },
    encode({ restarting, notification, restartTimeSeconds, families }, value) {
      if (restartTimeSeconds > restartTimeMax)
        throw new RangeError(`restart time ${restartTimeSeconds} s`);
      const flags = (restarting ? restartFlag : 0) | (notification ? notificationFlag : 0);
      value.u16((flags << 12) | restartTimeSeconds);
      for (const { family, forwardingPreserved } of families) {
        value
          .u16(Afi[family.afi])
          .u8(Safi[family.safi])
          .u8(forwardingPreserved ? forwardingFlag : 0);
      }
    },
  },
  fourOctetAs: {
    code: CapabilityCode.fourOctetAs,
    strict: true,
    decode: (value) => ({ capability: "fourOctetAs", asn: value.u32("ASN") }),
    encode: ({ asn }, value) => value.u32(asn),
  },
  addPath: {
    code: CapabilityCode.addPath,
    strict: true,
    decode(value) {
      const entries: { family: AfiSafi; send: boolean; receive: boolean }[] = [];
      while (value.remaining > 0) {
        const afi = value.u16("AFI");
        const family = familyOfNumbers(afi, value.u8("SAFI"));
        const ability = value.u8("Send/Receive");
        // RFC 7911 §4: any other value is to be ignored.
        if (family === undefined || ability < 1 || ability > 3) continue;
        const receive = (ability & addPathReceive) !== 0;
        entries.push({ family, send: (ability & addPathSend) !== 0, receive });
      }
      return { capability: "addPath", entries };
    },
    encode({ entries }, value) {
      for (const { family, send, receive } of entries) {
        value
          .u16(Afi[family.afi])
          .u8(Safi[family.safi])
          .u8((receive ? addPathReceive : 0) | (send ? addPathSend : 0));
      }
    },
  },
  enhancedRouteRefresh: flag("enhancedRouteRefresh"),
  longLivedGracefulRestart: {
    code: CapabilityCode.longLivedGracefulRestart,
    strict: true,
    decode(value) {
      const families: LongLived["families"] = [];
      while (value.remaining > 0) {
        const afi = value.u16("AFI");
        const family = familyOfNumbers(afi, value.u8("SAFI"));
        const forwardingPreserved = (value.u8("flags") & forwardingFlag) !== 0;
        const high = value.u8("Long-Lived Stale Time");
        const staleTimeSeconds = high * 0x10000 + value.u16("Long-Lived Stale Time");
        if (family !== undefined) families.push({ family, forwardingPreserved, staleTimeSeconds });
      }
      return { capability: "longLivedGracefulRestart", families };
    },
    encode({ families }, value) {
      for (const { family, forwardingPreserved, staleTimeSeconds } of families) {
        if (staleTimeSeconds > staleTimeMax) {
          throw new RangeError(`long-lived stale time ${staleTimeSeconds} s`);
        }
        value
          .u16(Afi[family.afi])
          .u8(Safi[family.safi])
          .u8(forwardingPreserved ? forwardingFlag : 0)
          .u8(staleTimeSeconds >>> 16)
          .u16(staleTimeSeconds);
      }
    },
  },
  fqdn: {
    code: CapabilityCode.fqdn,
    strict: false,
    decode(value) {
      const hostname = value.text(value.u8("hostname length"), "hostname");
      const domain = value.text(value.u8("domain length"), "domain");
      return { capability: "fqdn", hostname, domain };
    },
    encode: ({ hostname, domain }, value) => {
      encodeText(value, hostname);
      encodeText(value, domain);
    },
  },
  softwareVersion: {
    code: CapabilityCode.softwareVersion,
    strict: false,
    decode: (value) => ({
      capability: "softwareVersion",
      version: value.text(value.u8("version length"), "version"),
    }),
    encode: ({ version }, value) => encodeText(value, version),
  },
};

const rowOfCode = new Map(Object.values(rows).map((row) => [row.code, row]));

/** One capability with its code and length. Throws MalformedError. */
export function decodeCapability(reader: ByteReader): Capability {
  const code = reader.u8("capability code");
  const bytes = reader.bytes(reader.u8("capability length"), "capability");
  const unknown: Capability = { capability: "unknown", code, value: bytes };
  const row = rowOfCode.get(code);
  if (row === undefined) return unknown;
  const value = new ByteReader(bytes);
  try {
    const decoded = row.decode(value);
    if (value.remaining > 0)
      throw new MalformedError(`capability ${code}: ${value.remaining} bytes too many`);
    return decoded ?? unknown;
  } catch (error) {
    if (!(error instanceof MalformedError) || row.strict) throw error;
    return unknown;
  }
}

/** With its code and length. */
export function encodeCapability(writer: ByteWriter, from: Capability): void {
  const value = new ByteWriter();
  if (from.capability === "unknown") value.bytes(from.value);
  else (rows[from.capability] as Row<Known>).encode(from, value);
  if (value.length > 0xff)
    throw new RangeError(`capability ${from.capability} of ${value.length} bytes`);
  writer
    .u8(from.capability === "unknown" ? from.code : rows[from.capability].code)
    .u8(value.length)
    .bytes(value.finish());
}

const utf8Out = new TextEncoder();

function encodeText(value: ByteWriter, text: string): void {
  const bytes = utf8Out.encode(text);
  if (bytes.length > 0xff) throw new RangeError(`text of ${bytes.length} bytes in a capability`);
  value.u8(bytes.length).bytes(bytes);
}
