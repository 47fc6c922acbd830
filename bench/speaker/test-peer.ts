import { connect, createServer, type Server, type Socket } from "node:net";
import { keepalive, openMessage } from "./updates.ts";

/** Counts of what a session was sent. */
export type Counts = { announced: number; withdrawn: number; messages: number };

/** Half-open connections at a time: listen queues are short, and a SYN that is dropped costs a second. */
const dialingMax = 8;
/** GoBGP takes up to ten seconds. */
const establishMsMax = 20_000;

/**
 * The other end of a session with the speaker under test: it sends bytes made before, and counts prefixes in
 * what it gets without looking at them any further. IPv4 unicast only.
 */
export class TestPeer {
  readonly asn: number;
  readonly address: string;
  readonly counts: Counts = { announced: 0, withdrawn: 0, messages: 0 };
  establishedMs: number | undefined;
  readonly #socket: Socket;
  #left: Buffer = Buffer.alloc(0);
  #waiting:
    | {
        what: string;
        holds: () => boolean;
        resolve: (atMs: number) => void;
        reject: (why: Error) => void;
      }
    | undefined;
  #closed: string | undefined;
  #keepalive: NodeJS.Timeout | undefined;

  constructor(socket: Socket, asn: number, address: string, holdTimeSeconds: number) {
    this.asn = asn;
    this.address = address;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    socket.on("error", () => socket.destroy());
    const id = address.split(".").map(Number);
    socket.write(openMessage(asn, id, holdTimeSeconds));
    if (holdTimeSeconds > 0) {
      this.#keepalive = setInterval(() => socket.write(keepalive()), (holdTimeSeconds * 1000) / 3);
    }
    socket.on("close", () => {
      clearInterval(this.#keepalive);
      this.#closed ??= "the session was closed";
      this.#failIfClosed();
    });
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** When it came to hold, looked at after every read. */
  when(what: string, holds: () => boolean, withinMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = undefined;
        const seen = JSON.stringify({ ...this.counts, established: this.establishedMs });
        reject(new Error(`${this.address}: ${what}: not within ${withinMs} ms; last saw ${seen}`));
      }, withinMs);
      this.#waiting = {
        what,
        holds,
        resolve: (atMs) => {
          clearTimeout(timer);
          resolve(atMs);
        },
        reject: (why) => {
          clearTimeout(timer);
          reject(why);
        },
      };
      this.#look();
      this.#failIfClosed();
    });
  }

  close(): void {
    clearInterval(this.#keepalive);
    this.#socket.destroy();
  }

  #look(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || !waiting.holds()) return;
    this.#waiting = undefined;
    waiting.resolve(performance.now());
  }

  /** What is still waited for will not come. */
  #failIfClosed(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#closed === undefined) return;
    this.#waiting = undefined;
    const seen = JSON.stringify(this.counts);
    waiting.reject(new Error(`${this.address}: ${waiting.what}: ${this.#closed} at ${seen}`));
  }

  #read(bytes: Buffer): void {
    const all = this.#left.length === 0 ? bytes : Buffer.concat([this.#left, bytes]);
    let at = 0;
    while (all.length - at >= 19) {
      const length = (all[at + 16]! << 8) | all[at + 17]!;
      if (all.length - at < length) break;
      this.#message(all, at, at + length);
      at += length;
    }
    this.#left = all.subarray(at);
    this.#look();
  }

  #message(bytes: Buffer, at: number, end: number): void {
    const type = bytes[at + 18]!;
    if (type === 1) this.#socket.write(keepalive());
    else if (type === 4) this.establishedMs ??= performance.now();
    else if (type === 2) {
      const withdrawnEnd = at + 21 + ((bytes[at + 19]! << 8) | bytes[at + 20]!);
      const attributes = (bytes[withdrawnEnd]! << 8) | bytes[withdrawnEnd + 1]!;
      this.counts.withdrawn += countPrefixes(bytes, at + 21, withdrawnEnd);
      const announced = countPrefixes(bytes, withdrawnEnd + 2 + attributes, end);
      this.counts.announced += announced;
      if (announced > 0) this.counts.messages++;
    } else if (type === 3) {
      const said = bytes.subarray(at + 19, end).toString("hex");
      this.#closed = `NOTIFICATION ${said}`;
    }
  }
}

function countPrefixes(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1 + ((bytes[at]! + 7) >> 3)) count++;
  return count;
}

/** Sessions to a speaker that listens, all Established. It may still be starting: refused connections are tried again. */
export async function dial(
  to: string,
  peers: readonly { address: string; asn: number }[],
  holdTimeSeconds = 90,
): Promise<TestPeer[]> {
  const sessions: TestPeer[] = [];
  for (let at = 0; at < peers.length; at += dialingMax) {
    const some = peers.slice(at, at + dialingMax);
    sessions.push(...(await Promise.all(some.map((peer) => session(to, peer, holdTimeSeconds)))));
  }
  return sessions;
}

/** Speakers close what collides with a session of theirs, and some what comes while they are not ready. */
async function session(
  to: string,
  { address, asn }: { address: string; asn: number },
  holdTimeSeconds: number,
): Promise<TestPeer> {
  const untilMs = performance.now() + establishMsMax;
  for (;;) {
    const socket = await connected(to, address, untilMs);
    const peer = new TestPeer(socket, asn, address, holdTimeSeconds);
    try {
      await peer.when("Established", () => peer.establishedMs !== undefined, establishMsMax);
      return peer;
    } catch (error) {
      peer.close();
      if (performance.now() > untilMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function connected(to: string, from: string, untilMs: number): Promise<Socket> {
  for (;;) {
    const socket = connect({ host: to, port: 179, localAddress: from });
    const failure = await new Promise<Error | undefined>((resolve) => {
      socket.once("connect", () => resolve(undefined));
      socket.once("error", resolve);
    });
    if (failure === undefined) return socket;
    if (performance.now() > untilMs) throw failure;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The one session that a speaker dials: for what begins with its start. */
export function listen(
  address: string,
  asn: number,
): { session: Promise<TestPeer>; server: Server } {
  let server: Server | undefined;
  let timer: NodeJS.Timeout | undefined;
  const established = new Promise<TestPeer>((resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${address}: no session within ${establishMsMax} ms`)),
      establishMsMax,
    );
    server = createServer((socket) => {
      const peer = new TestPeer(socket, asn, address, 90);
      peer
        .when("Established", () => peer.establishedMs !== undefined, establishMsMax)
        // One that the speaker closes again is followed by another.
        .then(
          () => resolve(peer),
          () => peer.close(),
        );
    });
    server.on("error", reject);
    server.listen(179, address);
  });
  return { session: established.finally(() => clearTimeout(timer)), server: server! };
}
