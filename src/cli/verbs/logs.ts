import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { labDirectory, logDirectory } from "../../lab/state-folder.ts";
import { readContainerLog } from "../../runtime/netns/container-log.ts";
import { findNode } from "../../topology/fabric.ts";
import { UsageError } from "../exit.ts";
import { entryOf, podsMatching, selectLab } from "../running-lab.ts";
import { simulatedLogs } from "../simulated-place.ts";

export function registerLogs(program: Command): void {
  program
    .command("logs")
    .summary("what a node's agent and routing daemons, or a pod's containers, wrote")
    .argument("<place>", "a node or a pod")
    .option("--lab <lab>", "which lab, where several are up")
    .addHelpText(
      "after",
      `
Examples:
  spinelab logs kind-worker        the agent
  spinelab logs tor0               FRR, where it logs to /var/log/frr/frr.log
  spinelab logs netshoot@kind-worker`,
    )
    .action(async (place: string, options: { lab?: string }) => {
      const state = selectLab(options.lab);
      const entry = entryOf(state, place);
      if ("container" in entry) {
        const { containerLogs } = await import("../../lab/container-entry.ts");
        const parts = await containerLogs(state.lab, entry);
        const written = parts.filter(({ text }) => text !== "");
        if (written.length === 0) throw new UsageError(`${place} has written no log`);
        for (const { source, text } of written) {
          process.stdout.write(`==> ${source} <==\n${text}${text.endsWith("\n") ? "" : "\n"}`);
        }
        return;
      }
      if ("simulated" in entry) {
        const text = await simulatedLogs(state, entry);
        if (text === "") throw new UsageError(`${place} has written no log`);
        process.stdout.write(text);
        return;
      }
      const node = findNode(state.fabric, place);
      const [pod = ""] = podsMatching(state, place);
      const files = node
        ? [
            `${logDirectory(state.lab)}/${node.name}.agent.log`,
            `/proc/${entry.pid}/root/var/log/frr/frr.log`,
          ]
        : podLogs(`${labDirectory(state.lab)}/pods/${pod.replace("/", "_")}`);
      const found = files.filter((file) => existsSync(file));
      if (found.length === 0) throw new UsageError(`${place} has written no log`);
      for (const file of found) {
        process.stdout.write(node ? readFileSync(file) : readContainerLog(file));
      }
    });
}

/** One file a container. */
function podLogs(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".log"))
    .map((name) => join(directory, name));
}
