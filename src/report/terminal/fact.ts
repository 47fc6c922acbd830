import type { TimelineRecord } from "../../timeline/record.ts";
import { compare, differenceOf, type Segment } from "../difference.ts";
import { formatDuration, formatSince } from "../duration.ts";
import type { RecordOf } from "../summary.ts";
import { type SymbolName, verdictColor, verdictWords } from "./symbols.ts";
import { type Line, type Span, span } from "./text.ts";

/** One thing that happened, before it is laid out for a terminal or as a plain line. */
export type Fact = {
  symbol: SymbolName;
  text: Span[];
  /** More, in dim; cut where the terminal is narrow. */
  aside?: string;
  /** Lines below it, label first. In plain output they follow on the same line. */
  details?: { label: string; text: Span[] }[];
  /** Belongs to the step above it. */
  nested?: boolean;
  /** Begins a new paragraph. */
  opens?: boolean;
};

/** Lines of a failed command's output that are shown; the rest is in the report. */
const outputLinesMax = 12;

/**
 * What to say of a record that is over and done; undefined where there is nothing: a beginning, a
 * route change, a command that worked.
 */
export function factOf(record: TimelineRecord, stepCount: number): Fact | undefined {
  switch (record.type) {
    case "started": {
      const { scenario } = record;
      const summary = scenario?.summary === undefined ? "" : `: ${scenario.summary}`;
      return {
        symbol: "step",
        text: [span(record.lab, "bold"), span(` on ${record.runtime}${summary}`)],
      };
    }
    case "stage":
      if (record.state === "begin") return undefined;
      return {
        symbol: "pass",
        text: [span(record.stage)],
        aside: aside(record.detail, duration(record.tookMs)),
      };
    case "exec":
      return record.exitCode === 0 ? undefined : failedCommand(record);
    case "step":
      return stepFact(record, stepCount);
    case "event":
      return {
        symbol: record.error === undefined ? "event" : "fail",
        text: [span(record.text, record.error === undefined ? "cyan" : "red")],
        // An event is quick; how long it took is news only when it was not.
        ...(record.tookMs >= 100 && { aside: formatDuration(record.tookMs) }),
        ...(record.error !== undefined && {
          details: [{ label: "error", text: [span(record.error)] }],
        }),
        nested: true,
      };
    case "check":
      return checkFact(record);
    case "probe":
      return probeFact(record);
    case "outage":
      return {
        symbol: "probe",
        text: [
          span(`${record.probe}: `),
          span(`outage ${formatDuration(record.toMs - record.fromMs)}`, "yellow"),
        ],
        aside: `${record.lost} lost in a row`,
        nested: true,
      };
    case "measures":
      return undefined;
    case "log": {
      if (record.level === "debug") return undefined;
      const where = record.node === undefined ? "" : `${record.node}: `;
      const level = { info: undefined, warn: "yellow", error: "red" } as const;
      const color = level[record.level] ?? "dim";
      const word = record.level === "info" ? "" : `${record.level}: `;
      return { symbol: "note", text: [span(`${where}${word}${record.message}`, color)] };
    }
    case "failure":
      return failureFact(record);
    case "down":
      return {
        symbol: "pass",
        text: [span("everything is taken down")],
        aside: formatDuration(record.tookMs),
      };
    case "verdict":
      return {
        symbol: record.verdict,
        text: [span("verdict: "), span(verdictWords[record.verdict], verdictColor(record.verdict))],
        aside: aside(record.reason),
        opens: true,
      };
    case "waiting":
    case "state":
    case "routeChange":
    case "sessionChange":
      return undefined;
  }
}

function stepFact(record: RecordOf<"step">, stepCount: number): Fact {
  const count = stepCount > 0 ? `/${stepCount}` : "";
  if (record.state === "begin") {
    return {
      symbol: "step",
      text: [span(`${record.index + 1}${count} `, "dim"), span(record.name, "bold")],
      opens: true,
    };
  }
  const { convergeMs, verdict } = record;
  const converged =
    convergeMs === undefined ? undefined : `converged in ${formatDuration(convergeMs)}`;
  return {
    symbol: verdict,
    text: [span(`step ${record.index + 1} ${verdictWords[verdict]}`)],
    aside: aside(converged, formatDuration(record.tookMs)),
    nested: true,
  };
}

