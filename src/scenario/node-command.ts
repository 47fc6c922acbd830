import type { Place } from "../runtime/port.ts";
import { placeText } from "../observe/kernel.ts";
import type { LabContext } from "./context.ts";
import { EventError } from "./event.ts";

const timeoutMs = 60_000;

/** Runs a command on behalf of an event and records it. Rejects with EventError where it fails. */
export async function runCommand(
  { runtime, recorder }: LabContext,
  place: Place,
  argv: readonly string[],
  options: { command?: string; allowFailure?: boolean; stdin?: string } = {},
): Promise<string> {
  const { command = argv.join(" "), allowFailure = false, stdin } = options;
  const result = await runtime.exec(place, argv, {
    timeoutMs,
    ...(stdin !== undefined && { stdin }),
  });
  const { exitCode, stdout, stderr, tookMs } = result;
  recorder({
    type: "exec",
    node: placeText(place),
    command,
    exitCode,
    stdout,
    stderr,
    tookMs,
    ...(allowFailure && { allowedToFail: true }),
  });
  if (exitCode !== 0 && !allowFailure) {
    throw new EventError(placeText(place), command, stderr + stdout || `exit ${exitCode}`);
  }
  return stdout;
}

/**
 * Types lines into a router's configuration mode by one vtysh, which stops at the first line that
 * is rejected: the EventError names that line.
 */
export async function configureRouter(
  context: LabContext,
  node: string,
  lines: readonly string[],
): Promise<void> {
  const argv = ["vtysh", ...["configure terminal", ...lines].flatMap((line) => ["-c", line])];
  try {
    await runCommand(context, { node }, argv, { command: `vtysh: ${lines.join(" / ")}` });
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
    const rejected = rejectedLine(lines, error.output);
    throw rejected === undefined ? error : new EventError(node, rejected, error.output);
  }
}

/** vtysh prints the rejected line behind its complaint: `% Command incomplete: neighbor foo`. */
export function rejectedLine(lines: readonly string[], output: string): string | undefined {
  const complaint = /^% .*?: (.*)$/m.exec(output)?.[1]?.trim();
  return lines.find((line) => line.trim() === complaint);
}
