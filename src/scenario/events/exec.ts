import type { EventHandler } from "../event.ts";
import { runCommand } from "../node-command.ts";
import { referenceText, resolvePlace } from "../resolve.ts";

/** A command in a node or pod. */
export const exec: EventHandler<"exec"> = {
  text: (event) => `exec on ${referenceText(event.on)}: ${event.command}`,

  async run(context, event) {
    const place = await resolvePlace(context, event.on);
    const { command, allowFailure } = event;
    await runCommand(context, place, event.argv, { command, allowFailure });
    return undefined;
  },
};
