import { connect, type Socket } from "node:net";
import type { BmpConfig, BmpStation } from "../bgp/speaker/config.ts";

export type BmpStationsOptions = {
  /** What a station that has just connected is sent first. */
  begin: () => Uint8Array[];
  log: (level: "info" | "warn", message: string) => void;
  /** What may wait for a station beyond the tables that it gets at first. */
  backlogBytesMax?: number;
};

const defaultBacklogBytesMax = 16 << 20;

/** The BMP stations of one speaker (RFC 7854 §3.2): each is called, and called again when it goes. */
export class BmpStations {
  readonly #options: BmpStationsOptions;
  readonly #calls = new Map<string, StationCall>();

  constructor(options: BmpStationsOptions) {
    this.#options = options;
  }

  /**
   * Calls those that are new; those that are not wanted any more are left without a word. All are called anew where other
   * routes are to be told: what was told before has no end of its own, and what was not is told at the beginning only.
   */
  configure(bmp: Pick<BmpConfig, "stations" | "ribs"> | undefined): void {
    const { stations = [], ribs } = bmp ?? {};
    const wanted = new Map(stations.map((station) => [JSON.stringify([station, ribs]), station]));
    for (const [key, call] of this.#calls) {
      if (wanted.has(key)) continue;
      this.#calls.delete(key);
      void call.end(0);
    }
    for (const [key, station] of wanted) {
      if (!this.#calls.has(key)) this.#calls.set(key, new StationCall(station, this.#options));
    }
  }

  send(bytes: Uint8Array): void {
    for (const call of this.#calls.values()) call.send(bytes);
  }

  /** Resolves when all was sent, or `limitMs` has passed. */
  async end(limitMs: number): Promise<void> {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    await Promise.all(calls.map((call) => call.end(limitMs)));
  }
}

class StationCall {
  readonly #station: BmpStation;
  readonly #options: BmpStationsOptions;
  #socket: Socket | undefined;
  #isOpen = false;
  /** Of the tables sent at first, as long as they are not through. */
  #beginBytes = 0;
  #retrySeconds: number;
  #retry: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(station: BmpStation, options: BmpStationsOptions) {
    this.#station = station;
    this.#options = options;
    this.#retrySeconds = station.minRetrySeconds;
    this.#connect();
  }

  send(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#isOpen) return;
    this.#write(socket, bytes);
    const { backlogBytesMax = defaultBacklogBytesMax } = this.#options;
    if (socket.writableLength <= this.#beginBytes + backlogBytesMax) return;
    const mebibytes = (socket.writableLength / (1 << 20)).toFixed(1);
    socket.destroy(new Error(`it is too slow: ${mebibytes} MiB wait for it`));
    this.#isOpen = false;
  }

  async end(limitMs: number): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (socket === undefined) return;
    if (!this.#isOpen || limitMs === 0) {
      socket.destroy();
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.destroy(), limitMs);
      socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      socket.destroySoon();
    });
  }

  #connect(): void {
    const { address: host, port } = this.#station;
    const socket = connect({ host, port });
    this.#socket = socket;
    let error: Error | undefined;
    // A station has nothing to say (RFC 7854 §3.2).
    socket.resume();
    socket.once("connect", () => {
      this.#isOpen = true;
      this.#retrySeconds = this.#station.minRetrySeconds;
      this.#options.log("info", `${this.#name} connected`);
      for (const bytes of this.#options.begin()) this.#write(socket, bytes);
      this.#beginBytes = socket.writableLength;
    });
    socket.on("drain", () => (this.#beginBytes = 0));
    socket.once("error", (of) => (error = of));
    socket.once("close", () => this.#gone(error));
  }

  #gone(error: Error | undefined): void {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    this.#socket = undefined;
    if (this.#isOver) return;
    const reason = error === undefined ? "it closed the connection" : error.message;
    const afterSeconds = this.#retrySeconds;
    this.#retrySeconds = Math.min(afterSeconds * 2, this.#station.maxRetrySeconds);
    const what = wasOpen || error?.message.startsWith("it is") ? "is gone" : "cannot be reached";
    this.#options.log(
      "warn",
      `${this.#name} ${what}: ${reason}; called again in ${afterSeconds} s`,
    );
    this.#retry = setTimeout(() => this.#connect(), afterSeconds * 1000);
  }

  /** Everything of one turn of the event loop goes out at once. */
  #write(socket: Socket, bytes: Uint8Array): void {
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    socket.write(bytes);
  }

  get #name(): string {
    const { address, port } = this.#station;
    return `BMP station ${address.includes(":") ? `[${address}]` : address}:${port}`;
  }
}
