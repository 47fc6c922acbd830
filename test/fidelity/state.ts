import { type Address, parseAddress } from "../../src/net/address.ts";
import { gatewaysOf, kernelRoutes } from "../../src/observe/kernel.ts";
import type { NextHop } from "../../src/observe/rib-view.ts";
import { hasAgent, readRoute, readRoutes, readSessions } from "../../src/observe/router.ts";
import { UnreadableError } from "../../src/observe/unreadable.ts";
import type { Place } from "../../src/runtime/port.ts";
import { parseTraceroute } from "../../src/scenario/checks/path.ts";
import type { LabContext } from "../../src/scenario/context.ts";
import type { FabricNode } from "../../src/topology/fabric.ts";

/** Of each router and Kubernetes node, and of `pods`: what is so, a line each, in alphabetical order. */
export type LabStates = Record<string, string[]>;

export const families = ["ipv4-unicast", "ipv6-unicast"] as const;

export async function labState(context: LabContext): Promise<LabStates> {
  await context.names.ready();
  const nodes = context.fabric.nodes.filter(isLookedAt);
  const lines = await Promise.all(
    nodes.map(async (node) => [node.name, await linesOrSilence(context, node)]),
  );
  return Object.fromEntries([...lines, ["pods", await podLines(context)]]) as LabStates;
}

/** Its BGP can be read. */
export function isLookedAt(node: FabricNode): boolean {
  return hasAgent(node) || (node.kind === "linux" && node.image?.includes("frr") === true);
}

async function linesOrSilence(context: LabContext, node: FabricNode): Promise<string[]> {
  try {
    return await nodeLines(context, node);
  } catch (error) {
    if (error instanceof UnreadableError || (await isSwitchedOff(context, node.name))) {
      return ["nobody answers"];
    }
    throw error;
  }
}

function isSwitchedOff({ runtime }: LabContext, node: string): Promise<boolean> {
  return kernelRoutes(runtime, { node }, "ipv4").then(
    () => false,
    () => true,
  );
}

/** Sessions, every path of every table, and the kernel's routes: those of BGP, and those with several next hops. */
async function nodeLines({ names, runtime }: LabContext, node: FabricNode): Promise<string[]> {
  const owner = (hop: NextHop) => names.nodeOfNextHop(node.name, hop) ?? hop.address;
  const peerText = (peer: string) => {
    const name = peerNode(names, node, peer);
    // MAC addresses, and so link-local ones, are the runtime's own.
    const shown = peer.startsWith("fe80:") ? "link-local" : peer;
    return name === undefined ? shown : `${shown} (${name})`;
  };
  const lines: string[] = [];
  for (const family of families) {
    const sessions = await readSessions(runtime, node, family);
    const paths = await readRoutes(runtime, node, family);
    const prefixes = [...new Set(paths.map(({ prefix }) => prefix))];
    // FRR's whole table is without communities.
    const routes = hasAgent(node)
      ? paths
      : (await Promise.all(prefixes.map((prefix) => readRoute(runtime, node, prefix)))).flat();
    const kernel = await kernelRoutes(
      runtime,
      { node: node.name },
      family === "ipv4-unicast" ? "ipv4" : "ipv6",
    );
    lines.push(
      ...sessions.map(({ peer, state, remoteAsn, received, sent }) =>
        state === "Established"
          ? `session ${family} ${peerText(peer)} AS ${remoteAsn} ${received}/${sent}`
          : `session ${family} ${peerText(peer)} down`,
      ),
      ...routes.map((route) =>
        [
          ...[route.prefix, route.nextHops.map(owner).join(","), `"${route.asPath}"`, route.origin],
          ...[`local preference ${route.localPref}`, `MED ${route.med}`],
          `communities [${[...(route.communities ?? []), ...(route.largeCommunities ?? [])].sort().join(" ")}]`,
          ...[route.best && "best", route.multipath && "multipath", route.stale && "stale"],
        ]
          .filter((word) => word !== false)
          .join(" "),
      ),
      ...kernel
        .filter(
          ({ table, protocol, nextHops }) =>
            table === "main" && (protocol === "bgp" || nextHops.length > 1),
        )
        .map((route) => `kernel ${route.prefix} ${gatewaysOf(route).map(owner).sort().join(",")}`),
    );
  }
  return lines.sort();
}

/** Whose address this is, or who is at the other end of the interface. */
export function peerNode(
  names: LabContext["names"],
  { name }: FabricNode,
  peer: string,
): string | undefined {
  const address = parseAddress(peer);
  return address === undefined
    ? names.neighborAt(name, peer)
    : names.nodeOfNextHop(name, { address });
}

type Pod = { label: string; place: Place; addresses: Address[] };

/** Whether each pod reaches each other, and by way of whom. */
async function podLines(context: LabContext): Promise<string[]> {
  const pods = await onePodEach(context);
  const pairs = pods.flatMap((from) =>
    pods.flatMap((to) =>
      from === to ? [] : to.addresses.map((address) => ({ from, to, address })),
    ),
  );
  const lines = await Promise.all(
    pairs.map(async ({ from, to, address }) => {
      const what = `${from.label} → ${to.label}${address.includes(":") ? " (IPv6)" : ""}`;
      const way = await wayOf(context, from.place, address);
      return way === undefined
        ? [`ping ${what} lost`]
        : [`ping ${what} answered`, `path ${what}: ${way}`];
    }),
  );
  return lines.flat().sort();
}

/** The first one of each node, by name without its random letters. */
async function onePodEach({ kube }: LabContext): Promise<Pod[]> {
  const byNode = new Map<string, Pod>();
  for (const pod of await kube.listPods("default").catch(() => [])) {
    const { nodeName, hostNetwork } = (pod["spec"] ?? {}) as {
      nodeName?: string;
      hostNetwork?: boolean;
    };
    const { phase, podIPs = [] } = (pod["status"] ?? {}) as {
      phase?: string;
      podIPs?: { ip: string }[];
    };
    const isUsed = nodeName !== undefined && hostNetwork !== true && phase === "Running";
    if (!isUsed || byNode.has(nodeName)) continue;
    const { name } = pod.metadata;
    byNode.set(nodeName, {
      label: `pod of ${nodeName}`,
      place: { node: nodeName, pod: { namespace: "default", name: name! } },
      addresses: podIPs.map(({ ip }) => parseAddress(ip)!),
    });
  }
  return [...byNode.values()].sort((a, b) => a.label.localeCompare(b.label));
}

/** The nodes on the way; undefined: the ping is lost. */
async function wayOf(
  { runtime, names }: LabContext,
  from: Place,
  to: Address,
): Promise<string | undefined> {
  try {
    const ping = await runtime.exec(from, ["ping", "-n", "-c", "1", "-W", "1", to]);
    if (ping.exitCode !== 0) return undefined;
    const trace = await runtime.exec(from, [
      "traceroute",
      "-n",
      "-q",
      "1",
      "-w",
      "1",
      "-m",
      "16",
      to,
    ]);
    const hops = parseTraceroute(trace.stdout).map((hop) =>
      hop === undefined ? "*" : (names.nodeOf(hop) ?? hop),
    );
    return hops.join(", ");
  } catch {
    return undefined; // Its node is switched off, or it has ended a moment ago.
  }
}
