import type { TimelineRecord } from "../timeline/record.ts";
import { differenceOf } from "./difference.ts";
import { formatSince } from "./duration.ts";
import { type SpreadReport, spreadName } from "./spread.ts";
import { type RecordOf, type RunSummary, type StepSummary, summarize } from "./summary.ts";

/**
 * JUnit XML as GitLab, GitHub's reporters and Jenkins read it: one testsuite a run, one testcase a
 * check with its step as classname. An inconclusive check is skipped, with the reason; since CI
 * counts skipped as passed, an inconclusive run has an error of its own, and so has a run that
 * failed without a failed check. `spread`, of several runs of which the first one here is the last: a
 * suite of its own, with a testcase for each limit.
 */
export function junitXml(
  runs: readonly (readonly TimelineRecord[])[],
  spread?: SpreadReport,
): string {
  const suites = runs.map((records) => testSuite(summarize(records)));
  const [first] = runs;
  if (spread !== undefined && first !== undefined) {
    suites.push(spreadSuite(summarize(first).started?.lab ?? "spinelab", spread));
  }
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="spinelab" ${counts(suites.flatMap((suite) => suite.cases))} time="${seconds(
      suites.reduce((sum, suite) => sum + suite.tookMs, 0),
    )}">`,
    ...suites.flatMap((suite) => suite.lines),
    "</testsuites>",
  ];
  return `${lines.join("\n")}\n`;
}

type Outcome = "passed" | "failed" | "error" | "skipped";
type TestCase = { outcome: Outcome; lines: string[] };

type Suite = { cases: TestCase[]; tookMs: number; lines: string[] };

function testSuite(run: RunSummary): Suite {
  const suite = run.started?.lab ?? "spinelab";
  const cases = run.failures.map((failure) => failureCase(suite, failure));
  for (const step of run.steps) cases.push(...stepCases(suite, step));
  const told = cases.some((one) => one.outcome === "failed" || one.outcome === "error");
  if (run.verdict === "inconclusive" || (run.verdict === "fail" && !told)) {
    const what = run.verdict === "fail" ? "the run failed" : "the run is inconclusive";
    const message = run.reason === undefined ? what : `${what}: ${run.reason}`;
    cases.push(
      testCase(`${dotless(suite)}.verdict`, "verdict of the run", run.tookMs, "error", [
        element("error", { message, type: run.verdict }, message),
      ]),
    );
  }
  const attributes = {
    name: suite,
    ...(run.started && { timestamp: run.started.wallClock.replace(/Z$/, "") }),
  };
  return {
    cases,
    tookMs: run.tookMs,
    lines: [
      `  <testsuite${attributeText(attributes)} ${counts(cases)} time="${seconds(run.tookMs)}">`,
      ...properties(run),
      ...unique(cases).flatMap((one) => one.lines),
      "  </testsuite>",
    ],
  };
}

function properties(run: RunSummary): string[] {
  const pairs: [string, string | number | undefined][] = [
    ["spinelab.verdict", run.verdict],
    ["spinelab.reason", run.reason],
    ["spinelab.scenario", run.started?.scenario?.name],
    ["spinelab.runtime", run.started?.runtime],
    ["spinelab.version", run.started?.spinelab],
    ["spinelab.replay", run.started?.replay],
  ];
  for (const step of run.steps) {
    const name = `step ${step.index + 1}`;
    pairs.push(
      [`${name}.name`, step.name],
      [`${name}.verdict`, step.verdict],
      [`${name}.converge_ms`, step.convergeMs],
      [`${name}.outage_ms`, step.outageMs],
      [`${name}.lost_packets`, step.lost],
      ...measuresOf(name, step.measures),
    );
  }
  for (const probe of run.probes) {
    pairs.push(
      [`probe ${probe.probe}.sent`, probe.sent],
      [`probe ${probe.probe}.lost`, probe.lost],
      [`probe ${probe.probe}.outage_ms`, probe.outageMs],
    );
  }
  return propertyLines(pairs);
}

type Property = [name: string, value: string | number | undefined];

