import type { Fabric } from "../topology/fabric.ts";

/**
 * What happens to the links of a node that is stopped. The interfaces of a namespace go with it, and a
 * veth pair goes as one: the other end would lose its interface, and with it every address and
 * neighbor that it is configured with. So the node's ends are unplugged first and kept in another
 * namespace, without carrier, until the node is started.
 */

/** `ip -batch` input for the node's network namespace; `holderPid`: a process of the one that keeps them. */
export function unplugBatch(fabric: Fabric, node: string, holderPid: number): string {
  const ends = endsOf(fabric, node);
  // All cables at one instant; moving them takes longer.
  const down = ends.map(({ name }) => `link set ${name} down\n`);
  const away = ends.map(
    ({ name, parked }) => `link set ${name} netns ${holderPid} name ${parked}\n`,
  );
  return [...down, ...away].join("");
}

/** `ip -batch` input for the namespace that keeps them; `pid`: the first process of the node started anew. */
export function plugBatch(fabric: Fabric, node: string, pid: number): string {
  return endsOf(fabric, node)
    .map(({ name, parked }) => `link set ${parked} netns ${pid} name ${name}\n`)
    .join("");
}

function endsOf(fabric: Fabric, node: string): { name: string; parked: string }[] {
  return fabric.links.flatMap(({ endpoints }, link) =>
    endpoints.flatMap((end, side) =>
      end.node === node ? { name: end.interface, parked: `parked${link}.${side}` } : [],
    ),
  );
}
