import { ByteWriter } from "./bytes.ts";
import { encodeUpdate } from "./encode-update.ts";
import type { CodecOptions, Message } from "./message.ts";
import { encodeOpen } from "./open.ts";
import {
  Afi,
  extendedMessageBytesMax,
  headerBytes,
  messageBytesMax,
  MessageType,
  Safi,
} from "./registry.ts";

/**
 * The message as frames with header, each at most 4096 bytes, or 65535 with extended messages (RFC 8654).
 * All but UPDATE give exactly one. An UPDATE gives as many as its prefixes need, withdrawals first, and
 * last its End-of-RIB marker where it has `endOfRib`. Throws RangeError for values that no message can
 * hold; the one kind that a peer can bring about is a NoRoomError: attributes that leave no room for a prefix.
 */
export function encodeMessage(message: Message, codec: CodecOptions): Uint8Array[] {
  const limit = codec.extendedMessage ? extendedMessageBytesMax : messageBytesMax;
  if (message.type === "KEEPALIVE") return [keepalive];
  const body = new ByteWriter();
  switch (message.type) {
    case "OPEN":
      encodeOpen(body, message);
      return [frame(MessageType.open, body.finish(), messageBytesMax)];
    case "UPDATE":
      return encodeUpdate(message, codec, limit);
    case "NOTIFICATION":
      body.u8(message.code).u8(message.subcode).bytes(message.data);
      return [frame(MessageType.notification, body.finish(), limit)];
    case "ROUTE-REFRESH":
      if (message.family === undefined) throw new RangeError("ROUTE-REFRESH without a family");
      body.u16(Afi[message.family.afi]).u8(message.subtype).u8(Safi[message.family.safi]);
      return [frame(MessageType.routeRefresh, body.finish(), limit)];
  }
}

/** Nobody changes what was encoded: one is enough. */
const keepalive = frame(MessageType.keepalive, new Uint8Array(), messageBytesMax);

/** RFC 4271 §4.1. */
function frame(type: number, body: Uint8Array, limit: number): Uint8Array {
  const length = headerBytes + body.length;
  if (length > limit) throw new RangeError(`message of ${length} bytes, more than ${limit}`);
  const bytes = new Uint8Array(length).fill(0xff, 0, 16);
  bytes[16] = length >> 8;
  bytes[17] = length;
  bytes[18] = type;
  bytes.set(body, headerBytes);
  return bytes;
}
