import { familyOf } from "../../net/address.ts";
import { attributeRows, type EncodedAttributes } from "./attributes.ts";
import { ByteWriter } from "./bytes.ts";
import { NoRoomError } from "./error.ts";
import type { AfiSafi, CodecOptions, UpdateMessage } from "./message.ts";
import { encodeMpReach, encodeMpUnreach, mpReachHeadBytes, mpUnreachHeadBytes } from "./mp-nlri.ts";
import { encodeNlri } from "./nlri.ts";
import { AttributeCode, AttributeFlag } from "./registry.ts";

type Announced = UpdateMessage["announced"][number];
type Withdrawn = UpdateMessage["withdrawn"][number];

/** The two length fields (RFC 4271 §4.3). */
const lengthFieldsBytes = 4;
/** Flags, type and a length of two octets. */
const extendedHeaderBytes = 4;

const empty = new Uint8Array();

const codesAscending = Object.keys(attributeRows)
  .map(Number)
  .sort((a, b) => a - b);

/** The bodies of the UPDATEs that say this one, each of at most `bodyBytesMax`: withdrawals, announcements, End-of-RIB. */
export function encodeUpdate(
  message: UpdateMessage,
  codec: CodecOptions,
  bodyBytesMax: number,
): Uint8Array[] {
  return [
    ...message.withdrawn.flatMap((withdrawn) => encodeWithdrawn(withdrawn, codec, bodyBytesMax)),
    ...message.announced.flatMap((announced) =>
      encodeAnnounced(announced, message, codec, bodyBytesMax),
    ),
    ...(message.endOfRib === undefined ? [] : [encodeEndOfRib(message.endOfRib)]),
  ];
}

/** RFC 4724 §2: for IPv4 unicast an UPDATE without anything, else one with an empty MP_UNREACH_NLRI. */
function encodeEndOfRib(family: AfiSafi): Uint8Array {
  return family.afi === "ipv4"
    ? updateBody({})
    : updateBody({ attributes: mpUnreach(family, empty) });
}

/** IPv4 in the UPDATE's own field, whatever next hop it was announced with; IPv6 in MP_UNREACH_NLRI. */
function encodeWithdrawn(
  { family, ...withdrawnNlri }: Withdrawn,
  codec: CodecOptions,
  bodyBytesMax: number,
): Uint8Array[] {
  if (family.afi === "ipv4") {
    const pieces = encodeNlri(withdrawnNlri, family, codec, bodyBytesMax - lengthFieldsBytes);
    return pieces.map((withdrawn) => updateBody({ withdrawn }));
  }
  const room = bodyBytesMax - lengthFieldsBytes - extendedHeaderBytes - mpUnreachHeadBytes;
  const pieces = encodeNlri(withdrawnNlri, family, codec, room);
  return pieces.map((nlri) => updateBody({ attributes: mpUnreach(family, nlri) }));
}

/** IPv4 with an IPv4 next hop in the UPDATE's own field; IPv6, and IPv4 with an IPv6 next hop (RFC 8950), in MP_REACH_NLRI. */
function encodeAnnounced(
  { family, nextHop, ...announcedNlri }: Announced,
  { attributes }: UpdateMessage,
  codec: CodecOptions,
  bodyBytesMax: number,
): Uint8Array[] {
  if (attributes === undefined) throw new RangeError("announced without path attributes");
  if (family.afi === "ipv4" && familyOf(nextHop) === "ipv4") {
    const shared = encodeAttributes({ ...attributes, nextHop }, codec);
    const pieces = encodeNlri(
      announcedNlri,
      family,
      codec,
      bodyBytesMax - lengthFieldsBytes - shared.length,
    );
    return pieces.map((nlri) => updateBody({ attributes: shared, nlri }));
  }
  const shared = encodeAttributes(attributes, codec);
  const room =
    bodyBytesMax -
    lengthFieldsBytes -
    extendedHeaderBytes -
    mpReachHeadBytes(nextHop) -
    shared.length;
  return encodeNlri(announcedNlri, family, codec, room).map((nlri) => {
    const writer = new ByteWriter();
    // RFC 7606 §5.1: MP_REACH_NLRI comes first.
    const value = encodeMpReach(family, nextHop, nlri);
    encodeAttribute(writer, AttributeFlag.optional, AttributeCode.mpReachNlri, value);
    return updateBody({ attributes: writer.bytes(shared).finish() });
  });
}

/** All but the MP attributes, in ascending order of code (RFC 4271 §5). */
export function encodeAttributes(from: EncodedAttributes, codec: CodecOptions): Uint8Array {
  const encoded: { flags: number; code: number; value: Uint8Array }[] = [];
  const scratch = new ByteWriter();
  for (const code of codesAscending) {
    const { flags, encode } = attributeRows[code]!;
    scratch.clear();
    if (encode?.(from, scratch, codec)) encoded.push({ flags, code, value: scratch.finish() });
  }
  encoded.push(...(from.unknown ?? []));
  encoded.sort((a, b) => a.code - b.code);
  const writer = new ByteWriter();
  for (const { flags, code, value } of encoded) encodeAttribute(writer, flags, code, value);
  return writer.finish();
}

function mpUnreach(family: AfiSafi, nlri: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  const value = encodeMpUnreach(family, nlri);
  encodeAttribute(writer, AttributeFlag.optional, AttributeCode.mpUnreachNlri, value);
  return writer.finish();
}

export function encodeAttribute(
  writer: ByteWriter,
  flags: number,
  code: number,
  value: Uint8Array,
): void {
  if (value.length > 0xffff) throw new NoRoomError(`attribute ${code} of ${value.length} bytes`);
  if (value.length > 0xff) {
    writer
      .u8(flags | AttributeFlag.extendedLength)
      .u8(code)
      .u16(value.length);
  } else {
    writer
      .u8(flags & ~AttributeFlag.extendedLength)
      .u8(code)
      .u8(value.length);
  }
  writer.bytes(value);
}

function updateBody({
  withdrawn = empty,
  attributes = empty,
  nlri = empty,
}: {
  withdrawn?: Uint8Array;
  attributes?: Uint8Array;
  nlri?: Uint8Array;
}): Uint8Array {
  return new ByteWriter()
    .u16(withdrawn.length)
    .bytes(withdrawn)
    .u16(attributes.length)
    .bytes(attributes)
    .bytes(nlri)
    .finish();
}
