import type { ConnectionId } from "../bgp/speaker/effect.ts";

/** Of a socket: what was written, and how much of it still waits. */
type Sending = { readonly bytesWritten: number; readonly writableLength: number };

const lookEveryMs = 10_000;

/**
 * Sees which peers take nothing in (RFC 9687): bytes wait for them, and none has left since the last look.
 * `onStuck` is told at every look for how long.
 */
export class UnsentWatch {
  readonly #sockets: ReadonlyMap<ConnectionId, Sending>;
  readonly #onStuck: (connection: ConnectionId, forMs: number) => void;
  #seen = new Map<ConnectionId, { left: number; sinceMs: number; isStuck: boolean }>();
  readonly #interval: NodeJS.Timeout;

  constructor(
    sockets: ReadonlyMap<ConnectionId, Sending>,
    onStuck: (connection: ConnectionId, forMs: number) => void,
  ) {
    this.#sockets = sockets;
    this.#onStuck = onStuck;
    this.#interval = setInterval(() => this.look(performance.now()), lookEveryMs).unref();
  }

  isStuck(connection: ConnectionId): boolean {
    return this.#seen.get(connection)?.isStuck ?? false;
  }

  look(nowMs: number): void {
    const seen = new Map<ConnectionId, { left: number; sinceMs: number; isStuck: boolean }>();
    for (const [connection, socket] of this.#sockets) {
      if (socket.writableLength === 0) continue;
      const left = socket.bytesWritten - socket.writableLength;
      const before = this.#seen.get(connection);
      const isStuck = before?.left === left;
      seen.set(connection, { left, isStuck, sinceMs: isStuck ? before.sinceMs : nowMs });
    }
    this.#seen = seen;
    for (const [connection, { isStuck, sinceMs }] of seen) {
      if (isStuck) this.#onStuck(connection, nowMs - sinceMs);
    }
  }

  stop(): void {
    clearInterval(this.#interval);
  }
}
