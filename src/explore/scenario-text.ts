import { stringify } from "yaml";
import type { EventOf, ScenarioEvent } from "../scenario/schema/types.ts";
import type { Fabric } from "../topology/fabric.ts";
import type { Failing } from "./shrink.ts";

export type ScenarioTextOptions = {
  fabric: Fabric;
  failing: Failing;
  /** The command that finds it again. */
  replay: string;
  /** The command that plays the file. */
  run: string;
};

/** Of what was found, so many checks at most. */
const checksMax = 5;
/** Beyond the time that it took to come to rest. */
const restMarginMs = 5_000;
/** Long enough where routes come to no rest: whoever converges does so within it. */
const unrestMs = 20_000;

/** A scenario that does what the plan does and fails because of what was found. It passes once that is mended. */
export function scenarioText(options: ScenarioTextOptions): string {
  const { fabric, failing, replay, run } = options;
  const { plan, findings, restedMs } = failing;
  const { seed, beginMs, faults } = plan;
  const events = faults.map((fault) => writtenEvent(fault, beginMs));
  const endMs = Math.max(
    beginMs,
    ...faults.map(({ afterMs, undoAfterMs = 0 }) => beginMs + afterMs + undoAfterMs),
  );
  // Several findings may come to one check.
  const byText = new Map(
    findings.flatMap(({ check }) => (check === undefined ? [] : [[JSON.stringify(check), check]])),
  );
  const checks = [...byText.values()].slice(0, checksMax);
  const fromMs = faults.length === 0 ? 0 : endMs;
  const waitMs = checks.length === 0 ? unrestMs : restedMs + restMarginMs - fromMs;
  const nothing = { exec: { on: bystander(fabric, faults), command: "true" } };
  const scenario = {
    name: `${fabric.name}-seed-${seed}`,
    summary: findings[0]!.text.split("\n")[0],
    steps: [
      ...(events.length === 0
        ? []
        : [{ name: "what breaks", do: events.length === 1 ? events : [{ together: events }] }]),
      {
        name: "all is well when everything has come to rest",
        do: [{ ...nothing, after: duration(1000 * Math.ceil(waitMs / 1000)) }],
        ...(checks.length > 0 ? { expect: checks } : { within: "1s", converge: "1s" }),
      },
    ],
  };
  const comments = [
    `Written by \`${replay}\`. It fails as long as the fault is there:`,
    `  ${run}`,
    ...(checks.length === 0 && findings[0]!.invariant !== "rest"
      ? ["No check of a scenario tells this: only the first command fails."]
      : []),
    "The command that does nothing is there for its time: by then all has come to rest. Found:",
    ...findings
      .slice(0, checksMax)
      .flatMap(({ text }) => text.split("\n").map((line) => `  ${line}`)),
  ];
  const yaml = stringify(scenario, { lineWidth: 0, flowCollectionPadding: true });
  return `${comments.map((line) => `# ${line}`).join("\n")}\n${yaml}`;
}

/** A fault as a scenario file has it. `beginMs`: what `afterMs` counts from. */
export function writtenEvent(event: ScenarioEvent, beginMs: number): Record<string, unknown> {
  const { afterMs, undoAfterMs } = event;
  return {
    ...body(event),
    after: duration(beginMs + afterMs),
    ...(undoAfterMs !== undefined && { undoAfter: duration(undoAfterMs) }),
  };
}

function body(event: ScenarioEvent): Record<string, unknown> {
  switch (event.kind) {
    case "link":
      return { link: { ...linkText(event.link), set: event.set } };
    case "node":
      return { node: { on: event.on, do: event.action } };
    case "agent":
      return { agent: { on: event.on, do: event.action } };
    case "partition":
      return { partition: { isolate: event.isolate } };
    default:
      throw new Error(`no such fault is drawn: ${event.kind}`);
  }
}

function linkText(link: EventOf<"link">["link"]): Record<string, unknown> {
  if ("on" in link) return { on: `${link.on.node}:${link.on.interface}` };
  const ends = link.between.map(({ node, interface: name }) =>
    name === undefined ? node : `${node}:${name}`,
  );
  return { between: ends };
}

/** A node that keeps its power throughout: there is nothing to be done on it but to wait. */
function bystander(fabric: Fabric, faults: readonly ScenarioEvent[]): string {
  const struck = new Set(faults.flatMap((fault) => (fault.kind === "node" ? fault.on : [])));
  const { name } = fabric.nodes.find((node) => !struck.has(node.name) && node.kind !== "bridge")!;
  return name;
}

function duration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`;
}
