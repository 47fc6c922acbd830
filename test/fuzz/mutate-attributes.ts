import type { Random } from "./random.ts";

type Attribute = { flags: number; code: number; value: Uint8Array };
type Update = { withdrawn: Uint8Array; attributes: Attribute[]; nlri: Uint8Array };

/** Attributes that the RFCs have rules for, and one that nobody knows. */
const codes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 35, 99];

/** An UPDATE of the corpus with one to three attributes changed; all lengths fit. */
export function mutateAttributes(
  message: Uint8Array,
  random: Random,
  corpus: readonly Uint8Array[],
): Uint8Array {
  const update = parse(message);
  for (let i = 1 + random.below(3); i > 0; i--) change(update, random, corpus);
  return written(update);
}

function change(update: Update, random: Random, corpus: readonly Uint8Array[]): void {
  const { attributes } = update;
  const attribute = attributes[random.below(attributes.length || 1)];
  if (attribute === undefined || random.oneIn(6)) {
    const other = random.pick(corpus);
    if (other[18] !== 2) return;
    const from = parse(other);
    if (random.oneIn(4)) update.withdrawn = from.withdrawn;
    if (from.attributes.length > 0) attributes.push({ ...random.pick(from.attributes) });
    return;
  }
  const { value } = attribute;
  switch (random.below(9)) {
    case 0:
      attribute.flags ^= random.pick([0x80, 0x40, 0x20, 0x0f]);
      break;
    case 1:
      attribute.code = random.pick(codes);
      break;
    case 2:
      attribute.value = value.slice(0, random.below(value.length + 1));
      break;
    case 3:
      attribute.value = Uint8Array.of(...value, ...bytes(1 + random.below(12), random));
      break;
    case 4:
    case 5:
      if (value.length === 0) break;
      attribute.value = value.with(random.below(value.length), random.below(256));
      break;
    case 6:
      attributes.splice(attributes.indexOf(attribute), 1);
      break;
    case 7:
      attributes.splice(random.below(attributes.length), 0, { ...attribute });
      break;
    default:
      attributes.push({
        flags: random.pick([0x40, 0x80, 0xc0, 0xe0]),
        code: random.pick(codes),
        value: bytes(random.pick([0, 1, 4, 4, 8, 8, 12, 16, 24]), random),
      });
  }
}

function parse(message: Uint8Array): Update {
  const attributesAt = 23 + (message[19]! << 8) + message[20]!;
  const nlriAt = attributesAt + (message[attributesAt - 2]! << 8) + message[attributesAt - 1]!;
  const attributes: Attribute[] = [];
  for (let at = attributesAt; at < nlriAt;) {
    const [flags, code] = [message[at]!, message[at + 1]!];
    const isLong = (flags & 0x10) !== 0;
    const begin = at + (isLong ? 4 : 3);
    at = begin + (isLong ? (message[at + 2]! << 8) + message[at + 3]! : message[at + 2]!);
    attributes.push({ flags: flags & 0xef, code, value: message.slice(begin, at) });
  }
  return {
    withdrawn: message.slice(21, attributesAt - 2),
    attributes,
    nlri: message.slice(nlriAt),
  };
}

function written({ withdrawn, attributes, nlri }: Update): Uint8Array {
  const parts = attributes.flatMap(({ flags, code, value }) =>
    value.length > 255
      ? [Uint8Array.of(flags | 0x10, code, value.length >> 8, value.length), value]
      : [Uint8Array.of(flags, code, value.length), value],
  );
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const total = 23 + withdrawn.length + length + nlri.length;
  return Buffer.concat([
    new Uint8Array(16).fill(0xff),
    Uint8Array.of(total >> 8, total, 2, withdrawn.length >> 8, withdrawn.length),
    withdrawn,
    Uint8Array.of(length >> 8, length),
    ...parts,
    nlri,
  ]);
}

function bytes(count: number, random: Random): Uint8Array {
  return Uint8Array.from({ length: count }, () => random.below(256));
}
