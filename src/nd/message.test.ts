import fc from "fast-check";
import { expect, test } from "vitest";
import { address } from "../net/address.ts";
import {
  decodeRouterMessage,
  encodeRouterAdvertisement,
  encodeRouterSolicitation,
} from "./message.ts";

const from = address("fe80::1");
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

// Captured from zebra 8.4.4 for `neighbor eth1 interface`; the checksum is the kernel's.
const fromFrr = bytes("8600 3d6e 40 00 001e 00000000 00000000 0101 da8e0d1c98a2");

test("what FRR sends for an unnumbered peer", () => {
  expect(decodeRouterMessage(fromFrr, from)).toEqual({
    message: "advertisement",
    routerLifetimeSeconds: 30,
    sourceLinkLayer: bytes("da8e0d1c98a2"),
  });
});

test("what is sent is the same but for the checksum", () => {
  const sent = encodeRouterAdvertisement({
    routerLifetimeSeconds: 30,
    sourceLinkLayer: bytes("da8e0d1c98a2"),
  });
  expect(sent).toEqual(Uint8Array.from([...fromFrr.subarray(0, 2), 0, 0, ...fromFrr.subarray(4)]));
});

test("a solicitation", () => {
  const sent = encodeRouterSolicitation(bytes("020304050607"));
  expect(sent).toEqual(bytes("85000000 00000000 0101 020304050607"));
  expect(decodeRouterMessage(sent, from)).toEqual({
    message: "solicitation",
    sourceLinkLayer: bytes("020304050607"),
  });
  expect(encodeRouterSolicitation()).toHaveLength(8);
  // RFC 4861 §6.1.1: one that has no address yet says nothing of its link layer.
  const unspecified = address("::");
  expect(decodeRouterMessage(encodeRouterSolicitation(), unspecified)).toEqual({
    message: "solicitation",
  });
  expect(decodeRouterMessage(sent, unspecified)).toBe("a source link-layer address from ::");
});

test.each([
  ["type 135", "8700 0000 00000000"],
  ["15 bytes", "8600 0000 40 00 001e 00000000 000000"],
  ["code 1", "8601 0000 40 00 001e 00000000 00000000"],
  ["an option of length 0", "8600 0000 40 00 001e 00000000 00000000 0100 da8e0d1c98a2"],
  ["option 1 ends beyond the message", "8600 0000 40 00 001e 00000000 00000000 0102 da8e0d1c98a2"],
])("%s is discarded (RFC 4861 §6.1)", (why, hex) => {
  expect(decodeRouterMessage(bytes(hex), from)).toBe(why);
});

test("an advertisement comes from a link-local address (RFC 4861 §6.1.2)", () => {
  expect(decodeRouterMessage(fromFrr, address("2001:db8::1"))).toMatch(/no link-local address/);
});

test("unknown options are passed over", () => {
  const prefix = "0304 40c0 00015180 00003840 00000000 20010db8000000000000000000000000";
  const more = Uint8Array.from([
    ...fromFrr.subarray(0, 16),
    ...bytes(prefix),
    ...fromFrr.subarray(16),
  ]);
  expect(decodeRouterMessage(more, from)).toEqual(decodeRouterMessage(fromFrr, from));
});

test("what is written is read", () => {
  const advertisement = fc.record(
    {
      routerLifetimeSeconds: fc.integer({ min: 0, max: 0xffff }),
      // Without padding: the length in units of 8 octets is all that is said.
      sourceLinkLayer: fc
        .constantFrom(6, 14)
        .chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    },
    { requiredKeys: ["routerLifetimeSeconds"] },
  );
  fc.assert(
    fc.property(advertisement, (of) => {
      const decoded = decodeRouterMessage(encodeRouterAdvertisement(of), from);
      expect(decoded).toEqual({ message: "advertisement", ...of });
    }),
  );
});

test("any bytes are a message or a reason", () => {
  const head = fc.constantFrom([133, 0], [134, 0], []);
  fc.assert(
    fc.property(head, fc.uint8Array({ maxLength: 80 }), (start, rest) => {
      const decoded = decodeRouterMessage(Uint8Array.from([...start, ...rest]), from);
      expect(["string", "object"]).toContain(typeof decoded);
    }),
  );
});
