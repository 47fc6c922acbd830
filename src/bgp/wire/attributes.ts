// The path attributes, one row each: its name, its flags as they must be, what an error in it does
// to the routes beside it (RFC 7606 §7 unless said otherwise), and how its value reads and writes.
import type { Address } from "../../net/address.ts";
import {
  decodeAsPath,
  encodeAsPath,
  isConfederation,
  needsAs4Path,
  twoOctetAsn,
  withoutConfederations,
} from "./as-path.ts";
import { type ByteReader, type ByteWriter, MalformedError } from "./bytes.ts";
import type { AsPathSegment, CodecOptions, Origin, PathAttributes } from "./message.ts";
import { decodeMpReach, decodeMpUnreach, type MpReach } from "./mp-nlri.ts";
import type { NlriField } from "./nlri.ts";
import { asTrans, AttributeCode, AttributeFlag } from "./registry.ts";

/** What stands among the attributes of an UPDATE and is none of its routes' in the end. */
export type BesideAttributes = {
  nextHop?: Address;
  mpReach?: MpReach;
  mpUnreach?: NlriField;
  /** Before RFC 6793's merge. */
  as4Path?: AsPathSegment[];
  as4Aggregator?: { asn: number; address: Address };
};

export type AttributeRow = {
  name: string;
  /** The Optional and Transitive bits. */
  flags: number;
  onError: "treatAsWithdraw" | "attributeDiscard" | "sessionReset";
  /** Its value is not kept, or is written in other bytes than it may come in, by a four-octet speaker too. */
  isRewritten?: true;
  /** Its Partial bit is kept: it is optional and transitive, and goes on. */
  mayBePartial?: true;
  /** Throws MalformedError. Bytes left over are an error too. */
  decode: (
    value: ByteReader,
    into: Partial<PathAttributes>,
    codec: CodecOptions,
    beside: BesideAttributes,
  ) => void;
  /**
   * Writes the value; false where there is none to write. `nextHop`: only of prefixes in the UPDATE's own
   * field. Absent: the UPDATE encoder writes this attribute itself.
   */
  encode?: (
    from: Readonly<PathAttributes>,
    value: ByteWriter,
    codec: CodecOptions,
    nextHop: Address | undefined,
  ) => boolean;
};

const wellKnown = AttributeFlag.transitive;
const optionalTransitive = AttributeFlag.optional | AttributeFlag.transitive;
const optionalNonTransitive = AttributeFlag.optional;

const origins: Origin[] = ["igp", "egp", "incomplete"];

