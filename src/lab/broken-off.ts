import { EnvironmentError } from "../input/diagnostic.ts";
import type { Verdict } from "../timeline/record.ts";
import type { Lab } from "./lab.ts";

/** Somebody ended a run before it came to a verdict of its own: that says nothing about what was tested. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}

/** A daemon, an agent or the timeline failed while the lab was up. */
export class LabFailedError extends Error {
  override readonly name = "LabFailedError";
}

/** Writes the verdict of a run that could not come to its own, with the reason. */
export function concludeBrokenOff(lab: Lab, error: Error): Verdict {
  const { message } = error;
  const inconclusive = error instanceof EnvironmentError || error instanceof InterruptedError;
  const verdict = inconclusive ? "inconclusive" : "fail";
  const began = lab.records.findLastIndex(({ type }) => type === "started");
  if (!lab.records.slice(began).some(({ type }) => type === "failure")) {
    const remedy = error instanceof EnvironmentError ? { remedy: error.remedy } : {};
    lab.record({ type: "failure", message, ...remedy });
  }
  lab.conclude(verdict, message);
  return verdict;
}
