import { readSessions } from "../../observe/router.ts";
import { UnreadableError } from "../../observe/unreadable.ts";
import type { FabricNode } from "../../topology/fabric.ts";
import type { LabContext } from "../context.ts";
import type { EventHandler } from "../event.ts";
import { nodeNamed } from "../resolve.ts";

/** A whole node: its power, or its place in the cluster. */
export const node: EventHandler<"node"> = {
  text: (event) => `node ${event.on} ${event.action}`,

  async run(context, event) {
    const { nodes, kube } = context;
    const machine = nodeNamed(context, event.on);
    const { name } = machine;
    switch (event.action) {
      case "stop":
        await nodes.stop(name);
        return () => nodes.start(name);
      case "start":
        await nodes.start(name);
        return () => nodes.stop(name);
      case "restart":
        await nodes.stop(name);
        await nodes.start(name);
        return undefined;
      case "pause":
        await nodes.pause(name);
        return () => nodes.unpause(name);
      case "unpause":
        await nodes.unpause(name);
        return () => nodes.pause(name);
      case "leave":
        await kube.delete({ kind: "Node", name });
        await untilNoSession(context, machine);
        await nodes.stop(name);
        return () => nodes.start(name);
    }
  },
};

const lookEveryMs = 20;
const partingMsMax = 5_000;

/**
 * Without its Node object an agent has no configuration and ends its sessions. It is given the time to say so; a node
 * that has no BGP, or no agent that answers, goes at once.
 */
async function untilNoSession(
  { clock, runtime, signal }: LabContext,
  machine: FabricNode,
): Promise<void> {
  const untilMs = clock.nowMs() + partingMsMax;
  try {
    while ((await readSessions(runtime, machine, "ipv4-unicast")).length > 0) {
      if (clock.nowMs() > untilMs) return;
      await clock.wait(lookEveryMs, signal);
    }
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
  }
}
