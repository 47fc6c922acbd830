import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Runtime } from "../runtime/port.ts";
import { hideSecrets } from "../timeline/secrets.ts";
import type { Fabric, FabricNode } from "../topology/fabric.ts";
import { logDirectory } from "./state-folder.ts";

/**
 * `path` is relative to the bundle: `tor0/running-config.txt`. What may be large is a file of the lab's folder, which
 * whoever asked for it takes away.
 */
export type EvidenceFile = { path: string } & ({ content: string } | { file: string });

const limitMs = 5_000;

const routerCommands: Record<string, string[]> = {
  "running-config.txt": ["vtysh", "-c", "show running-config"],
  "bgp-summary.txt": ["vtysh", "-c", "show bgp summary wide"],
  "bgp-ipv4.json": ["vtysh", "-c", "show bgp ipv4 unicast json"],
  "bgp-ipv6.json": ["vtysh", "-c", "show bgp ipv6 unicast json"],
  "frr.log": ["cat", "/var/log/frr/frr.log"],
};

const nodeCommands: Record<string, string[]> = {
  "addresses.txt": ["ip", "address"],
  "routes.txt": ["ip", "route", "show", "table", "all"],
  "processes.txt": ["ps", "axf"],
};

/**
 * What explains a failure, of every node: configurations, RIBs, FIBs, logs. `runtime` may throw: a lab
 * can fail before it has one.
 */
export async function gatherEvidence(
  lab: string,
  fabric: Fabric,
  runtime: () => Runtime,
): Promise<Extract<EvidenceFile, { content: string }>[]> {
  const files = await Promise.all(
    fabric.nodes.flatMap((node) => {
      const commands = { ...nodeCommands, ...(runsFrr(node) ? routerCommands : {}) };
      return Object.entries(commands).map(async ([name, argv]) => ({
        path: `${node.name}/${name}`,
        content: await output(runtime, node.name, argv),
      }));
    }),
  );
  const directory = logDirectory(lab);
  const logs = existsSync(directory) ? readdirSync(directory) : [];
  return [
    ...files,
    ...logs.map((name) => ({
      path: `logs/${name}`,
      content: readFileSync(join(directory, name), "utf8"),
    })),
  ];
}

/** Whether a node is set up as an FRR router, by commands or by files. */
export function runsFrr({ exec, binds, image = "" }: FabricNode): boolean {
  const mentions = [...exec.map(({ command }) => command), ...binds.map((one) => one.destination)];
  return [...mentions, image].some((text) => /frr|vtysh/.test(text));
}

/** A command that cannot run is evidence too. */
async function output(runtime: () => Runtime, node: string, argv: string[]): Promise<string> {
  try {
    const result = await runtime().exec({ node }, argv, { timeoutMs: limitMs });
    if (result.exitCode === 0) return hideSecrets(result.stdout);
    const said = `${result.stdout}${result.stderr}`;
    return `${argv.join(" ")}: status ${result.exitCode}\n${hideSecrets(said)}`;
  } catch (error) {
    return `${argv.join(" ")}: ${(error as Error).message}\n`;
  }
}
