/** The bytes are no protobuf, or not what the message's table says. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

/** Wire types that Kubernetes' messages have: all else in them would be a float or a fixed size. */
export const WireType = { varint: 0, delimited: 2 } as const;

export type Value = { number: number; wireType: 0; value: bigint } | Delimited;
type Delimited = { number: number; wireType: 2; value: Uint8Array };

/** The fields of a message as they come. `name` is the message's, for errors. */
export function* valuesOf(name: string, bytes: Uint8Array): Generator<Value> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const octet = bytes[at++];
      if (octet === undefined) throw new ProtobufError(`${name} ends within a number`);
      value |= BigInt(octet & 0x7f) << shift;
      if (octet < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError(`${name} has a number of more than 10 octets`);
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, wireType] = [Number(tag >> 3n), Number(tag & 7n)];
    if (wireType === WireType.varint) {
      yield { number, wireType, value: varint() };
    } else if (wireType === WireType.delimited) {
      const length = varint();
      if (length > bytes.length - at) {
        throw new ProtobufError(`${name} ends within its field ${number}`);
      }
      yield { number, wireType, value: bytes.subarray(at, (at += Number(length))) };
    } else {
      throw new ProtobufError(`field ${number} of ${name} has wire type ${wireType}`);
    }
  }
}
