import { type Command, Argument } from "commander";
import { askControl } from "../../lab/control.ts";
import { controlSocket } from "../../lab/state-folder.ts";
import { findNode } from "../../topology/fabric.ts";
import { UsageError } from "../exit.ts";
import { selectLab } from "../running-lab.ts";

export function registerLink(program: Command): void {
  program
    .command("link")
    .summary("cut a link, or mend it")
    .argument("<interface>", "either end, NODE:INTERFACE")
    .addArgument(new Argument("<state>", "what to make it").choices(["up", "down"]))
    .option("--lab <lab>", "which lab, where several are up")
    .addHelpText("after", "\nExample:\n  spinelab link router0:net1 down")
    .action(async (where: string, set: string, options: { lab?: string }) => {
      const state = selectLab(options.lab);
      const [name, interfaceName] = where.split(":") as [string, string | undefined];
      const node = findNode(state.fabric, name)?.name;
      const link = state.fabric.links.find((each) =>
        each.endpoints.some((end) => end.node === node && end.interface === interfaceName),
      );
      if (!link) {
        const known = state.fabric.links
          .flatMap((each) => each.endpoints)
          .map((end) => `${end.node}:${end.interface}`);
        throw new UsageError(`no link at ${where}\n  hint: there are ${known.join(", ")}`);
      }
      const request = { do: "link", node, interface: interfaceName, set };
      process.stdout.write(`${String(await askControl(controlSocket(state.lab), request))}\n`);
    });
}
