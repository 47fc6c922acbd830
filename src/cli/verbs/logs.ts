import { existsSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import { labDirectory, logDirectory } from "../../lab/state-folder.ts";
import { UsageError } from "../exit.ts";
import { nodeOf, processOf, selectLab } from "../running-lab.ts";

export function registerLogs(program: Command): void {
  program
    .command("logs")
    .summary("what a node's agent and routing daemons, or a pod's containers, wrote")
    .argument("<place>", "a node or a pod")
    .option("--lab <lab>", "which lab, where several are up")
    .action((place: string, options: { lab?: string }) => {
      const state = selectLab(options.lab);
      const pid = processOf(state, place);
      const pod = state.fabric.nodes.some((each) => each.name === nodeOf(state, place))
        ? undefined
        : Object.entries(state.pods).find(([, each]) => each === pid)?.[0];
      const files =
        pod === undefined
          ? [
              `${logDirectory(state.lab)}/${nodeOf(state, place)}.agent.log`,
              `/proc/${pid}/root/var/log/frr/frr.log`,
            ]
          : podLogs(labDirectory(state.lab), pod);
      const found = files.filter((file) => existsSync(file));
      if (found.length === 0) throw new UsageError(`${place} has written no log`);
      for (const file of found) process.stdout.write(readFileSync(file));
    });
}

function podLogs(directory: string, pod: string): string[] {
  return [`${directory}/pods/${pod.replace("/", "_")}/container.log`];
}
