import { checkHandler } from "../scenario/checks/table.ts";
import { eventText } from "../scenario/events/table.ts";
import { referenceText } from "../scenario/resolve.ts";
import type { Check, ScenarioEvent, Step } from "../scenario/schema/types.ts";
import type { LoadedLab } from "./load.ts";

/** What a run would do, for people and programs. Nothing was created to find out. */
export type Plan = {
  lab: string;
  runtime: string;
  /** `exec`: the commands of each node, in order. */
  nodes: { name: string; role: string; exec: string[] }[];
  /** `router0:net0 – tor0:net0`. */
  links: string[];
  /** In the order to apply them. */
  manifests: { object: string; source: string }[];
  scenario?: { name: string; file: string; steps: PlannedStep[] };
};

type PlannedStep = {
  name: string;
  source: string;
  withinMs: number;
  forMs: number;
  convergeMs?: number;
  probes: { name: string; from: string; to: string; everyMs: number }[];
  events: {
    text: string;
    afterMs: number;
    undoAfterMs?: number;
    times?: number;
    everyMs?: number;
    source: string;
  }[];
  checks: PlannedCheck[];
  /** What must not hold at any moment of the step. */
  never?: PlannedCheck[];
  /** It runs at the same time as the step before it. */
  beside?: true;
};

type PlannedCheck = { text: string; expected: string; source: string };

export function planOf({ spec, scenario }: LoadedLab): Plan {
  const { fabric, manifests } = spec;
  return {
    lab: spec.name,
    runtime: spec.runtime.kind,
    nodes: fabric.nodes.map((node) => ({
      name: node.name,
      role: node.kubernetes?.role ?? node.kind,
      exec: node.exec.map((line) => line.command),
    })),
    links: fabric.links.map(({ endpoints: [a, b] }) =>
      [a, b].map((end) => `${end.node}:${end.interface}`).join(" – "),
    ),
    manifests: manifests.map(({ object, source }) => ({
      object: `${object.kind} ${object.metadata.name}`,
      source,
    })),
    ...(scenario && {
      scenario: {
        name: scenario.name,
        file: scenario.file,
        steps: scenario.steps.map(plannedStep),
      },
    }),
  };
}

function plannedStep(step: Step): PlannedStep {
  const { name, source, withinMs, forMs, convergeMs, probes, events, checks } = step;
  return {
    name,
    source,
    withinMs,
    forMs,
    ...(convergeMs !== undefined && { convergeMs }),
    probes: probes.map((probe) => ({
      name: probe.name,
      from: referenceText(probe.from),
      to: referenceText(probe.to),
      everyMs: probe.everyMs,
    })),
    events: events.map(plannedEvent),
    checks: checks.map(plannedCheck),
    ...(step.never.length > 0 && { never: step.never.map(plannedCheck) }),
    ...(step.beside && { beside: true }),
  };
}

function plannedEvent(event: ScenarioEvent): PlannedStep["events"][number] {
  const { afterMs, undoAfterMs, times, everyMs, source } = event;
  return {
    text: eventText(event),
    afterMs,
    ...(undoAfterMs !== undefined && { undoAfterMs }),
    ...(times > 1 && { times }),
    ...(everyMs !== undefined && { everyMs }),
    source,
  };
}

function plannedCheck(check: Check): PlannedCheck {
  const handler = checkHandler(check.kind);
  return {
    text: handler.text(check as never),
    expected: handler.expected(check as never),
    source: check.source,
  };
}
