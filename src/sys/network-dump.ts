import { closeSync } from "node:fs";
import { type Address, addressFromBytes } from "../net/address.ts";
import {
  type DefaultRoute,
  type InterfaceAddress,
  type NetworkInterface,
  type NetworkState,
  operStates,
} from "../net/network-state.ts";
import { openNetlink, receive, send, SystemCallError } from "./libc.ts";
import {
  mainTable,
  attributes,
  messages,
  RouteAttribute,
  MessageType,
  unicastRoute,
} from "./netlink.ts";

const requestDump = 0x301; /* NLM_F_REQUEST | NLM_F_DUMP */
const dumpInterrupted = 0x10; /* NLM_F_DUMP_INTR */
const AddressFamily = { any: 0, ipv4: 2, ipv6: 10 } as const;
const LinkAttribute = { address: 1, name: 3, operState: 16 } as const;
const IfaAttribute = { address: 1, local: 2, flags: 8 } as const;
const LinkFlag = { up: 0x1, lowerUp: 0x10000 } as const;
const addressIsUnusable = 0x48; /* IFA_F_TENTATIVE | IFA_F_DADFAILED */
const attemptsMax = 5;

/** The network state of this thread's network namespace, asked of the kernel now. */
export function dumpNetworkState(): NetworkState {
  return withNetlink((fd) => ({
    interfaces: interfacesNow(fd),
    defaultRoutes: [AddressFamily.ipv4, AddressFamily.ipv6].flatMap((family) =>
      dump(fd, MessageType.getRoute, family).flatMap(defaultRouteOf),
    ),
  }));
}

/** The interfaces alone: routes may be many. */
export function dumpInterfaces(): NetworkInterface[] {
  return withNetlink(interfacesNow);
}

function interfacesNow(fd: number): NetworkInterface[] {
  const links = dump(fd, MessageType.getLink, AddressFamily.any);
  return interfacesOf(links, dump(fd, MessageType.getAddress, AddressFamily.any));
}

