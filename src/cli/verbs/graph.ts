import type { Command } from "commander";
import { drawTopology } from "../../report/terminal/topology.ts";
import { terminalOutput } from "../../report/terminal/output.ts";
import { pictureOf } from "../../topology/picture.ts";
import { selectLab } from "../running-lab.ts";

export function registerGraph(program: Command): void {
  program
    .command("graph")
    .summary("draw a lab's fabric")
    .argument("[lab]", "a lab there is or that is up; otherwise the one that is up")
    .option("--json", "nodes and links as JSON")
    .addHelpText(
      "after",
      `
Examples:
  spinelab graph rack-spine            a lab that need not be up
  spinelab graph --json | jq .links
\`spinelab inspect\` draws a running lab with the state of its links.`,
    )
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const { availableLabs, findLab, loadLab } = await import("../../lab/load.ts");
      const known = name !== undefined && availableLabs().has(name);
      const picture = known
        ? loadLab({ ...findLab(name), scenario: undefined }, "").spec.picture
        : pictureOf(selectLab(name).fabric);
      if (options.json) {
        process.stdout.write(`${JSON.stringify(picture, undefined, 2)}\n`);
        return;
      }
      const look = terminalOutput(process.stdout, process.env);
      for (const line of drawTopology(picture, look.columns(), { look })) {
        process.stdout.write(`${line}\n`);
      }
    });
}
