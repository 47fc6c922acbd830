import type { Verdict } from "../../timeline/record.ts";

export const verdictNames: Record<Verdict | "notRun", string> = {
  pass: "passed",
  fail: "failed",
  warn: "warning",
  inconclusive: "inconclusive",
  notRun: "not run",
};

export const signs: Record<Verdict | "notRun", string> = {
  pass: "✓",
  fail: "✗",
  warn: "!",
  inconclusive: "?",
  notRun: "–",
};
