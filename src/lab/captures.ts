import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Runtime, RunningCommand } from "../runtime/port.ts";
import type { Recorder } from "../timeline/record.ts";
import type { EvidenceFile } from "./evidence.ts";

/** A capture that was forgotten must not fill the disk. */
const packetsMax = 500_000;

/** Packets on interfaces of a lab, from before its first exec line to its end, as pcap files. */
export class Captures {
  readonly #directory: string;
  readonly #running: RunningCommand[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** `interfaces`: `tor0:net0`. One that cannot be captured is told in the timeline. */
  start(runtime: Runtime, interfaces: readonly string[], record: Recorder): void {
    if (interfaces.length > 0) mkdirSync(this.#directory, { recursive: true });
    for (const each of interfaces) {
      const [node, name] = each.split(":") as [string, string];
      const limits = ["-c", String(packetsMax)];
      // At once: in blocks, the packets of the last second would be lost with the process.
      const argv = [
        "tcpdump",
        "-i",
        name,
        "--immediate-mode",
        "-U",
        "-Z",
        "root",
        ...limits,
        "-w",
        "-",
      ];
      const fd = openSync(join(this.#directory, `${node}-${name}.pcap`), "w", 0o644);
      const running = runtime.spawn({ node }, argv, { stdout: fd, stdin: "ignore" });
      closeSync(fd);
      let said = "";
      running.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
      this.#running.push(running);
      running.ended.then(
        ({ exitCode }) => {
          if (exitCode === 0 || this.#running.length === 0) return;
          const message = `capture of ${each} ended with status ${exitCode}: ${said.trim()}`;
          record({ type: "log", level: "warn", node, message });
        },
        () => {},
      );
    }
  }

  /** Ends them: what was captured so far is whole. */
  async stop(): Promise<void> {
    const running = this.#running.splice(0);
    for (const each of running) each.kill("SIGINT");
    await Promise.allSettled(running.map((each) => each.ended));
  }

  /** What was captured so far, which ends the captures. */
  async take(): Promise<EvidenceFile[]> {
    await this.stop();
    if (!existsSync(this.#directory)) return [];
    return readdirSync(this.#directory).map((name) => ({
      path: `captures/${name}`,
      content: readFileSync(join(this.#directory, name)),
    }));
  }
}
