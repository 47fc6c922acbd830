import { expect, test } from "vitest";
import { filesFor } from "../input/files.testkit.ts";
import { buildFabric } from "./fabric-build.ts";
import { pictureOf } from "./picture.ts";

test("without Kubernetes: routers above routers are spines, a host hangs on its leaf", () => {
  const path = filesFor({
    "frr.conf": "hostname leaf1\n!\nrouter bgp 4200000001\n",
    "topo.yaml": `name: x
topology:
  kinds: {linux: {}}
  nodes:
    spine1: {kind: linux, exec: ["vtysh -c 'conf t' -c 'router bgp 65000'"]}
    leaf1: {kind: linux, binds: ["frr.conf:/etc/frr/frr.conf"]}
    host1: {kind: linux}
    alone: {kind: linux}
  links:
    - endpoints: [spine1:eth1, leaf1:eth1]
    - endpoints: [leaf1:eth2, host1:eth1]
`,
  });
  const built = buildFabric({ topology: path("topo.yaml"), clusters: [], environment: {} });
  if ("diagnostics" in built) throw new Error(JSON.stringify(built.diagnostics));
  const picture = pictureOf(built.fabric);
  expect(picture.nodes.map(({ name, role, notes }) => [name, role, notes.join()])).toEqual([
    ["spine1", "spine", "AS 65000"],
    ["leaf1", "leaf", "AS 4200000001"],
    ["host1", "host", ""],
    ["alone", "host", ""],
  ]);
  expect(picture.links[1]).toEqual({
    a: { node: "leaf1", interface: "eth2" },
    b: { node: "host1", interface: "eth1" },
  });
});
