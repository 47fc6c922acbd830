import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { Writable } from "node:stream";

/**
 * As kubelet's containerLogMaxSize (10Mi unless set). Of those before it kubelet keeps four
 * (containerLogMaxFiles), this one: a lab's state is in memory.
 */
const bytesMax = 10 * 1024 * 1024;
const newline = 0x0a;

/** What a container writes, in a file and the one before it: at least the last 10 MiB, at most 20. */
export class ContainerLog extends Writable {
  readonly #file: string;
  readonly #bytesMax: number;
  #fd: number;
  #bytes: number;
  /** Something is in it, and ends with a line. */
  #isWhole: boolean;

  /** Goes on with what is there: a container that starts again has one log. */
  constructor(file: string, limit = bytesMax) {
    super();
    this.#file = file;
    this.#bytesMax = limit;
    this.#fd = openSync(file, "a", 0o600);
    this.#bytes = fstatSync(this.#fd).size;
    this.#isWhole = this.#bytes > 0;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    try {
      let rest = chunk;
      while (this.#bytes + rest.length > this.#bytesMax) {
        const room = this.#bytesMax - this.#bytes;
        // Files begin with a whole line, where lines are not longer than files.
        const lineEnd = room > 0 ? rest.lastIndexOf(newline, room - 1) + 1 : 0;
        const cut = lineEnd > 0 ? lineEnd : this.#isWhole ? 0 : room;
        this.#append(rest.subarray(0, cut));
        this.#rotate();
        rest = rest.subarray(cut);
      }
      this.#append(rest);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    closeSync(this.#fd);
    done(error);
  }

  #append(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
    this.#bytes += bytes.length;
    if (bytes.length > 0) this.#isWhole = bytes.at(-1) === newline;
  }

  #rotate(): void {
    // A pod that is being stopped may still write when its folder is gone: nobody reads it then.
    const file = existsSync(this.#file) ? this.#file : "/dev/null";
    if (file === this.#file) renameSync(file, before(file));
    closeSync(this.#fd);
    this.#fd = openSync(file, "a", 0o600);
    this.#bytes = 0;
    this.#isWhole = false;
  }
}

/** All that is left of a container's log. Throws ENOENT where there is none. */
export function readContainerLog(file: string): string {
  const older = existsSync(before(file)) ? readFileSync(before(file), "utf8") : "";
  return older + readFileSync(file, "utf8");
}

function before(file: string): string {
  return `${file}.1`;
}
