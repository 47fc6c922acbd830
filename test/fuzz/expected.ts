/**
 * What RFC 4271, RFC 7606 and their kin want done with a message that comes in Established: written
 * from their texts, with nothing of the decoder, so that each checks the other.
 */
import { addressFromBytes } from "../../src/net/address.ts";

export type Rules = {
  fourOctetAs: boolean;
  /** The peer is in another AS. */
  external: boolean;
  /** Prefixes of both families carry a Path Identifier (RFC 7911). */
  pathIds: boolean;
  messageBytesMax: number;
};

export type Expected =
  /** With one of these NOTIFICATIONs, `code/subcode`; with none where the message is a NOTIFICATION itself. */
  | { ends: true; notifications: string[] }
  | {
      ends: false;
      /** Of an UPDATE: as `prefix` or `prefix id`, sorted. */
      routes?: { announced: string[]; withdrawn: string[]; discarded: string[] };
    };

/** `bytes` is what a speaker takes for one message; undefined: more would have to come. */
export function expected(bytes: Uint8Array, rules: Rules): Expected | undefined {
  // RFC 4271 §6.1, RFC 8654 §3.
  if (bytes.length < 19) return undefined;
  if (bytes.subarray(0, 16).some((byte) => byte !== 0xff)) return ends("1/1");
  const length = u16(bytes, 16);
  const type = bytes[18]!;
  const max = type === 1 || type === 4 ? 4096 : rules.messageBytesMax;
  if (length < 19 || length > max) return ends("1/2");
  const least = [0, 29, 23, 21, 19, 19][type];
  if (type === 0 || least === undefined) return ends("1/3");
  if (length < least || (type === 4 && length > 19)) return ends("1/2");
  if (bytes.length < length) return undefined;
  const message = bytes.subarray(0, length);
  switch (type) {
    case 1: {
      // RFC 6608, or what is wrong with the OPEN itself.
      return ends("5/3", "2/0", "2/1", "2/2", "2/4", "1/2");
    }
    case 2:
      return update(message.subarray(19), rules);
    case 3:
      return { ends: true, notifications: [] };
    case 4:
      return { ends: false };
    default:
      // RFC 7313 §5 where it is BoRR or EoRR, else RFC 4271 §6.1.
      if (length === 23) return { ends: false };
      return length > 21 && (message[21] === 1 || message[21] === 2)
        ? ends("7/1", "1/2")
        : ends("1/2");
  }
}

/** `isUnusable`: of a next hop that is no host (RFC 4271 §6.3). */
type Nlri = { routes: string[]; isUnusable?: boolean };

