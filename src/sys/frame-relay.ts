import { Worker } from "node:worker_threads";
import { WakePipe } from "./epoll.ts";

/** What becomes of frames that are handed to the relay. */
export type Treatment = { delayMs: number; jitterMs: number; corruptPercent: number };

export type RelayCommand =
  | {
      do: "start";
      id: number;
      namespace: string;
      device: string;
      tap: string;
      treatment: Treatment;
    }
  | { do: "stop"; id: number }
  | { do: "end" };

/** `error` is set where it could not start. */
export type RelayReport = { id: number; is: "started" | "stopped"; error?: string };

/** Frames that bear this mark come from the relay and are not handed to it again. */
export const relayMark = 0x5e1a;

/**
 * Sends on later, or damaged, what a device of a namespace sends: a thread of its own reads the frames
 * from a TAP device beside it, to which a rule of nftables forwards them.
 */
export class FrameRelays {
  readonly #wake = new WakePipe();
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  readonly #worker: Worker;
  readonly #ended = Promise.withResolvers<void>();
  #nextId = 1;

  constructor() {
    this.#worker = new Worker(new URL("frame-relay-thread.ts", import.meta.url), {
      workerData: { wake: this.#wake.readFd },
    });
    this.#worker.on("message", ({ id, is, error }: RelayReport) => {
      const waiting = this.#waiting.get(`${id} ${is}`);
      this.#waiting.delete(`${id} ${is}`);
      if (error === undefined) waiting?.resolve();
      else waiting?.reject(new Error(error));
    });
    this.#worker.on("error", (error: Error) => {
      for (const waiting of this.#waiting.values()) waiting.reject(error);
      this.#waiting.clear();
    });
    this.#worker.once("exit", () => {
      this.#ended.resolve();
      this.#wake.close();
    });
  }

  /** Resolves when the TAP device is there, with how to take it away. */
  async start(
    namespace: string,
    device: string,
    tap: string,
    treatment: Treatment,
  ): Promise<() => Promise<void>> {
    const id = this.#nextId++;
    await this.#ask(id, "started", { do: "start", id, namespace, device, tap, treatment });
    return () => this.#ask(id, "stopped", { do: "stop", id });
  }

  async close(): Promise<void> {
    this.#command({ do: "end" });
    await this.#ended.promise;
  }

  #ask(id: number, until: RelayReport["is"], command: RelayCommand): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.set(`${id} ${until}`, done);
    this.#command(command);
    return done.promise;
  }

  #command(command: RelayCommand): void {
    // oxlint-disable-next-line require-post-message-target-origin -- it is a thread, not a window
    this.#worker.postMessage(command);
    this.#wake.wake();
  }
}
