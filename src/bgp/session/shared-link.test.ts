import { expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { peerOpen, Played, sessionOptions } from "./peer.testkit.ts";

const sharedLink = { address: address("fd00::2"), linkLocal: address("fe80::2") };
const ends = { localAddress: address("fd00::2"), remoteAddress: address("fd00::1"), sharedLink };

function codecOf(linkLocalNextHop?: boolean) {
  const options = sessionOptions({
    address: address("fd00::1"),
    ...(linkLocalNextHop !== undefined && { linkLocalNextHop }),
  });
  const played = new Played(options).step({ input: "start" });
  played.step({ input: "connected", connection: 1, ...ends });
  played.receive(1, peerOpen(), { type: "KEEPALIVE" });
  return played.session.negotiated!.codec;
}

it("a link shared with the peer has both next hops (RFC 2545 §3), unless the global one is to go alone", () => {
  expect(codecOf().sharedLink).toEqual(sharedLink);
  expect(codecOf(false).sharedLink).toBeUndefined();
});
