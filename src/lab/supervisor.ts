import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Lab } from "./lab.ts";
import type { LabSpec } from "./spec.ts";

const launcher = fileURLToPath(new URL("../../bin/spinelab.mjs", import.meta.url));

/**
 * Starts the process that holds a lab after this command has ended. Resolves when its control socket
 * answers; the lab is then being built: ask `awaitUp`. Rejects with what it said where it could not
 * even claim the name: SupervisorError.
 */
export async function startSupervisor(spec: LabSpec): Promise<void> {
  const child = spawn(process.execPath, [launcher, "supervise"], {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {}); // It ended early: what it wrote to stderr says why.
  child.stdin.end(JSON.stringify(spec));
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "close") as Promise<[number | null]>;
  const first = await Promise.race([
    once(child.stdout, "data").then(() => "open" as const),
    ended.then(([exitCode]) => new SupervisorError(said.trim(), exitCode ?? 1)),
  ]);
  if (first !== "open") throw first;
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
}

/** The supervisor ended before there was a lab. The message is what it said, for people. */
export class SupervisorError extends Error {
  override readonly name = "SupervisorError";
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The supervisor's own side: holds the lab until it is asked to take it down. */
export async function supervise(spec: LabSpec): Promise<void> {
  const lab = await Lab.open(spec, { sinks: [], staysUp: true });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
      lab.down().catch(() => {}); // What is left stays in the lab's folder for the next command.
    });
  }
  process.stdout.write("open\n");
  // Whoever asked `awaitUp` is told; a lab that failed stays for a look until it is taken down.
  await lab.up().catch(() => {});
  await lab.whenDown();
}
