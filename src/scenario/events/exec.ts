import type { EventHandler } from "../event.ts";
import { runCommand } from "../node-command.ts";
import { referenceText, resolvePlace } from "../resolve.ts";
import { untilAborted } from "../until-aborted.ts";

/** A command in a node or pod. */
export const exec: EventHandler<"exec"> = {
  text: (event) => `exec on ${referenceText(event.on)}: ${event.command}`,

  async run(context, event) {
    const place = await resolvePlace(context, event.on);
    const { command, allowFailure } = event;
    const ran = runCommand(context, place, event.argv, { command, allowFailure });
    try {
      await untilAborted(context.signal, () => ran);
    } catch (error) {
      // It goes with its node where the lab goes; else nothing may be begun before it has its end.
      if (context.signal.aborted && context.staysUp?.()) await ran;
      throw error;
    }
    return undefined;
  },
};
