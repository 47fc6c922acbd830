import { closeSync } from "node:fs";
import koffi from "koffi";
import type { Family } from "../net/address.ts";
import { check, inNetworkNamespace, SystemCallError } from "./libc.ts";
import { fixedMemory } from "./fixed-memory.ts";
import { noteTimes, type ReceiveBatch } from "./receive-batch.ts";

/** ICMP and ICMPv6 echo (RFC 792, RFC 4443 §4) over raw sockets of a network namespace. */
const libc = koffi.load("libc.so.6");
const c = {
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  setsockopt: libc.func(
    "int setsockopt(int fd, int level, int name, void *value, uint32_t length)",
  ),
  sendto: libc.func(
    "int64_t sendto(int fd, void *bytes, size_t length, int flags, void *to, uint32_t toLength)",
  ),
  clockGettime: libc.func("int clock_gettime(int clock, void *time)"),
};

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ICMPV6_FILTER = 1;
const CLOCK_REALTIME = 0;

const EchoType = {
  ipv4: { request: 8, reply: 0 },
  ipv6: { request: 128, reply: 129 },
} as const;

/** As much as ping sends. */
const packetBytes = 64;
/** Header, and the number of 32 bits that the sequence of 16 bits is too short for. */
const numberAt = 8;
const writtenBytes = numberAt + 4;
/** What of a reply must be kept: an IPv4 header with options may stand before it. */
export const replyBytes = 60 + writtenBytes;
/** Replies that wait while the reader is late: some thousand. */
const receiveBufferBytes = 4 << 20;

/**
 * Type 8 or 128, code 0, checksum, `identifier`, the low 16 bits of `number`, then all 32 of it, written
 * over an earlier request of the family or into zeros.
 */
export function encodeEchoRequest(
  family: Family,
  identifier: number,
  number: number,
  packet: Buffer = Buffer.alloc(packetBytes),
): Buffer {
  packet[0] = EchoType[family].request;
  packet.writeUInt16BE(0, 2);
  packet.writeUInt16BE(identifier, 4);
  packet.writeUInt16BE(number & 0xffff, 6);
  packet.writeUInt32BE(number, numberAt);
  // The kernel does it for ICMPv6, whose checksum covers addresses that only it knows. Zeros add nothing.
  if (family === "ipv4") packet.writeUInt16BE(internetChecksum(packet, writtenBytes), 2);
  return packet;
}

/** Whose reply it is, and to which request. */
export type EchoReply = { identifier: number; number: number };

/** Undefined for what is no echo reply of ours. `length`: of the packet. IPv4 comes with its header. */
export function decodeEchoReply(
  family: Family,
  packet: Buffer,
  length = packet.length,
): EchoReply | undefined {
  const at = family === "ipv4" ? 4 * (packet[0]! & 0xf) : 0;
  if (length < at + writtenBytes || packet[at] !== EchoType[family].reply) return undefined;
  return {
    identifier: packet.readUInt16BE(at + 4),
    number: packet.readUInt32BE(at + numberAt),
  };
}

/** RFC 1071. */
function internetChecksum(bytes: Buffer, length: number): number {
  let sum = 0;
  for (let at = 0; at < length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** What is being sent: one packet at a time, from whatever socket of this thread. */
const outgoing = fixedMemory(packetBytes);
const target = fixedMemory(28);

/**
 * A raw socket that sends echo requests from one network namespace and hears every reply that comes there:
 * one is enough for all who ping from it, where each of several would be given all replies.
 */
export class EchoSocket {
  readonly #fd: number;
  readonly #family: Family;

  /** `namespace`: a file such as /proc/PID/ns/net. */
  constructor(namespace: string, family: Family) {
    this.#family = family;
    const [domain, protocol] =
      family === "ipv4" ? [AF_INET, IPPROTO_ICMP] : [AF_INET6, IPPROTO_ICMPV6];
    this.#fd = inNetworkNamespace(namespace, () =>
      check(c.socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), "socket"),
    );
    try {
      this.#hearOnlyReplies();
      noteTimes(this.#fd);
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(receiveBufferBytes);
      check(c.setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes, 4), "SO_RCVBUFFORCE");
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * `to`: its sockaddr. `identifier`: 16 bits, the sender's own among all that ping there. Undefined where the kernel took it,
   * else the system's name for why it did not: ENETUNREACH, …
   */
  send(to: Buffer, identifier: number, number: number): string | undefined {
    encodeEchoRequest(this.#family, identifier, number, outgoing.memory);
    target.memory.set(to);
    const sent: number = c.sendto(
      this.#fd,
      outgoing.address,
      packetBytes,
      0,
      target.address,
      to.length,
    );
    return sent < 0 ? new SystemCallError("sendto", koffi.errno()).code : undefined;
  }

  /** Every reply that lies ready, with the time at which the kernel had it. */
  replies(batch: ReceiveBatch, take: (reply: EchoReply, atUnixMs: number) => void): void {
    batch.receive(this.#fd, (packet, length, atUnixMs) => {
      const reply = decodeEchoReply(this.#family, packet, length);
      if (reply !== undefined) take(reply, atUnixMs);
    });
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** A bit that is set keeps the type out (linux/icmp.h, linux/icmpv6.h). */
  #hearOnlyReplies(): void {
    const { reply } = EchoType[this.#family];
    if (this.#family === "ipv4") {
      const filter = Buffer.alloc(4);
      filter.writeUInt32LE(~(1 << reply) >>> 0);
      check(c.setsockopt(this.#fd, SOL_RAW, ICMP_FILTER, filter, 4), "ICMP_FILTER");
    } else {
      const filter = Buffer.alloc(32, 0xff);
      filter.writeUInt32LE(~(1 << (reply & 31)) >>> 0, 4 * (reply >> 5));
      check(c.setsockopt(this.#fd, IPPROTO_ICMPV6, ICMPV6_FILTER, filter, 32), "ICMP6_FILTER");
    }
  }
}

const now = fixedMemory(16);

/** By the clock that the kernel's times of packets are of: struct timespec. */
export function unixMs(): number {
  check(c.clockGettime(CLOCK_REALTIME, now.address), "clock_gettime");
  const { memory } = now;
  const seconds = memory.readInt32LE(4) * 0x1_0000_0000 + memory.readUInt32LE(0);
  return seconds * 1000 + memory.readUInt32LE(8) / 1e6;
}
