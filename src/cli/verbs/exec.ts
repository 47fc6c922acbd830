import { spawn } from "node:child_process";
import type { Command } from "commander";
import type { Entry } from "../../lab/backend.ts";
import { enterCommand, sandboxEnvironment } from "../../runtime/netns/sandbox.ts";
import { entryOf, selectLab } from "../running-lab.ts";
import { refuseSimulated, runSimulated } from "../simulated-place.ts";

export function registerExec(program: Command): void {
  program
    .command("exec")
    .summary("run a command in a node or pod")
    .argument("<place>", "a node (tor0), or a pod (netshoot@kind-worker, default/netshoot-x2f9k)")
    .argument("<argv...>", "the command, after --")
    .option("--lab <lab>", "which lab, where several are up")
    .addHelpText("after", "\nExample:\n  spinelab exec tor0 -- vtysh -c 'show bgp summary'")
    .action(async (place: string, argv: string[], options: { lab?: string }) => {
      const state = selectLab(options.lab);
      process.exitCode = await enter(state.lab, entryOf(state, place), argv);
    });
}

export function registerShell(program: Command): void {
  program
    .command("shell")
    .summary("open a shell in a node or pod")
    .argument("<place>", "a node or a pod")
    .option("--lab <lab>", "which lab, where several are up")
    .addHelpText(
      "after",
      "\nExamples:\n  spinelab shell tor0\n  spinelab shell netshoot@kind-worker",
    )
    .action(async (place: string, options: { lab?: string }) => {
      const state = selectLab(options.lab);
      const entry = entryOf(state, place);
      refuseSimulated(state, {
        what: "its nodes and pods know some commands, and no shell",
        instead: `spinelab exec ${place} -- COMMAND`,
      });
      process.exitCode = await enter(state.lab, entry, ["bash"]);
    });
}

/** Runs a command inside, joined to this terminal. Resolves to its status. */
export async function enter(lab: string, entry: Entry, argv: string[]): Promise<number> {
  if ("container" in entry) {
    const { runInContainer } = await import("../../lab/container-entry.ts");
    return await runInContainer(lab, entry, argv);
  }
  if ("simulated" in entry) return await runSimulated(lab, entry, argv);
  const [file, ...args] = enterCommand(entry.pid, argv);
  const child = spawn(file!, args, {
    stdio: "inherit",
    env: { ...sandboxEnvironment, TERM: process.env["TERM"] ?? "dumb" },
  });
  // The terminal sends Ctrl-C to the command itself: it decides what to do with it.
  process.on("SIGINT", () => {});
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
