import { type Address, isLinkLocal } from "../net/address.ts";

// Router Solicitation and Advertisement (RFC 4861 §4.1, §4.2), as ICMPv6 messages without checksum: the
// kernel has to do with that.

export const IcmpType = { routerSolicitation: 133, routerAdvertisement: 134 } as const;

/** Of the advertisement's flags and timers this speaker says nothing, and looks at none. */
export type RouterAdvertisement = {
  message: "advertisement";
  /** 0: no default router, or none any more. */
  routerLifetimeSeconds: number;
  /** Of the sender's interface; undefined: not said. */
  sourceLinkLayer?: Uint8Array;
};

export type RouterSolicitation = { message: "solicitation"; sourceLinkLayer?: Uint8Array };

const solicitationHeadBytes = 8;
const advertisementHeadBytes = 16;
const sourceLinkLayerOption = 1;
/** What a sender of IPv6 packets would use by itself. */
const hopLimit = 64;
/** Of a host that has no address yet. */
const unspecified = "::";

export function encodeRouterAdvertisement({
  routerLifetimeSeconds,
  sourceLinkLayer,
}: Omit<RouterAdvertisement, "message">): Uint8Array {
  const head = new Uint8Array(advertisementHeadBytes);
  head[0] = IcmpType.routerAdvertisement;
  head[4] = hopLimit;
  new DataView(head.buffer).setUint16(6, routerLifetimeSeconds);
  return withSourceLinkLayer(head, sourceLinkLayer);
}

export function encodeRouterSolicitation(sourceLinkLayer?: Uint8Array): Uint8Array {
  const head = new Uint8Array(solicitationHeadBytes);
  head[0] = IcmpType.routerSolicitation;
  return withSourceLinkLayer(head, sourceLinkLayer);
}

/**
 * The message, or why it must be discarded (§6.1.1, §6.1.2). That it came with a hop limit of 255 and a
 * right checksum, whoever received it has seen to.
 */
export function decodeRouterMessage(
  bytes: Uint8Array,
  from: Address,
): RouterAdvertisement | RouterSolicitation | string {
  const [type, code] = bytes;
  const isAdvertisement = type === IcmpType.routerAdvertisement;
  if (!isAdvertisement && type !== IcmpType.routerSolicitation) return `type ${type}`;
  const headBytes = isAdvertisement ? advertisementHeadBytes : solicitationHeadBytes;
  if (bytes.length < headBytes) return `${bytes.length} bytes`;
  if (code !== 0) return `code ${code}`;
  if (isAdvertisement && !isLinkLocal(from)) return `${from} is no link-local address`;
  const options = optionsOf(bytes.subarray(headBytes));
  if (typeof options === "string") return options;
  const own = options.get(sourceLinkLayerOption);
  if (own !== undefined && from === unspecified) return `a source link-layer address from ${from}`;
  const sourceLinkLayer = own === undefined ? {} : { sourceLinkLayer: own };
  if (!isAdvertisement) return { message: "solicitation", ...sourceLinkLayer };
  const routerLifetimeSeconds = (bytes[6]! << 8) | bytes[7]!;
  return { message: "advertisement", routerLifetimeSeconds, ...sourceLinkLayer };
}

/** §4.6: type, length in units of 8 octets, value. The first of a type counts; what is unknown is passed over. */
function optionsOf(bytes: Uint8Array): Map<number, Uint8Array> | string {
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length;) {
    const type = bytes[at]!;
    const length = 8 * (bytes[at + 1] ?? 0);
    if (length === 0) return "an option of length 0";
    if (at + length > bytes.length) return `option ${type} ends beyond the message`;
    if (!options.has(type)) options.set(type, bytes.slice(at + 2, at + length));
    at += length;
  }
  return options;
}

function withSourceLinkLayer(head: Uint8Array, address: Uint8Array | undefined): Uint8Array {
  if (address === undefined || address.length === 0) return head;
  const units = Math.ceil((2 + address.length) / 8);
  const bytes = new Uint8Array(head.length + 8 * units);
  bytes.set(head);
  bytes[head.length] = sourceLinkLayerOption;
  bytes[head.length + 1] = units;
  bytes.set(address, head.length + 2);
  return bytes;
}
