import { excerpt, textMatches, textMatchText } from "../bounds.ts";
import type { CheckHandler } from "../check.ts";
import { referenceText, resolvePlace } from "../resolve.ts";

const timeoutMs = 30_000;

/** A command's exit status and what it prints. */
export const exec: CheckHandler<"exec"> = {
  text: (check) => `exec on ${referenceText(check.on)}: ${check.command}`,

  expected: (check) =>
    `exit ${check.exitCode}${check.stdout ? `, output ${textMatchText(check.stdout)}` : ""}`,

  async look(context, check) {
    const place = await resolvePlace(context, check.on);
    const result = await context.runtime.exec(place, check.argv, { timeoutMs });
    const outputOk = check.stdout === undefined || textMatches(result.stdout, check.stdout);
    const said = excerpt(result.stdout) || excerpt(result.stderr) || "no output";
    return {
      ok: result.exitCode === check.exitCode && outputOk,
      seen: `exit ${result.exitCode}: ${said}`,
    };
  },
};
