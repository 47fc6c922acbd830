import type { TimelineRecord } from "../../timeline/record.ts";
import { formatElapsed } from "../duration.ts";
import { summarize } from "../summary.ts";
import { type Fact, factInOneLine, factOf } from "./fact.ts";
import { elapsedWidth, LiveView } from "./live.ts";
import type { TerminalOutput } from "./output.ts";
import { type Closing, summaryLines } from "./summary-lines.ts";
import { symbol } from "./symbols.ts";
import { type Line, lineWidth, printLine, span, truncateLine, wrapLine } from "./text.ts";
import { pictureLines } from "./topology.ts";

export type Terminal = {
  write(record: TimelineRecord): void;
  /**
   * Somebody is to be asked something: until the function it returns is called nothing is redrawn, and
   * what comes meanwhile is written thereafter.
   */
  pause(): () => void;
  /**
   * Ends the live view and says the outcome: a table of the steps, the failures again, where the
   * reports are and how to replay. Nothing is shown where the
   * records hold neither steps, a verdict nor a failure: an `up`, a `down`.
   */
  close(closing?: Closing): void;
};

/** Time for the live view. `every` calls until the function it returned is called. */
export type FrameClock = {
  nowMs(): number;
  every(periodMs: number, call: () => void): () => void;
};

const framePeriodMs = 100;
/** CI kills a job that says nothing: a plain reading speaks at least this often. */
const quietMs = 10_000;

const escape = {
  hideCursor: "\u001b[?25l",
  showCursor: "\u001b[?25h",
  // DEC mode 2026: the terminal shows a frame as a whole; those that do not know it ignore it.
  beginFrame: "\u001b[?2026h",
  endFrame: "\u001b[?2026l",
  eraseBelow: "\u001b[J",
} as const;

/**
 * The timeline as a person reads it. On a terminal what is going on is redrawn at the bottom and what
 * is over stays above; elsewhere each fact is one line without control characters. While it is open,
 * and not paused, nothing else may write to the stream.
 */
export function createTerminal(
  output: TerminalOutput,
  clock: FrameClock = systemFrameClock,
): Terminal {
  return output.isTty ? liveTerminal(output, clock) : plainTerminal(output, clock);
}

function plainTerminal(output: TerminalOutput, clock: FrameClock): Terminal {
  const records: TimelineRecord[] = [];
  const view = new LiveView();
  const nowMs = timelineClock(clock);
  let spokeMs = clock.nowMs();
  let stepCount = 0;

  function say(atMs: number, line: Line): void {
    spokeMs = clock.nowMs();
    const elapsed = formatElapsed(atMs).padStart(elapsedWidth);
    output.stream.write(`${elapsed}  ${printLine(line, output)}\n`);
  }
  const stop = clock.every(quietMs / 4, () => {
    if (clock.nowMs() - spokeMs < quietMs) return;
    const busy = view.busyWith(nowMs());
    if (busy !== undefined) say(nowMs(), [symbol("note", output), span(` ${busy}`)]);
  });
  return {
    write(record) {
      records.push(record);
      nowMs.sync(record);
      view.take(record);
      if (record.type === "started") stepCount = record.scenario?.steps.length ?? 0;
      const fact = factOf(record, stepCount);
      if (fact === undefined) return;
      const indent = fact.nested ? "  " : "";
      const sign = symbol(fact.symbol, output);
      say(record.atMs, [span(indent), sign, span(" "), ...factInOneLine(fact)]);
    },
    pause: () => () => {},
    close(closing = {}) {
      stop();
      for (const line of summaryLines(summarize(records), closing, 100, output)) {
        output.stream.write(`${printLine(line, output)}\n`);
      }
    },
  };
}

