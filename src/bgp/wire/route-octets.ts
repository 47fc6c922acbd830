import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { ByteReader } from "./bytes.ts";
import { encodeUpdate } from "./encode-update.ts";
import type { AfiSafi, CodecOptions, PathAttributes } from "./message.ts";
import { encodePrefix } from "./nlri.ts";
import { AttributeFlag, headerBytes } from "./registry.ts";

const codec: CodecOptions = { fourOctetAs: true, extendedMessage: true };
const messageBytesMax = 0xffff;

export type AttributeOctets = { code: number; octets: Uint8Array };

/**
 * One route as an UPDATE between speakers of four-octet AS numbers has it: its NLRI, and each path attribute with
 * flags, code and length, in ascending order of code.
 */
export function routeOctets(
  route: { family: AfiSafi; prefix: Prefix; attributes: Readonly<PathAttributes> },
  nextHop: Address,
): { nlri: Uint8Array; attributes: AttributeOctets[] } {
  const { family, prefix, attributes } = route;
  const [update] = encodeUpdate(
    {
      type: "UPDATE",
      withdrawn: [],
      attributes,
      announced: [{ family, nextHop, prefixes: [prefix] }],
    },
    codec,
    messageBytesMax,
  );
  const body = new ByteReader(update!, headerBytes);
  body.bytes(body.u16("withdrawn routes length"), "withdrawn routes");
  const all = attributesOf(body.bytes(body.u16("path attributes length"), "path attributes"));
  return {
    nlri: encodePrefix(prefix, family.afi),
    attributes: all.toSorted((a, b) => a.code - b.code),
  };
}

function attributesOf(bytes: Uint8Array): AttributeOctets[] {
  const reader = new ByteReader(bytes);
  const all = [];
  while (reader.remaining > 0) {
    const start = bytes.length - reader.remaining;
    const flags = reader.u8("flags");
    const code = reader.u8("code");
    const isLong = (flags & AttributeFlag.extendedLength) !== 0;
    reader.bytes(isLong ? reader.u16("length") : reader.u8("length"), "value");
    all.push({ code, octets: bytes.slice(start, bytes.length - reader.remaining) });
  }
  return all;
}
