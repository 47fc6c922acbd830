import { connect, type Socket } from "node:net";
import { encodeMessage } from "../../src/bgp/wire/encode.ts";
import type { CodecOptions, Message } from "../../src/bgp/wire/message.ts";
import { daemon, type RecordedPeer } from "./peers.ts";

const headerBytes = 19;
const plain: CodecOptions = { fourOctetAs: false, extendedMessage: false };

/**
 * One connection to the daemon. It keeps what comes as it came, cut at the lengths of the headers and
 * not read any further: the decoder that is tested with the recording has no part in making it.
 */
export class Tester {
  readonly #socket: Socket;
  #pending = Buffer.alloc(0);
  readonly frames: Buffer[] = [];
  isClosed = false;
  #sendCodec = plain;
  #keepalive: NodeJS.Timeout | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes) => this.#read(bytes));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      clearInterval(this.#keepalive);
    });
  }

  /** Connected, and the daemon has said the first word; undefined where it would not. */
  static async connect(
    peer: RecordedPeer,
    open: Message | Uint8Array,
  ): Promise<Tester | undefined> {
    const host = peer.address.includes(":") ? daemon.ipv6 : daemon.ipv4;
    const socket = connect({ host, port: 179, localAddress: peer.address });
    const connected = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    if (!connected) return undefined;
    const tester = new Tester(socket);
    tester.send(open);
    await tester.until(() => tester.frames.length > 0, 3000);
    if (tester.frames.length > 0) return tester;
    tester.close();
    return undefined;
  }

  /** From the daemon's OPEN on: KEEPALIVE back, and again every 10 s. */
  establish(fourOctetAs: boolean): void {
    this.#sendCodec = { fourOctetAs, extendedMessage: false };
    this.send({ type: "KEEPALIVE" });
    this.#keepalive = setInterval(() => this.send({ type: "KEEPALIVE" }), 10_000);
  }

  fallSilent(): void {
    clearInterval(this.#keepalive);
  }

  send(message: Message | Uint8Array): void {
    if (this.isClosed) return;
    const frames =
      message instanceof Uint8Array ? [message] : encodeMessage(message, this.#sendCodec);
    for (const frame of frames) this.#socket.write(frame);
  }

  close(): void {
    this.#socket.destroy();
    clearInterval(this.#keepalive);
    this.isClosed = true;
  }

  /** Whether it came true within that time, or before the connection ended. */
  async until(holds: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = performance.now() + limitMs;
    while (!holds()) {
      if (this.isClosed || performance.now() > endMs) return holds();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return true;
  }

  /** Nothing more has come for that long: what a daemon sends of its own accord has no other end. */
  async quiet(forMs: number): Promise<void> {
    let count = -1;
    while (count !== this.frames.length && !this.isClosed) {
      count = this.frames.length;
      await this.until(() => this.frames.length > count, forMs);
    }
  }

  #read(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    while (this.#pending.length >= headerBytes) {
      const length = this.#pending.readUInt16BE(16);
      if (length < headerBytes || this.#pending.length < length) return;
      this.frames.push(this.#pending.subarray(0, length));
      this.#pending = this.#pending.subarray(length);
    }
  }
}
