/** Unix time in milliseconds as ISO 8601 writes it, to the microsecond. */
export function wallClockText(unixMs: number): string {
  const microseconds = Math.round(unixMs * 1000);
  const seconds = new Date(Math.floor(microseconds / 1e6) * 1000).toISOString().slice(0, -5);
  return `${seconds}.${String(microseconds % 1e6).padStart(6, "0")}Z`;
}

/** The Unix time in milliseconds that `started` has of zero, with all its digits: Date drops some. */
export function unixMsOf(wallClock: string): number {
  const [, seconds = "", fraction = "0"] = /^(.*?)(?:\.(\d+))?Z$/.exec(wallClock) ?? [];
  return Date.parse(`${seconds}Z`) + Number(`0.${fraction}`) * 1000;
}
