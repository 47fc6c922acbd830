import { expect, it } from "vitest";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import { SimNetwork } from "./network.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { sourceAddress } from "./source-address.ts";

it("is the route's own, else the interface's that it leads out of, else that of lo", () => {
  const network = new SimNetwork(new VirtualClock());
  for (const name of ["a", "b"]) network.addNode(name);
  for (const name of ["net0", "lxc0", "lxc1"]) {
    network.connect({ node: "a", interface: name }, { node: "b", interface: name }, 0);
  }
  const node = network.node("a");
  node.addAddress("lo", { address: address("192.0.2.100"), prefixLength: 32 });
  node.addAddress("net0", { address: address("10.0.0.1"), prefixLength: 24 });
  const route = { kind: "unicast", protocol: "boot", metric: 0 } as const;
  const to = (link: string) => [{ interface: link }];
  node.fib.replace({ ...route, prefix: prefix("10.1.0.2/32"), nextHops: to("lxc0") });
  const source = address("10.1.0.1");
  node.fib.replace({ ...route, prefix: prefix("10.1.0.3/32"), nextHops: to("lxc1"), source });

  expect(sourceAddress(node, address("10.0.0.7"))).toBe("10.0.0.1");
  expect(sourceAddress(node, address("10.1.0.2"))).toBe("192.0.2.100");
  expect(sourceAddress(node, address("10.1.0.3"))).toBe("10.1.0.1");
  expect(sourceAddress(node, address("203.0.113.1"))).toBeUndefined();
});
