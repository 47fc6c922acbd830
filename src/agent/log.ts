export type LogLevel = "debug" | "info" | "warn" | "error";

/** One line in Cilium's form, so that the same searches find it: `time=… level=… msg="…" subsys=… key=value`. */
export function logLine(
  time: Date,
  level: LogLevel,
  message: string,
  fields: Record<string, string | number | undefined> = {},
): string {
  const words = [`time=${time.toISOString()}`, `level=${level}`, `msg=${quote(message)}`];
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) words.push(`${key}=${quote(String(value))}`);
  }
  return `${words.join(" ")}\n`;
}

function quote(text: string): string {
  return /^[\w.:/@-]+$/.test(text) ? text : JSON.stringify(text);
}

export type Log = (
  level: LogLevel,
  message: string,
  fields?: Record<string, string | number | undefined>,
) => void;

/** Writes to stdout; debug lines only where SPINELAB_LOG=debug. */
export function processLog(subsystem: string): Log {
  const debug = process.env["SPINELAB_LOG"] === "debug";
  // Whoever read it is gone, and nobody else can be told: that ends no session.
  process.stdout.on("error", () => {});
  return (level, message, fields) => {
    if (level === "debug" && !debug) return;
    process.stdout.write(logLine(new Date(), level, message, { subsys: subsystem, ...fields }));
  };
}
