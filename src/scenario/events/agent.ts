import type { EventHandler } from "../event.ts";
import { nodeNamed } from "../resolve.ts";

/** The BGP process of a Kubernetes node. */
export const agent: EventHandler<"agent"> = {
  text: (event) => `agent of ${event.on} ${event.action}`,

  async run(context, event) {
    const { agents } = context;
    const node = nodeNamed(context, event.on).name;
    await agents[event.action](node);
    if (event.action === "restart" || event.action === "upgrade") return undefined;
    return () => (event.action === "start" ? agents.stop(node) : agents.start(node));
  },
};
