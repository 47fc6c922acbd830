import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { AgentClock, EgressEdge, EgressOrder } from "./edges.ts";
import { EgressInterfaces } from "./egress-interfaces.ts";
import {
  egressRemoval,
  egressRoutes,
  egressRuleset,
  interfaceTables,
  tunnel,
} from "./egress-rules.ts";
import type { Log } from "./log.ts";

/** Carries out EgressPlans by nftables, a VXLAN tunnel and routing tables of the kernel. */
export class EgressKernel implements EgressEdge {
  readonly #interfaces: EgressInterfaces;
  #isApplied = false;

  constructor(clock: AgentClock, log: Log) {
    this.#interfaces = new EgressInterfaces(clock, log);
  }

  async apply({ plan, node, self, addresses, gateways, interfaceIndexes }: EgressOrder) {
    const tables = Array.from(interfaceTables(plan), ([name, table]) => ({
      ...{ table, interfaceIndex: interfaceIndexes[name]! },
    }));
    this.#interfaces.follow(tables);
    const routes = egressRoutes(plan, self, new Map(Object.entries(addresses)), gateways);
    this.#isApplied = true;
    // Routes first: what is marked must find them. They may be there already.
    await run(["ip", "-force", "-batch", "-"], routes.link, true);
    await run(["ip", "-4", "-force", "-batch", "-"], routes.ipv4, true);
    await run(["ip", "-6", "-force", "-batch", "-"], routes.ipv6, true);
    await run(["bridge", "-force", "-batch", "-"], routes.bridge, true);
    await run(["nft", "-f", "-"], [egressRuleset(plan, node, gateways)]);
  }

  async remove(): Promise<void> {
    this.#interfaces.follow([]);
    // An earlier agent of the node may have left it.
    const hasTunnel = existsSync(`/sys/class/net/${tunnel}`);
    if (!this.#isApplied && !hasTunnel) return;
    await run(["nft", "-f", "-"], [egressRemoval.nft]);
    for (const family of ["-4", "-6"]) {
      await run(["ip", family, "-batch", "-"], egressRemoval.rules);
    }
    if (hasTunnel) await run(["ip", "-batch", "-"], egressRemoval.link);
    this.#isApplied = false;
  }

  close(): void {
    this.#interfaces.close();
  }
}

/** `mayExist`: of a batch that makes what may be there, only other failures count. */
async function run(argv: string[], lines: readonly string[], mayExist = false): Promise<void> {
  const [file, ...args] = argv as [string, ...string[]];
  const child = spawn(file, args, { stdio: ["pipe", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {}); // Its own message says why it ended early.
  child.stdin.end(lines.map((line) => `${line}\n`).join(""));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  if (status === 0) return;
  const told = stderr
    .split("\n")
    .filter((line) => line !== "" && !/File exists|^Command failed/.test(line));
  if (mayExist && told.length === 0) return;
  throw new Error(`${file}: ${told.join("; ") || `status ${status}`}`);
}
