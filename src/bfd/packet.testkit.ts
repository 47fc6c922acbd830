import fc from "fast-check";
import type { ControlPacket } from "./packet.ts";

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const nonZero = fc.integer({ min: 1, max: 0xffffffff });

/** Any packet that passes the checks of RFC 5880 §6.8.6. */
export const controlPacket: fc.Arbitrary<ControlPacket> = fc.record({
  diagnostic: fc.integer({ min: 0, max: 31 }),
  state: fc.constantFrom("AdminDown", "Down", "Init", "Up"),
  poll: fc.boolean(),
  final: fc.boolean(),
  controlPlaneIndependent: fc.boolean(),
  demand: fc.boolean(),
  detectMultiplier: fc.integer({ min: 1, max: 255 }),
  myDiscriminator: nonZero,
  yourDiscriminator: nonZero,
  desiredMinTxIntervalUs: uint32,
  requiredMinRxIntervalUs: uint32,
  requiredMinEchoRxIntervalUs: uint32,
});
