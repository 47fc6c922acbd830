import type { Exploration, FailureGroup, Progress } from "../explore/explore.ts";
import type { FaultOptions } from "../explore/draw.ts";
import { invariants } from "../explore/invariants/finding.ts";
import { durationText } from "../scenario/bounds.ts";
import { eventText } from "../scenario/events/table.ts";
import type { ScenarioEvent } from "../scenario/schema/types.ts";
import type { TerminalOutput } from "../report/terminal/output.ts";
import { ExitStatus } from "./exit.ts";

/** What was written down of a failure. */
export type Written = {
  failure: FailureGroup;
  file: string;
  /** Commands: the seed again, and the scenario. */
  replay: string;
  run: string;
};

export type Asked = {
  lab: string;
  seeds: { from: number; to: number };
  faults: FaultOptions;
};

const findingsShown = 5;
const seedsShown = 10;
const redrawMs = 200;

/** An exploration as a person reads it. */
export class ExplorationView {
  readonly #output: TerminalOutput | undefined;
  readonly #asked: Asked;
  readonly #beganMs = performance.now();
  #drawnMs = 0;
  #hasLine = false;

  /** Without an output it says nothing. */
  constructor(output: TerminalOutput | undefined, asked: Asked) {
    this.#output = output;
    this.#asked = asked;
  }

  progress(progress: Progress): void {
    switch (progress.stage) {
      case "unbroken": {
        const { sessions, ways, restedMs, problems, findings } = progress.unbroken;
        const hasRest = findings.every(({ invariant }) => invariant !== "rest");
        const { lab, seeds, faults } = this.#asked;
        const count = seeds.to - seeds.from + 1;
        this.#say(
          `${lab} in virtual time: ${count} ${count === 1 ? "seed" : "seeds"}, ${faults.count} faults each, of ${faults.kinds.join(", ")}`,
        );
        this.#say(
          `  with nothing broken: ${sessions} sessions, ${ways.open} of ${ways.all} ways between pods open, ${hasRest ? "at rest" : "not at rest"} after ${durationText(restedMs)}`,
        );
        for (const problem of problems) this.#say(`  note: ${problem}`);
        break;
      }
      case "seeds":
        this.#line(this.#seedsText(progress));
        break;
      case "shrinking":
        this.#line(`  shrinking seed ${progress.seed}`);
        break;
    }
  }

  end(
    { done, failures, inconclusive }: Exploration,
    written: readonly Written[],
    status: number,
  ): void {
    this.close();
    for (const one of written) this.#failure(one);
    for (const { seeds, reason } of inconclusive) {
      this.#say(`\n  ${this.#mark("?")} ${seedsText(seeds)}: inconclusive`);
      for (const line of reason.split("\n")) this.#say(`      ${line}`);
    }
    const { seeds } = this.#asked;
    const asked = seeds.to - seeds.from + 1;
    const failed = failures.reduce((sum, one) => sum + one.seeds.length, 0);
    const tookMs = performance.now() - this.#beganMs;
    const rate = done === 0 ? "" : `, ${(done / (tookMs / 1000)).toFixed(0)} seeds/s`;
    const words = {
      [ExitStatus.passed]: `${this.#mark("✓")} PASSED · no seed failed`,
      [ExitStatus.failed]:
        done === 0
          ? `${this.#mark("✗")} FAILED · before anything was broken`
          : `${this.#mark("✗")} FAILED · ${failed} of ${done} seeds`,
      [ExitStatus.inconclusive]: `${this.#mark("?")} INCONCLUSIVE · no failure found`,
    }[status];
    const played = done === asked ? `${done} played` : `${done} of ${asked} played`;
    this.#say(`\n  ${words} · ${played} · ${durationText(tookMs)}${rate}`);
  }

  /** Takes the line of progress away. */
  close(): void {
    if (this.#hasLine) this.#output?.stream.write("\r\u001B[K");
    this.#hasLine = false;
  }

  #failure({ failure, replay, run }: Written): void {
    const { invariant, seeds, smallest } = failure;
    const { plan, findings, drawn, runs } = smallest;
    this.#say(
      `\n  ${this.#mark("✗")} seed ${plan.seed} breaks ${invariant}: ${invariants[invariant]}`,
    );
    if (drawn > 0) {
      const shrunk = runs === 0 ? "" : `, of ${drawn} drawn (${runs} runs to find out)`;
      const count = plan.faults.length;
      this.#say(`      ${count} ${count === 1 ? "fault" : "faults"}${shrunk}`);
      for (const fault of plan.faults) this.#say(`        ${faultText(fault)}`);
    }
    this.#say("      found");
    for (const { text } of findings.slice(0, findingsShown)) {
      for (const line of text.split("\n")) this.#say(`        ${line}`);
    }
    if (findings.length > findingsShown) {
      this.#say(`        and ${findings.length - findingsShown} more`);
    }
    if (seeds.length > 1) this.#say(`      alike: ${seedsText(seeds)}`);
    this.#say(`      again: ${replay}`);
    this.#say(`             ${run}`);
  }

  #seedsText({ done, failed, inconclusive }: Progress & { stage: "seeds" }): string {
    const { seeds } = this.#asked;
    const rate = done / ((performance.now() - this.#beganMs) / 1000);
    const others = inconclusive === 0 ? "" : ` · ${inconclusive} inconclusive`;
    return `  ${done} of ${seeds.to - seeds.from + 1} seeds · ${failed} failed${others} · ${rate.toFixed(0)} seeds/s`;
  }

  /** On a terminal, in place of the one before. */
  #line(text: string): void {
    const output = this.#output;
    const nowMs = performance.now();
    if (output?.isTty !== true || nowMs - this.#drawnMs < redrawMs) return;
    this.#drawnMs = nowMs;
    this.#hasLine = true;
    output.stream.write(`\r\u001B[K${text.slice(0, output.columns() - 1)}`);
  }

  #say(text: string): void {
    this.close();
    this.#output?.stream.write(`${text}\n`);
  }

  #mark(mark: "✓" | "✗" | "?"): string {
    const plain = { "✓": "ok", "✗": "FAIL", "?": "?" }[mark];
    const text = this.#output?.unicode === true ? mark : plain;
    const color = { "✓": 32, "✗": 31, "?": 33 }[mark];
    return this.#output?.color === true ? `\u001B[${color}m${text}\u001B[39m` : text;
  }
}

