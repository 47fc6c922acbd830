import { EnvironmentError } from "../../input/diagnostic.ts";
import type { LabContext } from "../context.ts";
import type { EventHandler } from "../event.ts";
import { runCommand } from "../node-command.ts";
import { nodeNamed } from "../resolve.ts";

/**
 * A whole node. Pausing freezes its processes and, as with `docker pause`, leaves its kernel
 * forwarding. The runtimes cannot stop a node by itself and start it again yet.
 */
export const node: EventHandler<"node"> = {
  text: (event) => `node ${event.on} ${event.action}`,

  async run(context, event) {
    const { name } = nodeNamed(context, event.on);
    if (event.action !== "pause" && event.action !== "unpause") {
      throw new EnvironmentError(
        `the ${context.runtime.kind} runtime cannot ${event.action} a single node`,
        "use the events link, agent or daemon, or node pause",
      );
    }
    const pausing = event.action === "pause";
    await signalAll(context, name, pausing ? "STOP" : "CONT");
    return () => signalAll(context, name, pausing ? "CONT" : "STOP");
  },
};

/** kill -1 reaches every process of the node's PID namespace but its init and the shell itself. */
async function signalAll(context: LabContext, name: string, signal: string): Promise<void> {
  await runCommand(context, { node: name }, ["sh", "-c", `kill -${signal} -1`]);
}
