import type { LabContext } from "../context.ts";
import type { EventHandler } from "../event.ts";
import { runCommand } from "../node-command.ts";
import { nodeNamed } from "../resolve.ts";

/** watchfrr.sh reads /etc/frr/daemons and knows each daemon's options; `all` is every enabled one. */
const watchfrr = "/usr/lib/frr/watchfrr.sh";
/** Without an integrated file each daemon has one of its own, which it reads itself. */
const readSaved = "[ ! -e /etc/frr/frr.conf ] || vtysh -b";

/**
 * A routing daemon of a router. The running configuration is saved before the daemon ends and read
 * in again after it started, as on a router whose operator saved it: FRR forgets it otherwise.
 */
export const daemon: EventHandler<"daemon"> = {
  text: (event) => `daemon ${event.daemon ?? "all"} on ${event.on} ${event.action}`,

  async run(context, event) {
    const node = nodeNamed(context, event.on).name;
    const name = event.daemon ?? "all";
    context.nodes.expectDaemonToEnd(node, event.daemon);
    if (event.action === "start") {
      await start(context, node, name);
      return () => stop(context, node, name);
    }
    await runCommand(context, { node }, ["vtysh", "-c", "write memory"]);
    if (event.action === "kill") await kill(context, node, name);
    else await stop(context, node, name);
    if (event.action === "restart") {
      await start(context, node, name);
      return undefined;
    }
    return () => start(context, node, name);
  },
};

async function start(context: LabContext, node: string, name: string): Promise<void> {
  await runCommand(context, { node }, [watchfrr, "start", name]);
  await runCommand(context, { node }, ["sh", "-c", readSaved]);
}

async function stop(context: LabContext, node: string, name: string): Promise<void> {
  await runCommand(context, { node }, [watchfrr, "stop", name]);
}

async function kill(context: LabContext, node: string, name: string): Promise<void> {
  const files = name === "all" ? "/run/frr/*.pid" : `/run/frr/${name}.pid`;
  await runCommand(context, { node }, ["sh", "-c", `kill -KILL $(cat ${files})`]);
}