/** For programs: what `--json` prints. */
export function explorationJson(
  { unbroken, done, inconclusive }: Exploration,
  written: readonly Written[],
  { lab, seeds, status }: { lab: string; seeds: { from: number; to: number }; status: number },
): object {
  const verdict = { [ExitStatus.passed]: "pass", [ExitStatus.failed]: "fail" }[status];
  return {
    ...{ lab, seeds: { ...seeds, done }, verdict: verdict ?? "inconclusive" },
    unbroken,
    failures: written.map(({ failure, file, replay, run }) => {
      const { invariant, smallest } = failure;
      const { plan, findings, drawn, runs } = smallest;
      return {
        ...{ invariant, seeds: failure.seeds, seed: plan.seed, drawn, runs },
        faults: plan.faults.map((fault) => ({
          text: eventText(fault),
          afterMs: fault.afterMs,
          ...(fault.undoAfterMs !== undefined && { undoAfterMs: fault.undoAfterMs }),
        })),
        findings: findings.map(({ invariant: of, text }) => ({ invariant: of, text })),
        ...{ scenario: file, replay, run },
      };
    }),
    inconclusive,
  };
}

function faultText(fault: ScenarioEvent): string {
  const { afterMs, undoAfterMs } = fault;
  const until = undoAfterMs === undefined ? "for good" : `for ${durationText(undoAfterMs)}`;
  return `${durationText(afterMs)}  ${eventText(fault)}, ${until}`;
}

function seedsText(seeds: readonly number[]): string {
  const shown = seeds.slice(0, seedsShown).join(", ");
  const more = seeds.length - seedsShown;
  return `${seeds.length === 1 ? "seed" : "seeds"} ${shown}${more > 0 ? ` and ${more} more` : ""}`;
}
