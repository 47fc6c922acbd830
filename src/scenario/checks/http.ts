import { excerpt, textMatches, textMatchText } from "../bounds.ts";
import type { CheckHandler } from "../check.ts";
import { PreconditionError } from "../context.ts";
import { referenceText, resolvePlace, resolveTarget } from "../resolve.ts";

const timeoutSeconds = 3;
/** curl's exit status where the command itself could not run (POSIX sh: not found, not executable). */
const cannotRun: ReadonlySet<number> = new Set([126, 127]);

/** curl's exit status where no connection came about. */
const failures: Record<number, "refused" | "timeout"> = { 7: "refused", 28: "timeout" };

/** One GET by curl. */
export const http: CheckHandler<"http"> = {
  text: (check) =>
    `http ${referenceText(check.from)} → ${referenceText(check.to)}:${check.port}${check.path}`,

  expected: (check) =>
    check.fails ??
    `status ${check.status}${check.body ? `, body ${textMatchText(check.body)}` : ""}`,

  async look(context, check) {
    const place = await resolvePlace(context, check.from);
    const address = await resolveTarget(context, check.to);
    const host = address.includes(":") ? `[${address}]` : address;
    const url = `http://${host}:${check.port}${check.path}`;
    const output = ["-sS", "-w", "\n%{http_code}", "--max-time", String(timeoutSeconds)];
    const result = await context.runtime.exec(place, ["curl", ...output, url], {
      timeoutMs: (timeoutSeconds + 5) * 1000,
    });
    if (cannotRun.has(result.exitCode)) {
      throw new PreconditionError(`curl: ${excerpt(result.stderr)}`);
    }
    if (result.exitCode !== 0) {
      const ok = check.fails !== undefined && failures[result.exitCode] === check.fails;
      return { ok, seen: excerpt(result.stderr) };
    }
    if (check.fails !== undefined)
      return { ok: false, seen: `an answer: ${excerpt(result.stdout)}` };
    const at = result.stdout.lastIndexOf("\n");
    const status = Number(result.stdout.slice(at + 1));
    const body = result.stdout.slice(0, at);
    const bodyOk = check.body === undefined || textMatches(body, check.body);
    return { ok: status === check.status && bodyOk, seen: `status ${status}: ${excerpt(body)}` };
  },
};
