import { constants as fileConstants, createWriteStream, openSync } from "node:fs";
import { constants } from "node:os";
import { type Duplex, PassThrough, type Writable } from "node:stream";
import type Docker from "dockerode";
import type { ExecOptions, ExecResult, RunningCommand, SpawnOptions } from "../port.ts";
import { engineError } from "./engine-error.ts";
import { Demultiplexer, type OutputName } from "./multiplexed.ts";

/** Where a command is started, and how a process of it is signalled. */
export type ExecPlace = {
  docker: Docker;
  /** Container name or id. */
  container: string;
  /** For messages: the node's name. */
  name: string;
  /** `pid`: as the engine numbers it. `whole`: with every process of its session. */
  signal: (pid: number, signal: NodeJS.Signals, whole: boolean) => Promise<void>;
  /**
   * Aborted when the container has ended. The engine does not always end the streams of commands that
   * were just being started in it.
   */
  gone?: AbortSignal;
};

const execTimeoutMs = 120_000;
/** How long a killed command's outputs may stay open, held by a child that outlived it. */
const drainAfterKillMs = 1_000;
/** Where the engine cannot start a command it says so on the command's own output. */
const refusal = Buffer.from("OCI runtime exec failed:");
const inspectEveryMs = 5;
const exitKnownWithinMs = 10_000;
const resizableWithinMs = 1_000;

/** Runs a command to its end. Status 124 where it was killed for its time limit. */
export async function execIn(
  place: ExecPlace,
  argv: readonly string[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const began = performance.now();
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const command = new EngineCommand(place, argv, {
    stdin: options.stdin !== undefined,
    terminal: false,
    env: options.env ?? {},
    onOutput: (name, bytes) => {
      output[name].push(bytes);
      return undefined;
    },
  });
  const limitMs = options.timeoutMs ?? execTimeoutMs;
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), limitMs);
  try {
    if (options.stdin !== undefined) {
      void command.opened.then(
        (stream) => stream.end(options.stdin),
        () => undefined, // `ended` tells.
      );
    }
    const first = await Promise.race([command.ended, late.promise]);
    if (first === "late") await command.killWhole();
    const text = (name: OutputName) => Buffer.concat(output[name]).toString("utf8");
    return {
      exitCode: first === "late" ? 124 : first.exitCode,
      stdout: text("stdout"),
      stderr: text("stderr") + (first === "late" ? `\nkilled: no end within ${limitMs} ms` : ""),
      tookMs: performance.now() - began,
    };
  } finally {
    clearTimeout(timer);
  }
}

/** Starts a command that goes on. */
export function spawnIn(
  place: ExecPlace,
  argv: Promise<readonly string[]>,
  options: SpawnOptions = {},
): RunningCommand {
  const terminal = options.terminal ?? false;
  const sinks = { stdout: sinkOf(options.stdout, 1), stderr: sinkOf(options.stderr, 2) };
  const stdin = options.stdin === "pipe" ? new PassThrough() : null;
  const command = new EngineCommand(place, argv, {
    stdin: options.stdin === "pipe" || options.stdin === "inherit",
    terminal,
    env: options.env ?? {},
    onOutput: (name, bytes) => {
      const { stream } = sinks[name];
      return stream.write(bytes) ? undefined : stream;
    },
  });
  let giveBack = () => {};
  void command.opened.then(
    (stream) => {
      if (stdin) stdin.pipe(stream);
      else if (options.stdin === "inherit") giveBack = lendTerminal(command, stream, terminal);
    },
    () => undefined, // `ended` tells.
  );
  const ended = command.ended.finally(() => {
    giveBack();
    for (const sink of Object.values(sinks)) if (sink.own) sink.stream.end();
  });
  ended.catch(() => {}); // As above.
  return {
    get pid() {
      return command.pid;
    },
    stdin,
    stdout: sinks.stdout.readable,
    stderr: sinks.stderr.readable,
    ended,
    kill: (signal) => command.kill(signal),
  };
}

export type CommandOptions = {
  stdin: boolean;
  terminal: boolean;
  env: Record<string, string>;
  /** Returns where the bytes wait, if they do: no more is read until they are taken. */
  onOutput: (name: OutputName, bytes: Buffer) => Writable | undefined;
};

/** One `docker exec`: made, started, followed to its end. */
export class EngineCommand {
  /** Resolves with the connection to its standard streams; rejects where it was not started. */
  readonly opened: Promise<Duplex>;
  readonly ended: Promise<{ exitCode: number }>;
  /** As the engine numbers it; 0 until it is known. */
  pid = 0;
  readonly #place: ExecPlace;
  readonly #failed = Promise.withResolvers<never>();
  #exec: Docker.Exec | undefined;
  #refusal = "";