/** RFC 7606 §3 to §7. */
function update(body: Uint8Array, rules: Rules): Expected {
  if (body.length < 2 || 2 + u16(body, 0) + 2 > body.length) return ends("3/1");
  const attributesAt = 2 + u16(body, 0) + 2;
  const attributesEnd = attributesAt + u16(body, attributesAt - 2);
  if (attributesEnd > body.length) return ends("3/1");

  const fatal = new Set<string>();
  const withdraw: string[] = [];
  const discarded: string[] = [];
  const seen = new Set<number>();
  let reach: Nlri | undefined;
  let unreach: Nlri | undefined;

  const classic = nlri(body.subarray(attributesEnd), 4, rules);
  const classicWithdrawn = nlri(body.subarray(2, attributesAt - 2), 4, rules);
  if (classic === undefined || classicWithdrawn === undefined) fatal.add("3/10");

  let at = attributesAt;
  let nextHopMalformed = false;
  while (at < attributesEnd) {
    const flags = body[at]!;
    const extended = (flags & 0x10) !== 0;
    const headerLength = extended ? 4 : 3;
    if (at + headerLength > attributesEnd) {
      withdraw.push("overrun");
      break;
    }
    const code = body[at + 1]!;
    const begin = at + headerLength;
    const end = begin + (extended ? u16(body, at + 2) : body[at + 2]!);
    if (end > attributesEnd) {
      withdraw.push("overrun");
      break;
    }
    const value = body.subarray(begin, end);
    at = end;
    if (seen.has(code)) {
      if (code === 14 || code === 15) fatal.add("3/1");
      continue;
    }
    seen.add(code);
    if (rules.external && (code === 5 || code === 9 || code === 10)) continue;
    const rule = attributes[code];
    if (rule === undefined) {
      if ((flags & 0x80) === 0) fatal.add("3/2");
      continue;
    }
    let isMalformed: boolean;
    if (code === 14) {
      reach = reachable(value, rules);
      isMalformed = reach === undefined;
    } else if (code === 15) {
      unreach = unreachable(value, rules);
      isMalformed = unreach === undefined;
    } else isMalformed = !rule.isValid(value, rules);
    if (isMalformed && rule.onError === "reset") fatal.add("3/9");
    else if (isMalformed && rule.onError === "discard") discarded.push(rule.name);
    // §3(c), whatever an error in the value would do.
    else if (isMalformed || (flags & 0xc0) !== rule.flags) {
      if (code === 3) nextHopMalformed = true;
      else withdraw.push(rule.name);
    }
  }
  if (fatal.size > 0) return ends(...fatal);

  if (reach !== undefined && reach.routes.length > 0 && reach.isUnusable)
    withdraw.push("MP_REACH_NLRI");
  const announced = [...classic!.routes, ...(reach?.routes ?? [])];
  const withdrawn = [...classicWithdrawn!.routes, ...(unreach?.routes ?? [])];
  // RFC 4760 §3: where MP_REACH_NLRI has all the routes, NEXT_HOP is not looked at.
  if (nextHopMalformed && !(seen.has(14) && classic!.routes.length === 0))
    withdraw.push("NEXT_HOP");
  if (announced.length === 0) {
    // §5.2.
    if (withdraw.length > 0) return ends("3/1");
    return { ends: false, routes: { announced, withdrawn: withdrawn.sort(), discarded } };
  }
  // §3(d).
  const isMissing = !seen.has(1) || !seen.has(2) || (classic!.routes.length > 0 && !seen.has(3));
  if (withdraw.length > 0 || isMissing) {
    withdrawn.push(...announced.splice(0));
  }
  return {
    ends: false,
    routes: { announced: announced.sort(), withdrawn: withdrawn.sort(), discarded },
  };
}

type Attribute = {
  name: string;
  flags: number;
  onError: "withdraw" | "discard" | "reset";
  isValid: (value: Uint8Array, rules: Rules) => boolean;
};

const lengthOf =
  (...lengths: number[]) =>
  (value: Uint8Array) =>
    lengths.includes(value.length);
const listOf = (bytes: number) => (value: Uint8Array) =>
  value.length > 0 && value.length % bytes === 0;
const never = () => false;

/** RFC 7606 §7; AS4_PATH and AS4_AGGREGATOR RFC 6793 §6, large communities RFC 8092 §6, OTC RFC 9234 §5. */
const attributes: Record<number, Attribute> = {
  1: attribute("ORIGIN", 0x40, "withdraw", (value) => value.length === 1 && value[0]! <= 2),
  2: attribute("AS_PATH", 0x40, "withdraw", (value, { fourOctetAs, external }) =>
    path(value, fourOctetAs ? 4 : 2, external ? 2 : 4),
  ),
  3: attribute(
    "NEXT_HOP",
    0x40,
    "withdraw",
    (value) => value.length === 4 && value[0]! > 0 && value[0]! < 224,
  ),
  4: attribute("MULTI_EXIT_DISC", 0x80, "withdraw", lengthOf(4)),
  5: attribute("LOCAL_PREF", 0x40, "withdraw", lengthOf(4)),
  6: attribute("ATOMIC_AGGREGATE", 0x40, "discard", lengthOf(0)),
  7: attribute("AGGREGATOR", 0xc0, "discard", (value, { fourOctetAs }) =>
    aggregator(value, fourOctetAs ? 4 : 2),
  ),
  8: attribute("COMMUNITIES", 0xc0, "withdraw", listOf(4)),
  9: attribute("ORIGINATOR_ID", 0x80, "withdraw", lengthOf(4)),
  10: attribute("CLUSTER_LIST", 0x80, "withdraw", listOf(4)),
  14: attribute("MP_REACH_NLRI", 0x80, "reset", never),
  15: attribute("MP_UNREACH_NLRI", 0x80, "reset", never),
  16: attribute("EXTENDED COMMUNITIES", 0xc0, "withdraw", listOf(8)),
  17: attribute("AS4_PATH", 0xc0, "discard", (value) => path(value, 4, 4)),
  18: attribute("AS4_AGGREGATOR", 0xc0, "discard", (value) => aggregator(value, 4)),
  32: attribute("LARGE_COMMUNITY", 0xc0, "withdraw", listOf(12)),
  35: attribute("ONLY_TO_CUSTOMER", 0xc0, "withdraw", lengthOf(4)),
};

