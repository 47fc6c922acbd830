import { frrText } from "../../observe/frr.ts";
import type { LabContext } from "../context.ts";
import type { Undo } from "../event.ts";
import { configureRouter } from "../node-command.ts";
import { nodeNamed } from "../resolve.ts";
import type { EventOf } from "../schema/types.ts";

/** What OSPF counts for what a router sends out of an interface. */
export async function setOspfCost(
  context: LabContext,
  { on, cost }: Extract<EventOf<"metric">, { of: "ospf" }>,
): Promise<Undo> {
  const node = nodeNamed(context, on.node).name;
  const running = await frrText(context.runtime, node, "ospfd", "show running-config");
  const before = configuredCost(running, on.interface);
  const set = (line: string) => configureRouter(context, node, [`interface ${on.interface}`, line]);
  await set(`ip ospf cost ${cost}`);
  return () => set(before === undefined ? "no ip ospf cost" : `ip ospf cost ${before}`);
}

/** Undefined where it follows from the bandwidth. */
export function configuredCost(running: string, device: string): number | undefined {
  const [, block = ""] = `\n${running}`.split(`\ninterface ${device}\n`);
  const end = block.search(/^(?:exit|!)/m);
  const cost = /^ ip ospf cost (\d+)/m.exec(end < 0 ? block : block.slice(0, end))?.[1];
  return cost === undefined ? undefined : Number(cost);
}
