import { Worker } from "node:worker_threads";
import type { Address } from "../net/address.ts";
import { WakePipe } from "./epoll.ts";

/** What happens to ICMP echo requests that are sent without end. Numbers begin at 1, times are Unix milliseconds. */
export type Echo =
  | { echo: "reply"; number: number; atUnixMs: number; rttMs: number; duplicate: boolean }
  /** It was sent, and there was no reply when the next one was due. One may still come. */
  | { echo: "none"; number: number; atUnixMs: number }
  /** The system did not take it: no route, no carrier. It has no number. */
  | { echo: "refused"; atUnixMs: number };

export type EchoCommand =
  | { do: "start"; id: number; namespace: string; to: Address; everyMs: number }
  | { do: "stop"; id: number }
  | { do: "end" };

export type EchoReport =
  | { id: number; echo: Echo }
  /** It could not start. */
  | { id: number; failed: string }
  /** It has stopped; by how much its packets were late, at worst. */
  | { id: number; lateMs: number };

type Listener = {
  onEcho: (echo: Echo) => void;
  failed: PromiseWithResolvers<string>;
  stopped: PromiseWithResolvers<{ lateMs?: number }>;
};

/** Any number of echo probes, sent by one thread of their own. */
export class EchoProbes {
  readonly #wake = new WakePipe();
  readonly #listeners = new Map<number, Listener>();
  readonly #worker: Worker;
  readonly #ended = Promise.withResolvers<void>();
  #nextId = 1 + Math.floor(Math.random() * 0x7fff);

  constructor() {
    this.#worker = new Worker(new URL("echo-thread.ts", import.meta.url), {
      workerData: { wake: this.#wake.readFd },
    });
    this.#worker.on("message", (reports: EchoReport[]) => {
      for (const report of reports) this.#take(report);
    });
    this.#worker.on("error", (error: Error) => {
      for (const id of [...this.#listeners.keys()]) this.#take({ id, failed: error.message });
    });
    this.#worker.once("exit", () => {
      this.#ended.resolve();
      this.#wake.close();
    });
  }

  /**
   * `namespace`: a file such as /proc/PID/ns/net. `failed` resolves with the reason where it ends by
   * itself; `stop` when every echo has been told, with the worst lateness of a packet.
   */
  start(
    probe: { namespace: string; to: Address; everyMs: number },
    onEcho: (echo: Echo) => void,
  ): { failed: Promise<string>; stop: () => Promise<{ lateMs?: number }> } {
    const id = this.#nextId++;
    const failed = Promise.withResolvers<string>();
    const stopped = Promise.withResolvers<{ lateMs?: number }>();
    this.#listeners.set(id, { onEcho, failed, stopped });
    this.#command({ do: "start", id, ...probe });
    const stop = () => {
      if (this.#listeners.has(id)) this.#command({ do: "stop", id });
      return stopped.promise;
    };
    return { failed: failed.promise, stop };
  }

  /** Ends the thread and all that it sends. */
  async close(): Promise<void> {
    this.#command({ do: "end" });
    await this.#ended.promise;
  }

  #take(report: EchoReport): void {
    const listener = this.#listeners.get(report.id);
    if (listener === undefined) return;
    if ("echo" in report) {
      listener.onEcho(report.echo);
      return;
    }
    this.#listeners.delete(report.id);
    if ("failed" in report) {
      listener.failed.resolve(report.failed);
      listener.stopped.resolve({});
    } else listener.stopped.resolve({ lateMs: report.lateMs });
  }

  #command(command: EchoCommand): void {
    // oxlint-disable-next-line require-post-message-target-origin -- it is a thread, not a window
    this.#worker.postMessage(command);
    this.#wake.wake();
  }
}