function attribute(
  name: string,
  flags: number,
  onError: Attribute["onError"],
  isValid: Attribute["isValid"],
): Attribute {
  return { name, flags, onError, isValid };
}

/** §7.2, with RFC 7607's AS 0, and confederations (types 3, 4) from internal peers only. */
function path(value: Uint8Array, asnBytes: number, typeMax: number): boolean {
  let at = 0;
  while (at < value.length) {
    const count = value[at + 1] ?? 0;
    const end = at + 2 + count * asnBytes;
    if (value[at]! < 1 || value[at]! > typeMax || count === 0 || end > value.length) return false;
    for (let asn = at + 2; asn < end; asn += asnBytes) {
      if (value.subarray(asn, asn + asnBytes).every((byte) => byte === 0)) return false;
    }
    at = end;
  }
  return true;
}

function aggregator(value: Uint8Array, asnBytes: number): boolean {
  return value.length === asnBytes + 4 && value.subarray(0, asnBytes).some((byte) => byte !== 0);
}

/** §7.11; undefined: malformed. Families that the speaker lacks are ignored. */
function reachable(value: Uint8Array, rules: Rules): Nlri | undefined {
  if (value.length < 5) return undefined;
  const nextHopLength = value[3]!;
  if (4 + nextHopLength + 1 > value.length) return undefined;
  const bytes = addressBytes(value);
  if (bytes === undefined) return { routes: [] };
  const lengths = bytes === 4 ? [4, 16, 32] : [16, 32];
  if (!lengths.includes(nextHopLength)) return undefined;
  const routes = nlri(value.subarray(5 + nextHopLength), bytes, rules);
  return routes && { ...routes, isUnusable: !isHost(value.subarray(4, 4 + nextHopLength)) };
}

/** Of a global and a link-local address the global one counts where it is set. */
function isHost(nextHop: Uint8Array): boolean {
  if (nextHop.length === 4) return nextHop[0]! > 0 && nextHop[0]! < 224;
  const parts = [nextHop.subarray(0, 16), nextHop.subarray(16)];
  const set = parts.find((part) => part.some((byte) => byte !== 0));
  return set !== undefined && set[0] !== 0xff;
}

function unreachable(value: Uint8Array, rules: Rules): Nlri | undefined {
  if (value.length < 3) return undefined;
  const bytes = addressBytes(value);
  return bytes === undefined ? { routes: [] } : nlri(value.subarray(3), bytes, rules);
}

function addressBytes(value: Uint8Array): 4 | 16 | undefined {
  if (value[2] !== 1 || value[0] !== 0) return undefined;
  return value[1] === 1 ? 4 : value[1] === 2 ? 16 : undefined;
}

/** §5.3. */
function nlri(field: Uint8Array, bytes: 4 | 16, { pathIds }: Rules): Nlri | undefined {
  const routes: string[] = [];
  let at = 0;
  while (at < field.length) {
    let id = "";
    if (pathIds) {
      if (at + 4 > field.length) return undefined;
      id = ` ${new DataView(field.buffer, field.byteOffset + at).getUint32(0)}`;
      at += 4;
    }
    const bits = field[at++];
    if (bits === undefined || bits > bytes * 8) return undefined;
    const octets = Math.ceil(bits / 8);
    if (at + octets > field.length) return undefined;
    const address = new Uint8Array(bytes);
    address.set(field.subarray(at, at + octets));
    if (bits % 8 > 0) address[octets - 1]! &= 0xff00 >> (bits % 8);
    routes.push(`${addressFromBytes(address)}/${bits}${id}`);
    at += octets;
  }
  return { routes };
}

function ends(...notifications: string[]): Expected {
  return { ends: true, notifications };
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) + bytes[at + 1]!;
}
