import type { Color, Line, Span } from "./text.ts";

/** Which neighbours a line cell joins. */
const north = 1;
const east = 2;
const south = 4;
const west = 8;

/** By the sum of directions. */
const unicodeLines = " ╵╶└╷│┌├╴┘─┴┐┤┬┼";
const asciiLines = " |-+||++-+-+++++";

type Cell = { directions: number; dashed: boolean; text?: string; color?: Color };

/** A grid of characters where crossing lines join. What is drawn outside of it is left out. */
export class Canvas {
  readonly unicode: boolean;
  readonly #rows: Cell[][];

  constructor(width: number, height: number, unicode: boolean) {
    this.unicode = unicode;
    this.#rows = Array.from({ length: height }, () =>
      Array.from({ length: width }, () => ({ directions: 0, dashed: false })),
    );
  }

  /** A straight line from cell to cell, both included. A colour given later wins. */
  line(x1: number, y1: number, x2: number, y2: number, color?: Color, dashed = false): void {
    const [left, right] = [Math.min(x1, x2), Math.max(x1, x2)];
    const [top, bottom] = [Math.min(y1, y2), Math.max(y1, y2)];
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const cell = this.#rows[y]?.[x];
        if (cell === undefined) continue;
        if (y > top) cell.directions |= north;
        if (y < bottom) cell.directions |= south;
        if (x > left) cell.directions |= west;
        if (x < right) cell.directions |= east;
        if (color !== undefined) cell.color = color;
        cell.dashed ||= dashed;
      }
    }
  }

  /** Text over whatever is there, one cell a UTF-16 unit. */
  text(x: number, y: number, text: string, color?: Color): void {
    for (const [index, character] of [...text].entries()) {
      const cell = this.#rows[y]?.[x + index];
      if (cell === undefined) continue;
      cell.text = character;
      if (color === undefined) delete cell.color;
      else cell.color = color;
    }
  }

  lines(): Line[] {
    return this.#rows.map((row) => {
      const spans: Span[] = [];
      for (const cell of row) {
        const text = cell.text ?? this.#lineCharacter(cell);
        const last = spans.at(-1);
        if (last !== undefined && (last.color === cell.color || text === " ")) last.text += text;
        else spans.push(cell.color === undefined ? { text } : { text, color: cell.color });
      }
      return spans;
    });
  }

  #lineCharacter({ directions, dashed }: Cell): string {
    if (dashed && directions === (north | south)) return this.unicode ? "┆" : ":";
    if (dashed && directions === (east | west)) return this.unicode ? "┄" : ".";
    return (this.unicode ? unicodeLines : asciiLines)[directions]!;
  }
}
