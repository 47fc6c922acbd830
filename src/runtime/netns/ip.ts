import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { batchFailure } from "../links.ts";

/**
 * Runs iproute2 commands, one a line, in one process of `ip`. `enter` is the command line that goes
 * before it (`nsenter …`); empty on the host. Throws with the line that failed.
 */
export async function ipBatch(
  enter: readonly string[],
  batch: string,
  what: string,
): Promise<void> {
  const [file = "ip", ...args] = [...enter, "ip", "-batch", "-"];
  // Out of reach of the keyboard: Ctrl-C again, while a lab is taken down, must not end it.
  const child = spawn(file, args, { stdio: ["pipe", "ignore", "pipe"], detached: true });
  // Where ip ends early its status says why, not the broken pipe.
  child.stdin.on("error", () => {});
  child.stdin.end(batch);
  const [[status, signal], stderr] = await Promise.all([
    once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>,
    text(child.stderr),
  ]);
  // So it did, before the process was one of its own: not a line has been done yet.
  if (signal === "SIGINT") return await ipBatch(enter, batch, what);
  if (status !== 0) throw new Error(batchFailure(what, batch, stderr || `ip: ended by ${signal}`));
}
