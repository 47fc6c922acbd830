import { closeSync, openSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import koffi from "koffi";
import { type Address, addressToBytes, type Family, familyOf } from "../net/address.ts";

/**
 * The few system calls that Node does not offer: namespaces, sockets made inside one, socket options
 * of BGP. Linux on x86-64 and arm64 (the constants are equal there).
 */
const libc = koffi.load("libc.so.6");
/** linux/filter.h: a classic BPF program. */
const sockFprog = koffi.struct("sock_fprog", { length: "uint16_t", filter: "void *" });
const c = {
  setns: libc.func("int setns(int fd, int nstype)"),
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  bind: libc.func("int bind(int fd, void *address, uint32_t length)"),
  listen: libc.func("int listen(int fd, int backlog)"),
  setsockopt: libc.func(
    "int setsockopt(int fd, int level, int name, void *value, uint32_t length)",
  ),
  ifNametoindex: libc.func("uint32_t if_nametoindex(const char *name)"),
  getsockname: libc.func("int getsockname(int fd, void *address, void *length)"),
  setsockoptFilter: libc.func(
    "int setsockopt(int fd, int level, int name, sock_fprog *program, uint32_t length)",
  ),
  recv: libc.func("int64_t recv(int fd, void *bytes, size_t length, int flags)"),
  recvfrom: libc.func(
    "int64_t recvfrom(int fd, void *bytes, size_t length, int flags, void *from, void *fromLength)",
  ),
  send: libc.func("int64_t send(int fd, void *bytes, size_t length, int flags)"),
  mallocTrim: libc.func("int malloc_trim(size_t pad)"),
};

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const CLONE_NEWNET = 0x40000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ATTACH_FILTER = 26;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const IP_TTL = 2;
const IP_MINTTL = 21;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MINHOPCOUNT = 73;
const IPV6_V6ONLY = 26;
const TCP_MD5SIG = 14;
const TCP_MD5SIG_EXT = 32;
const TCP_MD5SIG_FLAG_PREFIX = 1;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const SO_RCVBUFFORCE = 33;
const EAGAIN = 11;

/** A system call failed. `code` is the system's name for it: EADDRINUSE, EPERM, … */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  readonly code: string;
  constructor(call: string, errno: number) {
    const code = getSystemErrorName(-errno);
    super(`${call}: ${code}`);
    this.code = code;
  }
}

/** The result of a system call; throws where it is negative. */
export function check(result: number | bigint, call: string): number {
  if (Number(result) < 0) throw new SystemCallError(call, koffi.errno());
  return Number(result);
}

/**
 * Runs `work` with this thread inside the network namespace of a file such as /proc/PID/ns/net.
 * `work` must not await: the thread is back home when it returns.
 */
export function inNetworkNamespace<T>(path: string, work: () => T): T {
  const home = openSync("/proc/thread-self/ns/net", "r");
  const target = openSync(path, "r");
  try {
    check(c.setns(target, CLONE_NEWNET), `setns ${path}`);
    try {
      return work();
    } finally {
      check(c.setns(home, CLONE_NEWNET), "setns home");
    }
  } finally {
    closeSync(target);
    closeSync(home);
  }
}

/**
 * A listening TCP socket as a file descriptor for `server.listen({ fd })`. `ttl`: of what answers a SYN;
 * `prepare`: what else the socket needs before the first comes.
 */
