import { expect, test } from "vitest";
import type { TimelineRecord } from "../../timeline/record.ts";
import { golden } from "../testdata/golden.ts";
import {
  brokenOffTimeline,
  failedDeployTimeline,
  failingTimeline,
  hostileTimeline,
  inconclusiveTimeline,
  passingTimeline,
} from "../testdata/rack-spine.ts";
import { Screen } from "../testdata/screen.ts";
import { createTerminal, type FrameClock, type Terminal } from "./terminal.ts";

const reports = ["reports/rack-spine/report.html", "reports/rack-spine/junit.xml"];
const timelines = {
  pass: passingTimeline,
  fail: failingTimeline,
  inconclusive: inconclusiveTimeline,
  "broken-off": brokenOffTimeline,
  "failed-deploy": failedDeployTimeline,
};

/** A clock that stands until it is moved, and calls what is due on its way. */
class TestClock implements FrameClock {
  #nowMs = 5000;
  readonly #timers = new Set<{ periodMs: number; dueMs: number; call: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }
  every(periodMs: number, call: () => void): () => void {
    const timer = { periodMs, dueMs: this.#nowMs + periodMs, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > untilMs) break;
      this.#nowMs = next.dueMs;
      next.dueMs += next.periodMs;
      next.call();
    }
    this.#nowMs = untilMs;
  }
}

function open(
  options: {
    isTty?: boolean;
    columns?: number;
    rows?: number;
    color?: boolean;
    unicode?: boolean;
  } = {},
): { terminal: Terminal; clock: TestClock; screen: Screen; written: string[] } {
  const { isTty = true, columns = 100, rows = 50, color = false, unicode = true } = options;
  const screen = new Screen(columns);
  const written: string[] = [];
  const clock = new TestClock();
  const stream = {
    write(text: string) {
      written.push(text);
      if (isTty) screen.write(text);
    },
  };
  const terminal = createTerminal(
    { stream, isTty, columns: () => screen.columns, rows: () => rows, color, unicode },
    clock,
  );
  return { terminal, clock, screen, written };
}

/** Lets the records come in at their times. */
function play(records: readonly TimelineRecord[], terminal: Terminal, clock: TestClock): void {
  let atMs = 0;
  for (const record of records) {
    clock.pass(record.atMs - atMs);
    atMs = record.atMs;
    terminal.write(record);
  }
}

test.each(Object.entries(timelines))("golden, plain: %s", (name, timeline) => {
  const { terminal, clock, written } = open({ isTty: false });
  play(timeline(), terminal, clock);
  terminal.close({ reports });
  const text = written.join("");
  expect(text).toBe(golden(`${name}.plain.txt`, text));
});

test.each(Object.entries(timelines))("golden, live: %s", (name, timeline) => {
  const { terminal, clock, screen } = open();
  play(timeline(), terminal, clock);
  terminal.close({ reports });
  expect(screen.text()).toBe(golden(`${name}.live.txt`, screen.text()));
  expect(screen.cursorHidden).toBe(false);
});

test.each([40, 60, 80, 120])(
  "golden, live, %d columns: nothing is broken by the terminal",
  (columns) => {
    const { terminal, clock, screen } = open({ columns });
    play(failingTimeline(), terminal, clock);
    terminal.close();
    for (const row of screen.text().split("\n")) expect(row.length).toBeLessThanOrEqual(columns);
    expect(screen.text()).toBe(golden(`fail.live.${columns}.txt`, screen.text()));
  },
);

test("golden: what is going on, in the middle of a step", () => {
  const { terminal, clock, screen } = open();
  play(brokenOffTimeline(), terminal, clock);
  clock.pass(1230);
  expect(screen.text()).toBe(golden("waiting.live.txt", screen.text()));
  expect(screen.text()).toMatch(/1\.2s {3}. route router0 10\.1\.3\.0\/24 absent {2}seen via tor1/);
  expect(screen.text()).toMatch(/cross-rack {2}no answer for 1\.\ds/);
  expect(screen.cursorHidden).toBe(true);
  terminal.close();
});

test("colour adds colour codes and nothing else", () => {
  const colored = open({ color: true });
  const plain = open();
  for (const { terminal, clock } of [colored, plain]) {
    play(failingTimeline(), terminal, clock);
    terminal.close();
  }
  // The screen leaves colour codes out.
  expect(colored.screen.text()).toBe(plain.screen.text());
  expect(colored.written.join("")).toContain("\u001b[31m");
  expect(plain.written.join("")).not.toContain("\u001b[31m");
});

test("plain output has no control characters but newlines, whatever the records hold", () => {
  for (const timeline of [...Object.values(timelines), hostileTimeline]) {
    const { terminal, clock, written } = open({ isTty: false });
    play(timeline(), terminal, clock);
    terminal.close({ reports });
    expect(written.join("")).not.toMatch(/[^\P{Cc}\n]/u);
  }
});

