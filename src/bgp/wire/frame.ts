import type { ByteRange } from "./bytes.ts";
import { WireError } from "./error.ts";
import {
  headerBytes,
  MessageHeaderSubcode,
  messageBytesMax,
  MessageType,
  NotificationCode,
} from "./registry.ts";

const markerBytes = 16;

/** The smallest whole message of each type (RFC 4271 §4.2-§4.5; RFC 2918 §3). */
const messageBytesMin: Record<number, number> = {
  [MessageType.open]: 29,
  [MessageType.update]: 23,
  [MessageType.notification]: 21,
  [MessageType.keepalive]: headerBytes,
  [MessageType.routeRefresh]: 23,
};

/**
 * Cuts a TCP stream into messages. Chunks are kept as they come and a byte is copied at most once:
 * a message that lies whole in a chunk is a view of it, one that spans chunks is put together when its last byte is there.
 */
export class FrameReader {
  readonly #chunks: Uint8Array[] = [];
  /** Index of the first chunk not used up, and how far into it. */
  #first = 0;
  #offset = 0;
  #available = 0;
  /** Of the message begun, once its header was there and in order. */
  #length: number | undefined;

  /** The reader keeps the array itself: it must not change afterwards. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(plain(bytes));
    this.#available += bytes.length;
  }

  /**
   * The next whole message with its header, or undefined where its bytes are not all there yet.
   * Throws WireError for a header that RFC 4271 §6.1 refuses, as soon as the header is there.
   */
  next(maxLength: number): Uint8Array | undefined {
    const range = this.nextRange(maxLength);
    return range && range.bytes.subarray(range.start, range.end);
  }

  /** The same where it stands: a view takes longer to make than a short message to read. */
  nextRange(maxLength: number): ByteRange | undefined {
    if (this.#length === undefined) {
      if (this.#available < headerBytes) return undefined;
      this.#length = checkHeader(this.#peek(headerBytes), maxLength);
    }
    if (this.#available < this.#length) return undefined;
    const frame = this.#peek(this.#length);
    this.#consume(this.#length);
    this.#length = undefined;
    return frame;
  }

  /** The next `length` bytes, which are known to be there. */
  #peek(length: number): ByteRange {
    const chunk = this.#chunks[this.#first]!;
    const start = this.#offset;
    if (chunk.length - start >= length) return { bytes: chunk, start, end: start + length };
    const bytes = new Uint8Array(length);
    let filled = 0;
    let offset = this.#offset;
    for (let i = this.#first; filled < length; i++) {
      const part = this.#chunks[i]!.subarray(offset, offset + length - filled);
      bytes.set(part, filled);
      filled += part.length;
      offset = 0;
    }
    return { bytes, start: 0, end: length };
  }

  #consume(length: number): void {
    this.#available -= length;
    this.#offset += length;
    while (this.#first < this.#chunks.length && this.#offset >= this.#chunks[this.#first]!.length) {
      this.#offset -= this.#chunks[this.#first]!.length;
      this.#first++;
    }
    // Let go of used chunks, in one move and not one by one.
    if (this.#first === this.#chunks.length || this.#first > 64) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

/** How many UPDATEs there are among whole messages, one after the other. */
export function updatesIn(bytes: Uint8Array): number {
  let updates = 0;
  for (let at = 0; at + headerBytes <= bytes.length;) {
    if (bytes[at + headerBytes - 1] === MessageType.update) updates++;
    at += Math.max(headerBytes, bytes[at + 16]! * 0x100 + bytes[at + 17]!);
  }
  return updates;
}

/** Views of a plain array are made in a fraction of the time that those of a Buffer take. */
function plain(bytes: Uint8Array): Uint8Array {
  if (Object.getPrototypeOf(bytes) === Uint8Array.prototype) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** RFC 4271 §6.1. The message's length. */
function checkHeader({ bytes, start: at }: ByteRange, maxLength: number): number {
  const lengthAt = at + markerBytes;
  for (let i = at; i < lengthAt; i++) {
    if (bytes[i] !== 0xff) {
      throw headerError("connectionNotSynchronized", new Uint8Array(), "marker is not all ones");
    }
  }
  const length = (bytes[lengthAt]! << 8) | bytes[lengthAt + 1]!;
  const type = bytes[lengthAt + 2]!;
  const badLength = (message: string) =>
    headerError("badMessageLength", bytes.slice(lengthAt, lengthAt + 2), message);
  // RFC 8654 §3: OPEN and KEEPALIVE keep the old limit.
  const limit =
    type === MessageType.open || type === MessageType.keepalive ? messageBytesMax : maxLength;
  if (length < headerBytes || length > limit) {
    throw badLength(`message of ${length} bytes`);
  }
  const min = messageBytesMin[type];
  if (min === undefined) {
    throw headerError("badMessageType", Uint8Array.of(type), `unknown message type ${type}`);
  }
  // RFC 7313 §5 gives a ROUTE-REFRESH of a wrong length its own NOTIFICATION: the decoder's work.
  if (type === MessageType.routeRefresh) return length;
  if (length < min || (type === MessageType.keepalive && length !== min)) {
    throw badLength(`message type ${type} of ${length} bytes`);
  }
  return length;
}

function headerError(
  subcode: keyof typeof MessageHeaderSubcode,
  data: Uint8Array,
  message: string,
): WireError {
  return new WireError({
    code: NotificationCode.messageHeader,
    subcode: MessageHeaderSubcode[subcode],
    data,
    message,
    rfc: "RFC 4271 §6.1",
  });
}
