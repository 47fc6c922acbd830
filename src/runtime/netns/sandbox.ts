import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ExecOptions, ExecResult, RunningCommand, SpawnOptions } from "../port.ts";

/** A sandbox is a set of namespaces with a root file system of its own, held by its first process. */
export type SandboxOptions = {
  hostname: string;
  /** An empty directory of the host: the sandbox's file system is mounted there, inside the sandbox only. */
  directory: string;
  hosts: string;
  binds: { source: string; destination: string; readOnly: boolean }[];
  /** Path below /proc/sys → value. */
  sysctls: Record<string, string>;
  /** Process of another sandbox in whose PID namespace this one nests: a pod ends with its node. */
  insidePidOf?: number;
};

const initScript = fileURLToPath(new URL("sandbox-init.sh", import.meta.url));
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export const sandboxEnvironment = {
  PATH: searchPath,
  HOME: "/root",
  LANG: "C.UTF-8",
  TERM: "xterm-256color",
} as const;
const execTimeoutMs = 120_000;

export class Sandbox {
  /** The first process, as the host numbers it. */
  readonly pid: number;
  readonly #holder: ChildProcess;

  private constructor(pid: number, holder: ChildProcess) {
    this.pid = pid;
    this.#holder = holder;
  }

  /** Makes the namespaces and the root file system. Throws with what the first process printed. */
  static async create(options: SandboxOptions): Promise<Sandbox> {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    return Sandbox.#hold(
      [
        ...(options.insidePidOf === undefined
          ? []
          : ["nsenter", "-t", String(options.insidePidOf), "--pid", "--no-fork", "--", ...waiting]),
        "unshare",
        "--net",
        "--mount",
        "--uts",
        "--ipc",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        initScript,
      ],
      {
        SANDBOX_DIRECTORY: options.directory,
        SANDBOX_HOSTNAME: options.hostname,
        SANDBOX_HOSTS: options.hosts,
        SANDBOX_BINDS: options.binds
          .map((bind) => `${bind.source}\t${bind.destination}\t${bind.readOnly ? "ro" : "rw"}\n`)
          .join(""),
        SANDBOX_SYSCTLS: Object.entries(options.sysctls)
          .map(([path, value]) => `${path} ${value}\n`)
          .join(""),
      },
    );
  }

  /** Only a network namespace: for the bridges of the management networks. */
  static async createNetwork(): Promise<Sandbox> {
    const wait =
      'read -r pid _ </proc/self/stat; echo "ready $pid"; exec sleep infinity >/dev/null';
    return Sandbox.#hold(["unshare", "--net", "sh", "-c", wait], {});
  }

  /** The kernel kills the holder, and with it the sandbox, when this process ends in whatever way. */
  static async #hold(argv: string[], env: Record<string, string>): Promise<Sandbox> {
    const holder = spawn("setpriv", ["--pdeathsig", "KILL", ...argv], {
      env: { PATH: searchPath, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const output = gather(holder);
    const pid = await new Promise<number>((resolve, reject) => {
      holder.once("error", reject);
      holder.once("close", (code) => {
        reject(new Error(`sandbox not made (status ${code}): ${output.stderr.trim()}`));
      });
      holder.stdout!.on("data", () => {
        const ready = /^ready (\d+)$/m.exec(output.stdout);
        if (ready) resolve(Number(ready[1]));
      });
    });
    holder.stdout!.destroy();
    holder.stderr!.destroy();
    return new Sandbox(pid, holder);
  }

  get networkNamespace(): string {
    return `/proc/${this.pid}/ns/net`;
  }

  /** Path of the sandbox's root as the host sees it. */
  get root(): string {
    return `/proc/${this.pid}/root`;
  }

  /** The command line that runs `argv` inside, for a terminal of the user's own. */
  enter(argv: readonly string[]): string[] {
    return enterCommand(this.pid, argv);
  }

  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const began = performance.now();
    const command = this.spawn(argv, {
      ...(options.env === undefined ? {} : { env: options.env }),
      stdin: options.stdin === undefined ? "ignore" : "pipe",
    });
    const output = gather(command);
    if (options.stdin !== undefined) {
      // The command may end without reading all of it: that is its own business.
      command.stdin!.on("error", () => {});
      command.stdin!.end(options.stdin);
    }
    const limitMs = options.timeoutMs ?? execTimeoutMs;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      command.kill("SIGKILL");
    }, limitMs);
    const { exitCode } = await command.ended;
    clearTimeout(timer);
    return {
      exitCode: timedOut ? 124 : exitCode,
      stdout: output.stdout,
      stderr: output.stderr + (timedOut ? `\nkilled: no end within ${limitMs} ms` : ""),
      tookMs: performance.now() - began,
    };
  }

  spawn(argv: readonly string[], options: SpawnOptions = {}): RunningCommand {
    const inside = options.terminal ? terminalCommand(argv) : argv;
    const [file, ...args] = waitingCommand(this.pid, inside);
    const child = spawn(file, args, {
      env: {
        PATH: searchPath,
        HOME: "/root",
        LANG: "C.UTF-8",
        TERM: "xterm-256color",
        ...options.env,
      },
      stdio: [options.stdin ?? "ignore", options.stdout ?? "pipe", options.stderr ?? "pipe"],
      // Out of reach of the keyboard: Ctrl-C is for whoever runs the lab, and would reach its agents first.
      detached: true,
    });
    const ended = new Promise<{ exitCode: number }>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => void closeOutput(child));
      child.once("close", (code, signal) => {
        resolve({ exitCode: code ?? 128 + signalNumber(signal) });
      });
    });
    return {
      pid: child.pid ?? 0,
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      ended,
      kill: (signal) => {
        // The shell waits outside the PID namespace for the command inside it and passes no signal on.
        const inner = childOf(child.pid!);
        if (child.exitCode === null) killQuietly(inner ?? child.pid!, signal);
      },
    };
  }

  /** Ends every process inside at once and waits until they are gone. */
  async destroy(): Promise<void> {
    // Once it has ended its number may be another process's.
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    killQuietly(this.pid, "SIGKILL");
    await once(this.#holder, "exit");
  }
}

