import { closeSync } from "node:fs";
import koffi from "koffi";
import { check } from "./libc.ts";

/** Waiting for descriptors that libuv cannot poll: netlink and raw sockets. */
const libc = koffi.load("libc.so.6");
const c = {
  epollCreate1: libc.func("int epoll_create1(int flags)"),
  epollCtl: libc.func("int epoll_ctl(int epoll, int operation, int fd, void *event)"),
  epollPwait2: libc.func(
    "int epoll_pwait2(int epoll, void *events, int max, void *timeout, void *mask)",
  ),
  pipe2: libc.func("int pipe2(void *fds, int flags)"),
  read: libc.func("int64_t read(int fd, void *bytes, size_t length)"),
  write: libc.func("int64_t write(int fd, void *bytes, size_t length)"),
};

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const EPOLLIN = 1;
const EPOLL_CTL_ADD = 1;
const EINTR = 4;

/** struct epoll_event is packed on x86-64 only. */
const eventBytes = process.arch === "x64" ? 12 : 16;
const dataAt = process.arch === "x64" ? 4 : 8;
const eventsMax = 64;

/** A set of descriptors, one of which becomes readable. */
export class Epoll {
  readonly #fd = check(c.epollCreate1(0), "epoll_create1");
  readonly #events = Buffer.alloc(eventBytes * eventsMax);
  readonly #timeout = Buffer.alloc(16);

  /** A descriptor leaves the set when it is closed. */
  add(fd: number): void {
    const event = Buffer.alloc(eventBytes);
    event.writeUInt32LE(EPOLLIN, 0);
    event.writeUInt32LE(fd, dataAt);
    check(c.epollCtl(this.#fd, EPOLL_CTL_ADD, fd, event), "epoll_ctl");
  }

  /** Holds this thread until one is readable or `limitMs` (may be Infinity) has passed. Returns those that are. */
  wait(limitMs: number): number[] {
    return this.#ready(
      c.epollPwait2(this.#fd, this.#events, eventsMax, this.#limit(limitMs), null),
    );
  }

  /** The same in a thread of libuv's pool. */
  waitAside(done: (ready: number[]) => void): void {
    const { epollPwait2 } = c;
    epollPwait2.async(this.#fd, this.#events, eventsMax, null, null, (_: unknown, count: number) =>
      // A signal ends a wait with nothing ready, and errno is another thread's.
      done(this.#ready(Math.max(count, 0))),
    );
  }

  close(): void {
    closeSync(this.#fd);
  }

  #ready(count: number): number[] {
    if (count < 0 && koffi.errno() === EINTR) return [];
    check(count, "epoll_pwait2");
    return Array.from({ length: count }, (_, n) =>
      this.#events.readUInt32LE(n * eventBytes + dataAt),
    );
  }

  /** struct timespec; null waits for ever. */
  #limit(limitMs: number): Buffer | null {
    if (limitMs === Infinity) return null;
    const nanoseconds = Math.max(0, Math.round(limitMs * 1e6));
    this.#timeout.writeBigInt64LE(BigInt(Math.floor(nanoseconds / 1e9)), 0);
    this.#timeout.writeBigInt64LE(BigInt(nanoseconds % 1e9), 8);
    return this.#timeout;
  }
}

/** A pipe by which one thread wakes another that waits in epoll. */
export class WakePipe {
  readonly readFd: number;
  readonly #writeFd: number;

  constructor() {
    const fds = Buffer.alloc(8);
    check(c.pipe2(fds, SOCK_NONBLOCK | SOCK_CLOEXEC), "pipe2");
    this.readFd = fds.readInt32LE(0);
    this.#writeFd = fds.readInt32LE(4);
  }

  wake(): void {
    // A full pipe wakes as well as one byte more would.
    c.write(this.#writeFd, Buffer.from([1]), 1);
  }

  close(): void {
    closeSync(this.readFd);
    closeSync(this.#writeFd);
  }
}

/** Takes what has been written to a wake pipe. */
export function drain(readFd: number): void {
  const bytes = Buffer.alloc(64);
  while (Number(c.read(readFd, bytes, bytes.length)) > 0);
}

/** A process that ends, by an error too, waits for its pool's threads: one in epoll would hold it for ever. */
const atExit = new Set<WakePipe>();
process.on("exit", () => {
  for (const pipe of atExit) pipe.wake();
});

/** Calls back whenever one of the descriptors is readable: one pool thread waits for all of them. */
export class ReadinessLoop {
  readonly #epoll = new Epoll();
  readonly #wake = new WakePipe();
  readonly #callbacks = new Map<number, () => void>();
  #stopped = false;

  constructor() {
    this.#epoll.add(this.#wake.readFd);
    atExit.add(this.#wake);
    this.#wait();
  }

  add(fd: number, onReadable: () => void): void {
    this.#callbacks.set(fd, onReadable);
    this.#epoll.add(fd);
  }

  /** Closes the descriptor too. */
  remove(fd: number): void {
    if (this.#callbacks.delete(fd)) closeSync(fd);
  }

  close(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    atExit.delete(this.#wake);
    for (const fd of this.#callbacks.keys()) this.remove(fd);
    this.#wake.wake();
  }

  #wait(): void {
    this.#epoll.waitAside((ready) => {
      if (this.#stopped) {
        this.#epoll.close();
        this.#wake.close();
        return;
      }
      for (const fd of ready) this.#callbacks.get(fd)?.();
      this.#wait();
    });
  }
}
