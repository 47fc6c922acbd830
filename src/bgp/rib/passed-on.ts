import type { Address } from "../../net/address.ts";
import type { ByteRange, ByteWriter } from "../wire/bytes.ts";
import { AsPathSegmentType, AttributeCode, AttributeFlag } from "../wire/registry.ts";

type Way = "as it is" | "not at all" | "longer" | "another";

/** What an external peer is sent of each attribute of a learned route, where policy changes nothing: as export.ts says it of their values. */
const ways: Readonly<Record<number, Way>> = {
  [AttributeCode.origin]: "as it is",
  [AttributeCode.asPath]: "longer",
  [AttributeCode.nextHop]: "another",
  [AttributeCode.med]: "not at all",
  [AttributeCode.localPref]: "not at all",
  [AttributeCode.atomicAggregate]: "as it is",
  [AttributeCode.aggregator]: "as it is",
  [AttributeCode.communities]: "as it is",
  [AttributeCode.originatorId]: "not at all",
  [AttributeCode.clusterList]: "not at all",
  [AttributeCode.largeCommunities]: "as it is",
  [AttributeCode.onlyToCustomer]: "as it is",
};

/** Of fewer AS numbers than a segment holds. */
const shortLengthMax = 0xff;

/**
 * A learned route's attributes as an external peer gets them, made of the bytes and not of the values: by far the
 * most routes differ in nothing but our AS number in front and the next hop. `nextHop`: undefined where it is not
 * in NEXT_HOP, neither before nor now. Whether that was all: else what was written is of no use.
 */
export function writePassedOn(
  writer: ByteWriter,
  { bytes, start, end }: ByteRange,
  asn: number,
  nextHop: Address | undefined,
): boolean {
  let at = start;
  while (at < end) {
    const flags = bytes[at]!;
    const isLong = (flags & AttributeFlag.extendedLength) !== 0;
    const value = at + (isLong ? 4 : 3);
    const length = isLong ? (bytes[at + 2]! << 8) | bytes[at + 3]! : bytes[at + 2]!;
    const next = value + length;
    switch (ways[bytes[at + 1]!]) {
      case "as it is":
        writer.range(bytes, at, next);
        break;
      case "not at all":
        break;
      case "longer": {
        // RFC 4271 §5.1.2 b.1, of one segment that stays short.
        const isSequence = bytes[value] === AsPathSegmentType.sequence;
        const isOne = length > 0 && length === 2 + 4 * bytes[value + 1]!;
        if (!isSequence || !isOne || length + 4 > shortLengthMax) return false;
        writer.range(bytes, at, at + 2);
        writer
          .u8(length + 4)
          .u8(AsPathSegmentType.sequence)
          .u8(bytes[value + 1]! + 1);
        writer.u32(asn).range(bytes, value + 2, next);
        break;
      }
      case "another":
        writer.range(bytes, at, value);
        writer.address(nextHop!);
        break;
      default:
        return false;
    }
    at = next;
  }
  return true;
}
