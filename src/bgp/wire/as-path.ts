import { type ByteReader, type ByteWriter, MalformedError } from "./bytes.ts";
import type { AsPathSegment } from "./message.ts";
import { AsPathSegmentType, asTrans } from "./registry.ts";

const segmentAsnsMax = 255;
const asnTwoOctetMax = 0xffff;

const kindOfType: Record<number, AsPathSegment["kind"]> = {
  [AsPathSegmentType.set]: "set",
  [AsPathSegmentType.sequence]: "sequence",
  [AsPathSegmentType.confedSequence]: "confedSequence",
  [AsPathSegmentType.confedSet]: "confedSet",
};

/** Segments to the end of the range. Malformed as RFC 7606 §7.2 says, or with AS 0 in it (RFC 7607 §2). */
export function decodeAsPath(value: ByteReader, asnBytes: 2 | 4): AsPathSegment[] {
  const first = decodeSegment(value, asnBytes);
  if (first === undefined) return [];
  // Nearly all have one.
  const segments = [first];
  for (let next; (next = decodeSegment(value, asnBytes)) !== undefined;) segments.push(next);
  return segments;
}

/** Undefined at the end of the range. */
function decodeSegment(value: ByteReader, asnBytes: 2 | 4): AsPathSegment | undefined {
  if (value.remaining === 0) return undefined;
  const type = value.u8("segment type");
  const kind = kindOfType[type];
  if (kind === undefined) throw new MalformedError(`segment type ${type}`);
  const count = value.u8("segment length");
  if (count === 0) throw new MalformedError("segment without AS numbers");
  if (value.remaining < count * asnBytes) {
    throw new MalformedError(`segment of ${count} AS numbers in ${value.remaining} bytes`);
  }
  // Of its size from the start: one that grows takes several times as much, for as long as the route lives.
  const asns = Array<number>(count);
  for (let i = 0; i < count; i++) {
    const asn = asnBytes === 4 ? value.u32("ASN") : value.u16("ASN");
    if (asn === 0) throw new MalformedError("AS 0");
    asns[i] = asn;
  }
  return { kind, asns };
}

/** With two octets an AS number beyond them is AS_TRANS (RFC 6793 §4.2.2). A sequence of more than 255 becomes several segments. */
export function encodeAsPath(value: ByteWriter, segments: AsPathSegment[], asnBytes: 2 | 4): void {
  for (const { kind, asns } of segments) {
    if (asns.length > segmentAsnsMax && (kind === "set" || kind === "confedSet")) {
      throw new RangeError(`AS_PATH ${kind} of ${asns.length} AS numbers`);
    }
    for (let at = 0; at < asns.length; at += segmentAsnsMax) {
      const end = Math.min(at + segmentAsnsMax, asns.length);
      value.u8(AsPathSegmentType[kind]).u8(end - at);
      for (let i = at; i < end; i++) {
        const asn = asns[i]!;
        if (asnBytes === 4) value.u32(asn);
        else value.u16(twoOctetAsn(asn));
      }
    }
  }
}

export function twoOctetAsn(asn: number): number {
  return asn > asnTwoOctetMax ? asTrans : asn;
}

/** Whether two octets would lose AS numbers of the path. */
export function needsAs4Path(segments: AsPathSegment[]): boolean {
  return segments.some(({ asns }) => asns.some((asn) => asn > asnTwoOctetMax));
}

/** AS4_PATH never holds confederation segments (RFC 6793 §3). */
export function withoutConfederations(segments: AsPathSegment[]): AsPathSegment[] {
  return segments.filter(({ kind }) => kind === "sequence" || kind === "set");
}

/**
 * RFC 6793 §4.2.3: what came through two-octet speakers as AS_PATH with AS_TRANS and AS4_PATH, made one.
 * Where AS4_PATH counts more AS numbers than AS_PATH it is ignored.
 */
export function mergeAs4Path(asPath: AsPathSegment[], as4Path: AsPathSegment[]): AsPathSegment[] {
  const tail = withoutConfederations(as4Path);
  let leading = countAsns(asPath) - countAsns(tail);
  if (leading < 0) return asPath;
  const head: AsPathSegment[] = [];
  for (const segment of asPath) {
    // Confederation segments count nothing, and those in front or amid the leading ones stay.
    if (leading === 0 && !isConfederation(segment)) break;
    if (segment.kind === "sequence") {
      const asns = segment.asns.slice(0, leading);
      head.push({ kind: "sequence", asns });
      leading -= asns.length;
    } else {
      head.push(segment);
      if (segment.kind === "set") leading--;
    }
  }
  return joinSequences([...head, ...tail]);
}

/** As the decision process counts (RFC 4271 §9.1.2.2, RFC 5065 §5.3): a set is one, confederations are none. */
function countAsns(segments: AsPathSegment[]): number {
  let count = 0;
  for (const { kind, asns } of segments) {
    if (kind === "sequence") count += asns.length;
    if (kind === "set") count += 1;
  }
  return count;
}

export function isConfederation({ kind }: AsPathSegment): boolean {
  return kind === "confedSequence" || kind === "confedSet";
}

/** Sequences side by side mean the same as one. */
function joinSequences(segments: AsPathSegment[]): AsPathSegment[] {
  const joined: AsPathSegment[] = [];
  for (const segment of segments) {
    const last = joined.at(-1);
    if (segment.kind === "sequence" && last?.kind === "sequence") {
      joined[joined.length - 1] = { kind: "sequence", asns: [...last.asns, ...segment.asns] };
    } else joined.push(segment);
  }
  return joined;
}
