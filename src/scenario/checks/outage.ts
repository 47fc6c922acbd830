import { boundsText, durationText, outOf } from "../bounds.ts";
import type { CheckHandler } from "../check.ts";
import { PreconditionError } from "../context.ts";

/** What a probe lost since the step began; an outage that was under way then counts in full. */
export const outage: CheckHandler<"outage"> = {
  tellsOfAllSince: true,
  text: (check) => `outage of ${check.probe}`,

  expected: ({ durationMs, lost }) =>
    [
      ...(durationMs ? [`longest ${boundsText(durationMs, durationText)}`] : []),
      ...(lost ? [`${boundsText(lost)} lost`] : []),
    ].join(", "),

  async look({ step }, { probe: name, durationMs = {}, lost = {} }) {
    const probe = step.probe(name);
    if (probe === undefined) throw new PreconditionError(`probe ${name} does not run`);
    if (probe.failure !== undefined) throw new PreconditionError(probe.failure);
    const { outages, ongoing } = probe.outagesSince(step.beganMs);
    const longestMs = Math.max(0, ...outages.map(({ fromMs, toMs }) => toMs - fromMs));
    const lostInAll = outages.reduce((sum, one) => sum + one.lost, 0);
    // Neither figure ever goes down again.
    const tooMuch =
      longestMs > (durationMs.atMost ?? Infinity) || lostInAll > (lost.atMost ?? Infinity);
    // While an outage goes on, an upper bound is not kept yet.
    const open = ongoing && (durationMs.atMost !== undefined || lost.atMost !== undefined);
    const differs = [
      ...outOf("longest", longestMs, durationMs, durationText),
      ...outOf("lost", lostInAll, lost),
    ];
    const text = outages.length === 0 ? "none" : `longest ${durationText(longestMs)}`;
    return {
      ok: !open && differs.length === 0,
      seen: `${text}, ${lostInAll} lost${ongoing ? ", going on" : ""}`,
      differs: open && differs.length === 0 ? ["it goes on"] : differs,
      final: tooMuch,
      pending: open && differs.length === 0,
    };
  },
};