function withNetlink<T>(work: (fd: number) => T): T {
  const fd = openNetlink([]);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

/** Bodies of the answers; asked again where the tables changed meanwhile. */
function dump(fd: number, type: number, family: number): Buffer[] {
  const request = Buffer.alloc(32);
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE(type, 4);
  request.writeUInt16LE(requestDump, 6);
  request.writeUInt8(family, 16);
  for (let attempt = 1; ; attempt++) {
    send(fd, request);
    const { bodies, isInterrupted } = answers(fd);
    if (!isInterrupted || attempt === attemptsMax) return bodies;
  }
}

function answers(fd: number): { bodies: Buffer[]; isInterrupted: boolean } {
  const buffer = Buffer.alloc(1 << 16);
  const bodies: Buffer[] = [];
  let isInterrupted = false;
  for (;;) {
    // The kernel has the next part ready whenever it is asked for: a dump never blocks.
    const length = receive(fd, buffer);
    if (length === undefined) throw new Error("a netlink dump ended without its last message");
    const datagram = Buffer.from(buffer.subarray(0, length));
    for (const { type, flags, body } of messages(datagram)) {
      isInterrupted ||= (flags & dumpInterrupted) !== 0;
      if (type === MessageType.done) return { bodies, isInterrupted };
      if (type === MessageType.error)
        throw new SystemCallError("netlink dump", -body.readInt32LE(0));
      bodies.push(body);
    }
  }
}

/** struct ifinfomsg and struct ifaddrmsg, each with its attributes. */
export function interfacesOf(
  links: readonly Buffer[],
  addresses: readonly Buffer[],
): NetworkInterface[] {
  const byIndex = new Map<number, InterfaceAddress[]>();
  for (const body of addresses) {
    const found = addressOf(body);
    if (found === undefined) continue;
    const index = body.readUInt32LE(4);
    const list = byIndex.get(index);
    if (list === undefined) byIndex.set(index, [found]);
    else list.push(found);
  }
  return links.map((body) => {
    const index = body.readInt32LE(4);
    let name = "";
    let mac: string | undefined;
    let operState = 0;
    for (const [attribute, value] of attributes(body.subarray(16))) {
      if (attribute === LinkAttribute.name) name = value.toString("latin1").replace(/\0.*$/s, "");
      else if (attribute === LinkAttribute.operState) operState = value[0]!;
      else if (attribute === LinkAttribute.address && value.length === 6) {
        mac = Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join(":");
      }
    }
    const flags = body.readUInt32LE(8);
    return {
      index,
      name,
      isUp: (flags & LinkFlag.up) !== 0,
      hasCarrier: (flags & LinkFlag.lowerUp) !== 0,
      operState: operStates[operState] ?? "unknown",
      ...(mac !== undefined && { mac }),
      addresses: byIndex.get(index) ?? [],
    };
  });
}

function addressOf(body: Buffer): InterfaceAddress | undefined {
  let flags = body[2]!;
  let local: Address | undefined;
  let address: Address | undefined;
  for (const [attribute, value] of attributes(body.subarray(8))) {
    if (attribute === IfaAttribute.local) local = addressFromBytes(value);
    else if (attribute === IfaAttribute.address) address = addressFromBytes(value);
    else if (attribute === IfaAttribute.flags) flags = value.readUInt32LE(0);
  }
  // Of a point-to-point link `address` is the other end's.
  const own = local ?? address;
  if (own === undefined) return undefined;
  return {
    address: own,
    prefixLength: body[1]!,
    isTentative: (flags & addressIsUnusable) !== 0,
  };
}

/** A unicast route of the main table to everywhere. struct rtmsg with its attributes. */
export function defaultRouteOf(body: Buffer): DefaultRoute[] {
  const [family, destinationLength] = body;
  if (destinationLength !== 0 || body[7] !== unicastRoute) return [];
  let table = body[4]!;
  let metric = 0;
  let interfaceIndex = 0;
  let gateway: Address | undefined;
  let nextHops: DefaultRoute["nextHops"] | undefined;
  for (const [attribute, value] of attributes(body.subarray(12))) {
    if (attribute === RouteAttribute.table) table = value.readUInt32LE(0);
    else if (attribute === RouteAttribute.priority) metric = value.readUInt32LE(0);
    else if (attribute === RouteAttribute.outputInterface) interfaceIndex = value.readUInt32LE(0);
    else if (attribute === RouteAttribute.gateway) gateway = addressFromBytes(value);
    else if (attribute === RouteAttribute.via) gateway = addressFromBytes(value.subarray(2));
    else if (attribute === RouteAttribute.multipath) nextHops = [...nextHopsOf(value)];
  }
  if (table !== mainTable) return [];
  nextHops ??= [{ interfaceIndex, ...(gateway !== undefined && { gateway }) }];
  return [{ family: family === AddressFamily.ipv4 ? "ipv4" : "ipv6", metric, nextHops }];
}

/** struct rtnexthop: length (2), flags, hops, interface index (4), attributes. */
function* nextHopsOf(value: Buffer): Generator<DefaultRoute["nextHops"][number]> {
  for (let at = 0; at + 8 <= value.length;) {
    const length = value.readUInt16LE(at);
    if (length < 8) return;
    let gateway: Address | undefined;
    for (const [attribute, bytes] of attributes(value.subarray(at + 8, at + length))) {
      if (attribute === RouteAttribute.gateway) gateway = addressFromBytes(bytes);
      else if (attribute === RouteAttribute.via) gateway = addressFromBytes(bytes.subarray(2));
    }
    const interfaceIndex = value.readInt32LE(at + 4);
    yield { interfaceIndex, ...(gateway !== undefined && { gateway }) };
    at += (length + 3) & ~3;
  }
}
