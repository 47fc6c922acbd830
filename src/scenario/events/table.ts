import type { LabContext } from "../context.ts";
import type { EventHandler, Undo } from "../event.ts";
import type { EventKind, EventOf, ScenarioEvent } from "../schema/types.ts";
import { agent } from "./agent.ts";
import { chaosText } from "./chaos.ts";
import { config } from "./config.ts";
import { daemon } from "./daemon.ts";
import { exec } from "./exec.ts";
import { gateway } from "./gateway.ts";
import { link } from "./link.ts";
import { metric } from "./metric.ts";
import { node } from "./node.ts";
import { partition } from "./partition.ts";
import { apply, patch, remove, scale } from "./resources.ts";

type SingleKind = Exclude<EventKind, "together" | "chaos">;

/** Every kind of event that a scenario can write; `together` and `chaos` are the run's own. */
const events: { [K in SingleKind]: EventHandler<K> } = {
  link,
  agent,
  metric,
  config,
  daemon,
  node,
  gateway,
  apply,
  patch,
  delete: remove,
  scale,
  exec,
  partition,
};

export function eventText(event: ScenarioEvent): string {
  if (event.kind === "chaos") return chaosText(event);
  if (event.kind === "together") return `together: ${event.events.map(eventText).join("; ")}`;
  return handlerOf(event.kind).text(event as never);
}

export async function runEvent(
  context: LabContext,
  event: EventOf<SingleKind>,
): Promise<Undo | undefined> {
  return await handlerOf(event.kind).run(context, event as never);
}

function handlerOf<K extends SingleKind>(kind: K): EventHandler<K> {
  return events[kind];
}
