import type { Look } from "./text.ts";

/** Where a terminal reading goes. `columns` and `rows` are asked again at every frame: windows change. */
export type TerminalOutput = {
  stream: { write(text: string): unknown };
  isTty: boolean;
  columns(): number;
  rows(): number;
} & Look;

/**
 * What the stream and the environment allow: colour by NO_COLOR (no-color.org: set and not empty),
 * FORCE_COLOR and TERM; the live view only on a terminal that can move its cursor; Unicode by the
 * locale, read as the C library does: LC_ALL, else LC_CTYPE, else LANG.
 */
export function terminalOutput(
  stream: { write(text: string): unknown; isTTY?: boolean; columns?: number; rows?: number },
  env: Readonly<Record<string, string | undefined>>,
): TerminalOutput {
  const isTty = stream.isTTY === true && env["TERM"] !== "dumb";
  return {
    stream,
    isTty,
    // A window without a size (a serial line, some CI terminals) says 0.
    columns: () => stream.columns || 80,
    rows: () => stream.rows || 24,
    color: wantsColor(isTty, env),
    unicode: hasUtf8(env),
  };
}

function wantsColor(isTty: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  return isTty;
}

function hasUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return /utf-?8/i.test(locale);
}
