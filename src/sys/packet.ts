import { closeSync, constants, openSync } from "node:fs";
import koffi from "koffi";
import { check, inNetworkNamespace, interfaceIndex } from "./libc.ts";

/** Frames as they are: packet sockets (packet(7)) and TAP devices (Documentation/networking/tuntap.rst). */
const libc = koffi.load("libc.so.6");
const c = {
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  bind: libc.func("int bind(int fd, void *address, uint32_t length)"),
  setsockopt: libc.func(
    "int setsockopt(int fd, int level, int name, void *value, uint32_t length)",
  ),
  ioctl: libc.func("int ioctl(int fd, unsigned long request, void *argument)"),
  read: libc.func("int64_t read(int fd, void *bytes, size_t length)"),
  send: libc.func("int64_t send(int fd, void *bytes, size_t length, int flags)"),
};

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_MARK = 36;
const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;

/** A TAP device in a namespace: what is sent out of it can be read here. It goes when it is closed. */
export function openTap(namespace: string, name: string): number {
  return inNetworkNamespace(namespace, () => {
    const flags = constants.O_RDWR | constants.O_NONBLOCK;
    const fd = openSync("/dev/net/tun", flags);
    const request = Buffer.alloc(40); // struct ifreq
    request.write(name, 0, 15, "latin1");
    request.writeInt16LE(IFF_TAP | IFF_NO_PI, 16);
    return orClose(fd, () => check(c.ioctl(fd, TUNSETIFF, request), `TUNSETIFF ${name}`));
  });
}

/** A socket that sends whole frames out of an interface, marked so that rules can tell them. */
export function openFrameSender(namespace: string, device: string, mark: number): number {
  return inNetworkNamespace(namespace, () => {
    // Protocol 0: it hears nothing.
    const fd = check(c.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    return orClose(fd, () => {
      const index = interfaceIndex(device);
      if (index === undefined) throw new Error(`no interface ${device}`);
      const address = Buffer.alloc(20); // struct sockaddr_ll
      address.writeUInt16LE(AF_PACKET, 0);
      address.writeInt32LE(index, 4);
      check(c.bind(fd, address, address.length), `bind ${device}`);
      const value = Buffer.alloc(4);
      value.writeUInt32LE(mark, 0);
      check(c.setsockopt(fd, SOL_SOCKET, SO_MARK, value, 4), "SO_MARK");
    });
  });
}

/** The next frame's length; undefined where none is there now. */
export function readFrame(tap: number, into: Buffer): number | undefined {
  const length = Number(c.read(tap, into, into.length));
  return length > 0 ? length : undefined;
}

/** False where the system did not take it: no carrier, a full queue. It is lost then, as on a cable. */
export function sendFrame(fd: number, frame: Buffer): boolean {
  return Number(c.send(fd, frame, frame.length, 0)) >= 0;
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
