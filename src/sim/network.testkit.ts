import { expect } from "vitest";
import { ip } from "./shell/ip.ts";
import type { World } from "./world.ts";

/** Makes nodes and the cables between them: `a:net0 b:net0`, and how many milliseconds one takes if not one. */
export function connect(world: World, cables: readonly string[]): void {
  const { network } = world;
  for (const cable of cables) {
    const [a = "", b = "", delayMs = "1"] = cable.split(" ");
    const ends = [a, b].map((end) => {
      const [node = "", link = ""] = end.split(":");
      if (!network.nodes.has(node)) network.addNode(node);
      return { node, interface: link };
    });
    network.connect(ends[0]!, ends[1]!, Number(delayMs));
  }
}

/** `NODE addr add …`, `NODE route add …`: what `ip` is told on a node. All of it must be done. */
export function run(world: World, lines: string): void {
  for (const line of lines.trim().split("\n")) {
    const [node = "", ...words] = line.trim().split(" ");
    expect({ line, ...ip(world.network.node(node), words) }).toMatchObject({ exitCode: 0 });
  }
}

/**
 *  client – router – n1 – p1, p1b
 *               \ \– n2 – p2
 *                \–/
 */
export function twoNodes(world: World): void {
  connect(world, [
    "client:net0 router:net0",
    "router:net1 n1:net0",
    "router:net2 n2:net0",
    "router:net3 n2:net1",
    "n1:lxc1 p1:eth0",
    "n1:lxc2 p1b:eth0",
    "n2:lxc1 p2:eth0",
  ]);
  run(
    world,
    `client addr add 198.51.100.2/24 dev net0
     client route add default via 198.51.100.1
     router addr add 198.51.100.1/24 dev net0
     router addr add 10.0.1.1/24 dev net1
     router addr add 10.0.2.1/24 dev net2
     router addr add 10.0.3.1/24 dev net3
     router route add 10.1.1.0/24 via 10.0.1.2
     router route add 10.1.2.0/24 via 10.0.2.2
     n1 addr add 10.0.1.2/24 dev net0
     n1 addr add 10.1.1.1/32 dev lxc1
     n1 route add default via 10.0.1.1
     n1 route add 10.1.1.2/32 dev lxc1
     n1 route add 10.1.1.3/32 dev lxc2
     n2 addr add 10.0.2.2/24 dev net0
     n2 addr add 10.0.3.2/24 dev net1
     n2 addr add 10.1.2.1/32 dev lxc1
     n2 route add default via 10.0.2.1
     n2 route add default via 10.0.3.1 metric 200
     n2 route add 10.1.2.2/32 dev lxc1
     p1 addr add 10.1.1.2/32 dev eth0
     p1 route add default via 10.1.1.1 dev eth0
     p1b addr add 10.1.1.3/32 dev eth0
     p1b route add default via 10.1.1.1 dev eth0
     p2 addr add 10.1.2.2/32 dev eth0
     p2 route add default via 10.1.2.1 dev eth0`,
  );
}