export function listenTcp(
  host: Address,
  port: number,
  { ttl, prepare }: { ttl?: number | undefined; prepare?: (fd: number) => void } = {},
): number {
  const family = familyOf(host) === "ipv4" ? AF_INET : AF_INET6;
  const fd = check(c.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  return orClose(fd, () => {
    setInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    limitTtl(fd, host, { ttl });
    if (family === AF_INET6) setInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    prepare?.(fd);
    const address = socketAddress(host, port);
    check(c.bind(fd, address, address.length), `bind ${host} port ${port}`);
    check(c.listen(fd, 128), "listen");
  });
}

/** What Node's own net.connect cannot set before the first SYN. */
export type TcpOptions = {
  localAddress?: Address | undefined;
  /** IP TTL or IPv6 hop limit of every packet sent. */
  ttl?: number | undefined;
  /** Packets that come with less are dropped by the kernel (RFC 5082). */
  minTtl?: number | undefined;
  /** TCP MD5 signature (RFC 2385), at most 80 bytes. A wrong key shows only as a timeout. */
  password?: string | undefined;
};

/** A TCP socket, bound where a local address is given, ready for `new net.Socket({ fd }).connect()`. */
export function openTcp(remote: Address, options: TcpOptions): number {
  const family = familyOf(remote) === "ipv4" ? AF_INET : AF_INET6;
  const fd = check(c.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  return orClose(fd, () => applyTcpOptions(fd, remote, options));
}

function applyTcpOptions(fd: number, remote: Address, options: TcpOptions): void {
  limitTtl(fd, remote, options);
  if (options.password) setMd5Password(fd, remote, options.password);
  if (options.localAddress !== undefined) {
    const local = socketAddress(options.localAddress, 0);
    check(c.bind(fd, local, local.length), `bind ${options.localAddress}`);
  }
}

/** Sets the TTL of a socket of `of`'s address family, and the least TTL that it listens to. */
export function limitTtl(
  fd: number,
  of: Address,
  { ttl, minTtl }: Pick<TcpOptions, "ttl" | "minTtl">,
): void {
  const ipv4 = familyOf(of) === "ipv4";
  const level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
  if (ttl !== undefined) setInt(fd, level, ipv4 ? IP_TTL : IPV6_UNICAST_HOPS, ttl);
  if (minTtl !== undefined) setInt(fd, level, ipv4 ? IP_MINTTL : IPV6_MINHOPCOUNT, minTtl);
}

/**
 * struct tcp_md5sig (linux/tcp.h): the peer's sockaddr_storage, flags, prefix length, key length, index, key.
 * With `prefixLength`, the password of every address of that prefix.
 */
export function setMd5Password(
  fd: number,
  remote: Address,
  password: string,
  prefixLength?: number,
): void {
  const key = Buffer.from(password);
  if (key.length > 80) throw new RangeError("a TCP MD5 password has at most 80 bytes");
  const option = Buffer.alloc(216);
  socketAddress(remote, 0).copy(option, 0);
  option.writeUInt16LE(key.length, 130);
  key.copy(option, 136);
  if (prefixLength !== undefined) {
    option.writeUInt8(TCP_MD5SIG_FLAG_PREFIX, 128);
    option.writeUInt8(prefixLength, 129);
  }
  const name = prefixLength === undefined ? TCP_MD5SIG : TCP_MD5SIG_EXT;
  check(c.setsockopt(fd, IPPROTO_TCP, name, option, option.length), "TCP_MD5SIG");
}

/**
 * A UDP socket as a file descriptor for dgram's `bind({ fd })`. It gets what was sent with a TTL or hop
 * limit of 255 only, so from the same link (RFC 5881 §5): Node cannot see the TTL of what it receives.
 */
export function bindUdpOnLink(host: Address, port: number): number {
  const family = familyOf(host) === "ipv4" ? AF_INET : AF_INET6;
  const fd = check(c.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  return orClose(fd, () => {
    acceptTtl255(fd, familyOf(host));
    if (family === AF_INET6) setInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    const address = socketAddress(host, port);
    check(c.bind(fd, address, address.length), `bind ${host} port ${port}`);
  });
}

/** Drops, in the kernel, every packet whose TTL or hop limit is not 255. */
export function acceptTtl255(fd: number, family: Family): void {
  // SKF_NET_OFF: offsets into the IP header, wherever the packet's data begins.
  const ttlAt = 0xfff00000 + (family === "ipv4" ? 8 : 7);
  const program = [
    [0x30, 0, 0, ttlAt], // ld byte
    [0x15, 0, 1, 255], // jump if equal, else over one
    [0x06, 0, 0, 0xffffffff], // the whole packet
    [0x06, 0, 0, 0], // nothing of it
  ];
  const filter = Buffer.alloc(8 * program.length);
  for (const [i, [code, yes, no, k]] of (program as [number, number, number, number][]).entries()) {
    filter.writeUInt16LE(code, 8 * i);
    filter.writeUInt8(yes, 8 * i + 2);
    filter.writeUInt8(no, 8 * i + 3);
    filter.writeUInt32LE(k, 8 * i + 4);
  }
  const value = { length: program.length, filter };
  const length = koffi.sizeof(sockFprog);
  check(c.setsockoptFilter(fd, SOL_SOCKET, SO_ATTACH_FILTER, value, length), "SO_ATTACH_FILTER");
}

/** A routing netlink socket that hears the multicast groups given (RTNLGRP_…). */
export function openNetlink(
  groups: readonly number[],
  options: { receiveBufferBytes?: number } = {},
): number {
  const fd = check(c.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  return orClose(fd, () => {
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    check(c.bind(fd, address, address.length), "bind netlink");
    // Errors come back without the request that they are about.
    setInt(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    const { receiveBufferBytes } = options;
    if (receiveBufferBytes !== undefined) {
      setInt(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes);
    }
    for (const group of groups) setInt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  });
}

/** The number by which the kernel calls a netlink socket in what it tells of its requests. */
export function netlinkPortId(fd: number): number {
  const address = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  check(c.getsockname(fd, address, length), "getsockname");
  return address.readUInt32LE(4);
}

/** Of the thread's network namespace; undefined where it has no such interface. */
export function interfaceIndex(name: string): number | undefined {
  return c.ifNametoindex(name) || undefined;
}

/** One datagram. */
/** Memory that was freed goes back to the kernel: malloc_trim(3). */
export function mallocTrim(): void {
  c.mallocTrim(0);
}

export function send(fd: number, bytes: Buffer): void {
  check(c.send(fd, bytes, bytes.length, 0), "send");
}

/** Bytes received, or undefined where there are none now. */
export function receive(fd: number, into: Buffer): number | undefined {
  const length = Number(c.recv(fd, into, into.length, 0));
  if (length >= 0) return length;
  const errno = koffi.errno();
  if (errno === EAGAIN) return undefined;
  throw new SystemCallError("recv", errno);
}

/** The same with the sender's sockaddr. */
export function receiveFrom(
  fd: number,
  into: Buffer,
): { length: number; from: Buffer } | undefined {
  const from = Buffer.alloc(28);
  const fromLength = Buffer.alloc(4);
  fromLength.writeUInt32LE(from.length);
  const length = Number(c.recvfrom(fd, into, into.length, 0, from, fromLength));
  if (length >= 0) return { length, from };
  const errno = koffi.errno();
  if (errno === EAGAIN) return undefined;
  throw new SystemCallError("recvfrom", errno);
}

function setInt(fd: number, level: number, name: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  check(c.setsockopt(fd, level, name, bytes, 4), `setsockopt ${level}/${name}`);
}

/** sockaddr_in or sockaddr_in6. */
export function socketAddress(host: Address, port: number): Buffer {
  const bytes = addressToBytes(host);
  const out = Buffer.alloc(bytes.length === 4 ? 16 : 28);
  out.writeUInt16LE(bytes.length === 4 ? AF_INET : AF_INET6, 0);
  out.writeUInt16BE(port, 2);
  out.set(bytes, bytes.length === 4 ? 4 : 8);
  return out;
}

function orClose(fd: number, prepare: () => void): number {
  try {
    prepare();
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
