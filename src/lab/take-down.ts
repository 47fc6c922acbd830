import { askControl } from "./control.ts";
import { controlSocket, isAlive, type LabState } from "./state-folder.ts";
import { sweepStaleLabs } from "./sweep.ts";

const askLimitMs = 15_000;

/**
 * Asks a lab's supervisor to take everything down and waits for it. One that does not answer is
 * killed: its sandboxes end with it, and what remains is swept. Returns the milliseconds it took.
 */
export async function takeDown(state: LabState): Promise<number> {
  const began = performance.now();
  try {
    await askControl(
      controlSocket(state.lab),
      { do: "down" },
      { signal: AbortSignal.timeout(askLimitMs) },
    );
  } catch (error) {
    if (isAlive(state)) process.kill(state.supervisor.pid, "SIGKILL");
    while (isAlive(state)) await new Promise((resolve) => setTimeout(resolve, 5));
    await sweepStaleLabs();
    if (!isGone(error)) throw error;
  }
  return performance.now() - began;
}

/** The supervisor was not there, or hung up since it went down: both are what was wanted. */
function isGone(error: unknown): boolean {
  const { code, name } = error as NodeJS.ErrnoException;
  return (
    name === "TimeoutError" ||
    name === "ControlError" ||
    code === "ENOENT" ||
    code === "ECONNREFUSED"
  );
}
