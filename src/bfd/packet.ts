// BFD Control packets (RFC 5880 §4.1) without authentication.

/** bfd.SessionState as the State field has it. */
export type BfdState = "AdminDown" | "Down" | "Init" | "Up";
const states: readonly BfdState[] = ["AdminDown", "Down", "Init", "Up"];

/** Why the session last left Up (RFC 5880 §4.1). 9 to 31 are reserved. */
export const Diagnostic = {
  none: 0,
  controlDetectionTimeExpired: 1,
  echoFunctionFailed: 2,
  neighborSignaledSessionDown: 3,
  forwardingPlaneReset: 4,
  pathDown: 5,
  concatenatedPathDown: 6,
  administrativelyDown: 7,
  reverseConcatenatedPathDown: 8,
} as const;

const diagnosticNames: Readonly<Record<number, string>> = {
  0: "no diagnostic",
  1: "control detection time expired",
  2: "echo function failed",
  3: "neighbor signaled session down",
  4: "forwarding plane reset",
  5: "path down",
  6: "concatenated path down",
  7: "administratively down",
  8: "reverse concatenated path down",
};

export function diagnosticName(code: number): string {
  return diagnosticNames[code] ?? `diagnostic ${code}`;
}

/** The Authentication Present bit is never set in one of these; the Multipoint bit is always 0. */
export type ControlPacket = {
  diagnostic: number;
  state: BfdState;
  poll: boolean;
  final: boolean;
  /** The sender's BFD goes on when its control plane restarts. */
  controlPlaneIndependent: boolean;
  demand: boolean;
  detectMultiplier: number;
  myDiscriminator: number;
  /** 0: the sender does not know it yet. */
  yourDiscriminator: number;
  desiredMinTxIntervalUs: number;
  requiredMinRxIntervalUs: number;
  /** 0: the sender has no Echo function. */
  requiredMinEchoRxIntervalUs: number;
};

const packetBytes = 24;
const bit = { poll: 0x20, final: 0x10, cpi: 0x08, auth: 0x04, demand: 0x02, multipoint: 0x01 };

export function encodeControlPacket(of: ControlPacket): Uint8Array {
  const bytes = new Uint8Array(packetBytes);
  const view = new DataView(bytes.buffer);
  bytes[0] = (1 << 5) | of.diagnostic;
  bytes[1] =
    (states.indexOf(of.state) << 6) |
    (of.poll ? bit.poll : 0) |
    (of.final ? bit.final : 0) |
    (of.controlPlaneIndependent ? bit.cpi : 0) |
    (of.demand ? bit.demand : 0);
  bytes[2] = of.detectMultiplier;
  bytes[3] = packetBytes;
  view.setUint32(4, of.myDiscriminator);
  view.setUint32(8, of.yourDiscriminator);
  view.setUint32(12, of.desiredMinTxIntervalUs);
  view.setUint32(16, of.requiredMinRxIntervalUs);
  view.setUint32(20, of.requiredMinEchoRxIntervalUs);
  return bytes;
}

/** The packet, or why it must be discarded: the checks of RFC 5880 §6.8.6 that need no session, in its order. */
export function decodeControlPacket(bytes: Uint8Array): ControlPacket | string {
  if (bytes.length < packetBytes) return `${bytes.length} bytes are no BFD packet`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [first, flags, detectMultiplier, length] = bytes as unknown as [
    number,
    number,
    number,
    number,
  ];
  // 1. The version.
  if (first >> 5 !== 1) return `version ${first >> 5}`;
  // 2., 3. The length.
  if (length < (flags & bit.auth ? packetBytes + 2 : packetBytes)) return `length ${length}`;
  if (length > bytes.length) return `length ${length} in ${bytes.length} bytes`;
  // 4., 5., 6.
  if (detectMultiplier === 0) return "Detect Mult is 0";
  if (flags & bit.multipoint) return "the Multipoint bit is set";
  const myDiscriminator = view.getUint32(4);
  if (myDiscriminator === 0) return "My Discriminator is 0";
  const yourDiscriminator = view.getUint32(8);
  const state = states[flags >> 6]!;
  if (yourDiscriminator === 0 && state !== "Down" && state !== "AdminDown") {
    return `Your Discriminator is 0 in ${state}`;
  }
  // No session here uses authentication.
  if (flags & bit.auth) return "the Authentication Present bit is set";
  return {
    diagnostic: first & 0x1f,
    state,
    poll: (flags & bit.poll) !== 0,
    final: (flags & bit.final) !== 0,
    controlPlaneIndependent: (flags & bit.cpi) !== 0,
    demand: (flags & bit.demand) !== 0,
    detectMultiplier,
    myDiscriminator,
    yourDiscriminator,
    desiredMinTxIntervalUs: view.getUint32(12),
    requiredMinRxIntervalUs: view.getUint32(16),
    requiredMinEchoRxIntervalUs: view.getUint32(20),
  };
}
