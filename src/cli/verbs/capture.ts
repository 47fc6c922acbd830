import type { Command } from "commander";
import { findNode } from "../../topology/fabric.ts";
import { UsageError } from "../exit.ts";
import { entryOf, selectLab } from "../running-lab.ts";
import { refuseSimulated } from "../simulated-place.ts";
import { enter } from "./exec.ts";

export function registerCapture(program: Command): void {
  program
    .command("capture")
    .summary("packets on an interface, by tcpdump")
    .argument("<interface>", "NODE:INTERFACE, for example tor0:net0")
    .argument("[tcpdump...]", "arguments of tcpdump, after --: a filter, -c 10, -w -")
    .option("--lab <lab>", "which lab, where several are up")
    .addHelpText("after", "\nExample:\n  spinelab capture tor0:net0 -- -c 5 tcp port 179")
    .action(async (where: string, rest: string[], options: { lab?: string }) => {
      const [node, name] = where.split(":") as [string, string | undefined];
      if (name === undefined) throw new UsageError(`${where}: expected NODE:INTERFACE`);
      const state = selectLab(options.lab);
      if (!findNode(state.fabric, node)) entryOf(state, node); // throws with a hint
      refuseSimulated(state, {
        what: "no packet of it is one that tcpdump could read",
        instead: "spinelab exec NODE -- traceroute ADDRESS shows the way that packets take",
      });
      const argv = ["tcpdump", "-n", "-l", "-i", name, ...rest];
      process.exitCode = await enter(state.lab, entryOf(state, node), argv);
    });
}
