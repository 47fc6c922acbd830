import type { RunSummary } from "./summary.ts";

/**
 * A duration for people: `0.14 ms`, `2.5 ms`, `214 ms`, `3.12 s`, `2 min 05 s`, `1 h 02 min`. Never two
 * readings of one number: every report formats through here.
 */
export function formatDuration(ms: number): string {
  if (ms < 1) return `${trimZeros(ms.toFixed(2))} ms`;
  if (ms < 10) return `${trimZeros(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${twoDigits(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** How long a run took. A simulated one is as long as its lab's own time, whatever time that cost. */
export function formatRunTime({ started, tookMs }: Pick<RunSummary, "started" | "tookMs">): string {
  const took = formatDuration(tookMs);
  return started?.runtime === "sim" ? `${took} of virtual time` : took;
}

/** A moment of a run, in front of a line: `12.34s`, `3:05.20`, `1:02:05.20`, seconds with two decimals. */
export function formatElapsed(ms: number): string {
  const hundredths = Math.round(ms / 10);
  if (hundredths < 6000) return `${(hundredths / 100).toFixed(2)}s`;
  const minutes = Math.floor(hundredths / 6000);
  const seconds = ((hundredths % 6000) / 100).toFixed(2).padStart(5, "0");
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes}:${seconds}` : `${hours}:${twoDigits(minutes % 60)}:${seconds}`;
}

/** Since when a check has seen what it saw last, and for how long it went on looking. */
export function formatSince({
  sinceMs,
  atMs,
}: {
  sinceMs?: number;
  atMs: number;
}): string | undefined {
  if (sinceMs === undefined) return undefined;
  return `${formatElapsed(sinceMs)}, for ${formatDuration(Math.max(0, atMs - sinceMs))}`;
}

function trimZeros(text: string): string {
  return text.replace(/\.?0+$/, "");
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
