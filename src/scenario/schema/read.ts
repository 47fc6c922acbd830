import { type Diagnostic, inFileOrder } from "../../input/diagnostic.ts";
import {
  boolean,
  described,
  integer,
  diagnosticAt,
  list,
  located,
  mistake,
  object,
  oneOrMore,
  optional,
  readShape,
  refined,
  schemaOf,
  type Shape,
  sourceOf,
  text,
} from "../../input/shape.ts";
import { parseYaml, readYamlFile, type YamlFile } from "../../input/yaml-file.ts";
import { hintAtNames } from "../../input/nearest.ts";
import type { Manifest, ValidateResource } from "../../topology/manifests.ts";
import { lookUp, type ScenarioLab } from "./check-scenario.ts";
import { checkNames, checkShape } from "./checks.ts";
import { eventNames, eventReference, eventShape } from "./events.ts";
import { type Mention, placeTypes, type Reading, reference, targetTypes } from "./mentions.ts";
import { spreadShape, unknownOf } from "./spread.ts";
import type { Probe, Scenario, ScenarioEvent, Step } from "./types.ts";
import { duration, family } from "./values.ts";

/** Often enough to measure an outage to 10 ms, seldom enough to cost nothing. */
const defaultProbeEveryMs = 10;

/**
 * Reads a scenario file. `validate` checks objects of cilium.io that its events apply. With a lab,
 * everything that the scenario names is looked up in it; without one, names have only their form
 * checked.
 */
export function readScenario(
  file: string,
  validate: ValidateResource,
  lab?: ScenarioLab,
): { scenario: Scenario } | { diagnostics: Diagnostic[] } {
  return readContent(readYamlFile(file), file, validate, lab);
}

/**
 * The same of a scenario that is in no file: `name` stands for it in mistakes. `applied`: the objects
 * that its events make, for what comes after it.
 */
export function readScenarioText(
  written: string,
  name: string,
  validate: ValidateResource,
  lab: ScenarioLab,
): { scenario: Scenario; applied: Manifest[] } | { diagnostics: Diagnostic[] } {
  return readContent(parseYaml(written, name), name, validate, lab);
}

function readContent(
  content: YamlFile,
  file: string,
  validate: ValidateResource,
  lab: ScenarioLab | undefined,
): { scenario: Scenario; applied: Manifest[] } | { diagnostics: Diagnostic[] } {
  if ("diagnostics" in content) return content;
  const diagnostics: Diagnostic[] = [];
  const [document, second] = content.documents;
  if (second) {
    const at = { file, line: second.root.line, path: "" };
    const message = "a scenario file holds one document, not several";
    diagnostics.push(diagnosticAt(at, "BadValue", message));
  }
  const reading: Reading = { mentions: [], applied: [], validate, step: -1 };
  const read = readShape(scenarioShape(reading), document!, diagnostics);
  if (read)
    checkProbes(
      read.steps.map(({ step }) => step),
      reading.mentions,
      diagnostics,
    );
  if (lab) diagnostics.push(...lookUp(reading, lab));
  if (read === undefined || diagnostics.length > 0) {
    return { diagnostics: inFileOrder(diagnostics) };
  }
  return {
    scenario: {
      file,
      ...read,
      steps: read.steps.flatMap(({ step, times }) => repeated(step, times)),
    },
    applied: reading.applied,
  };
}

/** A step that is played several times. Its probes begin with the first and run on. */
function repeated(step: Step, times: number): Step[] {
  if (times === 1) return [step];
  return Array.from({ length: times }, (_, n) => ({
    ...step,
    name: `${step.name} (${n + 1} of ${times})`,
    ...(n > 0 && { probes: [], beside: false }),
  }));
}

export function scenarioShape(reading: Reading): Shape<ReadScenario> {
  const shape = object(
    {
      name: text("the scenario's name"),
      summary: optional(text()),
      limit: optional(duration),
      capture: optional(list(reference(reading, ["interface"]), "a list of interfaces")),
      spread: optional(list(spreadShape, "a list of limits")),
      steps: list(stepShape(reading), "a list of steps", false),
    },
    "a scenario",
  );
  return refined(shape, ({ limit, spread = [], capture: captures = [], ...given }, at) => {
    const fields = { ...given, spread, captures };
    const [first] = fields.steps;
    if (first?.step.beside) {
      const message = "the first step has none before it that it could run beside";
      return mistake(at, "BadValue", message);
    }
    const steps = fields.steps.map(({ step }) => step);
    for (const each of spread) {
      const unknown = unknownOf(each, steps);
      if (unknown === undefined) continue;
      const line = Number(each.source.slice(each.source.lastIndexOf(":") + 1));
      mistake({ ...at, line, path: "spread" }, "UnknownName", unknown.message, unknown.hint);
    }
    return limit === undefined ? fields : { ...fields, limitMs: limit };
  });
}

