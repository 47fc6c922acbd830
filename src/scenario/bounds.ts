import type { Bounds, TextMatch } from "./schema/types.ts";

export function inBounds(value: number, { atLeast, atMost }: Bounds): boolean {
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}

/** `5`, `at least 5`, `at most 5`, `5 to 7`; with a unit: `at most 20 s`. */
export function boundsText(bounds: Bounds, unit: (value: number) => string = String): string {
  const { atLeast, atMost } = bounds;
  if (atLeast === undefined) return atMost === undefined ? "any" : `at most ${unit(atMost)}`;
  if (atMost === undefined) return `at least ${unit(atLeast)}`;
  return atLeast === atMost ? unit(atLeast) : `${unit(atLeast)} to ${unit(atMost)}`;
}

/** What is out of its bounds: `loss 100%, not 0%`. Nothing where it is within, or has none. */
export function outOf(
  name: string,
  value: number,
  bounds: Bounds | undefined,
  unit: (value: number) => string = String,
): string[] {
  if (bounds === undefined || inBounds(value, bounds)) return [];
  return [`${name} ${unit(value)}, not ${boundsText(bounds, unit)}`];
}

/** `12 ms`, `2 s`, `1.25 s`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${Number((ms / 1000).toFixed(2))} s`;
}

export function percentText(percent: number): string {
  return `${Number(percent.toFixed(1))}%`;
}

export function textMatches(text: string, match: TextMatch): boolean {
  if ("contains" in match) return text.includes(match.contains);
  if ("equals" in match) return text.trimEnd() === match.equals.trimEnd();
  return match.matches.test(text);
}

export function textMatchText(match: TextMatch): string {
  if ("contains" in match) return `contains ${JSON.stringify(match.contains)}`;
  if ("equals" in match) return `is ${JSON.stringify(match.equals)}`;
  return `matches ${String(match.matches)}`;
}

/** The beginning of a text, on one line, for what a check saw. */
export function excerpt(text: string, lengthMax = 200): string {
  const line = text.trim().replaceAll(/\s*\n\s*/g, " | ");
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax)}…`;
}
