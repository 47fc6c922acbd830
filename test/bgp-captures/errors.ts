// What brings about each NOTIFICATION: sessions that go wrong, each with a peer address of its own,
// since a daemon lets nobody back in at once whom it has just refused.
import { address } from "../../src/net/address.ts";
import { encodeMessage } from "../../src/bgp/wire/encode.ts";
import type { OpenMessage } from "../../src/bgp/wire/message.ts";
import { ipv6Unicast } from "../../src/bgp/wire/registry.ts";
import { openOf, type RecordedPeer } from "./peers.ts";

export type ErrorSession = RecordedPeer & {
  open: OpenMessage | Uint8Array;
  /** Sent once the session is Established; undefined: the OPEN is the error. */
  after?: Uint8Array;
};

const asn = 65020;

type Wrong = {
  open?: Parameters<typeof openOf>[1] | Uint8Array;
  after?: Uint8Array;
  ipv6?: boolean;
};

/** By the mistake that the recorder makes. */
const mistakes: Record<string, Wrong> = {
  "marker that is not all ones": { after: bytes("00".repeat(16), "0013", "04") },
  "message shorter than its header": { after: framed("0012", "04") },
  "unknown message type": { after: framed("0013", "09") },
  "BGP version 3": { open: version3() },
  "AS number of another": { open: { asn: 65099, capabilities: [] } },
  "BGP Identifier 0": { open: { bgpIdentifier: address("0.0.0.0") } },
  "unknown optional parameter": {
    open: framed("001f", "01", "04", "fdfc", "005a", "0a000909", "02", "6300"),
  },
  "Hold Time of one second": { open: { holdTimeSeconds: 1 } },
  "no family in common": {
    ipv6: false,
    open: {
      capabilities: [
        { capability: "multiprotocol", family: ipv6Unicast },
        { capability: "fourOctetAs", asn },
      ],
    },
  },
  "UPDATE where an OPEN is due": { open: framed("0017", "02", "00000000") },
  "path attributes longer than the message": { after: framed("0017", "02", "000000ff") },
  "unknown well-known attribute": { after: framed("001b", "02", "0000", "0004", "40630100") },
  "prefix of 33 bits": {
    after: framed(
      ...["0031", "02", "0000", "0014"],
      ...["40010100", "40020602010000fdfc", "4003040a000002"],
      "210a00000000",
    ),
  },
  silence: { open: { holdTimeSeconds: 3 }, after: new Uint8Array() },
};

export const errorSessions: ErrorSession[] = Object.entries(mistakes).map(
  ([name, { open = {}, after, ipv6 = true }], i) => {
    const peer = { name, address: `10.0.0.${20 + i}`, asn, ipv6, error: true };
    return {
      ...peer,
      open: open instanceof Uint8Array ? open : openOf(peer, open),
      ...(after !== undefined && { after }),
    };
  },
);

function version3(): Uint8Array {
  const [open] = encodeMessage(openOf({ asn, address: "10.0.0.23" }), {
    fourOctetAs: true,
    extendedMessage: false,
  });
  open![19] = 3;
  return open!;
}

/** A marker, then these. */
function framed(...hex: string[]): Uint8Array {
  return bytes("ff".repeat(16), ...hex);
}

function bytes(...hex: string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.join(""), "hex"));
}