function checkFact(record: RecordOf<"check">): Fact {
  const { verdict, expected, seen, text, source } = record;
  const took = duration(record.tookMs);
  if (verdict === "pass") {
    const news = text.includes(seen) ? undefined : seen;
    return { symbol: "pass", text: [span(text)], aside: aside(news, took), nested: true };
  }
  const sides = compare(expected, seen);
  const differs = verdict === "fail" ? differenceOf(record) : undefined;
  const since = formatSince(record);
  return {
    symbol: verdict,
    text: [span(text, verdict === "fail" ? "red" : "yellow")],
    aside: aside(verdictWords[verdict], took),
    details: [
      { label: "expected", text: marked(sides.expected, "green", differs) },
      { label: "seen", text: marked(sides.seen, "red", differs) },
      ...(since === undefined ? [] : [{ label: "since", text: [span(since)] }]),
      ...(differs === undefined ? [] : [{ label: "differs", text: [span(differs)] }]),
      ...(source === undefined ? [] : [{ label: "check", text: [span(source, "dim")] }]),
    ],
    nested: true,
  };
}

/** The words that differ in colour, where there is something else for them to stand out from. */
function marked(
  segments: readonly Segment[],
  color: "green" | "red",
  differs: string | undefined,
): Span[] {
  return segments.map(({ text, different }) =>
    span(text, differs !== undefined && different ? color : undefined),
  );
}

function probeFact(record: RecordOf<"probe">): Fact | undefined {
  switch (record.state) {
    case "begin":
      return {
        symbol: "probe",
        text: [span(`probe ${record.probe}: ${record.from} → ${record.to}`)],
        aside: `every ${formatDuration(record.everyMs)}`,
        nested: true,
      };
    case "silent":
      return undefined;
    case "end": {
      const loss =
        record.lost === 0
          ? "none lost"
          : `${record.lost} lost, longest outage ${formatDuration(record.outageMs)}`;
      const rtt = record.rttMs && `median ${formatDuration(record.rttMs.median)}`;
      return {
        symbol: "probe",
        text: [
          span(`probe ${record.probe}: ${record.sent} sent, `),
          span(loss, record.lost === 0 ? undefined : "yellow"),
        ],
        aside: aside(rtt),
        nested: true,
      };
    }
  }
}

function failedCommand(record: RecordOf<"exec">): Fact {
  const allowed = record.allowedToFail === true;
  const status = `status ${record.exitCode}${allowed ? ", allowed to fail" : ""}`;
  return {
    symbol: allowed ? "warn" : "fail",
    text: [span(`${record.node}: ${record.command}`, allowed ? undefined : "red")],
    aside: status,
    details: [...outputDetails("stdout", record.stdout), ...outputDetails("stderr", record.stderr)],
  };
}

function failureFact(record: RecordOf<"failure">): Fact {
  const { node, message, command, output, remedy } = record;
  return {
    symbol: "fail",
    text: [span(node === undefined ? message : `${node}: ${message}`, "red")],
    details: [
      ...(command === undefined ? [] : [{ label: "command", text: [span(command)] }]),
      ...outputDetails("output", output ?? ""),
      ...(remedy === undefined ? [] : [{ label: "remedy", text: [span(remedy, "bold")] }]),
    ],
  };
}

/** The end of an output: what went wrong is said last. */
function outputDetails(label: string, output: string): { label: string; text: Span[] }[] {
  const lines = output.trimEnd().split("\n");
  if (lines.length === 1 && lines[0] === "") return [];
  const left = lines.length - outputLinesMax;
  const shown = left > 0 ? [`… ${left} lines before`, ...lines.slice(-outputLinesMax)] : lines;
  return shown.map((line, index) => ({ label: index === 0 ? label : "", text: [span(line)] }));
}

/** A duration where it says something: nobody reads that a look took no time. */
function duration(ms: number | undefined): string | undefined {
  return ms === undefined || ms < 1 ? undefined : formatDuration(ms);
}

function aside(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join(" · ");
}

/** A fact on one line: `✗ route … · failed: expected absent; seen via tor1`. */
export function factInOneLine(fact: Fact): Line {
  const more = (fact.details ?? [])
    .map(({ label, text }) => `${label} ${text.map((piece) => piece.text).join("")}`.trim())
    .join("; ");
  return [
    ...fact.text,
    ...(fact.aside ? [span(` · ${fact.aside}`, "dim")] : []),
    ...(more === "" ? [] : [span(`: ${more}`)]),
  ];
}