export const attributeRows: Record<number, AttributeRow> = {
  [AttributeCode.origin]: {
    name: "ORIGIN",
    flags: wellKnown,
    onError: "treatAsWithdraw",
    decode(value, into) {
      const number = value.u8("ORIGIN");
      const origin = origins[number];
      if (origin === undefined) throw new MalformedError(`ORIGIN ${number}`);
      into.origin = origin;
    },
    encode(from, value) {
      value.u8(origins.indexOf(from.origin));
      return true;
    },
  },
  [AttributeCode.asPath]: {
    name: "AS_PATH",
    flags: wellKnown,
    onError: "treatAsWithdraw",
    decode(value, into, codec) {
      const asPath = decodeAsPath(value, codec.fourOctetAs ? 4 : 2);
      // RFC 5065 §4: an external peer is in no confederation of ours.
      if (codec.external && asPath.some(isConfederation)) {
        throw new MalformedError("confederation segment from an external peer");
      }
      into.asPath = asPath;
    },
    encode(from, value, codec) {
      encodeAsPath(value, from.asPath, codec.fourOctetAs ? 4 : 2);
      return true;
    },
  },
  [AttributeCode.nextHop]: {
    name: "NEXT_HOP",
    flags: wellKnown,
    onError: "treatAsWithdraw",
    decode(value, _into, codec, beside) {
      const first = value.peekU8() ?? 0;
      const nextHop = value.address("ipv4", "NEXT_HOP");
      // RFC 4271 §6.3: a valid IP host address, so no network 0, multicast or class E.
      const isHost = first > 0 && first < 224;
      if (!isHost && !codec.anyNextHop) throw new MalformedError(`NEXT_HOP ${nextHop}`);
      beside.nextHop = nextHop;
    },
    encode(_from, value, _codec, nextHop) {
      if (nextHop === undefined) return false;
      value.address(nextHop);
      return true;
    },
  },
  [AttributeCode.med]: {
    name: "MULTI_EXIT_DISC",
    flags: optionalNonTransitive,
    onError: "treatAsWithdraw",
    decode(value, into) {
      into.med = value.u32("MULTI_EXIT_DISC");
    },
    encode: (from, value) => from.med !== undefined && (value.u32(from.med), true),
  },
  [AttributeCode.localPref]: {
    name: "LOCAL_PREF",
    flags: wellKnown,
    onError: "treatAsWithdraw",
    decode(value, into) {
      into.localPref = value.u32("LOCAL_PREF");
    },
    encode: (from, value) => from.localPref !== undefined && (value.u32(from.localPref), true),
  },
  [AttributeCode.atomicAggregate]: {
    name: "ATOMIC_AGGREGATE",
    flags: wellKnown,
    onError: "attributeDiscard",
    decode(_value, into) {
      into.atomicAggregate = true;
    },
    encode: (from) => from.atomicAggregate === true,
  },
  [AttributeCode.aggregator]: {
    name: "AGGREGATOR",
    flags: optionalTransitive,
    mayBePartial: true,
    onError: "attributeDiscard",
    decode(value, into, codec) {
      into.aggregator = decodeAggregator(value, codec.fourOctetAs ? 4 : 2);
    },
    encode(from, value, codec) {
      if (from.aggregator === undefined) return false;
      const { asn, address } = from.aggregator;
      if (codec.fourOctetAs) value.u32(asn);
      else value.u16(twoOctetAsn(asn));
      value.address(address);
      return true;
    },
  },
  [AttributeCode.communities]: {
    name: "COMMUNITIES",
    flags: optionalTransitive,
    mayBePartial: true,
    onError: "treatAsWithdraw",
    decode(value, into) {
      into.communities = decodeList(value, 4, () => value.u32("community"));
    },
    encode: (from, value) => encodeList(from.communities, (community) => value.u32(community)),
  },
  [AttributeCode.originatorId]: {
    name: "ORIGINATOR_ID",
    flags: optionalNonTransitive,
    onError: "treatAsWithdraw",
    decode(value, into) {
      into.originatorId = value.address("ipv4", "ORIGINATOR_ID");
    },
    encode: (from, value) =>
      from.originatorId !== undefined && (value.address(from.originatorId), true),
  },
  [AttributeCode.clusterList]: {
    name: "CLUSTER_LIST",
    flags: optionalNonTransitive,
    onError: "treatAsWithdraw",
    decode(value, into) {
      into.clusterList = decodeList(value, 4, () => value.address("ipv4", "CLUSTER_ID"));
    },
    encode: (from, value) => encodeList(from.clusterList, (id) => value.address(id)),
  },
  [AttributeCode.mpReachNlri]: {
    name: "MP_REACH_NLRI",
    isRewritten: true,
    flags: optionalNonTransitive,
    onError: "sessionReset",
    decode(value, _into, codec, beside) {
      const mpReach = decodeMpReach(value, codec);
      if (mpReach !== undefined) beside.mpReach = mpReach;
      else value.skip();
    },
  },
  [AttributeCode.mpUnreachNlri]: {
    name: "MP_UNREACH_NLRI",
    isRewritten: true,
    flags: optionalNonTransitive,
    onError: "sessionReset",
    decode(value, _into, codec, beside) {
      const mpUnreach = decodeMpUnreach(value, codec);
      if (mpUnreach !== undefined) beside.mpUnreach = mpUnreach;
      else value.skip();
    },
  },
  [AttributeCode.extendedCommunities]: {
    name: "EXTENDED COMMUNITIES",
    flags: optionalTransitive,
    mayBePartial: true,
    onError: "treatAsWithdraw",
    decode(value, into) {
      into.extendedCommunities = decodeList(value, 8, () => value.bytes(8, "extended community"));
    },
    encode: (from, value) =>
      encodeList(from.extendedCommunities, (community) => value.bytes(community)),
  },
  [AttributeCode.as4Path]: {
    name: "AS4_PATH",
    isRewritten: true,
    flags: optionalTransitive,
    onError: "attributeDiscard" /* RFC 6793 §6 */,
    decode(value, _into, _codec, beside) {
      beside.as4Path = decodeAsPath(value, 4);
    },
    encode(from, value, codec) {
      if (codec.fourOctetAs || !needsAs4Path(from.asPath)) return false;
      const path = withoutConfederations(from.asPath);
      encodeAsPath(value, path, 4);
      return path.length > 0;
    },
  },
  [AttributeCode.as4Aggregator]: {
    name: "AS4_AGGREGATOR",
    isRewritten: true,
    flags: optionalTransitive,
    onError: "attributeDiscard" /* RFC 6793 §6 */,
    decode(value, _into, _codec, beside) {
      beside.as4Aggregator = decodeAggregator(value, 4);
    },
    encode(from, value, codec) {
      if (codec.fourOctetAs || from.aggregator === undefined) return false;
      const { asn, address } = from.aggregator;
      if (twoOctetAsn(asn) !== asTrans) return false;
      value.u32(asn).address(address);
      return true;
    },
  },
  [AttributeCode.largeCommunities]: {
    name: "LARGE_COMMUNITY",
    isRewritten: true,
    flags: optionalTransitive,
    mayBePartial: true,
    onError: "treatAsWithdraw" /* RFC 8092 §6 */,
    decode(value, into) {
      const all = decodeList(value, 12, () => [
        value.u32("global"),
        value.u32("local 1"),
        value.u32("local 2"),
      ]);
      into.largeCommunities = withoutDuplicates(all as [number, number, number][]);
    },
    encode: (from, value) =>
      encodeList(from.largeCommunities && withoutDuplicates(from.largeCommunities), (parts) => {
        for (const part of parts) value.u32(part);
      }),
  },
  [AttributeCode.onlyToCustomer]: {
    name: "ONLY_TO_CUSTOMER",
    flags: optionalTransitive,
    mayBePartial: true,
    onError: "treatAsWithdraw" /* RFC 9234 §5 */,
    decode(value, into) {
      into.onlyToCustomer = value.u32("ONLY_TO_CUSTOMER");
    },
    encode: (from, value) =>
      from.onlyToCustomer !== undefined && (value.u32(from.onlyToCustomer), true),
  },
};

