import { type ByteRange, ByteReader, MalformedError } from "./bytes.ts";
import { readUpdate, type ReceivedUpdate, updateMessage } from "./decode-update.ts";
import { WireError } from "./error.ts";
import type {
  CodecOptions,
  Message,
  NotificationMessage,
  RouteRefreshMessage,
  UpdateMessage,
} from "./message.ts";
import { decodeOpen } from "./open.ts";
import {
  familyOfNumbers,
  headerBytes,
  MessageHeaderSubcode,
  MessageType,
  NotificationCode,
  RouteRefreshSubcode,
} from "./registry.ts";

/** An attribute that RFC 7606 lets the session survive, and what was done about it. */
export type AttributeProblem = {
  /** `ORIGIN`, `AS_PATH`, …, or `path attributes` where not even the attribute could be told. */
  attribute: string;
  /** attributeDiscard: the routes stand without it. treatAsWithdraw: every route announced beside it was moved to `withdrawn`. */
  handling: "attributeDiscard" | "treatAsWithdraw";
  reason: string;
};

/** Octets of a whole ROUTE-REFRESH (RFC 2918 §3). */
const routeRefreshBytes = headerBytes + 4;

/** A message as a session takes it in. */
export type ReceivedMessage = Exclude<Message, UpdateMessage> | ReceivedUpdate;

/** A message, and what of it RFC 7606 lets the session survive. */
export type Received = { message: ReceivedMessage; problems: AttributeProblem[] };

/** The message as a value; for the rest see receiveMessage(). */
export function decodeMessage(
  frame: Uint8Array,
  codec: CodecOptions,
): { message: Message; problems: AttributeProblem[] } {
  const { message, problems } = receiveMessage(
    { bytes: frame, start: 0, end: frame.length },
    codec,
  );
  return { message: message.type === "UPDATE" ? updateMessage(message) : message, problems };
}

/**
 * One whole message, header included, as FrameReader finds it: marker and length are taken as
 * checked. Throws WireError where the session must end; attribute errors that RFC 7606 lets it
 * survive are already dealt with and told in `problems`. An UPDATE keeps the bytes.
 */
export function receiveMessage(frame: ByteRange, codec: CodecOptions): Received {
  try {
    return decodeBody(frame, codec);
  } catch (error) {
    // Each body names its own errors: what is left is a message too short for its fixed fields.
    if (!(error instanceof MalformedError)) throw error;
    throw badMessageLength(frame, error.message);
  }
}

function decodeBody(frame: ByteRange, codec: CodecOptions): Received {
  const type = frame.bytes[frame.start + headerBytes - 1]!;
  const body = new ByteReader(frame.bytes, frame.start + headerBytes, frame.end);
  switch (type) {
    case MessageType.open:
      return { message: decodeOpen(body), problems: [] };
    case MessageType.update: {
      const { update, problems } = readUpdate(body, codec);
      return { message: update, problems };
    }
    case MessageType.notification:
      return { message: decodeNotification(body), problems: [] };
    case MessageType.keepalive:
      if (body.remaining > 0) throw badMessageLength(frame, "KEEPALIVE with a body");
      return { message: { type: "KEEPALIVE" }, problems: [] };
    case MessageType.routeRefresh:
      return { message: decodeRouteRefresh(frame, body), problems: [] };
    default:
      throw new WireError({
        code: NotificationCode.messageHeader,
        subcode: MessageHeaderSubcode.badMessageType,
        data: Uint8Array.of(type),
        message: `message type ${type}`,
        rfc: "RFC 4271 §6.1",
      });
  }
}

/** RFC 4271 §4.5. */
function decodeNotification(body: ByteReader): NotificationMessage {
  return {
    type: "NOTIFICATION",
    code: body.u8("Error code"),
    subcode: body.u8("Error subcode"),
    data: body.bytes(body.remaining, "Data"),
  };
}

/** RFC 2918 §3, its second octet as RFC 7313 §3 uses it. */
function decodeRouteRefresh(
  { bytes, start, end }: ByteRange,
  body: ByteReader,
): RouteRefreshMessage {
  const afi = body.u16("AFI");
  const subtype = body.u8("Message Subtype");
  const safi = body.u8("SAFI");
  const length = end - start;
  if (length !== routeRefreshBytes) {
    if (subtype !== 1 && subtype !== 2)
      throw badMessageLength({ bytes, start, end }, "ROUTE-REFRESH");
    // RFC 7313 §5: data is the whole message.
    throw new WireError({
      code: NotificationCode.routeRefresh,
      subcode: RouteRefreshSubcode.invalidMessageLength,
      data: bytes.slice(start, end),
      message: `ROUTE-REFRESH of ${length} bytes`,
      rfc: "RFC 7313 §5",
    });
  }
  return { type: "ROUTE-REFRESH", family: familyOfNumbers(afi, safi), subtype };
}

/** RFC 4271 §6.1: data is the Length field. */
function badMessageLength({ start, end }: ByteRange, message: string): WireError {
  const length = end - start;
  return new WireError({
    code: NotificationCode.messageHeader,
    subcode: MessageHeaderSubcode.badMessageLength,
    data: Uint8Array.of(length >> 8, length),
    message: `${message}: ${length} bytes`,
    rfc: "RFC 4271 §6.1",
  });
}
