import type { Address } from "../../net/address.ts";
import { attributeRows } from "./attributes.ts";
import { ByteWriter } from "./bytes.ts";
import { NoRoomError } from "./error.ts";
import type { CodecOptions, PathAttributes, UpdateMessage } from "./message.ts";
import { nlriSource } from "./nlri.ts";
import { AttributeFlag } from "./registry.ts";
import { inOwnField, nextHopOut, UpdatePacker } from "./update-packer.ts";

/** Flags, code and a length of one octet. */
const attributeHeaderBytes = 3;

const rowsByCode = Object.entries(attributeRows)
  .map(([code, row]) => ({ ...row, code: Number(code) }))
  .sort((a, b) => a.code - b.code);

/** The UPDATEs that say this one, each of at most `messageBytesMax`: withdrawals, announcements, End-of-RIB. */
export function encodeUpdate(
  { withdrawn, attributes, announced, endOfRib }: UpdateMessage,
  codec: CodecOptions,
  messageBytesMax: number,
): Uint8Array[] {
  const packer = new UpdatePacker(messageBytesMax);
  for (const { family, ...nlri } of withdrawn) {
    packer.withdraw(family, nlriSource(nlri, family, codec));
  }
  for (const { family, nextHop, ...nlri } of announced) {
    if (attributes === undefined) throw new RangeError("announced without path attributes");
    const beside = inOwnField(family, nextHop) ? nextHop : undefined;
    const encoded = encodeAttributes(attributes, codec, beside);
    packer.announce(family, nextHopOut(nextHop, codec), encoded, nlriSource(nlri, family, codec));
  }
  if (endOfRib !== undefined) packer.endOfRib(endOfRib);
  return packer.takeMessages();
}

/** All but the MP attributes, in ascending order of code (RFC 4271 §5). `nextHop`: as NEXT_HOP. */
export function encodeAttributes(
  from: Readonly<PathAttributes>,
  codec: CodecOptions,
  nextHop?: Address,
): Uint8Array {
  const writer = new ByteWriter();
  writeAttributes(writer, from, codec, nextHop);
  return writer.finish();
}

/** The same, into a writer. Throws NoRoomError for a value that no attribute holds. */
export function writeAttributes(
  writer: ByteWriter,
  from: Readonly<PathAttributes>,
  codec: CodecOptions,
  nextHop: Address | undefined,
): void {
  const unknown = from.unknown === undefined ? none : byCode(from.unknown);
  const { partial } = from;
  let nextUnknown = 0;
  for (const { code, flags, encode } of rowsByCode) {
    for (; nextUnknown < unknown.length && unknown[nextUnknown]!.code < code; nextUnknown++) {
      encodeUnknown(writer, unknown[nextUnknown]!);
    }
    if (encode === undefined) continue;
    const at = writer.length;
    writer.skip(attributeHeaderBytes);
    if (encode(from, writer, codec, nextHop)) {
      const isPartial = partial !== undefined && partial.includes(code);
      endAttribute(writer, at, isPartial ? flags | AttributeFlag.partial : flags, code);
    } else writer.truncate(at);
  }
  for (; nextUnknown < unknown.length; nextUnknown++) encodeUnknown(writer, unknown[nextUnknown]!);
}

type Unknown = NonNullable<PathAttributes["unknown"]>;
const none: Unknown = [];

function byCode(unknown: Unknown): Unknown {
  return unknown.toSorted((a, b) => a.code - b.code);
}

function encodeUnknown(writer: ByteWriter, { flags, code, value }: Unknown[number]): void {
  encodeAttribute(writer, flags, code, value);
}

/** Fills the header that was left free at `at`, with a fourth octet where the attribute is long. */
function endAttribute(writer: ByteWriter, at: number, flags: number, code: number): void {
  const length = writer.length - at - attributeHeaderBytes;
  const isLong = length > 0xff;
  if (isLong) {
    checkLength(code, length);
    writer.insertU8(at + 2, length >> 8);
  }
  writer.setU8(at, isLong ? flags | AttributeFlag.extendedLength : flags);
  writer.setU8(at + 1, code);
  writer.setU8(isLong ? at + 3 : at + 2, length);
}

export function encodeAttribute(
  writer: ByteWriter,
  flags: number,
  code: number,
  value: Uint8Array,
): void {
  checkLength(code, value.length);
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

function checkLength(code: number, length: number): void {
  if (length > 0xffff) throw new NoRoomError(`attribute ${code} of ${length} bytes`);
}
