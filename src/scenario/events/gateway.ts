import { familyOf, type Family } from "../../net/address.ts";
import { defaultRoutes, type Prefix } from "../../net/prefix.ts";
import type { FibRoute } from "../../observe/kernel.ts";
import type { LabContext } from "../context.ts";
import type { EventHandler } from "../event.ts";
import { runCommand } from "../node-command.ts";
import { familyText, nodeNamed, referenceText } from "../resolve.ts";
import type { EventOf } from "../schema/types.ts";
import { mainRoutes, routeWords } from "./kernel-route.ts";

/** A node's default route. */
export const gateway: EventHandler<"gateway"> = {
  text: (event) => {
    const metric = event.metric === undefined ? "" : ` metric ${event.metric}`;
    const via = `${referenceText(event.via)}${familyText(event.family)}`;
    return `gateway of ${event.on}: ${event.action} ${via}${metric}`;
  },

  async run(context, event) {
    const node = nodeNamed(context, event.on).name;
    const family =
      event.family ?? (event.via.type === "address" ? familyOf(event.via.address) : "ipv4");
    const prefix = defaultRoutes[family];
    const before = await mainRoutes(context, node, prefix, undefined);
    const via = await viaWords(context, node, event.via, family);
    const metric = event.metric === undefined ? [] : ["metric", String(event.metric)];
    const ip = family === "ipv4" ? ["ip"] : ["ip", "-6"];
    const argv = [...ip, "route", event.action, "default", ...via, ...metric];
    await runCommand(context, { node }, argv);
    return () => restore(context, node, prefix, before);
  },
};

async function viaWords(
  context: LabContext,
  node: string,
  via: EventOf<"gateway">["via"],
  family: Family,
): Promise<string[]> {
  if (via.type === "address") return ["via", via.address];
  const { names } = context;
  await names.ready();
  const other = nodeNamed(context, via.node).name;
  if (via.type === "interface" && other === node) return ["dev", via.interface];
  // A neighbor's address on the link between the two.
  const link = names
    .neighborsOf(node)
    .find(
      (one) =>
        one.other.node === other && (via.type === "node" || one.other.interface === via.interface),
    );
  const address = link && names.addressOfInterface(other, link.other.interface, family);
  if (address === undefined) {
    throw new Error(`${node} has no link to an address of ${referenceText(via)}`);
  }
  return ["via", address];
}

/** Adds what is missing before it deletes what is too much, so that there is a way out all the time. */
async function restore(
  context: LabContext,
  node: string,
  prefix: Prefix,
  before: FibRoute[],
): Promise<void> {
  const now = await mainRoutes(context, node, prefix, undefined);
  const act = async (verb: "add" | "del", routes: FibRoute[]) => {
    for (const route of routes) {
      await runCommand(context, { node }, ["ip", "route", verb, ...routeWords(route)]);
    }
  };
  const [missing, extra] = [others(before, now), others(now, before)];
  // A route of the same metric over another gateway cannot be added beside the one there.
  const clashing = extra.filter((one) => missing.some(({ metric }) => metric === one.metric));
  await act("del", clashing);
  await act("add", missing);
  await act("del", others(extra, clashing));
}

/** Those routes that are not among the known ones. */
function others(routes: FibRoute[], known: FibRoute[]): FibRoute[] {
  const words = new Set(known.map((route) => routeWords(route).join(" ")));
  return routes.filter((route) => !words.has(routeWords(route).join(" ")));
}
