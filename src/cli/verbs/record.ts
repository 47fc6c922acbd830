import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { askControl } from "../../lab/control.ts";
import { controlSocket } from "../../lab/state-folder.ts";
import { selectLab } from "../running-lab.ts";

export function registerRecord(program: Command): void {
  program
    .command("record")
    .summary("write what is seen in a lab now as a scenario's checks")
    .argument("[lab]", "which lab, where several are up")
    .option("-o, --out <file>", "write it there, not to standard output")
    .addHelpText(
      "after",
      `
Every session, every BGP table and route, and the way packets take between pods become checks. Played
back they pass as long as nothing changed. Trim them by hand: what you leave in is what you promise.

Example: what an upgrade must not change
  spinelab up rack-spine
  spinelab record --out before.yaml
  … change something …
  spinelab play rack-spine before.yaml`,
    )
    .action(async (name: string | undefined, options: { out?: string }) => {
      const { lab } = selectLab(name);
      const text = (await askControl(controlSocket(lab), { do: "baseline" })) as string;
      if (options.out === undefined) {
        process.stdout.write(text);
        return;
      }
      writeFileSync(options.out, text);
      const checks = text.match(/^ {6}- /gm)?.length ?? 0;
      process.stdout.write(
        `${options.out}: ${checks} checks\n  spinelab play ${lab} ${options.out}\n`,
      );
    });
}
