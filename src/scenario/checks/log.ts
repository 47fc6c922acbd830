import { addedText } from "../../net/added-text.ts";
import { excerpt, textMatches, textMatchText } from "../bounds.ts";
import type { CheckHandler } from "../check.ts";
import { type LabContext, PreconditionError } from "../context.ts";
import { referenceText, resolvePlace } from "../resolve.ts";
import type { CheckOf } from "../schema/types.ts";

/** A line written since the step began. */
export const log: CheckHandler<"log"> = {
  text: (check) =>
    `log of ${check.of === undefined ? "" : `${check.of} on `}${referenceText(check.on)}`,

  expected: ({ absent, line }) =>
    `${absent ? "no line that" : "a line that"} ${textMatchText(line)}`,

  async look(context, check) {
    const now = await readLog(context, check);
    const before = context.step.logsBefore.get(logKey(check)) ?? "";
    const lines = addedText(before, now)
      .split("\n")
      .filter((line) => line !== "");
    const found = lines.find((line) => textMatches(line, check.line));
    const last = lines.length === 0 ? "nothing written" : `last: ${excerpt(lines.at(-1)!)}`;
    return {
      ok: (found !== undefined) !== check.absent,
      seen: found === undefined ? `no such line; ${last}` : excerpt(found),
      final: check.absent && found !== undefined,
    };
  },
};

export function logKey(check: CheckOf<"log">): string {
  return `${referenceText(check.on)} ${check.of ?? ""}`;
}

/** All that was written so far. */
export async function readLog(context: LabContext, check: CheckOf<"log">): Promise<string> {
  const place = await resolvePlace(context, check.on);
  if (place.pod) return await context.kube.podLog(place.pod.namespace, place.pod.name, check.of);
  if (check.of === undefined || check.of === "agent") return await context.agents.log(place.node);
  const files = [`/var/log/frr/${check.of}.log`, "/var/log/frr/frr.log"];
  for (const file of files) {
    const result = await context.runtime.exec(place, ["cat", file]);
    if (result.exitCode === 0) return result.stdout;
  }
  throw new PreconditionError(
    `${place.node}: ${check.of} writes no log file (${files.join(", ")}): configure \`log file\``,
  );
}
