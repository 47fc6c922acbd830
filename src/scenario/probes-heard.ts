import type { Convergence } from "./convergence.ts";
import type { LabContext } from "./context.ts";
import type { RunningProbe } from "./probe.ts";
import type { Check, CheckOf } from "./schema/types.ts";

const lookEveryMs = 20;

/** The checks that a probe which has said nothing yet would keep: those that bound an outage from above. */
export function boundedOutages(checks: readonly Check[]): CheckOf<"outage">[] {
  return checks.filter(
    (check): check is CheckOf<"outage"> =>
      check.kind === "outage" &&
      (check.durationMs?.atMost !== undefined || check.lost?.atMost !== undefined),
  );
}

/**
 * Waits until a probe has told how it is since a step's last event: a packet sent after it was answered, or too
 * many were not. A probe that sends seldom may have sent nothing yet when routes are at rest. False where it sends
 * nothing for longer than it takes to know that.
 */
export async function untilHeard(
  { clock, signal }: LabContext,
  probe: RunningProbe,
  convergence: Convergence,
): Promise<boolean> {
  const sinceMs = convergence.events.at(-1)?.atMs;
  if (sinceMs === undefined) return true;
  const untilMs = clock.nowMs() + probe.tellsWithinMs;
  while (!probe.heardSince(sinceMs)) {
    if (probe.failure !== undefined) return true; // Which the check says itself.
    if (clock.nowMs() >= untilMs) return false;
    await clock.wait(lookEveryMs, signal);
  }
  return true;
}
