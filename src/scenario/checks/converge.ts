import { boundsText, durationText, inBounds } from "../bounds.ts";
import type { CheckHandler } from "../check.ts";
import { PreconditionError } from "../context.ts";

/** Looked at when the step's other checks hold and routes have come to rest. */
export const converge: CheckHandler<"converge"> = {
  tellsOfAllSince: true,
  text: () => "converge",
  expected: (check) => boundsText(check.withinMs, durationText),
  async look({ step }, check) {
    const ms = step.convergeMs();
    // Nothing changed: there was nothing to measure, and a bound kept would show nothing.
    if (ms === undefined) throw new PreconditionError("no route changed after the step's events");
    return { ok: inBounds(ms, check.withinMs), seen: durationText(ms) };
  },
};
