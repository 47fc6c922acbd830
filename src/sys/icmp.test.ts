import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeEchoReply, encodeEchoRequest } from "./icmp.ts";

const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const family = fc.constantFrom("ipv4" as const, "ipv6" as const);

/** What the other side makes of a request: RFC 792 and RFC 4443 change nothing but the type. */
function replyTo(which: "ipv4" | "ipv6", request: Buffer): Buffer {
  const reply = Buffer.from(request);
  reply[0] = which === "ipv4" ? 0 : 129;
  const header = Buffer.alloc(24);
  header[0] = 0x46; // Version 4, six words: with an option.
  return which === "ipv4" ? Buffer.concat([header, reply]) : reply;
}

test("a reply carries the number of its request, whatever it is", () => {
  fc.assert(
    fc.property(family, uint16, uint32, (which, identifier, number) => {
      const reply = replyTo(which, encodeEchoRequest(which, identifier, number));
      expect(decodeEchoReply(which, reply)).toEqual({ identifier, number });
    }),
  );
});

test("a request is no reply, and what is too short is nothing", () => {
  const request = encodeEchoRequest("ipv6", 7, 1);
  expect(decodeEchoReply("ipv6", request)).toBeUndefined();
  expect(decodeEchoReply("ipv6", replyTo("ipv6", request).subarray(0, 11))).toBeUndefined();
  // Memory of a longer packet before it: what was received is shorter.
  expect(decodeEchoReply("ipv6", replyTo("ipv6", request), 11)).toBeUndefined();
  expect(decodeEchoReply("ipv4", Buffer.from([0x45]))).toBeUndefined();
});

test("the sum over an IPv4 request with its checksum is all ones (RFC 1071)", () => {
  fc.assert(
    fc.property(uint16, uint32, (identifier, number) => {
      const packet = encodeEchoRequest("ipv4", identifier, number);
      let sum = 0;
      for (let at = 0; at < packet.length; at += 2) sum += packet.readUInt16BE(at);
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      expect(sum).toBe(0xffff);
    }),
  );
});

test("a request written over an earlier one is as one written anew", () => {
  fc.assert(
    fc.property(family, uint16, uint32, family, uint16, uint32, (...drawn) => {
      const [which, identifier, number, other, id, n] = drawn;
      const packet: Buffer = encodeEchoRequest(which, identifier, number);
      expect(encodeEchoRequest(other, id, n, packet)).toEqual(encodeEchoRequest(other, id, n));
    }),
  );
});
