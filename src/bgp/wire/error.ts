/**
 * A message that must end the session. It holds what the NOTIFICATION answering it says
 * (RFC 4271 §4.5, §6): thrown by everything that reads bytes, and by nothing else.
 */
export class WireError extends Error {
  override readonly name = "WireError";
  /** NOTIFICATION Error code: registry.ts, NotificationCode. */
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
  /** Where the rule stands: `RFC 4271 §6.1`. */
  readonly rfc: string;
  constructor(of: {
    code: number;
    subcode: number;
    data?: Uint8Array;
    message: string;
    rfc: string;
  }) {
    super(`${of.message} (${of.rfc})`);
    this.code = of.code;
    this.subcode = of.subcode;
    this.data = of.data ?? new Uint8Array();
    this.rfc = of.rfc;
  }
}

/**
 * Path attributes that leave no room for a prefix, or no room at all, in the largest message that was
 * negotiated: the one thing that cannot be written and that a peer can bring about.
 */
export class NoRoomError extends RangeError {
  override readonly name = "NoRoomError";
}
