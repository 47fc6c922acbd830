import { mutateAttributes } from "./mutate-attributes.ts";
import type { Random } from "./random.ts";

const headerBytes = 19;
const update = 2;

/** Values that lengths, flags and types turn wrong with. */
const nasty = [
  0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 127, 128, 129, 192, 224, 254, 255,
];

/** A message changed in one to four places; mostly its header fits again, so that its body is looked at. */
export function mutate(
  message: Uint8Array,
  random: Random,
  corpus: readonly Uint8Array[],
): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(message);
  // Whole attributes, lengths right: most byte changes end the session before any rule is asked.
  if (bytes[18] === update && random.below(4) > 0) return mutateAttributes(bytes, random, corpus);
  for (let i = 1 + random.below(4); i > 0; i--) bytes = change(bytes, random, corpus);
  if (bytes.length >= headerBytes && !random.oneIn(12)) {
    bytes.fill(0xff, 0, 16);
    bytes[16] = bytes.length >> 8;
    bytes[17] = bytes.length;
    if (bytes[18] === update && random.oneIn(2)) fitAttributes(bytes);
  }
  return bytes;
}

function change(bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  if (bytes.length <= headerBytes) {
    const at = random.below(bytes.length + 1);
    return joined(bytes.subarray(0, at), Uint8Array.of(random.below(256)), bytes.subarray(at));
  }
  // The header rarely: what comes of it is known soon.
  const from = random.oneIn(16) ? 0 : headerBytes;
  const at = from + random.below(bytes.length - from);
  switch (random.below(8)) {
    case 0:
      bytes[at] = random.below(256);
      return bytes;
    case 1:
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 2:
    case 3:
      bytes[at] = random.pick(nasty);
      return bytes;
    case 4:
      return joined(bytes.subarray(0, at), Uint8Array.of(random.pick(nasty)), bytes.subarray(at));
    case 5: {
      const count = 1 + random.below(Math.min(8, bytes.length - at));
      return joined(bytes.subarray(0, at), bytes.subarray(at + count));
    }
    case 6: {
      const count = 1 + random.below(Math.min(32, bytes.length - at));
      return joined(bytes.subarray(0, at + count), bytes.subarray(at));
    }
    default: {
      const other = random.pick(corpus);
      if (other.length <= headerBytes) return bytes;
      const begin = headerBytes + random.below(other.length - headerBytes);
      const part = other.subarray(begin, begin + 1 + random.below(40));
      return joined(bytes.subarray(0, at), part, bytes.subarray(at));
    }
  }
}

/** Makes Total Path Attribute Length reach to where the first attributes really end, if they can be told. */
function fitAttributes(bytes: Uint8Array): void {
  const lengthAt = headerBytes + 2 + (bytes[headerBytes]! << 8) + bytes[headerBytes + 1]!;
  if (lengthAt + 2 > bytes.length) return;
  let at = lengthAt + 2;
  while (at + 3 <= bytes.length) {
    const extended = (bytes[at]! & 0x10) !== 0;
    const length = extended ? (bytes[at + 2]! << 8) + (bytes[at + 3] ?? 0) : bytes[at + 2]!;
    const end = at + (extended ? 4 : 3) + length;
    if (end > bytes.length || (bytes[at]! & 0xc0) === 0) break;
    at = end;
  }
  const length = at - lengthAt - 2;
  bytes[lengthAt] = length >> 8;
  bytes[lengthAt + 1] = length;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
