import type { Command } from "commander";
import { EnvironmentError } from "../../input/diagnostic.ts";
import { takeDown } from "../../lab/take-down.ts";
import { isStale, runningLabs, selectLab } from "../running-lab.ts";

export function registerDown(program: Command): void {
  program
    .command("down")
    .summary("take a lab down")
    .argument("[lab]", "which lab, where several are up")
    .option("--all", "every lab on this machine")
    .option("--forget", "even where its engine does not answer: its containers stay there")
    .addHelpText(
      "after",
      `
Everything that the lab made goes: namespaces, processes, containers, clusters, links. What a lab left
behind whose process was killed is cleared by any later command.

Examples:
  spinelab down                the lab that is up
  spinelab down --all`,
    )
    .action(async (lab: string | undefined, options: { all?: boolean; forget?: boolean }) => {
      const { sweepStaleLabs } = await import("../../lab/sweep.ts");
      const stale = await sweepStaleLabs(options.forget ? lab : undefined);
      for (const line of stale) process.stdout.write(`${line}\n`);
      if (lab !== undefined && isStale(lab)) {
        throw new EnvironmentError(
          `lab ${lab} is not down: its engine does not answer`,
          `start the engine and repeat this, or give up what is on it: spinelab down ${lab} --forget`,
        );
      }
      if (lab !== undefined && stale.some((line) => line.includes(`lab ${lab} `))) return;
      const labs = options.all ? runningLabs() : [selectLab(lab)];
      for (const state of labs) {
        const tookMs = await takeDown(state);
        process.stdout.write(`lab ${state.lab} is down (${(tookMs / 1000).toFixed(2)} s)\n`);
      }
      if (labs.length === 0) process.stdout.write("no lab is up\n");
    });
}
