import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import type { Setup } from "./configs.ts";
import type { Daemon } from "./daemons.ts";

/** Runs in the namespace until it is stopped. */
export class Running {
  readonly startedMs: number;
  readonly #child: ChildProcess;
  readonly #name: string;
  #said = "";

  constructor(daemon: Daemon, setup: Setup, namespace: string) {
    mkdirSync(setup.dir, { recursive: true });
    // FRR's daemon is not root when it makes its sockets.
    chmodSync(setup.dir, 0o777);
    const argv = daemon.argv(setup);
    this.#name = daemon.name;
    this.startedMs = performance.now();
    this.#child = spawn("ip", ["netns", "exec", namespace, ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...daemon.env?.(setup) },
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on(
        "data",
        (bytes: Buffer) => (this.#said = (this.#said + bytes.toString()).slice(-2000)),
      );
    }
  }

  /** What it said last, for a failure. */
  get said(): string {
    return `${this.#name} said: ${this.#said.trim() || "nothing"}`;
  }

  /** Resident memory of all its processes, in MB. */
  get rssMb(): number {
    return (
      sum(this.#pids().map((pid) => Number(field(pid, "status", /^VmRSS:\s+(\d+) kB/m)) * 1024)) /
      1e6
    );
  }

  /** Time that its processes have computed, in ms: to 10 ms, proc_pid_stat(5). */
  get cpuMs(): number {
    return sum(
      this.#pids().map((pid) => {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return 10 * (Number(fields[11]) + Number(fields[12]));
      }),
    );
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    // One that does not end by itself is of no more use.
    const pids = this.#pids();
    child.kill("SIGTERM");
    const timer = setTimeout(() => {
      for (const pid of pids) kill(pid);
    }, 3000);
    await gone;
    clearTimeout(timer);
  }

  /** Its process and the children of it: OpenBGPD has three. */
  #pids(): number[] {
    const own = this.#child.pid!;
    const children = readdirSync("/proc").filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === own;
      } catch {
        return false;
      }
    });
    return [own, ...children.map(Number)].filter((pid) => existsSync(`/proc/${pid}/stat`));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function field(pid: number, file: string, pattern: RegExp): string {
  return pattern.exec(readFileSync(`/proc/${pid}/${file}`, "utf8"))?.[1] ?? "0";
}
