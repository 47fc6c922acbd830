import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Lab } from "./lab.ts";
import type { LabSpec } from "./spec.ts";

const launcher = fileURLToPath(new URL("../../bin/spinelab.mjs", import.meta.url));

/**
 * Starts the process that holds a lab after this command has ended. Resolves when its control socket
 * answers; the lab is then being built: ask `awaitUp`. Rejects with what it said where it could not
 * even claim the name.
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
  const [first] = await Promise.race([
    once(child.stdout, "data") as Promise<[Buffer]>,
    once(child, "exit").then(() => [undefined]),
  ]);
  if (first === undefined) throw new Error(said.trim());
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
}

/** The supervisor's own side: holds the lab until it is asked to take it down. */
export async function supervise(spec: LabSpec): Promise<void> {
  const lab = await Lab.open(spec, { sinks: [] });
  const ended = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
      ended.abort(new Error(`ended by ${signal}`));
      void lab.down();
    });
  }
  process.stdout.write("open\n");
  // Whoever asked `awaitUp` is told; a lab that failed stays for a look until it is taken down.
  await lab.up(ended.signal).catch(() => {});
  await lab.whenDown();
}
