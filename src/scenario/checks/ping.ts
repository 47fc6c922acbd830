import { boundsText, durationText, excerpt, inBounds, outOf, percentText } from "../bounds.ts";
import { boundsList, type CheckHandler } from "../check.ts";
import { PreconditionError } from "../context.ts";
import { parsePingSummary } from "../ping-output.ts";
import { familyText, referenceText, resolvePlace, resolveTarget } from "../resolve.ts";

const everySeconds = 0.2;
const lastAnswerWithinSeconds = 1;

/** A number of echo requests, 0.2 s apart. */
export const ping: CheckHandler<"ping"> = {
  text: (check) =>
    `ping ${referenceText(check.from)} → ${referenceText(check.to)}${familyText(check.family)}`,

  expected: (check) =>
    [
      `loss ${boundsText(check.loss, percentText)} of ${check.count}`,
      ...boundsList({ rtt: check.rttMs }, (bounds) => boundsText(bounds, durationText)),
    ].join(", "),

  async look(context, check) {
    const place = await resolvePlace(context, check.from);
    const address = await resolveTarget(context, check.to, check.family);
    const limits = ["-i", String(everySeconds), "-W", String(lastAnswerWithinSeconds)];
    const argv = ["ping", "-n", "-c", String(check.count), ...limits, address];
    const timeoutMs = (check.count * everySeconds + lastAnswerWithinSeconds + 5) * 1000;
    const result = await context.runtime.exec(place, argv, { timeoutMs });
    const summary = parsePingSummary(result.stdout);
    if (summary === undefined || summary.sent === 0) {
      // `Network is unreachable` is an answer of the network: everything is lost.
      if (/unreachable/i.test(result.stderr)) {
        return { ok: inBounds(100, check.loss), seen: `loss 100%: ${excerpt(result.stderr)}` };
      }
      throw new PreconditionError(`ping: ${excerpt(result.stderr + result.stdout)}`);
    }
    const { sent, received, rttMsMean } = summary;
    const loss = (100 * (sent - received)) / sent;
    const differs = [
      ...outOf("loss", loss, check.loss, percentText),
      ...(rttMsMean === undefined
        ? check.rttMs === undefined
          ? []
          : ["no answer to measure"]
        : outOf("rtt", rttMsMean, check.rttMs, durationText)),
    ];
    const rtt = rttMsMean === undefined ? "" : `, rtt ${rttMsMean} ms`;
    return {
      ok: differs.length === 0,
      seen: `loss ${percentText(loss)}, ${received} of ${sent} answered${rtt} (${address})`,
      differs,
    };
  },
};
