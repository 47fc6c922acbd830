import type { Plan } from "../lab/plan.ts";
import { formatDuration } from "../report/duration.ts";
import { here } from "./here.ts";
import { formatTable } from "./table.ts";

/** A plan as `run --dry-run` prints it. */
export function planText(plan: Plan): string {
  const { nodes, links, manifests, scenario } = plan;
  const lines = [`lab ${plan.lab} on ${plan.runtime}: this is the plan, nothing is created`, ""];
  lines.push(`nodes (${nodes.length})`);
  lines.push(
    ...indented(
      formatTable(
        ["", "ROLE"],
        nodes.map((node) => [node.name, node.role]),
      ),
    ),
  );
  lines.push("", `links (${links.length})`, ...links.map((link) => `  ${link}`));
  const execs = nodes.flatMap(({ name, exec }) => exec.map((command) => [name, command]));
  if (execs.length > 0) {
    lines.push("", `commands (${execs.length}), in order on each node`);
    lines.push(...indented(formatTable(["", ""], execs)));
  }
  if (manifests.length > 0) {
    lines.push("", `objects applied (${manifests.length})`);
    const rows = manifests.map(({ object, source }) => [object, here(source)]);
    lines.push(...indented(formatTable(["", ""], rows)));
  }
  if (scenario) lines.push("", ...scenarioLines(scenario));
  return `${lines.join("\n")}\n`;
}

function scenarioLines({ name, file, steps }: NonNullable<Plan["scenario"]>): string[] {
  return [
    `scenario ${name} (${here(file)}), ${steps.length} steps`,
    ...steps.flatMap((step, index) => [
      `  ${index + 1} ${step.name}${step.beside ? " (beside the step before)" : ""}`,
      ...step.probes.map(
        (probe) =>
          `      probe   ${probe.name}: ${probe.from} → ${probe.to} every ${formatDuration(probe.everyMs)}`,
      ),
      ...step.events.map((event) => `      do      ${event.text}${timing(event)}`),
      ...step.checks.map((check) => `      expect  ${check.text}: ${check.expected}`),
      ...(step.never ?? []).map((check) => `      never   ${check.text}: ${check.expected}`),
      ...limits(step),
    ]),
  ];
}

type Step = NonNullable<Plan["scenario"]>["steps"][number];

function timing({ afterMs, undoAfterMs, times, everyMs }: Step["events"][number]): string {
  const after = afterMs > 0 ? `, after ${formatDuration(afterMs)}` : "";
  const undo = undoAfterMs === undefined ? "" : `, undone after ${formatDuration(undoAfterMs)}`;
  const every = everyMs === undefined ? "" : `, one every ${formatDuration(everyMs)}`;
  return after + undo + (times === undefined ? "" : `, ${times} times${every}`);
}

function limits({ withinMs, forMs, convergeMs, checks }: Step): string[] {
  const parts = [
    ...(checks.length > 0
      ? [withinMs > 0 ? `within ${formatDuration(withinMs)}` : "at the first look"]
      : []),
    ...(forMs > 0 ? [`then for ${formatDuration(forMs)}`] : []),
    ...(convergeMs === undefined
      ? []
      : [`routes at rest within ${formatDuration(convergeMs)} of the first event`]),
  ];
  return parts.length > 0 ? [`      limit   ${parts.join("; ")}`] : [];
}

/** Without the header line, which has no words. */
function indented(table: string): string[] {
  return table
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => `  ${line}`);
}
