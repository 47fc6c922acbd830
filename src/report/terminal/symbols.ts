import type { Verdict } from "../../timeline/record.ts";
import type { Color, Look, Span } from "./text.ts";

/** Every sign the terminal readings use, in Unicode and in ASCII. All are one cell wide. */
const symbols = {
  pass: ["✓", "+", "green"],
  fail: ["✗", "x", "red"],
  warn: ["!", "!", "yellow"],
  inconclusive: ["?", "?", "yellow"],
  notRun: ["–", "-", "dim"],
  step: ["●", "*", "bold"],
  event: ["▸", ">", "cyan"],
  probe: ["∿", "~", "cyan"],
  note: ["·", "-", "dim"],
  line: ["─", "-", "dim"],
} as const satisfies Record<string, readonly [string, string, Color]>;

export type SymbolName = keyof typeof symbols;

export function symbol(name: SymbolName, look: Look): Span {
  const [unicode, ascii, color] = symbols[name];
  return { text: look.unicode ? unicode : ascii, color };
}

const spinners = { unicode: "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", ascii: "|/-\\" };

export function spinner(nowMs: number, look: Look): Span {
  const frames = look.unicode ? spinners.unicode : spinners.ascii;
  return { text: frames[Math.floor(nowMs / 100) % frames.length]!, color: "cyan" };
}

/** The word for a verdict. */
export const verdictWords: Record<Verdict | "notRun", string> = {
  pass: "passed",
  fail: "failed",
  warn: "warning",
  inconclusive: "inconclusive",
  notRun: "not run",
};

export function verdictColor(verdict: Verdict | "notRun"): Color {
  return symbols[verdict][2];
}
