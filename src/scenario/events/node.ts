import type { EventHandler } from "../event.ts";
import { nodeNamed } from "../resolve.ts";

/** A whole node: its power, or its place in the cluster. */
export const node: EventHandler<"node"> = {
  text: (event) => `node ${event.on} ${event.action}`,

  async run(context, event) {
    const { nodes, kube } = context;
    const { name } = nodeNamed(context, event.on);
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
        await nodes.stop(name);
        return () => nodes.start(name);
    }
  },
};