test("without UTF-8 everything is ASCII", () => {
  for (const isTty of [true, false]) {
    for (const timeline of [failingTimeline, hostileTimeline]) {
      const { terminal, clock, written } = open({ isTty, unicode: false });
      play(timeline(), terminal, clock);
      terminal.close({ reports });
      // oxlint-disable-next-line no-control-regex -- ASCII includes them.
      expect(written.join("")).toMatch(/^[\u0000-\u007e]*$/);
    }
  }
});

test("on a terminal hostile text moves no cursor", () => {
  const { terminal, clock, screen } = open();
  // The screen throws at any control that the view itself does not use.
  play(hostileTimeline(), terminal, clock);
  terminal.close();
  expect(screen.text()).not.toMatch(/[^\P{Cc}\n]/u);
});

test("the window can change its size at any time", () => {
  const { terminal, clock, screen } = open({ columns: 120 });
  const widths = [120, 37, 200, 80, 21, 99];
  for (const [index, record] of failingTimeline().entries()) {
    screen.columns = widths[index % widths.length]!;
    clock.pass(130);
    terminal.write(record);
  }
  screen.columns = 300;
  terminal.close();
  // Nothing of the live part is left between the finished lines.
  expect(screen.text()).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/);
  expect(screen.text().match(/FAILED/g)).toHaveLength(1);
});

test("many waiting checks do not push the finished lines off a small window", () => {
  const { terminal, clock, screen } = open({ rows: 10 });
  for (let index = 0; index < 40; index++) {
    terminal.write({
      atMs: index,
      type: "waiting",
      step: 0,
      index,
      kind: "route",
      text: `route ${index}`,
      expected: "absent",
      seen: "there",
      looks: 1,
    });
  }
  clock.pass(100);
  const rows = screen.text().trimEnd().split("\n");
  expect(rows.length).toBeLessThanOrEqual(8);
  expect(rows.join("\n")).toContain("… and 34 more");
  terminal.close();
});

test("plain output is never silent for long: it says what is waited for", () => {
  const { terminal, clock, written } = open({ isTty: false });
  play(brokenOffTimeline(), terminal, clock);
  const before = written.length;
  clock.pass(31_000);
  const said = written.slice(before);
  expect(said.length).toBeGreaterThanOrEqual(2);
  expect(said[0]).toMatch(/still: route router0 10\.1\.3\.0\/24 absent \(seen via tor1.*\)\n$/);
  terminal.close();
  clock.pass(60_000);
  expect(written.join("").match(/still:/g)).toHaveLength(said.length);
});

test("an `up` has no summary", () => {
  const { terminal, clock, written } = open({ isTty: false });
  const { scenario: _, ...started } = passingTimeline()[0] as TimelineRecord & { type: "started" };
  play(
    [started, { atMs: 3, type: "stage", stage: "links", state: "end", tookMs: 3 }],
    terminal,
    clock,
  );
  terminal.close();
  expect(written).toHaveLength(2);
});

test("of a simulated run: how long it was in its own time, and how long it took", () => {
  const { terminal, clock, written } = open({ isTty: false });
  const [started, ...others] = passingTimeline();
  play(
    [{ ...(started as TimelineRecord & { type: "started" }), runtime: "sim" }, ...others],
    terminal,
    clock,
  );
  terminal.close({ tookRealMs: 1234 });
  expect(written.join("")).toMatch(/PASSED · .* s of virtual time\s+in 1\.23 s\n/);
});

test("while it is paused a question stands, the cursor too; what came meanwhile is written thereafter", () => {
  const { terminal, clock, screen } = open();
  const records = passingTimeline();
  const half = Math.floor(records.length / 2);
  play(records.slice(0, half), terminal, clock);
  const resume = terminal.pause();
  screen.write("next: step 2  [Enter] play it\n");
  expect(screen.cursorHidden).toBe(false);
  clock.pass(1000);
  play(records.slice(half, -1), terminal, clock);
  expect(screen.text().trimEnd()).toMatch(/next: step 2 {2}\[Enter\] play it$/);
  resume();
  clock.pass(1000);
  const [before, after] = screen.text().split("next: step 2  [Enter] play it");
  expect(before).toContain("every session comes up");
  expect(after).toContain("an agent restarts, gracefully");
  expect(after).toMatch(/rack-spine on netns/);
});

test("one that ends while it is paused says the outcome all the same", () => {
  const { terminal, clock, screen } = open();
  play(passingTimeline(), terminal, clock);
  terminal.pause();
  screen.write("next: step 2  \n");
  terminal.close();
  expect(screen.text()).toMatch(/next: step 2[^]*PASSED/);
});
