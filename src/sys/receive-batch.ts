import koffi from "koffi";
import { fixedMemory } from "./fixed-memory.ts";
import { SystemCallError } from "./libc.ts";

/** Many datagrams by one system call, each with the time at which the kernel had it: recvmmsg(2), socket(7). */
const libc = koffi.load("libc.so.6");
const c = {
  recvmmsg: libc.func(
    "int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)",
  ),
  setsockopt: libc.func(
    "int setsockopt(int fd, int level, int name, void *value, uint32_t length)",
  ),
};

const SOL_SOCKET = 1;
const SO_TIMESTAMPNS = 35;
const EAGAIN = 11;

const batchMessages = 64;
/** struct mmsghdr, iovec, and a cmsghdr with a timespec, of 64 bits in the machine's order. */
const headerBytes = 64;
const [iovAt, iovCountAt, controlAt, controlBytesAt, lengthAt] = [16, 24, 32, 40, 56];
const vectorBytes = 16;
const controlBytes = 32;
const timeAt = 16;

/** From now on the kernel notes when each packet of the socket came. */
export function noteTimes(fd: number): void {
  const on = Buffer.from(new Int32Array([1]).buffer);
  if (c.setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, on, on.length) < 0) {
    throw new SystemCallError("SO_TIMESTAMPNS", koffi.errno());
  }
}

/** Memory for a batch, for any number of sockets of one thread: there is one for as long as the thread lives. */
export class ReceiveBatch {
  readonly #headersAt: bigint;
  readonly #headers: DataView;
  readonly #control: DataView;
  readonly #packets: Buffer[];

  /** `packetBytes`: as much as is kept of each; the rest of a longer one is lost. */
  constructor(packetBytes: number) {
    const headers = fixedMemory(batchMessages * headerBytes);
    const vectors = fixedMemory(batchMessages * vectorBytes);
    const control = fixedMemory(batchMessages * controlBytes);
    const packets = fixedMemory(batchMessages * packetBytes);
    this.#headersAt = headers.address;
    this.#headers = viewOf(headers.memory);
    this.#control = viewOf(control.memory);
    this.#packets = Array.from({ length: batchMessages }, (_, n) =>
      packets.memory.subarray(n * packetBytes, (n + 1) * packetBytes),
    );
    const vector = viewOf(vectors.memory);
    for (let n = 0; n < batchMessages; n++) {
      vector.setBigUint64(n * vectorBytes, packets.address + BigInt(n * packetBytes), true);
      vector.setBigUint64(n * vectorBytes + 8, BigInt(packetBytes), true);
      const at = n * headerBytes;
      this.#headers.setBigUint64(at + iovAt, vectors.address + BigInt(n * vectorBytes), true);
      this.#headers.setUint32(at + iovCountAt, 1, true);
      this.#headers.setBigUint64(at + controlAt, control.address + BigInt(n * controlBytes), true);
      this.#headers.setUint32(at + controlBytesAt, controlBytes, true);
    }
  }

  /**
   * Takes all that lies ready on a socket that does not block. `packet` is good until `take` returns;
   * `atUnixMs` is by CLOCK_REALTIME.
   */
  receive(fd: number, take: (packet: Buffer, length: number, atUnixMs: number) => void): void {
    for (;;) {
      const count: number = c.recvmmsg(fd, this.#headersAt, batchMessages, 0, null);
      if (count < 0) {
        if (koffi.errno() === EAGAIN) return;
        throw new SystemCallError("recvmmsg", koffi.errno());
      }
      for (let n = 0; n < count; n++) {
        const at = n * headerBytes;
        take(this.#packets[n]!, this.#headers.getUint32(at + lengthAt, true), this.#timeMs(n));
        // The kernel has written here how much it used.
        this.#headers.setUint32(at + controlBytesAt, controlBytes, true);
      }
      if (count < batchMessages) return;
    }
  }

  #timeMs(n: number): number {
    const at = n * controlBytes + timeAt;
    const seconds =
      this.#control.getInt32(at + 4, true) * 0x1_0000_0000 + this.#control.getUint32(at, true);
    return seconds * 1000 + this.#control.getUint32(at + 8, true) / 1e6;
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
