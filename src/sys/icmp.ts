import { closeSync } from "node:fs";
import koffi from "koffi";
import { type Address, familyOf } from "../net/address.ts";
import {
  check,
  inNetworkNamespace,
  receive,
  send,
  socketAddress,
  SystemCallError,
} from "./libc.ts";

/** ICMP and ICMPv6 echo (RFC 792, RFC 4443 §4) over raw sockets of a network namespace. */
const libc = koffi.load("libc.so.6");
const c = {
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  connect: libc.func("int connect(int fd, void *address, uint32_t length)"),
  setsockopt: libc.func(
    "int setsockopt(int fd, int level, int name, void *value, uint32_t length)",
  ),
  ioctl: libc.func("int ioctl(int fd, unsigned long request, void *value)"),
  clockGettime: libc.func("int clock_gettime(int clock, void *time)"),
};

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ICMPV6_FILTER = 1;
const SIOCGSTAMPNS = 0x8907;
const CLOCK_REALTIME = 0;

const EchoType = {
  ipv4: { request: 8, reply: 0 },
  ipv6: { request: 128, reply: 129 },
} as const;
type Family = keyof typeof EchoType;

/** As much as ping sends. */
const packetBytes = 64;
/** Header, and the number of 32 bits that the sequence of 16 bits is too short for. */
const numberAt = 8;

/** Type 8 or 128, code 0, checksum, `identifier`, the low 16 bits of `number`, then all 32 of it. */
export function encodeEchoRequest(family: Family, identifier: number, number: number): Buffer {
  const packet = Buffer.alloc(packetBytes);
  packet[0] = EchoType[family].request;
  packet.writeUInt16BE(identifier, 4);
  packet.writeUInt16BE(number & 0xffff, 6);
  packet.writeUInt32BE(number, numberAt);
  // The kernel does it for ICMPv6, whose checksum covers addresses that only it knows.
  if (family === "ipv4") packet.writeUInt16BE(internetChecksum(packet), 2);
  return packet;
}

/** The number of an echo reply to a request of this identifier; undefined for all else. IPv4 comes with its header. */
export function decodeEchoReply(
  family: Family,
  identifier: number,
  packet: Buffer,
): number | undefined {
  const icmp = family === "ipv4" ? packet.subarray(4 * (packet[0]! & 0xf)) : packet;
  if (icmp.length < numberAt + 4 || icmp[0] !== EchoType[family].reply) return undefined;
  return icmp.readUInt16BE(4) === identifier ? icmp.readUInt32BE(numberAt) : undefined;
}

/** RFC 1071. */
function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export type EchoReply = { number: number; atUnixMs: number };

/** A raw socket that sends echo requests to one address and hears the replies to them. */
export class EchoSocket {
  readonly fd: number;
  readonly #family: Family;
  readonly #address: Buffer;
  readonly #identifier: number;
  readonly #packet = Buffer.alloc(2048);
  readonly #time = Buffer.alloc(16);
  #connected = false;

  /** `namespace`: a file such as /proc/PID/ns/net. `identifier`: 16 bits, its own among all that ping there. */
  constructor(namespace: string, to: Address, identifier: number) {
    this.#family = familyOf(to);
    this.#identifier = identifier;
    this.#address = socketAddress(to, 0);
    const [domain, protocol] =
      this.#family === "ipv4" ? [AF_INET, IPPROTO_ICMP] : [AF_INET6, IPPROTO_ICMPV6];
    this.fd = inNetworkNamespace(namespace, () =>
      check(c.socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), "socket"),
    );
    try {
      this.#hearOnlyReplies();
      // Asking for the time of the last packet makes the kernel note it from now on.
      c.ioctl(this.fd, SIOCGSTAMPNS, this.#time);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Undefined where the kernel took it, else the system's name for why it did not: ENETUNREACH, … */
  send(number: number): string | undefined {
    const packet = encodeEchoRequest(this.#family, this.#identifier, number);
    // An error that an earlier packet met is told once and sends nothing: the second try counts.
    return this.#trySend(packet) && this.#trySend(packet);
  }

  /** A reply that lies ready, with the time at which the kernel had it. */
  reply(): EchoReply | undefined {
    const length = this.#receive();
    if (length === undefined) return undefined;
    const packet = this.#packet.subarray(0, length);
    const number = decodeEchoReply(this.#family, this.#identifier, packet);
    if (number === undefined) return undefined;
    check(c.ioctl(this.fd, SIOCGSTAMPNS, this.#time), "SIOCGSTAMPNS");
    return { number, atUnixMs: milliseconds(this.#time) };
  }

  close(): void {
    closeSync(this.fd);
  }

  #trySend(packet: Buffer): string | undefined {
    try {
      // Without a route to it the address cannot be connected to; there may be one later.
      if (!this.#connected) {
        check(c.connect(this.fd, this.#address, this.#address.length), "connect");
        this.#connected = true;
      }
      send(this.fd, packet);
      return undefined;
    } catch (error) {
      if (error instanceof SystemCallError) return error.code;
      throw error;
    }
  }

  /** ICMP errors that packets met on their way are told here too: nothing that can be read. */
  #receive(): number | undefined {
    for (;;) {
      try {
        return receive(this.fd, this.#packet);
      } catch (error) {
        if (!(error instanceof SystemCallError)) throw error;
      }
    }
  }

  /** A bit that is set keeps the type out (linux/icmp.h, linux/icmpv6.h). */
  #hearOnlyReplies(): void {
    const { reply } = EchoType[this.#family];
    if (this.#family === "ipv4") {
      const filter = Buffer.alloc(4);
      filter.writeUInt32LE(~(1 << reply) >>> 0);
      check(c.setsockopt(this.fd, SOL_RAW, ICMP_FILTER, filter, 4), "ICMP_FILTER");
    } else {
      const filter = Buffer.alloc(32, 0xff);
      filter.writeUInt32LE(~(1 << (reply & 31)) >>> 0, 4 * (reply >> 5));
      check(c.setsockopt(this.fd, IPPROTO_ICMPV6, ICMPV6_FILTER, filter, 32), "ICMP6_FILTER");
    }
  }
}

const now = Buffer.alloc(16);

/** By the clock that the kernel's times of packets are of. */
export function unixMs(): number {
  check(c.clockGettime(CLOCK_REALTIME, now), "clock_gettime");
  return milliseconds(now);
}

/** struct timespec: 64 bits of seconds, and of nanoseconds. */
function milliseconds(time: Buffer): number {
  const seconds = time.readInt32LE(4) * 0x1_0000_0000 + time.readUInt32LE(0);
  return seconds * 1000 + time.readUInt32LE(8) / 1e6;
}
