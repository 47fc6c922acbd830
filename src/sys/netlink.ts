import { type Address, addressFromBytes } from "../net/address.ts";

/** Routing netlink as bytes (linux/rtnetlink.h): what route and link messages say. */
export const RtnetlinkGroup = {
  link: 1,
  ipv4Address: 5,
  ipv4Route: 7,
  ipv6Address: 9,
  ipv6Route: 11,
} as const;
export const MessageType = {
  error: 2,
  done: 3,
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddress: 20,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
} as const;
export const RouteAttribute = {
  destination: 1,
  outputInterface: 4,
  gateway: 5,
  priority: 6,
  multipath: 9,
  table: 15,
  via: 18,
} as const;
export const mainTable = 254;
export const unicastRoute = 1;

export type RouteMessage = {
  change: "add" | "delete";
  /** `10.1.3.0/24`, or `default`. */
  prefix: string;
  /** First next hop. */
  gateway?: Address;
};

/** Unicast route changes of the main table in one datagram. */
export function* routeMessages(datagram: Buffer): Generator<RouteMessage> {
  for (const { type, body } of messages(datagram)) {
    if (type !== MessageType.newRoute && type !== MessageType.delRoute) continue;
    const length = body[1]!;
    let table = body[4]!;
    if (body[7] !== unicastRoute) continue;
    let destination: Address | undefined;
    let gateway: Address | undefined;
    for (const [attribute, value] of attributes(body.subarray(12))) {
      if (attribute === RouteAttribute.table) table = value.readUInt32LE();
      else if (attribute === RouteAttribute.destination) destination = addressFromBytes(value);
      else if (attribute === RouteAttribute.gateway) gateway = addressFromBytes(value);
      else if (attribute === RouteAttribute.via) gateway = addressFromBytes(value.subarray(2));
      else if (attribute === RouteAttribute.multipath) gateway = firstNextHop(value);
    }
    if (table !== mainTable) continue;
    yield {
      change: type === MessageType.newRoute ? "add" : "delete",
      prefix: destination === undefined ? "default" : `${destination}/${length}`,
      ...(gateway === undefined ? {} : { gateway }),
    };
  }
}

/** struct rtnexthop: length (2), flags, hops, interface index (4), attributes. */
function firstNextHop(value: Buffer): Address | undefined {
  for (const [attribute, bytes] of attributes(value.subarray(8, value.readUInt16LE(0)))) {
    if (attribute === RouteAttribute.gateway) return addressFromBytes(bytes);
    if (attribute === RouteAttribute.via) return addressFromBytes(bytes.subarray(2));
  }
  return undefined;
}

export type NetlinkMessage = {
  type: number;
  flags: number;
  sequence: number;
  /** Whose request this is or came of; 0: the kernel's own doing. */
  portId: number;
  body: Buffer;
};

/** The messages of one datagram (struct nlmsghdr, linux/netlink.h). */
export function* messages(datagram: Buffer): Generator<NetlinkMessage> {
  for (let at = 0; at + 16 <= datagram.length;) {
    const length = datagram.readUInt32LE(at);
    if (length < 16) return;
    yield {
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      portId: datagram.readUInt32LE(at + 12),
      body: datagram.subarray(at + 16, at + length),
    };
    at += (length + 3) & ~3;
  }
}

export function* attributes(bytes: Buffer): Generator<[number, Buffer]> {
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) return;
    yield [bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length)];
    at += (length + 3) & ~3;
  }
}
