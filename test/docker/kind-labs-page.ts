import type { Verdict } from "../../src/timeline/record.ts";

/** What came of a lab. */
export type Played = {
  lab: string;
  verdict: Verdict;
  /** Checks that passed, of all that were made. */
  passed: number;
  checks: number;
  /** From the command to its end; and until the scenario began, NaN where it did not. */
  tookS: number;
  deployedS: number;
  /** The machine's load (of a minute) when it began. */
  load: number;
  /** What did not pass, and why. */
  reasons: string[];
};

const words = { pass: "passed", fail: "failed", warn: "passed", inconclusive: "inconclusive" };

export function labsTable(played: readonly Played[]): string {
  return [
    "| lab | verdict | checks | lab up | whole | load before |",
    "|---|---|---|---|---|---|",
    ...played.map(({ lab, verdict, passed, checks, deployedS, tookS, load }) => {
      const seconds = (s: number) => (Number.isNaN(s) ? "–" : `${Math.round(s)} s`);
      const cells = [
        ...[`[${lab}](../labs/${lab}/README.md)`, words[verdict], `${passed} of ${checks}`],
        ...[seconds(deployedS), seconds(tookS), load.toFixed(1)],
      ];
      return `| ${cells.join(" | ")} |`;
    }),
  ].join("\n");
}

/** docs/kind-labs.md. `machine`: what they were played on. */
export function labsPage(played: readonly Played[], machine: string): string {
  return [
    "# The labs on kind",
    "",
    introduction,
    "",
    `${machine}.`,
    "",
    labsTable(played),
    "",
    ...whatDidNotPass(played),
  ].join("\n");
}

const introduction = `This page is written by a run (\`make test-kind LABS=all\`): every lab, with the scenario that it has on
network namespaces, on real Kubernetes by kind and FRR in containers. *Lab up* is from the command to the
scenario's beginning, *whole* to the command's end, when nothing of the lab is left.`;

function whatDidNotPass(played: readonly Played[]): string[] {
  const rest = played.filter(({ reasons }) => reasons.length > 0);
  if (rest.length === 0) return [];
  const sections = rest.flatMap(({ lab, reasons }) => [
    `### ${lab}`,
    "",
    ...reasons.map((reason) => `- ${reason.replaceAll("\n", " ").replaceAll("<", "&lt;")}`),
    "",
  ]);
  return ["## What did not pass", "", ...sections];
}
