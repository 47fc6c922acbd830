import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { interrupt } from "../runtime/interrupt.ts";
import type { Runtime, RunningCommand } from "../runtime/port.ts";
import type { Scenario } from "../scenario/schema/types.ts";
import type { Recorder } from "../timeline/record.ts";
import { type Fabric, findNode } from "../topology/fabric.ts";
import type { EvidenceFile } from "./evidence.ts";

/** A capture that was forgotten must not fill the machine: the lab's folder is in memory. */
const full = { packets: 500_000, bytes: 256 * 1024 * 1024 };
const sizeEveryMs = 100;

/** Packets on interfaces of a lab as pcap files: from before its first exec line, or from a scenario's first step. */
export class Captures {
  readonly #directory: string;
  readonly #running = new Map<string, RunningCommand>();
  /** Those of which there are packets that were not taken away: full ones too. */
  readonly #kept = new Set<string>();

  readonly #full: typeof full;

  constructor(directory: string, limits = full) {
    this.#directory = directory;
    this.#full = limits;
  }

  /**
   * `interfaces`: `tor0:net0`, those left out that are captured already. Resolves when packets are
   * kept. One that cannot be captured is told in the timeline.
   */
  async start(runtime: Runtime, interfaces: readonly string[], record: Recorder): Promise<void> {
    const wanted = interfaces.filter((each) => !this.#kept.has(each));
    // What nobody took away, though it was to be taken.
    if (this.#kept.size === 0) rmSync(this.#directory, { recursive: true, force: true });
    for (const each of wanted) this.#kept.add(each);
    if (wanted.length > 0) mkdirSync(this.#directory, { recursive: true });
    await Promise.all(
      wanted.map((each) =>
        this.#begin(runtime, each, record).catch((error: Error) => {
          const message = `no capture of ${each}: ${error.message}`;
          record({ type: "log", level: "warn", node: each.split(":")[0]!, message });
        }),
      ),
    );
  }

  async #begin(runtime: Runtime, each: string, record: Recorder): Promise<void> {
    const [node, name] = each.split(":") as [string, string];
    // At once: in blocks, the packets of the last second would be lost with the process.
    const options = `-i ${name} --immediate-mode -U -Z root -c ${this.#full.packets} -w -`;
    const fd = openSync(join(this.#directory, `${node}-${name}.pcap`), "w", 0o644);
    const argv = ["tcpdump", ...options.split(" ")];
    const running = runtime.spawn({ node }, argv, { stdout: fd, stdin: "ignore" });
    this.#running.set(each, running);
    const begun = Promise.withResolvers<void>();
    let said = "";
    running.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("listening on")) begun.resolve();
    });
    const tell = (message: string) =>
      record({ type: "log", level: "warn", node, message: `capture of ${each} ${message}` });
    const isRunning = () => this.#running.get(each) === running;
    const looking = setInterval(() => {
      if (fstatSync(fd).size <= this.#full.bytes || !isRunning()) return;
      this.#running.delete(each);
      interrupt(running);
      tell(`is full (${sizeText(this.#full.bytes)}): what comes now is not in it`);
    }, sizeEveryMs);
    running.ended
      .then(({ exitCode }) => {
        if (!isRunning()) return;
        this.#running.delete(each);
        if (exitCode === 0)
          tell(`is full (${this.#full.packets} packets): what comes now is not in it`);
        else tell(`ended with status ${exitCode}: ${said.trim()}`);
      })
      .finally(() => {
        clearInterval(looking);
        closeSync(fd);
      })
      .then(begun.resolve, begun.reject);
    await begun.promise;
  }

  /** Ends them: what was captured so far is whole. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    for (const each of running) interrupt(each);
    await Promise.allSettled(running.map((each) => each.ended));
  }

  /** What was captured so far, which ends the captures. Whoever takes it takes the files away. */
  async take(): Promise<EvidenceFile[]> {
    await this.stop();
    this.#kept.clear();
    if (!existsSync(this.#directory)) return [];
    return readdirSync(this.#directory).map((name) => ({
      path: `captures/${name}`,
      file: join(this.#directory, name),
    }));
  }
}

function sizeText(bytes: number): string {
  return `${bytes / 1024 / 1024} MiB`;
}

/** The interfaces that a scenario names, each by its node's own name: `tor0:net0`. */
export function capturesOf(fabric: Fabric, { captures }: Pick<Scenario, "captures">): string[] {
  return captures.map((of) => `${findNode(fabric, of.node)?.name ?? of.node}:${of.interface}`);
}