export function attributeName(code: number): string {
  return attributeRows[code]?.name ?? `attribute ${code}`;
}

/** RFC 7606 §7.8, §7.10, §7.14: a non-zero multiple of the element's length. */
function decodeList<T>(value: ByteReader, elementBytes: number, decodeElement: () => T): T[] {
  const { remaining } = value;
  if (remaining === 0 || remaining % elementBytes !== 0) {
    throw new MalformedError(`${remaining} bytes, not a non-zero multiple of ${elementBytes}`);
  }
  // Of its size from the start, as in an AS path.
  const elements = Array<T>(remaining / elementBytes);
  for (let i = 0; i < elements.length; i++) elements[i] = decodeElement();
  return elements;
}

/** An empty list is not sent: its attribute would be malformed. */
function encodeList<T>(elements: T[] | undefined, encodeElement: (element: T) => unknown): boolean {
  if (elements === undefined || elements.length === 0) return false;
  for (const element of elements) encodeElement(element);
  return true;
}

function decodeAggregator(value: ByteReader, asnBytes: 2 | 4): { asn: number; address: Address } {
  const asn = asnBytes === 4 ? value.u32("aggregator ASN") : value.u16("aggregator ASN");
  const address = value.address("ipv4", "aggregator address");
  if (asn === 0) throw new MalformedError("AS 0"); // RFC 7607 §2
  return { asn, address };
}

/** RFC 8092 §5: duplicates are neither sent nor kept. */
function withoutDuplicates(all: [number, number, number][]): [number, number, number][] {
  return [...new Map(all.map((parts) => [parts.join(":"), parts])).values()];
}
