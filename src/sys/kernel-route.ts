import { type Address, addressFromBytes, addressToBytes, familyOf } from "../net/address.ts";
import { type Prefix, prefixBase, prefixFamily, prefixLength, prefixOf } from "../net/prefix.ts";
import { attributes, MessageType } from "./netlink.ts";

// One route of the kernel as its netlink messages write it (struct rtmsg, linux/rtnetlink.h).

/** RT_TABLE_… */
export const RouteTable = { main: 254, local: 255 } as const;

/** RTN_… */
export const RouteType = { unicast: 1, local: 2 } as const;

export type KernelRoute = {
  prefix: Prefix;
  table: number;
  /** RTPROT_…: who put it there. */
  protocol: number;
  /** Of routes to one prefix the lowest is used. */
  metric: number;
  /** One of RouteType, or another of RTN_…. */
  type: number;
  /** None for a route that leads nowhere (blackhole, unreachable). */
  hops: readonly KernelHop[];
};

export type KernelHop = {
  /** Undefined: what the route is to can be reached on the link itself. */
  gateway?: Address;
  interfaceIndex: number;
  /** Its link is down, or without carrier. */
  isDown?: true;
};

/** What is to be done to a route. `add` fails with EEXIST where one of the same prefix and metric is there, whoever's. */
export type RouteRequest = { change: "add" | "replace" | "delete"; route: KernelRoute };

const Attribute = {
  destination: 1,
  interfaceIndex: 4,
  gateway: 5,
  priority: 6,
  multipath: 9,
  table: 15,
  via: 18,
} as const;

const afInet = 2;
const afInet6 = 10;
const anyScope = 255;
const Flag = { request: 0x1, dump: 0x300, replace: 0x100, excl: 0x200, create: 0x400 } as const;
/** RTM_F_CLONED: an entry of a cache. */
const cloned = 0x200;
/** RTNH_F_DEAD, RTNH_F_LINKDOWN. */
const down = 0x1 | 0x10;

/** The bytes of an RTM_NEWROUTE or RTM_DELROUTE. Undefined: an entry of a cache, or of another family. */
export function decodeRoute(body: Buffer): KernelRoute | undefined {
  const family = body[0]!;
  if (family !== afInet && family !== afInet6) return undefined;
  const flags = body.readUInt32LE(8);
  if (flags & cloned) return undefined;
  let destination: Uint8Array = new Uint8Array(family === afInet ? 4 : 16);
  let table = body[4]!;
  let metric = 0;
  let gateway: Address | undefined;
  let interfaceIndex = 0;
  let hops: KernelHop[] | undefined;
  for (const [code, value] of attributes(body.subarray(12))) {
    switch (code) {
      case Attribute.destination:
        destination = value;
        break;
      case Attribute.table:
        table = value.readUInt32LE();
        break;
      case Attribute.priority:
        metric = value.readUInt32LE();
        break;
      case Attribute.interfaceIndex:
        interfaceIndex = value.readUInt32LE();
        break;
      case Attribute.gateway:
      case Attribute.via:
        gateway = gatewayOf(code, value);
        break;
      case Attribute.multipath:
        hops = multipathHops(value);
        break;
    }
  }
  if (hops === undefined) hops = interfaceIndex === 0 ? [] : [hop(gateway, interfaceIndex, flags)];
  return {
    prefix: prefixOf(addressFromBytes(destination), body[1]!),
    table,
    protocol: body[5]!,
    metric,
    type: body[7]!,
    hops,
  };
}

function gatewayOf(code: number, value: Buffer): Address {
  return addressFromBytes(code === Attribute.via ? value.subarray(2) : value);
}

function hop(gateway: Address | undefined, interfaceIndex: number, flags: number): KernelHop {
  return {
    ...(gateway !== undefined && { gateway }),
    interfaceIndex,
    ...((flags & down) !== 0 && { isDown: true }),
  };
}

/** struct rtnexthop: length (2), flags, weight, interface index (4), attributes. */
function multipathHops(value: Buffer): KernelHop[] {
  const hops: KernelHop[] = [];
  for (let at = 0; at + 8 <= value.length;) {
    const length = value.readUInt16LE(at);
    if (length < 8) break;
    let gateway: Address | undefined;
    for (const [code, bytes] of attributes(value.subarray(at + 8, at + length))) {
      if (code === Attribute.gateway || code === Attribute.via) {
        gateway = gatewayOf(code, bytes);
      }
    }
    hops.push(hop(gateway, value.readInt32LE(at + 4), value[at + 2]!));
    at += (length + 3) & ~3;
  }
  return hops;
}

/** Asks for every route of both families. */
export function encodeRouteDump(sequence: number): Buffer {
  const body = Buffer.alloc(12);
  return message(MessageType.getRoute, Flag.request | Flag.dump, sequence, [body]);
}

/**
 * Without NLM_F_ACK: the kernel answers what failed only. A deletion names the protocol, so that a route
 * of somebody else with the same prefix and metric stays.
 */
export function encodeRouteRequest({ change, route }: RouteRequest, sequence: number): Buffer {
  const { prefix, table, protocol, metric, type, hops } = route;
  const family = prefixFamily(prefix);
  const isDelete = change === "delete";
  const body = Buffer.alloc(12);
  body[0] = family === "ipv4" ? afInet : afInet6;
  body[1] = prefixLength(prefix);
  body[4] = table < 256 ? table : 0;
  body[5] = protocol;
  body[6] = isDelete ? anyScope : 0;
  body[7] = isDelete ? 0 : type;
  const parts = [
    body,
    attribute(Attribute.destination, addressToBytes(prefixBase(prefix))),
    attribute(Attribute.table, uint32(table)),
    attribute(Attribute.priority, uint32(metric)),
  ];
  if (isDelete) return message(MessageType.delRoute, Flag.request, sequence, parts);
  const [first] = hops;
  if (hops.length === 1) {
    parts.push(...hopAttributes(first!, family), interfaceAttribute(first!));
  } else {
    const nested = hops.map((each) => {
      const within = hopAttributes(each, family);
      const head = Buffer.alloc(8);
      head.writeUInt16LE(
        within.reduce((sum, { length }) => sum + length, head.length),
        0,
      );
      head.writeInt32LE(each.interfaceIndex, 4);
      return Buffer.concat([head, ...within]);
    });
    parts.push(attribute(Attribute.multipath, Buffer.concat(nested)));
  }
  const how = change === "add" ? Flag.excl : Flag.replace;
  return message(MessageType.newRoute, Flag.request | Flag.create | how, sequence, parts);
}

/** RTA_GATEWAY where the gateway is of the route's family, else RTA_VIA (IPv4 over IPv6). */
function hopAttributes({ gateway }: KernelHop, family: "ipv4" | "ipv6"): Buffer[] {
  if (gateway === undefined) return [];
  const bytes = addressToBytes(gateway);
  if (familyOf(gateway) === family) return [attribute(Attribute.gateway, bytes)];
  const via = Buffer.alloc(2 + bytes.length);
  via.writeUInt16LE(bytes.length === 4 ? afInet : afInet6, 0);
  via.set(bytes, 2);
  return [attribute(Attribute.via, via)];
}

function interfaceAttribute({ interfaceIndex }: KernelHop): Buffer {
  return attribute(Attribute.interfaceIndex, uint32(interfaceIndex));
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** struct rtattr: length with its head, type, value, padding to four bytes. */
function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

function message(type: number, flags: number, sequence: number, parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(
    parts.reduce((sum, { length }) => sum + length, head.length),
    0,
  );
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt32LE(sequence, 8);
  return Buffer.concat([head, ...parts]);
}
