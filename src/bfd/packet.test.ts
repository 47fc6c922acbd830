import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ControlPacket,
  decodeControlPacket,
  Diagnostic,
  diagnosticName,
  encodeControlPacket,
} from "./packet.ts";
import { controlPacket } from "./packet.testkit.ts";

/** RFC 5880 §4.1, field by field. */
const up: ControlPacket = {
  diagnostic: Diagnostic.controlDetectionTimeExpired,
  state: "Up",
  poll: true,
  final: false,
  controlPlaneIndependent: true,
  demand: false,
  detectMultiplier: 3,
  myDiscriminator: 0x01020304,
  yourDiscriminator: 0xfffefdfc,
  desiredMinTxIntervalUs: 300_000,
  requiredMinRxIntervalUs: 1_000_000,
  requiredMinEchoRxIntervalUs: 50_000,
};
const upBytes = Buffer.from("21e8031801020304fffefdfc000493e0000f42400000c350", "hex");

test("a packet byte for byte", () => {
  expect(Buffer.from(encodeControlPacket(up))).toEqual(upBytes);
  expect(decodeControlPacket(upBytes)).toEqual(up);
});

test("what FRR 8.4's bfdd sends first", () => {
  const bytes = Buffer.from("20400318b8b191e900000000000f4240000f42400000c350", "hex");
  expect(decodeControlPacket(bytes)).toEqual({
    diagnostic: Diagnostic.none,
    state: "Down",
    poll: false,
    final: false,
    controlPlaneIndependent: false,
    demand: false,
    detectMultiplier: 3,
    myDiscriminator: 0xb8b191e9,
    yourDiscriminator: 0,
    desiredMinTxIntervalUs: 1_000_000,
    requiredMinRxIntervalUs: 1_000_000,
    requiredMinEchoRxIntervalUs: 50_000,
  });
});

test("what is written is read", () => {
  fc.assert(
    fc.property(controlPacket, (packet) => {
      expect(decodeControlPacket(encodeControlPacket(packet))).toEqual(packet);
    }),
  );
});

test.each([
  ["version 2", 0, 0x40],
  ["length 23", 3, 23],
  ["length 25 in 24 bytes", 3, 25],
  ["Detect Mult is 0", 2, 0],
  ["the Multipoint bit is set", 1, 0xc1],
])("%s is discarded (RFC 5880 §6.8.6)", (why, at, value) => {
  const bytes = Uint8Array.from(upBytes);
  bytes[at] = value;
  expect(decodeControlPacket(bytes)).toBe(why);
});

test("discriminators of 0 are discarded, but a Your Discriminator of 0 in Down", () => {
  const decode = (change: Partial<ControlPacket>) =>
    decodeControlPacket(encodeControlPacket({ ...up, ...change }));
  expect(decode({ myDiscriminator: 0 })).toBe("My Discriminator is 0");
  expect(decode({ yourDiscriminator: 0, state: "Init" })).toBe("Your Discriminator is 0 in Init");
  expect(decode({ yourDiscriminator: 0, state: "Down" })).toMatchObject({ state: "Down" });
});

test("authentication is not ours to check", () => {
  const bytes = Uint8Array.from([...upBytes, 1, 4, 1, 65]);
  bytes[1]! |= 0x04;
  bytes[3] = 28;
  expect(decodeControlPacket(bytes)).toBe("the Authentication Present bit is set");
});

test("any bytes are a packet or a reason", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const decoded = decodeControlPacket(bytes);
      if (typeof decoded === "string") return;
      // What is beyond the length is not looked at (§6.8.6).
      const again = decodeControlPacket(encodeControlPacket(decoded));
      expect(again).toEqual(decoded);
    }),
  );
});

test("diagnostics by name", () => {
  expect(diagnosticName(Diagnostic.neighborSignaledSessionDown)).toBe(
    "neighbor signaled session down",
  );
  expect(diagnosticName(31)).toBe("diagnostic 31");
});
