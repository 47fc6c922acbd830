import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { decodeMessage } from "./decode.ts";
import { encodeMessage } from "./encode.ts";
import type { CodecOptions, UpdateMessage } from "./message.ts";
import { ipv4Unicast, ipv6Unicast } from "./registry.ts";

const plain = { fourOctetAs: true, extendedMessage: false };
const sharedLink = { address: address("fd00::2"), linkLocal: address("fe80::2") };
const global = "fd000000000000000000000000000002";
const linkLocal = "fe800000000000000000000000000002";

function bytesOf(nextHop: string, family = ipv6Unicast): Uint8Array {
  const prefixes = [prefix(family.afi === "ipv6" ? "fd01::/48" : "10.1.1.0/24")];
  const update: UpdateMessage = {
    type: "UPDATE",
    withdrawn: [],
    attributes: { origin: "igp", asPath: [] },
    announced: [{ family, nextHop: address(nextHop), prefixes }],
  };
  return encodeMessage(update, { ...plain, sharedLink })[0]!;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("our link-local address beside the next hop (RFC 2545 §3)", () => {
  it("stands beside our own, of routes of either family", () => {
    expect(hex(bytesOf("fd00::2"))).toContain(`00020120${global}${linkLocal}0030fd01`);
    // RFC 8950 §4 has the same two lengths.
    expect(hex(bytesOf("fd00::2", ipv4Unicast))).toContain(
      `00010120${global}${linkLocal}00180a0101`,
    );
  });

  it("does not stand beside somebody else's", () => {
    expect(hex(bytesOf("fd00::3"))).toContain("00020110fd0000000000000000000000000000030030");
  });

  it("is the one that counts between link-local addresses, and elsewhere is not", () => {
    const nextHopIn = (codec: CodecOptions) => {
      const { message } = decodeMessage(bytesOf("fd00::2"), codec);
      return message.type === "UPDATE" ? message.announced[0]?.nextHop : undefined;
    };
    expect(nextHopIn(plain)).toBe("fd00::2");
    expect(nextHopIn({ ...plain, unnumbered: true })).toBe("fe80::2");
  });
});
