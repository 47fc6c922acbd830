import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { interrupt } from "../runtime/interrupt.ts";
import type { Runtime, RunningCommand } from "../runtime/port.ts";
import type { Scenario } from "../scenario/schema/types.ts";
import type { Recorder } from "../timeline/record.ts";
import { type Fabric, findNode } from "../topology/fabric.ts";
import type { EvidenceFile } from "./evidence.ts";

/** A capture that was forgotten must not fill the disk. */
const packetsMax = 500_000;

/** Packets on interfaces of a lab as pcap files: from before its first exec line, or from a scenario's first step. */
export class Captures {
  readonly #directory: string;
  readonly #running = new Map<string, RunningCommand>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * `interfaces`: `tor0:net0`, those left out that are captured already. Resolves when packets are
   * kept. One that cannot be captured is told in the timeline.
   */
  async start(runtime: Runtime, interfaces: readonly string[], record: Recorder): Promise<void> {
    const wanted = interfaces.filter((each) => !this.#running.has(each));
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
    const options = `-i ${name} --immediate-mode -U -Z root -c ${packetsMax} -w -`;
    const fd = openSync(join(this.#directory, `${node}-${name}.pcap`), "w", 0o644);
    const argv = ["tcpdump", ...options.split(" ")];
    const running = runtime.spawn({ node }, argv, { stdout: fd, stdin: "ignore" });
    closeSync(fd);
    this.#running.set(each, running);
    const begun = Promise.withResolvers<void>();
    let said = "";
    running.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("listening on")) begun.resolve();
    });
    running.ended
      .then(({ exitCode }) => {
        if (exitCode === 0 || this.#running.get(each) !== running) return;
        const message = `capture of ${each} ended with status ${exitCode}: ${said.trim()}`;
        record({ type: "log", level: "warn", node, message });
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

  /** What was captured so far, which ends the captures. */
  async take(): Promise<EvidenceFile[]> {
    await this.stop();
    if (!existsSync(this.#directory)) return [];
    const files = readdirSync(this.#directory).map((name) => ({
      path: `captures/${name}`,
      content: readFileSync(join(this.#directory, name)),
    }));
    rmSync(this.#directory, { recursive: true });
    return files;
  }
}

/** The interfaces that a scenario names, each by its node's own name: `tor0:net0`. */
export function capturesOf(fabric: Fabric, { captures }: Pick<Scenario, "captures">): string[] {
  return captures.map((of) => `${findNode(fabric, of.node)?.name ?? of.node}:${of.interface}`);
}