function liveTerminal(output: TerminalOutput, clock: FrameClock): Terminal {
  const records: TimelineRecord[] = [];
  const view = new LiveView();
  const nowMs = timelineClock(clock);
  let stepCount = 0;
  /** Cells of each line of the live part as it stands on the screen. */
  let drawn: number[] = [];
  /** While it is paused: what is to be written thereafter. */
  let held: Line[] | undefined;

  /** Takes the live part away, writes what is finished, draws the live part anew: one frame. */
  function frame(finished: readonly Line[], live: readonly Line[]): void {
    if (held !== undefined) {
      held.push(...finished);
      return;
    }
    const columns = output.columns();
    // A window made narrower has broken lines in two or more: count the rows as they are now.
    const rows = drawn.reduce((sum, cells) => sum + Math.max(1, Math.ceil(cells / columns)), 0);
    const up = rows > 0 ? `\u001b[${rows}A\r` : "\r";
    const text = [...finished, ...live].map((line) => `${printLine(line, output)}\n`).join("");
    drawn = live.map((line) => lineWidth(line, output));
    output.stream.write(`${escape.beginFrame}${up}${escape.eraseBelow}${text}${escape.endFrame}`);
  }
  function liveLines(): Line[] {
    // One column stays free: some terminals wrap a line as soon as its last column is written.
    const rowsMax = Math.max(1, Math.min(16, output.rows() - 2));
    return view.draw(nowMs(), Math.max(1, output.columns() - 1), rowsMax, output);
  }
  const showCursor = () => {
    output.stream.write(escape.showCursor);
  };
  function resume(): void {
    if (held === undefined) return;
    const finished = held;
    held = undefined;
    output.stream.write(escape.hideCursor);
    if (finished.length > 0) frame(finished, []);
  }
  output.stream.write(escape.hideCursor);
  // A process that dies with the view open must still give the cursor back.
  process.once("exit", showCursor);
  const stop = clock.every(framePeriodMs, () => {
    if (records.length > 0) frame([], liveLines());
  });

  return {
    write(record) {
      records.push(record);
      nowMs.sync(record);
      view.take(record);
      const columns = Math.max(1, output.columns() - 1);
      if (record.type === "started") {
        stepCount = record.scenario?.steps.length ?? 0;
        frame(openingLines(record, columns, output), liveLines());
        return;
      }
      const fact = factOf(record, stepCount);
      if (fact !== undefined) frame(factLines(fact, record.atMs, columns, output), liveLines());
    },
    pause() {
      frame([], []);
      showCursor();
      held ??= [];
      return resume;
    },
    close(closing = {}) {
      stop();
      resume();
      const columns = Math.max(1, output.columns() - 1);
      frame(summaryLines(summarize(records), closing, columns, output), []);
      process.off("exit", showCursor);
      showCursor();
    },
  };
}

/** Name, summary and, where there is room, the picture of the fabric. */
function openingLines(
  record: TimelineRecord & { type: "started" },
  columns: number,
  output: TerminalOutput,
): Line[] {
  const { scenario, topology } = record;
  const head: Line = [
    span("Spinelab", "cyan"),
    span(" "),
    span(record.lab, "bold"),
    span(` on ${record.runtime}`, "dim"),
  ];
  const summary = scenario?.summary === undefined ? [] : [[span(scenario.summary, "dim")]];
  const lines = [head, ...summary].flatMap((line) => wrapLine(line, columns, 0, output));
  const picture = pictureLines(topology, columns, { look: output });
  if (picture !== undefined && picture.length < output.rows() - 8) lines.push([], ...picture, []);
  return lines;
}

/** A fact as rows of a terminal: elapsed time, sign, text, aside; details below, wrapped. */
function factLines(fact: Fact, atMs: number, columns: number, output: TerminalOutput): Line[] {
  const elapsed = span(`${formatElapsed(atMs).padStart(elapsedWidth)} `, "dim");
  const indent = fact.nested ? 2 : 0;
  const textAt = elapsedWidth + 1 + indent + 2;
  const head = [elapsed, span(" ".repeat(indent)), symbol(fact.symbol, output), span(" ")];
  const rows = wrapLine([...head, ...fact.text], columns, textAt, output);
  const room = columns - lineWidth(rows.at(-1)!, output) - 2;
  if (fact.aside && room >= 8) {
    const aside = truncateLine([span(fact.aside, "dim")], room, output);
    rows.push([...rows.pop()!, span("  "), ...aside]);
  }
  for (const { label, text } of fact.details ?? []) {
    const line = [span(" ".repeat(textAt)), span(label.padEnd(10), "dim"), ...text];
    rows.push(...wrapLine(line, columns, textAt + 10, output));
  }
  return fact.opens ? [[], ...rows] : rows;
}

/** The timeline's time now, from the records' times: the clock of this process has another zero. */
function timelineClock(clock: FrameClock): { (): number; sync(record: TimelineRecord): void } {
  let offsetMs: number | undefined;
  const nowMs = () => clock.nowMs() - (offsetMs ?? clock.nowMs());
  return Object.assign(nowMs, {
    sync(record: TimelineRecord) {
      // The record that came with the least delay is nearest to the truth.
      const seenMs = clock.nowMs() - record.atMs;
      offsetMs = record.type === "started" ? seenMs : Math.min(offsetMs ?? seenMs, seenMs);
    },
  });
}

const systemFrameClock: FrameClock = {
  nowMs: () => performance.now(),
  every(periodMs, call) {
    // Drawing keeps no process alive.
    const timer = setInterval(call, periodMs).unref();
    return () => clearInterval(timer);
  },
};
