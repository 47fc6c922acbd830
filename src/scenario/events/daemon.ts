import type { LabContext } from "../context.ts";
import type { EventHandler } from "../event.ts";
import { runCommand } from "../node-command.ts";
import { nodeNamed } from "../resolve.ts";

/** It reads /etc/frr/daemons and knows each daemon's options; `all` is every enabled one. */
const watchfrr = "/usr/lib/frr/watchfrr.sh";
/** As it does, and ends watchfrr before all others. */
const frrinit = "/usr/lib/frr/frrinit.sh";
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
    if (name !== "all") await keepAway(context, node, name);
    return () => start(context, node, name);
  },
};

async function start(context: LabContext, node: string, name: string): Promise<void> {
  const file = pidFile(name);
  if (name !== "all")
    await runCommand(context, { node }, ["sh", "-c", `[ ! -d ${file} ] || rmdir ${file}`]);
  await runCommand(context, { node }, [watchfrr, "start", name]);
  await runCommand(context, { node }, ["sh", "-c", readSaved]);
}

async function stop(context: LabContext, node: string, name: string): Promise<void> {
  expectEnd(context, node, name);
  const argv = name === "all" ? [frrinit, "stop"] : [watchfrr, "stop", name];
  await runCommand(context, { node }, argv);
}

/**
 * watchfrr starts a daemon that is not there again after five seconds, and then every minute or so. A daemon ends at
 * once where it cannot write its process id, so a folder is put where the file would be.
 */
async function keepAway(context: LabContext, node: string, name: string): Promise<void> {
  await runCommand(context, { node }, ["rm", "-f", pidFile(name)]);
  await runCommand(context, { node }, ["mkdir", pidFile(name)]);
}

async function kill(context: LabContext, node: string, name: string): Promise<void> {
  expectEnd(context, node, name);
  // `all`: watchfrr is one of them.
  const files = pidFile(name === "all" ? "*" : name);
  await runCommand(context, { node }, ["sh", "-c", `kill -KILL $(cat ${files})`]);
}

/** Right before, and only then: whoever is expected to end and does not may die unnoticed later. */
function expectEnd(context: LabContext, node: string, name: string): void {
  context.nodes.expectDaemonToEnd(node, name === "all" ? undefined : name);
}

function pidFile(of: string): string {
  return `/run/frr/${of}.pid`;
}
