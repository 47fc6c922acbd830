import { stripVTControlCharacters } from "node:util";

export type Color = "red" | "green" | "yellow" | "cyan" | "dim" | "bold" | "inverse";

/** A piece of a line. Text is foreign: it is cleaned when it is printed, never before. */
export type Span = { text: string; color?: Color };
export type Line = readonly Span[];

/** How this terminal shows text. */
export type Look = { color: boolean; unicode: boolean };

const sgr: Record<Color, [on: number, off: number]> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
  inverse: [7, 27],
};

export function span(text: string, color?: Color): Span {
  return color === undefined ? { text } : { text, color };
}

/** The line as it goes out, with colour codes if the terminal has them and no other control character. */
export function printLine(line: Line, look: Look): string {
  const shown = line.map(({ text, color }) => ({ text: clean(text, look), color }));
  // Space at the end is seen by nobody and copied by everybody.
  while (shown.length > 0) {
    const last = shown.at(-1)!;
    last.text = last.text.trimEnd();
    if (last.text !== "") break;
    shown.pop();
  }
  return shown
    .map(({ text, color }) => {
      if (!look.color || color === undefined || text === "") return text;
      const [on, off] = sgr[color];
      return `\u001b[${on}m${text}\u001b[${off}m`;
    })
    .join("");
}

/** Cut to `columns` cells, with an ellipsis where something was cut. */
export function truncateLine(line: Line, columns: number, look: Look): Line {
  if (lineWidth(line, look) <= columns) return line;
  const ellipsis = look.unicode ? "…" : "...";
  const kept = takeCells(line, Math.max(0, columns - ellipsis.length), look);
  return [...kept, span(ellipsis.slice(0, Math.max(0, columns)), "dim")];
}

/** The line in rows of at most `columns` cells; all but the first begin with `indent` spaces. */
export function wrapLine(line: Line, columns: number, indent: number, look: Look): Line[] {
  const hanging = Math.min(indent, Math.floor(columns / 2));
  const rows: Span[][] = [[]];
  let used = 0;
  for (const { text, color } of line) {
    for (const piece of clean(text, look).match(/\s+|\S+/g) ?? []) {
      let rest = piece;
      if (used + textWidth(rest) > columns && used > hanging) {
        rows.push([span(" ".repeat(hanging))]);
        used = hanging;
        rest = rest.trimStart();
      }
      // A word longer than a row is broken where the row ends.
      while (used + textWidth(rest) > columns) {
        const head = takeText(rest, Math.max(1, columns - used));
        if (head === "") break;
        rows.at(-1)!.push(span(head, color));
        rest = rest.slice(head.length);
        rows.push([span(" ".repeat(hanging))]);
        used = hanging;
      }
      rows.at(-1)!.push(span(rest, color));
      used += textWidth(rest);
    }
  }
  return rows;
}

export function lineWidth(line: Line, look: Look): number {
  return line.reduce((sum, { text }) => sum + textWidth(clean(text, look)), 0);
}

/** Cells the text takes: 2 for East Asian wide characters and pictures, 0 for combining marks. */
export function textWidth(text: string): number {
  // Nearly all text is plain: the rest is worth the walk.
  if (/^[\u0020-\u007e\u00a0-\u02ff\u2010-\u22ff\u2500-\u25ff\u2800-\u28ff]*$/.test(text)) {
    return text.length;
  }
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/**
 * Foreign text made harmless: escape sequences go, other control characters show as `␊` and the like
 * (a newline as a space), and where the locale has no UTF-8 everything becomes ASCII.
 */
export function clean(text: string, look: Look): string {
  // Nearly all text has nothing to clean.
  if (/^[\u0020-\u007e]*$/.test(text)) return text;
  const visible = stripVTControlCharacters(text)
    .toWellFormed()
    .replace(/\r?\n|\t/g, " ")
    .replace(/\p{Cc}/gu, controlPicture)
    .replace(/[\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  return look.unicode ? visible : toAscii(visible);
}

function controlPicture(control: string): string {
  const code = control.codePointAt(0)!;
  return code < 0x20 ? String.fromCodePoint(0x2400 + code) : "\ufffd";
}

const asciiFor: Record<string, string> = {
  "→": "->",
  "←": "<-",
  "–": "-",
  "—": "-",
  "…": "...",
  "·": "-",
  "×": "x",
  µ: "u",
  "≤": "<=",
  "≥": ">=",
  "“": '"',
  "”": '"',
  "‘": "'",
  "’": "'",
};

function toAscii(text: string): string {
  return text.replace(/[^\u0020-\u007e]/gu, (character) => asciiFor[character] ?? "?");
}

function characterWidth(character: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) return 0;
  const wide =
    /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]$/u;
  return wide.test(character) ? 2 : 1;
}

function takeText(text: string, cells: number): string {
  let width = 0;
  let end = 0;
  for (const character of text) {
    width += characterWidth(character);
    if (width > cells) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function takeCells(line: Line, cells: number, look: Look): Span[] {
  const kept: Span[] = [];
  let left = cells;
  for (const { text, color } of line) {
    const shown = takeText(clean(text, look), left);
    kept.push(span(shown, color));
    left -= textWidth(shown);
    if (left <= 0) break;
  }
  return kept;
}
