import { fileURLToPath } from "node:url";
import { band, type Difference, outOfBand } from "./compare.ts";
import { hashSeedsMost } from "./compared-lab.ts";
import type { StepTimes } from "./play.ts";

/** What is not as it has to be: a sentence each. */
export function faults({ lab, sim, real, failures, differences, times }: LabResult): string[] {
  const unexplained = differences.filter(({ why }) => why === undefined).length;
  return [
    ...(sim === "pass" && real === "pass" ? [] : [`${lab}: sim ${sim}, netns ${real}`]),
    ...failures.map((text) => `${lab}: ${text}`),
    ...(unexplained === 0 ? [] : [`${lab}: ${unexplained} lines differ that nothing explains`]),
    ...times.flatMap(({ step, sim: ours, real: theirs }) =>
      outOfBand(ours, theirs).map(
        (time) =>
          `${lab}, ${step}: ${time} is ${ours[time] ?? "none"} on sim and ${theirs[time] ?? "none"} on netns: not within the band`,
      ),
    ),
  ];
}

export const pageFile = fileURLToPath(new URL("../../docs/fidelity.md", import.meta.url));

/** What came of one lab on both runtimes. */
export type LabResult = {
  lab: string;
  /** What was played was drawn from a seed; undefined: the lab's own scenario. */
  drawn?: { seed: number; steps: string[] };
  /** The verdict of each. */
  sim: string;
  real: string;
  /** Checks that did not pass, of either. */
  failures: string[];
  steps: number;
  linesCompared: number;
  differences: Difference[];
  /** How often it was played on each side: the times are the nearest two. Lines are those of the first. */
  runs: number;
  times: { step: string; sim: StepTimes; real: StepTimes }[];
};

/** docs/fidelity.md. */
export function page(
  results: readonly LabResult[],
  /** Labs that have no result. */
  missing: readonly string[],
  drawn: readonly LabResult[],
  versions: { frr: string; kernel: string },
): string {
  const all = [...results, ...drawn].flatMap(({ differences }) => differences);
  const whys = [
    ...Map.groupBy(
      all.filter(({ why }) => why !== undefined),
      ({ why }) => why!,
    ),
  ];
  const unexplained = [...results, ...drawn].filter(({ differences }) =>
    differences.some(({ why }) => why === undefined),
  );
  return [
    "# How true the simulation is",
    "",
    introduction(versions),
    "",
    row([
      "lab",
      "on sim",
      "on netns",
      "runs",
      "steps compared",
      "lines compared",
      "equal",
      "explained",
      "unexplained",
      "times out of the band",
    ]),
    row(Array.from({ length: 10 }, () => "---")),
    ...results.map(resultRow),
    "",
    ...(missing.length === 0 ? [] : [`Not compared yet: ${missing.join(", ")}.`, ""]),
    ...(whys.length === 0
      ? []
      : [
          "## What explains a difference",
          "",
          ...whys.map(([why, those]) => `- ${why} (${those.length} lines)`),
          "",
        ]),
    ...(unexplained.length === 0
      ? []
      : ["## What nothing explains yet", "", ...unexplained.flatMap(unexplainedLines)]),
    "## Times",
    "",
    timesIntroduction,
    "",
    row(["lab", "step", "converged: sim", "netns", "outage: sim", "netns", "within the band"]),
    row(Array.from({ length: 7 }, () => "---")),
    ...results.flatMap(timeRows),
    "",
    ...drawnSection(drawn),
  ].join("\n");
}

function introduction({ frr, kernel }: { frr: string; kernel: string }): string {
  return `This page is written by runs (\`make fidelity\`, or some labs anew): a lab is played in virtual time (\`--runtime sim\`) and in
namespaces (\`--runtime netns\`: FRR ${frr}, Linux ${kernel}), and after each step, when nothing moves any more, both
are asked the same: every session of every router and Kubernetes node with the prefixes received and sent, every path
of every BGP table in both address families (prefix, next hop by name, AS path, origin, local preference, MED,
communities, the best, used beside it, stale), the kernel's routes of BGP and those with several next hops, and for each
pair of pods whether a ping is answered and by way of whom. Each such line is compared. \`make system\` does the same
with some of the labs and fails where a line differs that nothing explains.`;
}