/** `pid`: first process of a sandbox, as the host numbers it. */
export function enterCommand(pid: number, argv: readonly string[]): string[] {
  return ["nsenter", "-t", String(pid), "-m", "-u", "-i", "-n", "-p", "--", ...argv];
}

/**
 * A shell that waits for a command, which is not the shell's last: that one it would become itself.
 * It stands outside a PID namespace for a command inside. nsenter would wait as well, but stops itself
 * with a command that is stopped and does not go on with it: the end of the command would be noticed by
 * nobody, and the namespace not end, since its processes are not reaped.
 */
const waiting = ["sh", "-c", '"$@"; exit $?', "sh"];

function waitingCommand(pid: number, argv: readonly string[]): [string, ...string[]] {
  const enter = ["-t", String(pid), "-m", "-u", "-i", "-n", "-p", "--no-fork", "--"];
  return ["nsenter", ...enter, ...waiting, ...argv];
}

/** script(1) gives the command a pseudo-terminal and ends with its status. */
function terminalCommand(argv: readonly string[]): string[] {
  const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  return ["script", "--quiet", "--return", "--command", quoted, "/dev/null"];
}

function childOf(pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return children === "" ? undefined : Number(children.split(" ")[0]);
  } catch {
    return undefined; // The process ended meanwhile.
  }
}

/**
 * After the end of a command: closes its output when all that it wrote has been read. A daemon that it
 * left behind may hold the other end for as long as it runs, as FRR's from 10 on do.
 */
async function closeOutput(child: ChildProcess): Promise<void> {
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  let read = false;
  for (const stream of streams) stream.on("data", () => (read = true));
  do {
    read = false;
    // What an ended process wrote lies ready, but may have come after this round of the event loop
    // looked: the end of another child can bring the news of this one. The next round delivers it.
    await setImmediate();
    await setImmediate();
  } while (read || streams.some(held));
  for (const stream of streams) stream.destroy();
}

/** Its reader has stopped it for a while. */
function held(stream: Readable): boolean {
  return stream.readableFlowing === false && !stream.readableEnded && !stream.destroyed;
}

function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === "SIGKILL" ? 9 : signal === "SIGTERM" ? 15 : signal === "SIGINT" ? 2 : 1;
}

function gather(from: Pick<RunningCommand, "stdout" | "stderr">): {
  stdout: string;
  stderr: string;
} {
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    from[stream]?.setEncoding("utf8").on("data", (text: string) => (output[stream] += text));
  }
  return output;
}