/** Steps as written: each may be played several times. */
type ReadScenario = Omit<Scenario, "file" | "steps"> & { steps: { step: Step; times: number }[] };

/** Editors find its schema where they find that of the events of `together`. */
function eventOfStep(reading: Reading): Shape<ScenarioEvent> {
  return described(eventReference, eventShape(reading, checkNames));
}

function stepShape(reading: Reading): Shape<{ step: Step; times: number }> {
  const shape = object(
    {
      name: text("what the step shows"),
      within: optional(duration),
      for: optional(duration),
      converge: optional(duration),
      beside: optional(boolean),
      repeat: optional(integer(1, 1000, "a number")),
      probe: optional(oneOrMore(probeShape(reading), "a list of probes")),
      do: optional(oneOrMore(eventOfStep(reading), "a list of events")),
      expect: optional(oneOrMore(checkShape(reading, eventNames), "a list of checks")),
      never: optional(oneOrMore(checkShape(reading, eventNames), "a list of checks")),
    },
    "a step",
    (field) => {
      if (eventNames.some((name) => name === field))
        return "an event goes into the list under 'do'";
      if (checkNames.some((name) => name === field))
        return "a check goes into the list under 'expect'";
      return undefined;
    },
  );
  return described(schemaOf(shape), (node, at) => {
    reading.step++;
    if (
      node.type === "map" &&
      !["probe", "do", "expect", "never"].some((key) => node.entries.has(key))
    ) {
      mistake(at, "MissingField", "a step needs 'expect', 'never', 'do' or 'probe'");
    }
    if (node.type === "map" && node.entries.has("converge") && !node.entries.has("do")) {
      const message = "'converge' counts from an event, and the step has none";
      mistake(at, "MissingField", message, "add `do:` with an event");
    }
    const fields = shape(node, at);
    if (fields === undefined) return undefined;
    const step: Step = {
      name: fields.name,
      source: sourceOf(at),
      withinMs: fields.within ?? 0,
      forMs: fields.for ?? 0,
      probes: fields.probe ?? [],
      events: fields.do ?? [],
      checks: fields.expect ?? [],
      never: fields.never ?? [],
      beside: fields.beside ?? false,
    };
    if (fields.converge !== undefined) step.convergeMs = fields.converge;
    return { step, times: fields.repeat ?? 1 };
  });
}

function probeShape(reading: Reading): Shape<Probe> {
  const shape = located(
    object(
      {
        name: text("the probe's name"),
        from: reference(reading, placeTypes),
        to: reference(reading, targetTypes),
        family: optional(family),
        every: optional(refined(duration, atLeastOneMs)),
      },
      "a probe",
    ),
  );
  return described(schemaOf(shape), (node, at) => {
    const probe = shape(node, at);
    if (probe === undefined) return undefined;
    const { name, from, to, family: of, every = defaultProbeEveryMs } = probe.value;
    return {
      name,
      source: sourceOf(probe.at),
      from,
      to,
      ...(of && { family: of }),
      everyMs: every,
    };
  });
}

function atLeastOneMs(ms: number, at: Parameters<typeof mistake>[0]): number | undefined {
  return ms >= 1 ? ms : mistake(at, "BadValue", "expected 1ms or more between two packets");
}

/** Two probes of one name, and outage checks of a probe that has not begun. */
function checkProbes(
  steps: readonly Step[],
  mentions: readonly Mention[],
  diagnostics: Diagnostic[],
): void {
  const begins = new Map<string, { step: number; source: string }>();
  for (const [index, step] of steps.entries()) {
    for (const { name, source } of step.probes) {
      const other = begins.get(name);
      if (other === undefined) begins.set(name, { step: index, source });
      else {
        const [file, line] = [
          source.slice(0, source.lastIndexOf(":")),
          Number(source.slice(source.lastIndexOf(":") + 1)),
        ];
        const message = `another probe is called '${name}': ${other.source}`;
        const at = { file, line, path: `steps[${index}].probe.name` };
        diagnostics.push(diagnosticAt(at, "DuplicateName", message));
      }
    }
  }
  for (const mention of mentions) {
    if (mention.type !== "probe") continue;
    const begin = begins.get(mention.probe);
    if (begin === undefined) {
      const hint = hintAtNames(mention.probe, begins.keys()) ?? "add `probe:` to the step";
      const message = `no probe '${mention.probe}'`;
      diagnostics.push(diagnosticAt(mention.at, "UnknownProbe", message, hint));
    } else if (begin.step > mention.step) {
      const message = `probe '${mention.probe}' begins later: ${begin.source}`;
      diagnostics.push(diagnosticAt(mention.at, "UnknownProbe", message));
    }
  }
}
