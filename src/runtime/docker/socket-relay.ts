import { Duplex } from "node:stream";
import {
  encodeRelayMessage,
  type RelayMessage,
  RelayMessages,
} from "../../sys/socket-relay-messages.ts";
import { EngineCommand, type ExecPlace } from "./exec.ts";

/** Node starts in a tenth of a second, and on a busy machine in seconds. */
const opensWithinMs = 20_000;

type Opening = { resolve: () => void; reject: (error: Error) => void };

/** One process in a container that carries any number of connections to Unix sockets there. */
export class SocketRelay {
  readonly #command: EngineCommand;
  readonly #connections = new Map<number, RelayedConnection>();
  readonly #opening = new Map<number, Opening>();
  #last = 0;
  #failure: Error | undefined;

  /** `argv`: the command that runs src/agent/relay.ts there. */
  constructor(place: ExecPlace, argv: readonly string[]) {
    const messages = new RelayMessages();
    let stderr = "";
    this.#command = new EngineCommand(place, argv, {
      stdin: true,
      terminal: false,
      env: {},
      onOutput: (name, bytes) => {
        if (name === "stderr") stderr += bytes.toString("utf8");
        else for (const message of messages.push(bytes)) this.#receive(message);
        return undefined;
      },
    });
    this.#command.ended.then(
      ({ exitCode }) => this.#fail(`the relay ended with status ${exitCode}: ${stderr.trim()}`),
      (error: Error) => this.#fail(error.message),
    );
  }

  get hasEnded(): boolean {
    return this.#failure !== undefined;
  }

  /** Where nobody listens the error has the system's `code`. */
  async connect(path: string): Promise<Duplex> {
    if (this.#failure) throw this.#failure;
    const stream = await this.#command.opened;
    const number = ++this.#last;
    const send = (kind: RelayMessage["kind"], payload: Buffer, done?: Callback) => {
      const message = encodeRelayMessage({ connection: number, kind, payload });
      if (stream.destroyed) done?.(this.#failure ?? new Error("the relay ended"));
      else stream.write(message, done);
    };
    const opened = Promise.withResolvers<void>();
    const timer = setTimeout(() => opened.reject(new Error("no answer")), opensWithinMs);
    const connection = new RelayedConnection(send);
    this.#connections.set(number, connection);
    this.#opening.set(number, opened);
    connection.once("close", () => this.#connections.delete(number));
    send("open", Buffer.from(path));
    try {
      await opened.promise;
      return connection;
    } catch (error) {
      connection.destroy();
      const { message } = error as Error;
      const code = /\bE[A-Z]{3,}\b/.exec(message)?.[0];
      throw Object.assign(
        new Error(`connect ${path}: ${message}`, { cause: error }),
        code && { code },
      );
    } finally {
      clearTimeout(timer);
      this.#opening.delete(number);
    }
  }

  #receive({ connection: number, kind, payload }: RelayMessage): void {
    const connection = this.#connections.get(number);
    if (kind === "opened") this.#opening.get(number)?.resolve();
    else if (kind === "data") connection?.receive(payload);
    else if (kind === "closed") {
      this.#opening.get(number)?.reject(new Error(payload.toString() || "closed at once"));
      connection?.receiveEnd();
    }
  }

  #fail(message: string): void {
    this.#failure = new Error(message);
    for (const { reject } of this.#opening.values()) reject(this.#failure);
    for (const connection of this.#connections.values()) connection.destroy(this.#failure);
  }
}

type Callback = (error?: Error | null) => void;
type Send = (kind: RelayMessage["kind"], payload: Buffer, done?: Callback) => void;

const nothing = Buffer.alloc(0);

/** Both directions of a socket at the other end of the relay. */
class RelayedConnection extends Duplex {
  readonly #send: Send;

  constructor(send: Send) {
    // As net.Socket: "close" follows when the other side has ended, and whoever waits for more hears it.
    super({ allowHalfOpen: false });
    this.#send = send;
  }

  receive(bytes: Buffer): void {
    if (!this.destroyed) this.push(bytes);
  }

  receiveEnd(): void {
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#send("data", bytes, callback);
  }

  override _final(callback: Callback): void {
    this.#send("end", nothing, callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#send("closed", nothing);
    callback(error);
  }
}
