import type { EventHandler } from "../event.ts";
import { configureRouter } from "../node-command.ts";
import { nodeNamed } from "../resolve.ts";

/** Lines typed into a router's configuration mode. */
export const config: EventHandler<"config"> = {
  text: (event) => `config on ${event.on}: ${event.lines.map((line) => line.trim()).join(" / ")}`,

  async run(context, event) {
    await configureRouter(context, nodeNamed(context, event.on).name, event.lines);
    return undefined;
  },
};
