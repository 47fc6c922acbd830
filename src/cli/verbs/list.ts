import type { Command } from "commander";
import { formatTable, goDuration } from "../table.ts";
import { runningLabs } from "../running-lab.ts";

export function registerList(program: Command): void {
  program
    .command("list")
    .summary("the labs there are, and those that are up")
    .option("--json", "JSON")
    .addHelpText(
      "after",
      `
Labs are folders with a lab.yaml in labs/ of the current directory, and those that come with Spinelab.`,
    )
    .action(async (options: { json?: boolean }) => {
      const { availableLabs, findLab } = await import("../../lab/load.ts");
      const running = runningLabs();
      const labs = [...availableLabs()].map(([name, file]) => {
        // A lab that cannot be read is listed all the same: running it says what is wrong.
        try {
          return { name, file, summary: findLab(file).summary ?? "" };
        } catch {
          return { name, file, summary: "(cannot be read: spinelab validate tells why)" };
        }
      });
      if (options.json) {
        const up = running.map(({ lab, phase, startedAt, runtime: { kind: runtime } }) => ({
          lab,
          phase,
          startedAt,
          runtime,
        }));
        process.stdout.write(`${JSON.stringify({ labs, up }, undefined, 2)}\n`);
        return;
      }
      process.stdout.write(
        formatTable(
          ["LAB", "WHAT IT SHOWS"],
          labs.map((lab) => [lab.name, lab.summary]),
        ),
      );
      process.stdout.write(
        "\nRun one: npm run lab NAME. Leave it running: npm run lab -- up NAME.\n",
      );
      if (running.length > 0) {
        process.stdout.write(
          `\n${formatTable(
            ["UP", "STATE", "SINCE"],
            running.map((state) => [
              state.lab,
              state.phase,
              goDuration(Date.now() - Date.parse(state.startedAt)),
            ]),
          )}`,
        );
      }
    });
}
