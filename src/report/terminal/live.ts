import type { TimelineRecord } from "../../timeline/record.ts";
import { formatDuration } from "../duration.ts";
import type { RecordOf } from "../summary.ts";
import { spinner, symbol, verdictColor, verdictWords } from "./symbols.ts";
import { type Line, type Look, type Span, span, truncateLine } from "./text.ts";

/** Cells of the time in front of every line. */
export const elapsedWidth = 8;

type Activity = { sinceMs: number; text: string; seen?: string };
type Probe = { silentSinceMs?: number; lost: number; outages: number };

/** What is going on right now, kept up from the records: the part of the terminal that is redrawn. */
export class LiveView {
  #lab = "";
  #stepCount = 0;
  #step: (RecordOf<"step"> & { state: "begin" }) | undefined;
  #verdict: RecordOf<"verdict"> | undefined;
  #routeChanges = 0;
  #lastRouteChangeMs: number | undefined;
  readonly #stages = new Map<string, Activity>();
  readonly #checks = new Map<string, Activity>();
  readonly #probes = new Map<string, Probe>();

  take(record: TimelineRecord): void {
    switch (record.type) {
      case "started":
        this.#lab = `${record.lab} on ${record.runtime}`;
        this.#stepCount = record.scenario?.steps.length ?? 0;
        this.#verdict = undefined;
        break;
      case "stage":
        if (record.state === "end") this.#stages.delete(record.stage);
        else this.#stages.set(record.stage, activity(record.atMs, record.stage, record.detail));
        break;
      case "step":
        this.#step = record.state === "begin" ? record : undefined;
        this.#checks.clear();
        this.#routeChanges = 0;
        this.#lastRouteChangeMs = undefined;
        break;
      case "waiting": {
        const key = `${record.step} ${record.index}`;
        const sinceMs = this.#checks.get(key)?.sinceMs ?? record.atMs;
        this.#checks.set(key, activity(sinceMs, record.text, `seen ${record.seen}`));
        break;
      }
      case "check":
        this.#checks.delete(`${record.step} ${record.index}`);
        break;
      case "probe":
        this.#takeProbe(record);
        break;
      case "outage": {
        const probe = this.#probes.get(record.probe);
        if (probe === undefined) break;
        delete probe.silentSinceMs;
        probe.lost += record.lost;
        probe.outages++;
        break;
      }
      case "routeChange":
        this.#routeChanges++;
        this.#lastRouteChangeMs = record.atMs;
        break;
      case "verdict":
        this.#verdict = record;
        this.#checks.clear();
        break;
      case "down":
        this.#stages.clear();
        break;
      case "exec":
      case "event":
      case "log":
      case "failure":
        break;
    }
  }

  #takeProbe(record: RecordOf<"probe">): void {
    if (record.state === "begin") this.#probes.set(record.probe, { lost: 0, outages: 0 });
    else if (record.state === "end") this.#probes.delete(record.probe);
    else {
      const probe = this.#probes.get(record.probe);
      if (probe !== undefined) probe.silentSinceMs = record.sinceMs;
    }
  }

  /** The lines of this moment, none wider than `columns`, at most `rowsMax` of them. */
  draw(nowMs: number, columns: number, rowsMax: number, look: Look): Line[] {
    const turning = spinner(nowMs, look);
    const busy = [
      ...[...this.#stages.values()].map((one) => busyLine(one, "", nowMs, turning)),
      ...[...this.#checks.values()].map((one) => busyLine(one, "  ", nowMs, turning)),
      ...[...this.#probes].map(([name, probe]) => probeLine(name, probe, nowMs, look)),
    ];
    const room = Math.max(0, rowsMax - 1);
    const left = busy.length - room;
    if (left > 0 && room > 0) busy.splice(room - 1, left + 1, [moreSpan(left + 1)]);
    const lines = [...busy.slice(0, room), this.#statusLine(nowMs, turning)];
    return lines.map((line) => truncateLine(line, columns, look));
  }

  #statusLine(nowMs: number, turning: Span): Line {
    const parts: Span[][] = [[span(this.#lab, "bold")]];
    const step = this.#step;
    if (this.#verdict !== undefined) {
      const { verdict } = this.#verdict;
      parts.push([span(verdictWords[verdict], verdictColor(verdict))]);
    } else if (step !== undefined) {
      const took = formatElapsedCoarse(nowMs - step.atMs);
      const limit = step.withinMs === undefined ? "" : ` of ${formatElapsedCoarse(step.withinMs)}`;
      const count = this.#stepCount > 0 ? ` of ${this.#stepCount}` : "";
      parts.push([span(`step ${step.index + 1}${count}`)], [span(`${took}${limit}`)]);
    }
    if (this.#lastRouteChangeMs !== undefined) {
      const quiet = formatElapsedCoarse(nowMs - this.#lastRouteChangeMs);
      parts.push([span(`${this.#routeChanges} route changes, quiet for ${quiet}`, "dim")]);
    }
    const line = parts.flatMap((part) => [span(" · ", "dim")].concat(part)).slice(1);
    return [elapsedSpan(nowMs), turning, span(" "), ...line];
  }

  /** For the plain reading, which cannot redraw: what the lab is busy with, in one line. */
  busyWith(nowMs: number): string | undefined {
    const waiting = [...this.#checks.values()].map(({ text, seen }) => `${text} (${seen})`);
    const what = [...[...this.#stages.values()].map(({ text }) => text), ...waiting].join("; ");
    if (what !== "") return `still: ${what}`;
    if (this.#step === undefined || this.#verdict !== undefined) return undefined;
    return `still: step ${this.#step.index + 1}, for ${formatDuration(nowMs - this.#step.atMs)}`;
  }
}

function activity(sinceMs: number, text: string, seen: string | undefined): Activity {
  return seen === undefined ? { sinceMs, text } : { sinceMs, text, seen };
}

function probeLine(name: string, probe: Probe, nowMs: number, look: Look): Line {
  const { lost, outages, silentSinceMs } = probe;
  const loss =
    outages === 0
      ? "no loss"
      : `${lost} lost in ${outages} ${outages === 1 ? "outage" : "outages"}`;
  const head = [span(" ".repeat(elapsedWidth + 3)), symbol("probe", look), span(` ${name}  `)];
  const state =
    silentSinceMs === undefined
      ? span("answering", "green")
      : span(`no answer for ${formatElapsedCoarse(nowMs - silentSinceMs)}`, "red");
  // While it is silent for the first time, its loss is not known yet.
  const known = silentSinceMs === undefined || outages > 0;
  return [...head, state, span(known ? ` · ${loss}` : "", "dim")];
}

/** In the column of the finished lines, but how long this has been going on. */
function busyLine(one: Activity, indent: string, nowMs: number, turning: Span): Line {
  const seen = one.seen === undefined ? "" : `  ${one.seen}`;
  const text = [span(` ${one.text}`), span(seen, "dim")];
  return [elapsedSpan(nowMs - one.sinceMs), span(indent), turning, ...text];
}

function moreSpan(count: number): Span {
  return span(`${" ".repeat(elapsedWidth + 3)}… and ${count} more`, "dim");
}

function elapsedSpan(ms: number): Span {
  return span(`${formatElapsedCoarse(ms).padStart(elapsedWidth)} `, "dim");
}

/** Tenths only: hundredths at ten frames a second are noise. */
function formatElapsedCoarse(ms: number): string {
  if (ms < 59_950) return `${(Math.max(0, ms) / 1000).toFixed(1)}s`;
  return formatDuration(ms);
}