function propertyLines(pairs: readonly Property[]): string[] {
  const lines = pairs
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `      <property${attributeText({ name, value: String(value) })}/>`);
  return ["    <properties>", ...lines, "    </properties>"];
}

/** By event as they are numbered in the step, and UPDATE messages by router. */
function measuresOf(step: string, measures: RecordOf<"measures"> | undefined): Property[] {
  if (measures === undefined) return [];
  const events = measures.events.flatMap(({ text, controlPlaneMs, probes = {} }, i): Property[] => {
    const event = `${step}.event ${i + 1}`;
    return [
      [`${event}.name`, text],
      [`${event}.control_plane_ms`, controlPlaneMs],
      ...Object.entries(probes).flatMap(([probe, { dataPlaneMs, lost }]): Property[] => [
        [`${event}.probe ${probe}.data_plane_ms`, dataPlaneMs],
        [`${event}.probe ${probe}.lost_packets`, lost],
      ]),
    ];
  });
  const updates = Object.entries(measures.updates).flatMap(([node, of]): Property[] => [
    [`${step}.updates_received.${node}`, of.received],
    [`${step}.updates_sent.${node}`, of.sent],
  ]);
  return [...events, ...updates];
}

function spreadSuite(lab: string, { runs, spreads, results }: SpreadReport): Suite {
  const cases = results.map(({ verdict, text, limit }) => {
    const name = spreadName(limit);
    const details = {
      pass: [],
      warn: [],
      fail: [element("failure", { message: text, type: "spread" }, `${text}\n${limit.source}`)],
      inconclusive: [element("error", { message: text, type: "inconclusive" }, text)],
    };
    const outcomes = { pass: "passed", warn: "passed", fail: "failed", inconclusive: "error" };
    const outcome = outcomes[verdict] as Outcome;
    return testCase(`${dotless(lab)}.spread`, name, 0, outcome, details[verdict]);
  });
  const pairs = spreads.flatMap((spread): Property[] => [
    [`${spreadName(spread)}.median_ms`, spread.medianMs],
    [`${spreadName(spread)}.p95_ms`, spread.p95Ms],
    [`${spreadName(spread)}.worst_ms`, spread.worstMs],
  ]);
  return {
    cases,
    tookMs: 0,
    lines: [
      `  <testsuite${attributeText({ name: `${lab}, spread of ${runs} runs` })} ${counts(cases)} time="0.000">`,
      ...propertyLines([["spinelab.runs", runs], ...pairs]),
      ...unique(cases).flatMap((one) => one.lines),
      "  </testsuite>",
    ],
  };
}

function stepCases(suite: string, step: StepSummary): TestCase[] {
  const className = `${dotless(suite)}.${dotless(`${step.index + 1} ${step.name}`)}`;
  if (step.verdict === "notRun") {
    const message = "not run: an earlier step ended the scenario";
    return [testCase(className, step.name, 0, "skipped", [element("skipped", { message })])];
  }
  const cases: TestCase[] = [];
  for (const event of step.events.filter((one) => one.error !== undefined)) {
    const message = event.error!;
    const detail = element("error", { message, type: event.kind }, `${event.text}\n${message}`);
    cases.push(testCase(className, event.text, event.tookMs, "error", [detail]));
  }
  for (const check of step.checks) cases.push(checkCase(className, check));
  for (const waiting of step.unfinished) {
    const message = `no verdict; last saw ${waiting.seen}`;
    const detail = element("skipped", { message });
    cases.push(testCase(className, waiting.text, 0, "skipped", [detail]));
  }
  const told = cases.some((one) => one.outcome === "failed" || one.outcome === "error");
  if (step.verdict === "fail" && !told) {
    // A limit on convergence fails the step itself, not one of its checks.
    const message = "the step failed with no failed check";
    const detail = element("failure", { message, type: "step" }, message);
    cases.push(testCase(className, step.name, step.tookMs ?? 0, "failed", [detail]));
  }
  return cases;
}