const timesIntroduction = `From an event to the last change of a route, and the longest outage that a probe of the lab's scenario saw, in
milliseconds. FRR's own times are parameters that \`spinelab calibrate\` measured ([simulation.md](simulation.md)).
**Within the band**: neither is more than ${band.factor} times the other and ${band.marginMs} ms more; none (–) counts as 0. Where a session's
timers stood when a cable was mended is chance on both sides (a neighbor that does not answer is asked once a second, a
session is tried again after a while), and a machine that has other things to do makes times in namespaces longer. So
\`make fidelity\` plays a lab in which a time is not within the band up to three times on both sides, and the nearest two
count. Which of equal ways a probe goes is chance as well: where it is an outage, the lab is simulated with up to
${hashSeedsMost} hashes besides. \`make fidelity\` fails where a time is not within the band after that, and where a line differs
that nothing explains.`;

const drawnIntroduction = `The simulation was built against the labs' own scenarios, so their agreement says the least about it. What a seed draws
(\`node test/fidelity/run.ts --drawn SEEDS LAB\`) nobody wrote: links, machines, agents and partitions break at drawn
times as in \`spinelab simulate\` ([exploration.md](exploration.md)), some heal and some stay, those that overlap are in
one step. Between them a router's metric changes, its sessions are cleared, its daemons are restarted, killed for a
while or frozen, or a node's default route gets another metric. At the end what is broken is mended. No check tells when
such a step is over: in namespaces it goes on until all is as a first simulation had it, or for half a minute, and then
the lab is simulated once more with steps as long. Every line that is compared above is compared here. Times are not:
how long a session stays away depends on where its timers stood when its cable was cut. \`make system\` plays two of
these.`;

function resultRow(result: LabResult): string {
  const { lab, sim, real, runs, steps, times } = result;
  return row([
    lab,
    sim,
    real,
    `${runs}`,
    `${steps}`,
    ...lineCounts(result),
    `${times.flatMap((step) => outOfBand(step.sim, step.real)).length}`,
  ]);
}

/** Lines that were compared, and how many of them are equal, explained, unexplained. */
function lineCounts({ linesCompared, differences }: LabResult): string[] {
  const explained = differences.filter(({ why }) => why !== undefined).length;
  const { length } = differences;
  return [linesCompared, linesCompared - length, explained, length - explained].map(String);
}

/** A lab's first ones: more are mostly more of the same. */
const shownMost = 6;

function unexplainedLines({ lab: name, drawn, differences }: LabResult): string[] {
  const lab = drawn === undefined ? name : `${name}, seed ${drawn.seed}`;
  const those = differences.filter(({ why }) => why === undefined);
  const lines = those.slice(0, shownMost).map(({ step, node, sim, real }) => {
    const side = (line: string | undefined) => (line === undefined ? "nothing" : `\`${line}\``);
    return `- **${lab}**, ${step}, ${node}: sim ${side(sim)}, netns ${side(real)}`;
  });
  const more = those.length - lines.length;
  return [...lines, ...(more > 0 ? [`- **${lab}**: ${more} more`] : []), ""];
}

function timeRows({ lab, times }: LabResult): string[] {
  return times
    .filter(({ sim, real }) => real.convergeMs !== undefined || sim.convergeMs !== undefined)
    .map(({ step, sim, real }) => {
      const all = [sim.convergeMs, real.convergeMs, sim.outageMs, real.outageMs];
      const cells = all.map((ms) => (ms === undefined ? "–" : `${Math.round(ms)}`));
      return row([lab, step, ...cells, outOfBand(sim, real).length === 0 ? "yes" : "no"]);
    });
}

/** Scenarios that nobody wrote. */
function drawnSection(results: readonly LabResult[]): string[] {
  if (results.length === 0) return [];
  return [
    "## What nobody wrote",
    "",
    drawnIntroduction,
    "",
    row(["lab", "seed", "steps compared", "lines compared", "equal", "explained", "unexplained"]),
    row(Array.from({ length: 7 }, () => "---")),
    ...results.map((result) => {
      const { lab, drawn, steps } = result;
      return row([lab, `${drawn!.seed}`, `${steps}`, ...lineCounts(result)]);
    }),
    "",
    "What was drawn, step by step:",
    "",
    ...results.map(
      ({ lab, drawn }) => `- **${lab}, seed ${drawn!.seed}**: ${drawn!.steps.join(" · ")}`,
    ),
    "",
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
