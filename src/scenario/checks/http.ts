import type { ExecResult } from "../../runtime/port.ts";
import { excerpt, textMatches, textMatchText } from "../bounds.ts";
import type { CheckHandler } from "../check.ts";
import { PreconditionError } from "../context.ts";
import { referenceText, resolvePlace, resolveTarget } from "../resolve.ts";

const timeoutSeconds = 3;
/** curl's exit status where the command itself could not run (POSIX sh: not found, not executable). */
const cannotRun: ReadonlySet<number> = new Set([126, 127]);

/** curl's exit statuses (libcurl-errors(3)): no connection, whatever the reason; nothing within --max-time. */
const couldNotConnect = 7;
const timedOut = 28;

/** The errors of connect(2) in the words of glibc and musl. */
const refused = /^Connection refused$/;
const unreachable = /^(?:Network (?:is )?unreachable|No route to host|Host is unreachable)$/;

/** One GET by curl. Why there was no connection it tells only when it is verbose. */
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
    const output = ["-sSv", "-w", "\n%{http_code}", "--max-time", String(timeoutSeconds)];
    const result = await context.runtime.exec(place, ["curl", ...output, url], {
      timeoutMs: (timeoutSeconds + 5) * 1000,
      env: { LC_ALL: "C" },
    });
    if (cannotRun.has(result.exitCode)) {
      throw new PreconditionError(`curl: ${excerpt(result.stderr)}`);
    }
    if (result.exitCode !== 0) {
      const { why, seen } = failureOf(result);
      if (check.fails !== undefined && result.exitCode === couldNotConnect && why === undefined) {
        throw new PreconditionError(`curl does not say why it could not connect: ${seen}`);
      }
      return { ok: check.fails !== undefined && why === check.fails, seen };
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

type Failure = { why?: "refused" | "unreachable" | "timeout" | "otherwise"; seen: string };

/** `why` is undefined where no connection came about and curl has no more to say than that. */
function failureOf({ exitCode, stderr }: ExecResult): Failure {
  const lines = stderr.split(/\r?\n/);
  const said = excerpt(lines.filter((line) => line.startsWith("curl: ")).join("\n") || stderr);
  if (exitCode === timedOut) return { why: "timeout", seen: said };
  if (exitCode !== couldNotConnect) return { why: "otherwise", seen: said };
  const reason = lines
    .flatMap(
      (line) =>
        /^\* +(?:connect to .* failed|Immediate connect fail for .*): (.+)$/.exec(line)?.[1] ?? [],
    )
    .at(-1);
  if (reason === undefined) return { seen: said };
  const why = refused.test(reason)
    ? "refused"
    : unreachable.test(reason)
      ? "unreachable"
      : "otherwise";
  return { why, seen: `${reason}: ${said}` };
}
