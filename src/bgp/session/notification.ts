import {
  encodeShutdownCommunication,
  hardResetReason,
  isHardReset,
  shutdownCommunication,
} from "../wire/cease.ts";
import { WireError } from "../wire/error.ts";
import type { Message, NotificationMessage } from "../wire/message.ts";
import {
  CeaseSubcode,
  FsmSubcode,
  messageBytesMax,
  messageTypeNumber,
  NotificationCode,
  notificationName,
} from "../wire/registry.ts";
import type { CeaseSaid, Negotiated } from "./io.ts";

/** Header, code and subcode. */
const dataBytesMax = messageBytesMax - 21;

export function notification(
  code: number,
  subcode: number,
  data: Uint8Array = new Uint8Array(),
): NotificationMessage {
  return { type: "NOTIFICATION", code, subcode, data };
}

/** What an error says to the peer; data that no message of 4096 bytes holds is cut. */
export function notificationOf(error: WireError): NotificationMessage {
  return notification(error.code, error.subcode, error.data.slice(0, dataBytesMax));
}

export function cease({ subcode, communication, data }: CeaseSaid): NotificationMessage {
  const words =
    communication === undefined ? undefined : encodeShutdownCommunication(communication);
  return notification(NotificationCode.cease, subcode, words ?? data);
}

const subcodeIn = {
  OpenDelayed: FsmSubcode.unspecified,
  OpenSent: FsmSubcode.unexpectedMessageInOpenSent,
  OpenConfirm: FsmSubcode.unexpectedMessageInOpenConfirm,
  Established: FsmSubcode.unexpectedMessageInEstablished,
} as const;

/** A message that the state has no use for (RFC 4271 §8.2.2); data is its type (RFC 6608 §4). */
export function unexpected(
  state: keyof typeof subcodeIn,
  { type }: Pick<Message, "type">,
): WireError {
  return new WireError({
    code: NotificationCode.finiteStateMachine,
    subcode: subcodeIn[state],
    data: Uint8Array.of(messageTypeNumber[type]),
    message: state === "OpenDelayed" ? `${type} before any OPEN` : `${type} in ${state}`,
    rfc: "RFC 6608 §4",
  });
}

/**
 * RFC 8538 §5: reasons that keep no routes are sent as a Hard Reset where the N bit was negotiated. So is BFD Down,
 * as in FRR: nothing can be forwarded to a peer that the path does not reach.
 */
export function endsForGood({ code, subcode }: NotificationMessage): boolean {
  return (
    code === NotificationCode.cease &&
    (subcode === CeaseSubcode.maximumPrefixes ||
      subcode === CeaseSubcode.administrativeShutdown ||
      subcode === CeaseSubcode.peerDeconfigured ||
      subcode === CeaseSubcode.bfdDown)
  );
}

/**
 * Whether routes stay as stale until the peer is back: with graceful restart, after a lost transport
 * (RFC 4724 §4.2), and with the N bit of both sides after a NOTIFICATION other than Hard Reset (RFC 8538 §4).
 */
export function keepsRoutes(
  { gracefulRestart, longLivedGracefulRestart = [] }: Negotiated,
  told: NotificationMessage | undefined,
): boolean {
  if (gracefulRestart === undefined) return false;
  // RFC 9494 §4.2: a family that graceful restart leaves out may be in the long-lived one.
  const isAny = gracefulRestart.families.length > 0 || longLivedGracefulRestart.length > 0;
  if (!isAny) return false;
  return told === undefined || (gracefulRestart.notification && !isHardReset(told));
}

/** `Cease/Administrative Shutdown "maintenance"`, `Cease/Hard Reset (Cease/Administrative Shutdown)`. */
export function describeNotification(message: NotificationMessage): string {
  const name = notificationName(message.code, message.subcode);
  const wrapped = hardResetReason(message);
  if (wrapped !== undefined) return `${name} (${describeNotification(wrapped)})`;
  const words = shutdownCommunication(message);
  return words === undefined ? name : `${name} "${words}"`;
}

const transportErrors: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  EADDRNOTAVAIL: "local address not available",
  EPIPE: "broken pipe",
};

/** The system's name for an error in words; other reasons as they are. */
export function describeTransportError(reason: string): string {
  return transportErrors[reason] ?? reason;
}
