import { stripVTControlCharacters } from "node:util";

/**
 * A terminal's screen as far as the live view uses one: lines, cursor up by rows, erase below. Like
 * most terminals it breaks long lines again when its width changes. Throws at a control it does not
 * know, and where the cursor would land in the middle of a line: the view lost count of its rows.
 */
export class Screen {
  columns: number;
  cursorHidden = false;
  #lines: string[] = [];
  #at = 0;
  /** Written, but its newline has not come yet. */
  #pending = "";

  constructor(columns: number) {
    this.columns = columns;
  }

  write(text: string): void {
    // oxlint-disable-next-line no-control-regex -- taking them apart is the point.
    for (const [piece] of text.matchAll(/\u001b\[\??\d*[A-Za-z]|[^\n\r\u001b]*\n|\r|./gs)) {
      this.#take(piece);
    }
  }

  /** What the user sees, scrolled-off lines included, as it is broken at this width. */
  text(): string {
    return `${this.#lines.flatMap((line) => this.#rowsOf(line)).join("\n")}\n`;
  }

  #take(piece: string): void {
    if (piece.endsWith("\n")) {
      this.#lines.length = this.#at;
      this.#lines[this.#at++] = this.#pending + piece.slice(0, -1);
      this.#pending = "";
    } else if (piece === "\u001b[?25l" || piece === "\u001b[?25h") {
      this.cursorHidden = piece.endsWith("l");
    } else if (piece.startsWith("\u001b[") && piece.endsWith("A")) {
      this.#up(Number.parseInt(piece.slice(2)));
    } else if (piece === "\u001b[J") this.#lines.length = this.#at;
    else if (stripVTControlCharacters(piece) === "" || piece === "\r") return;
    else if (piece.startsWith("\u001b")) throw new Error(`unknown ${JSON.stringify(piece)}`);
    else this.#pending += piece;
  }

  #up(rows: number): void {
    let left = rows;
    while (left > 0) {
      const line = this.#lines[--this.#at];
      if (line === undefined) throw new Error("above the first line");
      left -= this.#rowsOf(line).length;
    }
    if (left < 0) throw new Error(`the cursor is in the middle of ${this.#lines[this.#at]}`);
  }

  #rowsOf(line: string): string[] {
    const rows: string[] = [];
    for (let at = 0; at < line.length; at += this.columns) {
      rows.push(line.slice(at, at + this.columns));
    }
    return rows.length === 0 ? [""] : rows;
  }
}
