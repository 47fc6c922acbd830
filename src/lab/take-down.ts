import { EnvironmentError } from "../input/diagnostic.ts";
import { askControl } from "./control.ts";
import { controlSocket, isAlive, labNames, type LabState } from "./state-folder.ts";
import { sweepStaleLabs } from "./sweep.ts";

const askLimitMs = 30_000;

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
    const told = await sweepStaleLabs();
    if (labNames().includes(state.lab)) throw notGone(state.lab, error as Error, told);
    if (!isGone(error)) throw error;
  }
  return performance.now() - began;
}

function notGone(lab: string, error: Error, told: readonly string[]): Error {
  if (error instanceof EnvironmentError) return error;
  const why = told.filter((line) => line.includes(`lab ${lab} `)).join("\n");
  return new Error(`lab ${lab} is not down: ${why || error.message}`, { cause: error });
}

/**
 * The supervisor was not there, hung up since it went down, or could not remove what the sweep then
 * has: all are what was wanted.
 */
function isGone(error: unknown): boolean {
  const { code, name } = error as NodeJS.ErrnoException;
  return (
    error instanceof EnvironmentError ||
    name === "TimeoutError" ||
    name === "ControlError" ||
    code === "ENOENT" ||
    code === "ECONNREFUSED"
  );
}
