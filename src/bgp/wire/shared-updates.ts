import type { ByteRange } from "./bytes.ts";
import { type Received, receiveMessage } from "./decode.ts";
import type { CodecOptions } from "./message.ts";
import { headerBytes, MessageType } from "./registry.ts";

/**
 * UPDATEs that many receivers of one process are handed as the very same bytes, as a simulation's are: each is read
 * once for all of them that read alike. What was read is kept as long as somebody has the bytes.
 */
export class SharedUpdates {
  readonly #read = new WeakMap<Uint8Array, Reading[]>();

  /** As receiveMessage() does. */
  receive(frame: ByteRange, codec: CodecOptions): Received {
    const { bytes, start } = frame;
    if (bytes[start + headerBytes - 1] !== MessageType.update) return receiveMessage(frame, codec);
    let readings = this.#read.get(bytes);
    if (readings === undefined) this.#read.set(bytes, (readings = []));
    for (const reading of readings) {
      if (reading.start === start && readsAlike(reading.codec, codec)) return reading.received;
    }
    const received = receiveMessage(frame, codec);
    readings.push({ start, codec, received });
    return received;
  }
}

type Reading = {
  readonly start: number;
  readonly codec: CodecOptions;
  readonly received: Received;
};

/** In all that the reading of an UPDATE depends on. */
function readsAlike(a: CodecOptions, b: CodecOptions): boolean {
  return (
    a === b ||
    (a.fourOctetAs === b.fourOctetAs &&
      a.external === b.external &&
      a.unnumbered === b.unnumbered &&
      // Which families are numbered is of no matter where none is.
      !a.pathIdsIn?.length &&
      !b.pathIdsIn?.length)
  );
}
