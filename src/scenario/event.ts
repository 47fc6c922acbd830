import type { LabContext } from "./context.ts";
import type { EventKind, EventOf } from "./schema/types.ts";

/** Takes the event back. */
export type Undo = () => Promise<void>;

/** How one kind of event is told and done. */
export type EventHandler<K extends EventKind> = {
  /** For people: `link router0:net1 – tor1:net0 down`. */
  text(event: EventOf<K>): string;
  /**
   * Resolves when it took effect, with how to take it back; undefined where that cannot be done.
   * Rejects where it failed: then the step fails.
   */
  run(context: LabContext, event: EventOf<K>): Promise<Undo | undefined>;
};

/** A command of an event failed. `output` is what it printed. */
export class EventError extends Error {
  override readonly name = "EventError";
  readonly node: string;
  readonly command: string;
  readonly output: string;

  constructor(node: string, command: string, output: string) {
    super(`${node}: ${command}: ${output.trim() || "failed without output"}`);
    this.node = node;
    this.command = command;
    this.output = output;
  }
}
