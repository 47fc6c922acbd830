import { createInterface } from "node:readline";
import type { Address } from "../net/address.ts";
import type { Echo } from "../sys/echo-rows.ts";
import type { EchoRun, RunningCommand } from "./port.ts";

/** ICMP echo sequence numbers have 16 bits and begin again. */
const sequenceModulus = 0x1_0000;

/** iputils' ping without end: with times, and with a word on each packet that has no answer when the next is due. */
export function pingArgv(to: Address, everyMs: number): string[] {
  return ["ping", "-n", "-D", "-O", "-i", String(everyMs / 1000), to];
}

/** Echoes as a running ping tells them, for a runtime that cannot send packets itself. */
export function pingEcho(command: RunningCommand, onEcho: (echo: Echo) => void): EchoRun {
  let errors = "";
  let stopping = false;
  command.stderr?.on("data", (bytes: Buffer) => (errors = (errors + String(bytes)).slice(-500)));
  const read = async () => {
    const reader = new PingReader();
    for await (const text of createInterface({ input: command.stdout! })) {
      const echo = reader.read(text);
      if (echo) onEcho(echo);
    }
  };
  const linesEnded = read();
  const failed = Promise.withResolvers<string>();
  const fail = (how: string) => {
    if (!stopping) failed.resolve(`ping ${how}: ${errors.trim()}`);
  };
  command.ended.then(
    ({ exitCode }) => fail(`ended with status ${exitCode}`),
    (error: Error) => fail(`was lost (${error.message})`),
  );
  return {
    failed: failed.promise,
    async stop() {
      stopping = true;
      command.kill("SIGKILL");
      await command.ended.catch(() => {}); // What it has told so far counts.
      await linesEnded;
      return {};
    },
  };
}

/** Understands the lines of `ping -n -D -O`, one after the other. */
export class PingReader {
  #highest = 0;
  #lastNone = 0;

  /** Undefined for lines that tell nothing of a packet: headers, summaries, ICMP errors on the way. */
  read(line: string): Echo | undefined {
    // `[1795217787.181277] 64 bytes from 10.1.3.1: icmp_seq=1 ttl=61 time=0.063 ms`
    const reply =
      /^\[(\d+\.\d+)\] \d+ bytes from .*icmp_seq=(\d+) .*?time=([\d.]+) ms( \(DUP!\))?/.exec(line);
    if (reply) {
      return {
        echo: "reply",
        number: this.#unwrap(Number(reply[2])),
        atUnixMs: Number(reply[1]) * 1000,
        rttMs: Number(reply[3]),
        duplicate: reply[4] !== undefined,
      };
    }
    // `[1795217751.388182] no answer yet for icmp_seq=1`
    const none = /^\[(\d+\.\d+)\] no answer yet for icmp_seq=(\d+)/.exec(line);
    if (!none) return undefined;
    const number = this.#unwrap(Number(none[2]));
    const atUnixMs = Number(none[1]) * 1000;
    // A packet that the kernel refuses has no number: ping says it again of the last one sent.
    if (number === this.#lastNone) return { echo: "refused", atUnixMs };
    this.#lastNone = number;
    return { echo: "none", number, atUnixMs };
  }

  /** The number nearest to the highest one so far that ends in these 16 bits. */
  #unwrap(sequence: number): number {
    const turns = Math.round((this.#highest - sequence) / sequenceModulus);
    const number = sequence + turns * sequenceModulus;
    this.#highest = Math.max(this.#highest, number);
    return number;
  }
}
