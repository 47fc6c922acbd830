import { text } from "node:stream/consumers";
import type { Command } from "commander";
import type { LabSpec } from "../../lab/spec.ts";

/** Not for people: the process behind `up`, given its lab on stdin. */
export function registerSupervise(program: Command): void {
  program.command("supervise", { hidden: true }).action(async () => {
    const { supervise } = await import("../../lab/supervisor.ts");
    await supervise(JSON.parse(await text(process.stdin)) as LabSpec);
  });
}