function checkCase(className: string, check: RecordOf<"check">): TestCase {
  const { verdict, expected, seen, source } = check;
  const where = /^(.*):(\d+)$/.exec(source ?? "");
  const location = where && { file: where[1]!, line: where[2]! };
  const make = (outcome: Outcome, lines: string[]) =>
    testCase(className, check.text, check.tookMs, outcome, lines, location ?? {});
  const oneLine = `expected ${expected}; seen ${seen}`;
  switch (verdict) {
    case "pass":
      return make("passed", []);
    case "warn":
      return make("passed", [element("system-out", {}, `warning: ${oneLine}`)]);
    case "inconclusive":
      return make("skipped", [element("skipped", { message: `inconclusive: ${seen}` })]);
    case "fail": {
      const since = formatSince(check);
      const difference = differenceOf(check);
      const text = [
        check.text,
        `expected: ${expected}`,
        `seen:     ${seen}`,
        ...(since === undefined ? [] : [`since:    ${since}`]),
        ...(difference === undefined ? [] : [`differs:  ${difference}`]),
        ...(source === undefined ? [] : [`check:    ${source}`]),
        `looked ${check.looks} times in ${seconds(check.tookMs)} s`,
      ].join("\n");
      return make("failed", [element("failure", { message: oneLine, type: check.kind }, text)]);
    }
  }
}

function failureCase(suite: string, failure: RecordOf<"failure">): TestCase {
  const { node, message, command, output, remedy } = failure;
  const text = [
    message,
    ...(command === undefined ? [] : [`command: ${command}`]),
    ...(output === undefined ? [] : [output]),
    ...(remedy === undefined ? [] : [`remedy: ${remedy}`]),
  ].join("\n");
  const name = node === undefined ? message : `${node}: ${message}`;
  const detail = element("error", { message, type: "failure" }, text);
  return testCase(`${dotless(suite)}.lab`, name, 0, "error", [detail]);
}

function testCase(
  classname: string,
  name: string,
  tookMs: number,
  outcome: Outcome,
  details: string[],
  location: { file?: string; line?: string } = {},
): TestCase {
  const open = `<testcase${attributeText({ classname, name, time: seconds(tookMs), ...location })}`;
  const lines =
    details.length === 0
      ? [`    ${open}/>`]
      : [`    ${open}>`, ...details.map((detail) => `      ${detail}`), "    </testcase>"];
  return { outcome, lines };
}

/** GitLab and GitHub tell cases apart by classname and name: the second of the same gets a number. */
function unique(cases: readonly TestCase[]): TestCase[] {
  const seen = new Map<string, number>();
  return cases.map((one) => {
    const first = one.lines[0]!;
    const key = first.slice(0, first.indexOf(' time="'));
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    if (count === 1) return one;
    const named = `${key.slice(0, -1)} (${count})"${first.slice(key.length)}`;
    return { ...one, lines: [named, ...one.lines.slice(1)] };
  });
}

function counts(cases: readonly TestCase[]): string {
  const of = (outcome: Outcome) => cases.filter((one) => one.outcome === outcome).length;
  return `tests="${cases.length}" failures="${of("failed")}" errors="${of("error")}" skipped="${of("skipped")}"`;
}

function element(name: string, attributes: Record<string, string>, text?: string): string {
  const open = `<${name}${attributeText(attributes)}`;
  return text === undefined ? `${open}/>` : `${open}>${escapeXml(text)}</${name}>`;
}

function attributeText(attributes: Record<string, string>): string {
  return Object.entries(attributes)
    .map(
      ([name, value]) =>
        ` ${name}="${escapeXml(value).replace(/[\t\n]/g, (c) => `&#${c.codePointAt(0)};`)}"`,
    )
    .join("");
}

/**
 * XML 1.0 §2.2 allows no control characters but tab and newline, no lone surrogate and no U+FFFE:
 * not even escaped. A command's output can hold them all.
 */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, "\n")
    .replace(/[^\P{Cc}\t\n]|[\ufffe\uffff]/gu, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Jenkins reads what stands before the last dot of a classname as a package. */
function dotless(text: string): string {
  return text.replaceAll(".", "_");
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
