import {
  gatewayAddress,
  nodeAddress,
  nodeName,
  podSubnet,
  rackPrefixLength,
} from "./address-plan.ts";
import type { LeafSpine } from "./parameters.ts";
import { addressLines, type LeafSpineRouter, rackInterface, routersOf } from "./routers.ts";

/** A generated fabric as somebody would have written it: a containerlab topology's `topology:`. */
export function leafSpineTopology(of: LeafSpine): object {
  const routers = routersOf(of);
  const nodes = Array.from({ length: of.racks * of.nodesPerRack }, (_, node) => node);
  const cables = routers.flatMap(({ name, role, ports }) =>
    // Those of a spine to its ToRs are the ToRs' uplinks.
    ports
      .filter(() => role !== "spine")
      .map(({ interface: own, to, toInterface }) => ({
        endpoints: [`${name}:${own}`, `${to}:${toInterface}`],
      })),
  );
  return {
    kinds: { linux: { image: "quay.io/frrouting/frr:8.5.4", cmd: "bash", "network-mode": "none" } },
    nodes: {
      ...Object.fromEntries(
        routers.map((router) => [
          router.name,
          { kind: "linux", labels: { app: "frr" }, exec: routerExec(of, router) },
        ]),
      ),
      ...Object.fromEntries(
        nodes.map((node) => [nodeName(node), { kind: "ext-container", exec: nodeExec(of, node) }]),
      ),
    },
    links: [
      ...cables,
      ...nodes.map((node) => {
        const rack = Math.floor(node / of.nodesPerRack);
        const port = nodePort(node % of.nodesPerRack);
        return { endpoints: [`tor${rack}:${port}`, `${nodeName(node)}:net0`] };
      }),
    ],
  };
}

/** Its kind cluster: the first node is the control plane, in a rack like the others. */
export function leafSpineCluster(of: LeafSpine): object {
  const patch = (node: number) =>
    [
      `kind: ${node === 0 ? "Init" : "Join"}Configuration`,
      "nodeRegistration:",
      "  kubeletExtraArgs:",
      `    node-ip: ${nodeAddress(of, node)}`,
      `    node-labels: rack=rack${Math.floor(node / of.nodesPerRack)}`,
      "",
    ].join("\n");
  return {
    kind: "Cluster",
    apiVersion: "kind.x-k8s.io/v1alpha4",
    name: "kind",
    networking: { disableDefaultCNI: true, podSubnet },
    nodes: Array.from({ length: of.racks * of.nodesPerRack }, (_, node) => ({
      role: node === 0 ? "control-plane" : "worker",
      kubeadmConfigPatches: [patch(node)],
    })),
  };
}

function nodePort(inRack: number): string {
  return `node${inRack}`;
}

function routerExec(of: LeafSpine, router: LeafSpineRouter): string[] {
  const bridge =
    router.role === "tor"
      ? [
          `ip link add ${rackInterface} type bridge`,
          ...Array.from(
            { length: of.nodesPerRack },
            (_, i) => `ip link set ${nodePort(i)} master ${rackInterface}`,
          ),
          `ip link set ${rackInterface} up`,
        ]
      : [];
  const vtysh = ["conf t", ...router.frrLines].map((line) => `-c '${line}'`).join(" ");
  return [
    ...bridge,
    ...addressLines(of, router),
    "touch /etc/frr/vtysh.conf",
    "sed -i -e 's/bgpd=no/bgpd=yes/g' /etc/frr/daemons",
    "/usr/lib/frr/frrinit.sh start",
    `vtysh ${vtysh}`,
  ];
}

function nodeExec(of: LeafSpine, node: number): string[] {
  const rack = Math.floor(node / of.nodesPerRack);
  return [
    `ip addr add ${nodeAddress(of, node)}/${rackPrefixLength(of)} dev net0`,
    `ip route replace default via ${gatewayAddress(of, rack)}`,
  ];
}
