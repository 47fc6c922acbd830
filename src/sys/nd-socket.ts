import { closeSync } from "node:fs";
import koffi from "koffi";
import { type Address, address, addressFromBytes } from "../net/address.ts";
import { acceptTtl255, check, receiveFrom, socketAddress } from "./libc.ts";

/** A raw ICMPv6 socket for Router Solicitations and Advertisements (RFC 4861) on one interface. */
const libc = koffi.load("libc.so.6");
const c = {
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  setsockopt: libc.func(
    "int setsockopt(int fd, int level, int name, void *value, uint32_t length)",
  ),
  sendto: libc.func(
    "int64_t sendto(int fd, void *bytes, size_t length, int flags, void *to, uint32_t toLength)",
  ),
};

const AF_INET6 = 10;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const IPPROTO_ICMPV6 = 58;
const ICMPV6_FILTER = 1;

/** RFC 4291 §2.7.1. */
const allRouters = address("ff02::2");

export class NdSocket {
  readonly fd: number;
  readonly #interfaceIndex: number;
  readonly #buffer = Buffer.alloc(2048);

  /** `types`: of ICMPv6 messages to receive. Nothing that was sent with another hop limit than 255 comes. */
  constructor(of: { name: string; index: number }, types: readonly number[]) {
    const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
    this.fd = check(c.socket(AF_INET6, type, IPPROTO_ICMPV6), "socket");
    this.#interfaceIndex = of.index;
    try {
      this.#set(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${of.name}\0`));
      this.#set(IPPROTO_ICMPV6, ICMPV6_FILTER, passOnly(types));
      acceptTtl255(this.fd, "ipv6");
      this.#set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, int(255));
      this.#set(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, int(255));
      this.#set(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, int(0));
      // struct ipv6_mreq.
      const membership = Buffer.concat([
        socketAddress(allRouters, 0).subarray(8, 24),
        int(of.index),
      ]);
      this.#set(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The kernel chooses the link-local source address and writes the checksum. */
  send(to: Address, bytes: Uint8Array): void {
    const destination = socketAddress(to, 0);
    destination.writeUInt32LE(this.#interfaceIndex, 24);
    const { length } = destination;
    const sent = c.sendto(this.fd, Buffer.from(bytes), bytes.length, 0, destination, length);
    check(sent, `send ICMPv6 to ${to}`);
  }

  /** What has come; undefined where there is nothing now. */
  receive(): { from: Address; bytes: Uint8Array } | undefined {
    const received = receiveFrom(this.fd, this.#buffer);
    if (received === undefined) return undefined;
    const bytes = Uint8Array.from(this.#buffer.subarray(0, received.length));
    return { from: addressFromBytes(received.from.subarray(8, 24)), bytes };
  }

  close(): void {
    closeSync(this.fd);
  }

  #set(level: number, name: number, value: Buffer): void {
    check(c.setsockopt(this.fd, level, name, value, value.length), `setsockopt ${level}/${name}`);
  }
}

/** struct icmp6_filter: a bit for each type, set where it is blocked. */
function passOnly(types: readonly number[]): Buffer {
  const filter = Buffer.alloc(32, 0xff);
  for (const type of types) {
    const at = (type >> 5) * 4;
    filter.writeUInt32LE((filter.readUInt32LE(at) & ~(1 << (type & 31))) >>> 0, at);
  }
  return filter;
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
