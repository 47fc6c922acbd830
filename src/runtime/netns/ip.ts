import { execFile } from "node:child_process";
import { promisify } from "node:util";
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
  const running = promisify(execFile)(file, args);
  // Where ip ends early its status says why, not the broken pipe.
  running.child.stdin!.on("error", () => {});
  running.child.stdin!.end(batch);
  try {
    await running;
  } catch (error) {
    const stderr = (error as { stderr?: string }).stderr ?? String(error);
    throw new Error(batchFailure(what, batch, stderr), { cause: error });
  }
}
