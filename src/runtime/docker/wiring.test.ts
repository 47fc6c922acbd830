import { expect, test } from "vitest";
import type { Fabric, FabricNode } from "../../topology/fabric.ts";
import { Wiring } from "./wiring.ts";

const node = (name: string, more: Partial<FabricNode> = {}): FabricNode => ({
  name,
  aliases: [],
  kind: "linux",
  hostname: name,
  exec: [],
  env: {},
  sysctls: {},
  binds: [],
  labels: {},
  ...more,
});

const fabric: Fabric = {
  name: "lab",
  prefix: "clab-lab",
  management: [],
  clusters: [],
  nodes: [
    node("tor0"),
    node("br0", { kind: "bridge" }),
    node("worker", {
      kind: "kubernetes",
      kubernetes: {
        cluster: "kind",
        role: "worker",
        labels: {},
        nodeAddresses: [],
        podCidrs: [],
        taints: [],
      },
    }),
  ],
  links: [
    {
      endpoints: [
        { node: "tor0", interface: "net0" },
        { node: "worker", interface: "eth1" },
      ],
      mtu: 9500,
      source: "test",
    },
    {
      endpoints: [
        { node: "tor0", interface: "net1" },
        { node: "br0", interface: "p0", mac: "02:00:00:00:00:01" },
      ],
      mtu: 1500,
      source: "test",
    },
  ],
};
const pids: Record<string, number> = { tor0: 10, br0: 20, worker: 30 };
const wiring = new Wiring(fabric, (name) => pids[name]!);

test("one script makes every link, after an earlier one is out of the way", () => {
  expect(wiring.script()).toBe(`\
nsenter --net=/proc/30/ns/net -- ip link delete eth1 2>/dev/null
ip -batch - <<'BATCH' || { echo "in batch 0" >&2; exit 1; }
link add name net0 index 1000000 mtu 9500 address aa:c1:ab:00:00:01 netns 10 type veth peer name eth1 index 1000001 mtu 9500 address aa:c1:ab:00:00:02 netns 30
link add name net1 index 1000002 mtu 1500 address aa:c1:ab:00:01:01 netns 10 type veth peer name p0 index 1000003 mtu 1500 address 02:00:00:00:00:01 netns 20
BATCH
nsenter --net=/proc/10/ns/net -- ip -batch - <<'BATCH' || { echo "in batch 1" >&2; exit 1; }
link set net0 up
link set net1 up
BATCH
nsenter --net=/proc/20/ns/net -- ip -batch - <<'BATCH' || { echo "in batch 2" >&2; exit 1; }
link add br0 type bridge
link set br0 up
link set p0 master br0 up
BATCH
nsenter --net=/proc/30/ns/net -- ip -batch - <<'BATCH' || { echo "in batch 3" >&2; exit 1; }
link set eth1 up
BATCH
`);
});

test("what failed is told by node and line", () => {
  const printed = 'Cannot find device "net1"\nCommand failed -:2\nin batch 1\n';
  expect(wiring.failure(printed)).toBe(
    'tor0: ip link set net1 up: Cannot find device "net1"\nCommand failed -:2',
  );
  expect(wiring.failure("sh: nsenter: not found\n")).toBe("links: sh: nsenter: not found");
});
