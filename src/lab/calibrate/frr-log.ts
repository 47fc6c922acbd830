/** A line of FRR's log with `log timestamp precision 6`. */
export type LogLine = { /** Unix time. */ atMs: number; text: string };

/** Lines with another date are left out. The log has local time. */
export function parseLog(log: string): LogLine[] {
  return log.split("\n").flatMap((line) => {
    const match = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{6}) (.*)$/.exec(line);
    if (match === null) return [];
    const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
    const whole = new Date(year!, month! - 1, day, hour, minute, second).getTime();
    return [{ atMs: whole + Number(match[7]) / 1000, text: match[8]! }];
  });
}

/** From each line that matches `from` to the next one that matches `to`, before another `from`. */
export function intervals(lines: readonly LogLine[], from: RegExp, to: RegExp): number[] {
  const found: number[] = [];
  let beganMs: number | undefined;
  for (const { atMs, text } of lines) {
    if (from.test(text)) beganMs = atMs;
    else if (beganMs !== undefined && to.test(text)) {
      found.push(atMs - beganMs);
      beganMs = undefined;
    }
  }
  return found;
}
