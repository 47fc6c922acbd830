import type { Fabric, FabricNode } from "../topology/fabric.ts";
import type { Runtime } from "../runtime/port.ts";
import type { StateItem } from "../timeline/state.ts";
import { type FibRoute, kernelRoutes } from "./kernel.ts";
import type { Names } from "./names.ts";
import type { AddressFamily, NextHop, RibRoute, Session } from "./rib-view.ts";
import { readRoutes, readSessions } from "./router.ts";

/** What the speaker and the kernel of one node hold. */
export type NodeState = {
  node: string;
  /** `family`: the one whose prefixes are counted. */
  sessions: (Session & { family: AddressFamily })[];
  rib: RibRoute[];
  /** Unicast routes of the main table. */
  fib: FibRoute[];
};

/**
 * Every node's sessions and tables, at one look. A node without a BGP speaker has neither sessions
 * nor a RIB; one that cannot be read has nothing at all.
 */
export async function readLabState(runtime: Runtime, fabric: Fabric): Promise<NodeState[]> {
  return await Promise.all(
    fabric.nodes
      .filter((node) => node.kind !== "bridge")
      .map((node) => readNodeState(runtime, node)),
  );
}

async function readNodeState(runtime: Runtime, node: FabricNode): Promise<NodeState> {
  const families = ["ipv4-unicast", "ipv6-unicast"] as const;
  const [sessions, rib, fib] = await Promise.all([
    readable(
      Promise.all(
        families.map(async (family) =>
          (await readSessions(runtime, node, family)).map((one) => ({ ...one, family })),
        ),
      ),
    ),
    readable(Promise.all(families.map((family) => readRoutes(runtime, node, family)))),
    readable(
      Promise.all(
        (["ipv4", "ipv6"] as const).map((family) =>
          kernelRoutes(runtime, { node: node.name }, family),
        ),
      ),
    ),
  ]);
  return {
    node: node.name,
    sessions: worthTelling(sessions.flat()),
    rib: rib.flat(),
    fib: fib.flat().filter(isTold),
  };
}

/** An agent lists a neighbor in every family: of IPv6 only where there is something. */
function worthTelling(sessions: NodeState["sessions"]): NodeState["sessions"] {
  return sessions.filter(
    (one) =>
      one.family === "ipv4-unicast" ||
      one.received + one.sent > 0 ||
      !sessions.some((other) => other.peer === one.peer && other.family === "ipv4-unicast"),
  );
}

function isTold({ table, type, prefix }: FibRoute): boolean {
  return table === "main" && type !== "local" && !/^(?:fe80|ff00)::/.test(prefix);
}

async function readable<T>(reading: Promise<T[]>): Promise<T[]> {
  return await reading.catch(() => []);
}

/** The states in words, next hops by the names of nodes. Call `names.ready` before. */
export function stateItems(states: readonly NodeState[], names: Names): StateItem[] {
  return states.flatMap(({ node, sessions, rib, fib }) => {
    const nameOf = (hop: NextHop) => names.nodeOfNextHop(node, hop) ?? hop.address;
    return [
      ...sessions.map((one) => ({
        node,
        table: "session" as const,
        key: `${peerName(names, node, one)}${one.family === "ipv6-unicast" ? " (IPv6)" : ""}`,
        value: `${one.state}, received ${one.received}, sent ${one.sent}`,
      })),
      ...grouped(rib).map(([prefix, paths]) => ({
        node,
        table: "rib" as const,
        key: prefix,
        value: paths
          .map((path) => ribText(path, nameOf))
          .sort()
          .join("; "),
      })),
      ...grouped(fib).map(([prefix, routes]) => ({
        node,
        table: "fib" as const,
        key: prefix,
        value: routes
          .map((one) => fibText(one, nameOf))
          .sort()
          .join("; "),
      })),
    ];
  });
}

/** The neighbor by the name of its node, else as the speaker names it. */
export function peerName(names: Names, node: string, { peer, hostname }: Session): string {
  const byAddress = names.nodeOfNextHop(node, { address: peer as NextHop["address"] });
  return byAddress ?? names.neighborAt(node, peer) ?? hostname ?? peer;
}

function grouped<T extends { prefix: string }>(routes: readonly T[]): [string, T[]][] {
  return [...Map.groupBy(routes, (one) => one.prefix)];
}

function ribText(path: RibRoute, nameOf: (hop: NextHop) => string): string {
  const { nextHops, best, multipath, stale, valid, asPath, localPref, med } = path;
  return [
    nextHops.length === 0 ? "own" : `via ${nextHops.map(nameOf).join(", ")}`,
    ...(best ? ["best"] : multipath ? ["multipath"] : []),
    ...(stale ? ["stale"] : []),
    ...(valid ? [] : ["not valid"]),
    ...(asPath === "" ? [] : [`AS path ${asPath}`]),
    ...(localPref === undefined ? [] : [`local preference ${localPref}`]),
    ...(med === undefined ? [] : [`MED ${med}`]),
  ].join(", ");
}

function fibText(route: FibRoute, nameOf: (hop: NextHop) => string): string {
  const hops = route.nextHops.map(({ address, interface: dev, flags }) =>
    [
      address === undefined ? "" : `via ${nameOf({ address, ...(dev && { interface: dev }) })}`,
      // The end of a pod's cable has another name with every pod.
      dev === undefined ? "" : `dev ${dev.replace(/^lxc[0-9a-f]+$/, "lxc*")}`,
      ...flags,
    ]
      .filter((word) => word !== "")
      .join(" "),
  );
  return [
    ...(route.type === "unicast" ? [] : [route.type]),
    ...hops.sort(),
    `proto ${route.protocol}`,
    ...(route.metric === 0 ? [] : [`metric ${route.metric}`]),
  ].join(", ");
}
