import { InterruptedError } from "../lab/broken-off.ts";
import { type Diagnostic, formatDiagnostic } from "../input/diagnostic.ts";
import { createTerminal, type Terminal } from "../report/terminal/terminal.ts";
import { terminalOutput } from "../report/terminal/output.ts";

/** How a command shows a timeline: as a person reads it, or with `--json` as lines of JSON. */
export function createView(json: boolean | undefined): Terminal {
  if (!json) return createTerminal(terminalOutput(process.stdout, process.env));
  return {
    write: (record) => void process.stdout.write(`${JSON.stringify(record)}\n`),
    pause: () => () => {},
    close: () => {},
  };
}

/** Says what the input asks for and what has no effect here. */
export function writeNotes(notes: readonly Diagnostic[]): void {
  for (const note of notes) process.stderr.write(`note: ${formatDiagnostic(note)}\n`);
}

/**
 * A signal that Ctrl-C and SIGTERM abort, so that what was made can be taken down, and a reader of the
 * output that goes away, as in `| head`. Pressing Ctrl-C again changes nothing.
 */
export function endingSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => controller.abort(new InterruptedError(`interrupted (${name})`)));
  }
  // Node ignores SIGPIPE; each write then fails. So does one to a terminal that was closed.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", () => controller.abort(new InterruptedError("interrupted (SIGPIPE)")));
  }
  return controller.signal;
}
