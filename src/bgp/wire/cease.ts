import { ByteWriter } from "./bytes.ts";
import type { AfiSafi, NotificationMessage } from "./message.ts";
import { Afi, CeaseSubcode, NotificationCode, Safi } from "./registry.ts";

const textBytesMax = 255;

/** Data of a Cease that says why in words: one length octet and UTF-8 (RFC 9003 §2). What is too long is cut, at a whole character. */
export function encodeShutdownCommunication(text: string): Uint8Array {
  const bytes = new Uint8Array(textBytesMax);
  const { written } = new TextEncoder().encodeInto(text, bytes);
  return Uint8Array.of(written, ...bytes.subarray(0, written));
}

/** Data of a Cease/Maximum Number of Prefixes Reached: the family and its upper bound (RFC 4486 §4). */
export function encodePrefixBound({ afi, safi }: AfiSafi, bound: number): Uint8Array {
  return new ByteWriter().u16(Afi[afi]).u8(Safi[safi]).u32(bound).finish();
}

/** The words of a Cease/Administrative Shutdown or Administrative Reset; undefined where there are none. */
export function shutdownCommunication({
  code,
  subcode,
  data,
}: NotificationMessage): string | undefined {
  if (code !== NotificationCode.cease) return undefined;
  if (
    subcode !== CeaseSubcode.administrativeShutdown &&
    subcode !== CeaseSubcode.administrativeReset
  ) {
    return undefined;
  }
  const length = data[0] ?? 0;
  if (length === 0 || data.length < 1 + length) return undefined;
  // It goes into a log: control characters would break its lines (RFC 9003 §6).
  return new TextDecoder().decode(data.subarray(1, 1 + length)).replaceAll(/\p{Cc}/gu, " ");
}

/** What a Hard Reset wraps (RFC 8538 §3); undefined where the NOTIFICATION is none, or wraps nothing. */
export function hardResetReason({
  code,
  subcode,
  data,
}: NotificationMessage): NotificationMessage | undefined {
  if (!isHardReset({ code, subcode }) || data.length < 2) return undefined;
  return { type: "NOTIFICATION", code: data[0]!, subcode: data[1]!, data: data.slice(2) };
}

export function hardReset(reason: NotificationMessage): NotificationMessage {
  return {
    type: "NOTIFICATION",
    code: NotificationCode.cease,
    subcode: CeaseSubcode.hardReset,
    data: Uint8Array.of(reason.code, reason.subcode, ...reason.data),
  };
}

export function isHardReset({ code, subcode }: { code: number; subcode: number }): boolean {
  return code === NotificationCode.cease && subcode === CeaseSubcode.hardReset;
}
