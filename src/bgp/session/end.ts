import { hardReset } from "../wire/cease.ts";
import type { WireError } from "../wire/error.ts";
import type { NotificationMessage } from "../wire/message.ts";
import { CeaseSubcode, NotificationCode, notificationName } from "../wire/registry.ts";
import type { Connection } from "./connection.ts";
import type { CeaseSaid, DownReason, Negotiated, SessionPeer } from "./io.ts";
import {
  cease,
  describeNotification,
  describeTransportError,
  endsForGood,
  notification,
  notificationOf,
} from "./notification.ts";

/** Why a connection ends. */
export type End = {
  reason: DownReason;
  /** For the log and `lastError`. */
  text: string;
  /** Received, or to be sent before closing. */
  notification?: NotificationMessage;
  /** `gone`: there is nothing left to close. */
  transport: "open" | "gone";
};

export function transportClosed(reason: string | undefined): End {
  const why = reason === undefined ? "" : `: ${describeTransportError(reason)}`;
  return { reason: "transportClosed", text: `connection closed${why}`, transport: "gone" };
}

export function notificationReceived(message: NotificationMessage): End {
  const text = `received NOTIFICATION ${describeNotification(message)}`;
  return { reason: "notificationReceived", text, notification: message, transport: "open" };
}

/** What came cannot be accepted. */
export function notificationSent(error: WireError): End {
  const text = error.message;
  return {
    reason: "notificationSent",
    text,
    notification: notificationOf(error),
    transport: "open",
  };
}

export function holdTimerExpired(): End {
  const said = notification(NotificationCode.holdTimerExpired, 0);
  return {
    reason: "holdTimerExpired",
    text: "hold timer expired",
    notification: said,
    transport: "open",
  };
}

/**
 * SendHoldTimer_Expires (RFC 9687, event 29): after the greater of eight minutes and twice the Hold Time (§6).
 * Who sees that bytes do not leave keeps the time.
 */
export function isSendHoldOver<S extends { connection: { id: number }; negotiated: Negotiated }>(
  session: S | undefined,
  { connection, forMs }: { connection: number; forMs: number },
): session is S {
  if (session?.connection.id !== connection) return false;
  const { holdTimeSeconds } = session.negotiated;
  return holdTimeSeconds > 0 && forMs >= Math.max(480_000, 2 * holdTimeSeconds * 1000);
}

/** RFC 9687 §4.3: a NOTIFICATION is not sent, since nothing leaves. */
export function sendHoldTimerExpired(): End {
  const text = notificationName(NotificationCode.sendHoldTimerExpired, 0).toLowerCase();
  return { reason: "sendHoldTimerExpired", text, transport: "open" };
}

/** RFC 4724 §5: closed without a NOTIFICATION. */
export function peerRestarted(): End {
  const text = "peer restarted: it opened a new connection";
  return { reason: "peerRestarted", text, transport: "open" };
}

/** Connection Collision Resolution: the peer decided for the other connection (RFC 4271 §6.8). */
export function collided(): End {
  const text = "connection collision: the peer keeps the other connection";
  const said = cease({ subcode: CeaseSubcode.connectionCollisionResolution });
  return { reason: "collision", text, notification: said, transport: "open" };
}

/**
 * Whether the end is no failure while another connection lives: it settles a collision, or the connection had not even
 * said OPEN. FRR lets such a one go in silence once the other is up.
 */
export function isOfNoMatter(
  { state }: Pick<Connection, "state">,
  { notification: said }: End,
): boolean {
  const isCollision =
    said?.code === NotificationCode.cease &&
    said.subcode === CeaseSubcode.connectionCollisionResolution;
  return isCollision || state === "OpenDelayed";
}

/** ManualStop: with Cease, or in silence. */
export function stopped(said: CeaseSaid | undefined): End {
  if (said === undefined) return { reason: "stopped", text: "stopped", transport: "open" };
  const notificationSaid = cease(said);
  return {
    reason: "adminShutdown",
    text: "stopped",
    notification: notificationSaid,
    transport: "open",
  };
}

/** ManualStop, with a ManualStart to follow. Not for good: with the N bit both sides keep routes (RFC 8538 §4). */
export function reset(): End {
  return {
    reason: "adminReset",
    text: "administrative reset",
    notification: cease({ subcode: CeaseSubcode.administrativeReset }),
    transport: "open",
  };
}

/**
 * TcpConnectionFails (event 18) leads to Active from OpenSent, and from Connect, where a connection of ours waits with
 * its OPEN; everything else to Idle (RFC 4271 §8.2.2).
 */
export function stateAfterFailure(
  { state, initiatedBy }: Pick<Connection, "state" | "initiatedBy">,
  { reason }: End,
): "Active" | "Idle" {
  const isUnanswered = state === "OpenSent" || (state === "OpenDelayed" && initiatedBy === "local");
  return isUnanswered && reason === "transportClosed" ? "Active" : "Idle";
}

/** The NOTIFICATION that is sent, if any: a Hard Reset where the N bit was negotiated and no routes are to be kept. */
export function notificationToSend(
  { reason, notification: said }: End,
  session: Negotiated | undefined,
  { gracefulRestart }: SessionPeer,
): NotificationMessage | undefined {
  if (said === undefined || reason === "notificationReceived") return undefined;
  const isForGood =
    endsForGood(said) ||
    (reason === "adminReset" && gracefulRestart?.hardAdministrativeReset === true);
  const wrap = session?.gracefulRestart?.notification === true && isForGood;
  return wrap ? hardReset(said) : said;
}
