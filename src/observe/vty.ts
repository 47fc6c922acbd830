import type { Duplex } from "node:stream";

/** A daemon that is alive answers in milliseconds; the way to it can break without a word. */
const answerTimeoutMs = 10_000;

/** What a daemon answered: FRR's CMD_* return code (0: CMD_SUCCESS) and the text it printed. */
export type VtyAnswer = { status: number; output: string };

/** The daemon is there and says nothing: it is paused, or hangs. */
export class NoAnswerError extends Error {}

/**
 * One conversation with an FRR daemon over its vty socket (`/run/frr/bgpd.vty`), as vtysh has it:
 * a command ends with NUL; its answer ends with three NULs and one status byte (FRR lib/vty.c,
 * vtysh_read and vtysh_client_run). Commands go one at a time.
 */
export class VtyConnection implements Disposable {
  readonly #socket: Duplex;
  #received: Buffer = Buffer.alloc(0);
  #waiting: { resolve: (answer: VtyAnswer) => void; reject: (error: Error) => void } | undefined;
  #broken: Error | undefined;

  private constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("error", (error) => this.#break(error));
    socket.on("close", () => this.#break(new Error("the daemon closed the connection")));
  }

  /** Takes over a connected socket and enters the enable node, where every `show` is allowed. */
  static async open(socket: Duplex): Promise<VtyConnection> {
    const connection = new VtyConnection(socket);
    try {
      await connection.run("enable");
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
    return connection;
  }

  /** Rejects where the connection breaks or a command is still running. */
  async run(command: string): Promise<VtyAnswer> {
    if (this.#broken) throw this.#broken;
    if (this.#waiting) throw new Error("a vty runs one command at a time");
    const answer = Promise.withResolvers<VtyAnswer>();
    this.#waiting = answer;
    const late = new NoAnswerError(`no answer to '${command}' within ${answerTimeoutMs / 1000} s`);
    const timer = setTimeout(() => this.#break(late), answerTimeoutMs);
    try {
      this.#socket.write(`${command}\0`);
      return await answer.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  get isOpen(): boolean {
    return this.#broken === undefined;
  }

  [Symbol.dispose](): void {
    this.#break(new Error("the connection was closed"));
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    const answer = takeAnswer(this.#received);
    if (!answer || !this.#waiting) return;
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    this.#received = answer.rest;
    resolve({ status: answer.status, output: answer.output });
  }

  #break(error: Error): void {
    this.#broken ??= error;
    this.#waiting?.reject(this.#broken);
    this.#waiting = undefined;
  }
}

/** The first whole answer in `bytes`, or undefined where more must come. Text holds no NUL. */
export function takeAnswer(bytes: Buffer): (VtyAnswer & { rest: Buffer }) | undefined {
  const end = bytes.indexOf(0);
  if (end < 0 || bytes.length < end + 4) return undefined;
  return {
    output: bytes.toString("utf8", 0, end),
    status: bytes[end + 3]!,
    rest: bytes.subarray(end + 4),
  };
}
