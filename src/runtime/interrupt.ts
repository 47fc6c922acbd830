import type { RunningCommand } from "./port.ts";

/** Ctrl-C for a command in a node, also in one that is paused: what stands still hears no signal before it goes on. */
export function interrupt(command: RunningCommand): void {
  command.kill("SIGINT");
  command.kill("SIGCONT");
}
