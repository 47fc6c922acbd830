import { Worker } from "node:worker_threads";
import type { Address } from "../net/address.ts";
import { type Echo, readEchoRows } from "./echo-rows.ts";
import { WakePipe } from "./epoll.ts";

export type EchoCommand =
  | { do: "start"; id: number; namespace: string; to: Address; everyMs: number }
  | { do: "stop"; id: number }
  | { do: "end" };

/** A probe could not start, or has stopped: by how much its packets were late, at worst. */
export type EchoEnd = { id: number; failed: string } | { id: number; lateMs: number };

/** What has happened since the last such message; the echoes were before the ends. */
export type EchoReports = { echoes: Float64Array; ends: readonly EchoEnd[] };

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
    this.#worker.on("message", ({ echoes, ends }: EchoReports) => {
      readEchoRows(echoes, (id, echo) => this.#listeners.get(id)?.onEcho(echo));
      for (const end of ends) this.#end(end);
    });
    this.#worker.on("error", (error: Error) => {
      for (const id of [...this.#listeners.keys()]) this.#end({ id, failed: error.message });
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

  #end(end: EchoEnd): void {
    const listener = this.#listeners.get(end.id);
    if (listener === undefined) return;
    this.#listeners.delete(end.id);
    if ("failed" in end) {
      listener.failed.resolve(end.failed);
      listener.stopped.resolve({});
    } else listener.stopped.resolve({ lateMs: end.lateMs });
  }

  #command(command: EchoCommand): void {
    // oxlint-disable-next-line require-post-message-target-origin -- it is a thread, not a window
    this.#worker.postMessage(command);
    this.#wake.wake();
  }
}
