/**
 * The engine's stream of two outputs (Engine API, "Stream format" of ContainerAttach): frames of an
 * eight-byte header {stream, 0, 0, 0, length (32 bit, big-endian)} and that many bytes.
 */
export type OutputName = "stdout" | "stderr";

const headerBytes = 8;
const names: Partial<Record<number, OutputName>> = { 0: "stdout", 1: "stdout", 2: "stderr" };

/** Takes the stream in pieces of any size and hands out each output's bytes as they come. */
export class Demultiplexer {
  readonly #emit: (output: OutputName, bytes: Buffer) => void;
  #header = Buffer.alloc(0);
  #output: OutputName = "stdout";
  #remaining = 0;

  constructor(emit: (output: OutputName, bytes: Buffer) => void) {
    this.#emit = emit;
  }

  /** Throws where the bytes are no such stream. */
  push(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#remaining === 0) {
        const missing = headerBytes - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#header.length < headerBytes) return;
        const output = names[this.#header[0]!];
        if (output === undefined) {
          throw new Error(
            `not a multiplexed stream: it begins with ${this.#header.toString("hex")}`,
          );
        }
        this.#output = output;
        this.#remaining = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
      }
      const part = rest.subarray(0, this.#remaining);
      this.#remaining -= part.length;
      rest = rest.subarray(part.length);
      if (part.length > 0) this.#emit(this.#output, part);
    }
  }
}
