import { EnvironmentError, InputError, toldInFull } from "../input/diagnostic.ts";
import { LabExistsError } from "../lab/state-folder.ts";
import type { Verdict } from "../timeline/record.ts";

/** Exit statuses that scripts rely on. */
export const ExitStatus = { passed: 0, failed: 1, inputWrong: 2, inconclusive: 3 } as const;

export function statusOf(verdict: Verdict): number {
  if (verdict === "fail") return ExitStatus.failed;
  if (verdict === "inconclusive") return ExitStatus.inconclusive;
  return ExitStatus.passed;
}

/** Says what went wrong, for a person, and returns the exit status that belongs to it. */
export function explain(error: unknown, stderr: { write(text: string): unknown }): number {
  if (error instanceof InputError) {
    stderr.write(toldInFull(error));
    return ExitStatus.inputWrong;
  }
  if (error instanceof LabExistsError) {
    stderr.write(
      `${error.message}\n  hint: spinelab down ${error.lab}, or another name with --name\n`,
    );
    return ExitStatus.inputWrong;
  }
  if (error instanceof EnvironmentError) {
    stderr.write(`cannot do this here: ${error.message}\n  what to do: ${error.remedy}\n`);
    return ExitStatus.inconclusive;
  }
  if (error instanceof UsageError) {
    stderr.write(`${error.message}\n`);
    return ExitStatus.inputWrong;
  }
  const known = error instanceof Error ? error : new Error(String(error));
  stderr.write(`${process.env["SPINELAB_DEBUG"] ? known.stack : known.message}\n`);
  return ExitStatus.failed;
}

/** The command line asks for something that is not there. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Reads the argument of an option, `--seed`: a whole number from `min` on. */
export function wholeNumber(option: string, min = 0): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= min) return value;
    throw new UsageError(`${option} ${text}: expected a whole number, ${min} or more`);
  };
}
