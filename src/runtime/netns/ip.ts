import { execFile } from "node:child_process";
import { promisify } from "node:util";

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
  const running = promisify(execFile)(file, args);
  // Where ip ends early its status says why, not the broken pipe.
  running.child.stdin!.on("error", () => {});
  running.child.stdin!.end(batch);
  try {
    await running;
  } catch (error) {
    const stderr = (error as { stderr?: string }).stderr?.trim() ?? String(error);
    const line = Number(/^Command failed -:(\d+)$/m.exec(stderr)?.[1] ?? 0);
    const command = line > 0 ? `: ip ${batch.split("\n")[line - 1]}` : "";
    throw new Error(`${what}${command}: ${stderr}`, { cause: error });
  }
}