  constructor(
    place: ExecPlace,
    argv: readonly string[] | Promise<readonly string[]>,
    options: CommandOptions,
  ) {
    this.#place = place;
    this.opened = this.#open(argv, options);
    this.opened.catch(() => {}); // `ended` rejects with it.
    const ended = this.opened.then((stream) => this.#follow(stream, options));
    this.ended = Promise.race([ended, this.#failed.promise]);
    const onGone = () => this.#onGone();
    place.gone?.addEventListener("abort", onGone);
    this.ended.finally(() => place.gone?.removeEventListener("abort", onGone)).catch(() => {}); // Whoever waits for it is told; nobody has to.
  }

  /** The window's size as columns and rows. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#exec?.resize({ w: columns, h: rows });
  }

  kill(signal: NodeJS.Signals): void {
    this.#signal(signal, false).catch((error: unknown) => this.#failed.reject(error));
  }

  /** Kills it with all its children, and waits until it is gone. */
  async killWhole(): Promise<void> {
    await this.#signal("SIGKILL", true);
    const stream = await this.opened;
    const timer = setTimeout(() => stream.destroy(), drainAfterKillMs);
    await this.ended.catch(() => undefined);
    clearTimeout(timer);
  }

  #onGone(): void {
    this.#failed.reject(new Error(`${this.#place.name}: its container ended`));
    this.opened.then(
      (stream) => stream.destroy(),
      () => undefined,
    );
  }

  async #open(
    line: readonly string[] | Promise<readonly string[]>,
    options: CommandOptions,
  ): Promise<Duplex> {
    const { docker, container, name } = this.#place;
    const argv = await line;
    try {
      this.#exec = await docker.getContainer(container).exec({
        Cmd: [...argv],
        AttachStdin: options.stdin,
        AttachStdout: true,
        AttachStderr: true,
        Tty: options.terminal,
        Env: Object.entries(options.env).map(([key, value]) => `${key}=${value}`),
      });
      return await this.#exec.start({
        hijack: true,
        stdin: options.stdin,
        Tty: options.terminal,
      });
    } catch (error) {
      throw engineError(docker, error, `${name}: ${argv[0]}`);
    }
  }

  #follow(stream: Duplex, options: CommandOptions): Promise<{ exitCode: number }> {
    const emit = (name: OutputName, bytes: Buffer) => {
      const isRefusal = bytes.subarray(0, refusal.length).equals(refusal);
      if (isRefusal) this.#refusal = bytes.toString("utf8");
      const full = options.onOutput(isRefusal ? "stderr" : name, bytes);
      if (full === undefined) return;
      stream.pause();
      full.once("drain", () => stream.resume());
    };
    const outputs = new Demultiplexer(emit);
    return new Promise((resolve, reject) => {
      stream.on("data", (bytes: Buffer) => {
        try {
          if (options.terminal) emit("stdout", bytes);
          else outputs.push(bytes);
        } catch (error) {
          stream.destroy(error as Error);
        }
      });
      // What it did not read of its input is its own business; its status says how it ended.
      stream.once("error", () => stream.destroy());
      stream.once("close", () => this.#exitCode().then(resolve, reject));
      stream.once("end", () => stream.destroy());
    });
  }

  /** The outputs can end a moment before the engine knows the status. */
  async #exitCode(): Promise<{ exitCode: number }> {
    const deadlineMs = performance.now() + exitKnownWithinMs;
    while (performance.now() < deadlineMs) {
      const { Running, ExitCode } = await this.#inspect();
      if (!Running) {
        // A shell's status for a command that is not there, which not every engine gives.
        const isMissing = /executable file not found|no such file/.test(this.#refusal);
        return { exitCode: isMissing ? 127 : (ExitCode ?? 128 + constants.signals.SIGKILL) };
      }
      await new Promise((resolve) => setTimeout(resolve, inspectEveryMs));
    }
    throw new Error(
      `${this.#place.name}: a command closed its outputs and still runs after ${exitKnownWithinMs} ms`,
    );
  }

  async #inspect(): Promise<Docker.ExecInspectInfo> {
    try {
      const info = await this.#exec!.inspect();
      this.pid = info.Pid;
      return info;
    } catch (error) {
      throw engineError(this.#place.docker, error, `${this.#place.name}: status of a command`);
    }
  }

  async #signal(signal: NodeJS.Signals, whole: boolean): Promise<void> {
    await this.opened;
    const deadlineMs = performance.now() + exitKnownWithinMs;
    for (;;) {
      const { Running, Pid } = await this.#inspect();
      if (!Running) return;
      // The engine can pass on what a command prints before it knows its number itself.
      if (Pid > 0) return await this.#place.signal(Pid, signal, whole);
      if (performance.now() > deadlineMs) throw new Error(`${this.#place.name}: no process number`);
      await new Promise((resolve) => setTimeout(resolve, inspectEveryMs));
    }
  }
}

type Sink = { stream: Writable; readable: PassThrough | null; own: boolean };

function sinkOf(choice: "pipe" | "inherit" | number | undefined, standard: 1 | 2): Sink {
  if (choice === "inherit") {
    return { stream: standard === 1 ? process.stdout : process.stderr, readable: null, own: false };
  }
  if (typeof choice === "number") {
    // A descriptor of our own, since the caller may close his at once, as after a fork.
    const flags = fileConstants.O_WRONLY | fileConstants.O_APPEND;
    const fd = openSync(`/dev/fd/${choice}`, flags);
    return { stream: createWriteStream("", { fd }), readable: null, own: true };
  }
  const pipe = new PassThrough();
  return { stream: pipe, readable: pipe, own: true };
}

/** The engine refuses until the command's process is there, and once it has ended. */
async function resizeSoon(command: EngineCommand, columns: number, rows: number): Promise<void> {
  const deadlineMs = performance.now() + resizableWithinMs;
  for (;;) {
    try {
      return await command.resize(columns, rows);
    } catch {
      if (performance.now() > deadlineMs) return;
      await new Promise((resolve) => setTimeout(resolve, inspectEveryMs));
    }
  }
}

/** Joins this process's terminal to the command's. Returns how to take it back. */
function lendTerminal(command: EngineCommand, stream: Duplex, terminal: boolean): () => void {
  const resize = () => {
    const { columns, rows } = process.stdout;
    if (columns && rows) void resizeSoon(command, columns, rows);
  };
  if (terminal && process.stdin.isTTY) {
    process.stdin.setRawMode(true);
    process.stdout.on("resize", resize);
    resize();
  }
  process.stdin.pipe(stream);
  return () => {
    process.stdin.unpipe(stream);
    process.stdin.pause();
    if (terminal && process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdout.off("resize", resize);
  };
}
