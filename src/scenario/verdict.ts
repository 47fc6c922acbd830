import type { Verdict } from "../timeline/record.ts";

/** From bad to good. */
const severity: Verdict[] = ["fail", "inconclusive", "warn", "pass"];

export function worst(verdicts: readonly Verdict[]): Verdict {
  return severity.find((one) => verdicts.includes(one)) ?? "pass";
}
