import type { Verdict } from "../../src/timeline/record.ts";

/** What came of a lab. */
export type Outcome = {
  verdict: Verdict;
  /** Checks that passed, of all that were made. */
  passed: number;
  checks: number;
  /** From the beginning until every node, pod and link was there; absent where that never was. */
  deployedS?: number;
  /** What did not pass, and why. */
  reasons: string[];
};

export type Played = Outcome & {
  lab: string;
  /** From the command to its end. */
  tookS: number;
  /** The machine's load (of a minute) when it began. */
  load: number;
};

const words = { pass: "passed", fail: "failed", warn: "passed", inconclusive: "inconclusive" };

export function labsTable(played: readonly Played[]): string {
  return [
    "| lab | verdict | checks passed | up after | gone after | load before |",
    "|---|---|---|---|---|---|",
    ...played.map(({ lab, verdict, passed, checks, deployedS, tookS, load }) => {
      const cells = [
        ...[`[${lab}](../labs/${lab}/README.md)`, words[verdict], `${passed} of ${checks}`],
        deployedS === undefined ? "–" : `${Math.round(deployedS)} s`,
        ...[`${Math.round(tookS)} s`, load.toFixed(1)],
      ];
      return `| ${cells.join(" | ")} |`;
    }),
  ].join("\n");
}

/** docs/kind-labs.md. `machine`: what they were played on. */
export function labsPage(played: readonly Played[], machine: string): string {
  const notPassed = played.filter(({ reasons }) => reasons.length > 0);
  return [
    "# The labs on kind",
    "",
    introduction,
    "",
    `${machine}; what else the machine had to do is in the last column.`,
    "",
    labsTable(played),
    "",
    ...(notPassed.length === 0 ? [] : ["## What did not pass", ""]),
    ...notPassed.flatMap(({ lab, reasons }) => [`### ${lab}`, "", ...reasons.map(item), ""]),
  ].join("\n");
}

const introduction = `This page is written by runs (\`make test-kind LABS=all\`, or some labs anew: \`LABS=services,unnumbered\`): every
lab with the scenario that it has on network namespaces, on real Kubernetes by kind, with FRR in containers.
*Up after* is from the command to the scenario's beginning, *gone after* to the command's end, when nothing of the
lab is left.`;

function item(reason: string): string {
  return `- ${reason.replaceAll(/\s*\n\s*/g, " ").replaceAll("<", "&lt;")}`;
}
