import { spawn } from "node:child_process";
import { EnvironmentError } from "../../input/diagnostic.ts";

/** Where kind cannot do what is asked: its own output, whole. */
export class KindError extends Error {
  override readonly name = "KindError";
}

export type KindCommand = {
  /** Name or path of the command. Default: `kind`, looked for on PATH. */
  command?: string | undefined;
  /** Of the kind process: `DOCKER_HOST` is the engine's that was chosen. Default: this process's. */
  env?: NodeJS.ProcessEnv | undefined;
};

/** Oldest kind whose commands and output are as expected here. */
const oldest = [0, 20, 0] as const;

const howToGetKind =
  "install kind (https://kind.sigs.k8s.io/docs/user/quick-start/), for example: go install sigs.k8s.io/kind@v0.30.0";

/** Between the polite end of kind and the other: it takes its own containers down on SIGTERM. */
const killAfterMs = 10_000;

/** The version of the kind command. Throws EnvironmentError where there is none, or one too old. */
export async function kindVersion(options: KindCommand = {}): Promise<string> {
  const text = (await runKind(options, ["version", "-q"])).trim();
  const version = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number);
  if (version === undefined) {
    throw new EnvironmentError(`kind tells no version but ${JSON.stringify(text)}`, howToGetKind);
  }
  const differs = oldest.findIndex((part, index) => part !== version[index]);
  if (differs >= 0 && version[differs]! < oldest[differs]!) {
    throw new EnvironmentError(
      `kind ${text} is too old: ${oldest.join(".")} or newer is needed`,
      howToGetKind,
    );
  }
  return text.replace(/^v/, "");
}

type RunOptions = {
  stdin?: string | undefined;
  onProgress?: ((line: string) => void) | undefined;
  signal?: AbortSignal | undefined;
};

/**
 * Runs kind to its end and resolves with its stdout. What is no success rejects with all it said: with
 * EnvironmentError where the disk is full, else with KindError.
 */
export async function runKind(
  options: KindCommand,
  args: readonly string[],
  more: RunOptions = {},
): Promise<string> {
  const { exitCode, stdout, said } = await run(options, args, more);
  more.signal?.throwIfAborted();
  if (exitCode === 0) return stdout;
  const words = args.map((arg) => (arg === "-" ? "/dev/stdin" : arg)).join(" ");
  const what = `kind ${words} ended with status ${exitCode}:\n${said.trimEnd()}`;
  if (!/no space left on device|disk quota exceeded/i.test(said)) throw new KindError(what);
  throw new EnvironmentError(
    `the engine's disk is full: ${what}`,
    "`docker system df` shows what takes the space, `docker system prune` frees it",
  );
}

/** Runs the command to its end, whatever its status is. `said`: stdout and stderr as they came. */
export function run(
  { command = "kind", env = process.env }: KindCommand,
  args: readonly string[],
  { stdin, onProgress, signal }: RunOptions = {},
): Promise<{ exitCode: number; stdout: string; said: string }> {
  return new Promise((resolve, reject) => {
    // A process group of its own: Ctrl-C in a terminal would reach kind and its docker commands before
    // this process has decided what is to be done.
    const child = spawn(command, args, { env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let said = "";
    let unfinished = "";
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") return reject(error);
      const name = command.split("/").pop()!;
      const remedy =
        name === "docker" ? "install the docker command, which kind calls" : howToGetKind;
      reject(new EnvironmentError(`there is no ${command} command on this machine`, remedy));
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      said += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const parts = (unfinished + text).split("\n");
      unfinished = parts.pop()!;
      for (const line of parts) tell(line);
    });
    const tell = (line: string) => {
      const stage = stageOf(line);
      if (stage !== undefined) onProgress?.(stage);
    };
    child.stdin.on("error", () => {}); // It ended without reading: its status says why.
    child.stdin.end(stdin ?? "");

    let killTimer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      kill(child.pid, "SIGTERM");
      killTimer = setTimeout(() => kill(child.pid, "SIGKILL"), killAfterMs);
    };
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    child.on("close", (status, bySignal) => {
      clearTimeout(killTimer);
      signal?.removeEventListener("abort", onAbort);
      tell(unfinished);
      resolve({ exitCode: status ?? 128 + (bySignal === "SIGKILL" ? 9 : 15), stdout, said });
    });
  });
}

/** The whole group: kind waits for its docker commands. */
function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** kind tells a stage twice off a terminal: ` • Preparing nodes 📦  ...`, then ` ✓ Preparing nodes 📦`. */
function stageOf(line: string): string | undefined {
  const begun = /^ • (.*?)\s*\.\.\.$/.exec(line)?.[1];
  const warning = /^(WARNING: .*)$/.exec(line)?.[1];
  return begun?.replace(/[^\x20-\x7e]/g, "").trim() ?? warning;
}
