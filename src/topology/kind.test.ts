import { expect, test } from "vitest";
import type { Diagnostic } from "../input/diagnostic.ts";
import { filesFor, shown } from "../input/files.testkit.ts";
import { type KindCluster, readKindCluster } from "./kind.ts";

const head = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";

function read(text: string): { cluster: KindCluster | undefined; mistakes: string[] } {
  const diagnostics: Diagnostic[] = [];
  const cluster = readKindCluster(filesFor({ "kind.yaml": text })("kind.yaml"), diagnostics);
  return { cluster, mistakes: shown({ diagnostics }) };
}

/** One line a node. */
function nodes(text: string): string[] {
  const { cluster, mistakes } = read(head + text);
  expect(mistakes).toEqual([]);
  return cluster!.nodes.map((node) => [node.name, ...node.podCidrs].join(" "));
}

test("no nodes: one control plane without a taint, kind's subnets", () => {
  const { cluster, mistakes } = read(head);
  expect(mistakes).toEqual([]);
  expect(cluster!.podSubnets.value).toEqual(["10.244.0.0/16"]);
  expect(cluster!.serviceSubnets.value).toEqual(["10.96.0.0/16"]);
  expect(cluster!.nodes).toMatchObject([
    { name: "kind-control-plane", taints: [], podCidrs: ["10.244.0.0/24"], nodeAddresses: [] },
  ]);
});

test("names and podCIDRs: control planes first, workers counted from the second", () => {
  expect(
    nodes(
      "name: dc\nnodes:\n- role: worker\n- role: control-plane\n- role: control-plane\n- role: worker\n",
    ),
  ).toEqual([
    "dc-control-plane 10.244.0.0/24",
    "dc-control-plane2 10.244.1.0/24",
    "dc-worker 10.244.2.0/24",
    "dc-worker2 10.244.3.0/24",
  ]);
});

test("two families", () => {
  expect(
    nodes("networking:\n  ipFamily: dual\nnodes:\n- role: control-plane\n- role: worker\n"),
  ).toEqual([
    "kind-control-plane 10.244.0.0/24 fd00:10:244::/64",
    "kind-worker 10.244.1.0/24 fd00:10:244:1::/64",
  ]);
});

test("labels, taints and node-ip come from field, patches and defaults", () => {
  const { cluster, mistakes } = read(`${head}nodes:
- role: control-plane
- role: worker
  labels:
    tier: gold
    rack: field
  kubeadmConfigPatches:
  - |
    kind: JoinConfiguration
    nodeRegistration:
      taints: []
      kubeletExtraArgs:
        node-ip: "10.0.2.2,fd00::2"
        node-labels: "rack=rack0,zone=a"
- role: worker
  kubeadmConfigPatches:
  - |
    apiVersion: kubeadm.k8s.io/v1beta4
    kind: JoinConfiguration
    nodeRegistration:
      kubeletExtraArgs:
      - name: node-labels
        value: rack=rack1
      - name: register-with-taints
        value: dedicated=edge:NoSchedule
kubeadmConfigPatches:
- |
  kind: JoinConfiguration
  nodeRegistration:
    kubeletExtraArgs:
      node-labels: "all=yes"
`);
  expect(mistakes).toEqual([]);
  const [control, first, second] = cluster!.nodes;
  expect(control!.taints).toEqual([
    { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" },
  ]);
  expect(control!.labels).toMatchObject({ "node-role.kubernetes.io/control-plane": "" });
  expect(control!.labels).not.toHaveProperty("all");
  expect(first!.labels).toMatchObject({
    "kubernetes.io/hostname": "kind-worker",
    "kubernetes.io/os": "linux",
    tier: "gold",
    rack: "rack0",
    zone: "a",
    all: "yes",
  });
  expect(first!.labels).not.toHaveProperty("node-role.kubernetes.io/control-plane");
  expect(first!.nodeAddresses.map((each) => each.value)).toEqual(["10.0.2.2", "fd00::2"]);
  expect(second!.taints).toEqual([{ key: "dedicated", value: "edge", effect: "NoSchedule" }]);
  expect(second!.labels["rack"]).toBe("rack1");
});

test.each([
  [
    "a field that kind does not have",
    `${head}nodes:\n- role: worker\n  lables: {a: b}\n- role: control-plane\n`,
    "kind.yaml:5: UnknownField nodes[0].lables: a node of the cluster has no field 'lables'\n  hint: did you mean 'labels'?",
  ],
  [
    "a role that does not exist",
    `${head}nodes:\n- role: control-plane\n- role: wroker\n`,
    "kind.yaml:5: BadValue nodes[1].role: expected one of control-plane, worker, not 'wroker'\n  hint: did you mean 'worker'?",
  ],
  [
    "no control plane",
    `${head}nodes:\n- role: worker\n`,
    "kind.yaml:1: BadValue: a cluster needs a control-plane node\n  hint: add `- role: control-plane`",
  ],
  [
    "a podSubnet too small for the nodes",
    `${head}networking:\n  podSubnet: 10.1.0.0/23\nnodes:\n- role: control-plane\n- role: worker\n- role: worker\n`,
    "kind.yaml:4: SubnetTooSmall networking.podSubnet: podSubnet 10.1.0.0/23 has room for 2 nodes with a /24 each, but the cluster has 3\n  hint: a /22 or shorter is enough",
  ],
  [
    "a podSubnet smaller than one node's",
    `${head}networking:\n  podSubnet: 10.1.0.0/26\n`,
    "kind.yaml:4: SubnetTooSmall networking.podSubnet: podSubnet 10.1.0.0/26 has room for 0 nodes with a /24 each, but the cluster has 1\n  hint: a /24 or shorter is enough",
  ],
  [
    "a subnet of another family",
    `${head}networking:\n  podSubnet: fd00::/48\n`,
    "kind.yaml:4: BadValue networking.podSubnet: fd00::/48 is ipv6, but the cluster's ipFamily is ipv4\n  hint: set networking.ipFamily to fit",
  ],
  [
    "YAML inside YAML, with the line of the outer file",
    `${head}nodes:\n- role: control-plane\n  kubeadmConfigPatches:\n  - |\n    kind: InitConfiguration\n    kind: twice\n`,
    "kind.yaml:8: DuplicateKey nodes[0].kubeadmConfigPatches[0].kind: 'kind' is here twice: also on line 7\n  hint: keep one of the two",
  ],
  [
    "a patch without kind",
    `${head}kubeadmConfigPatches:\n- |\n  nodeRegistration: {}\n`,
    "kind.yaml:4: MissingField kubeadmConfigPatches[0]: a patch needs 'kind', which says what it is merged into\n  hint: such as `kind: JoinConfiguration`",
  ],
  [
    "a worker that initialises",
    `${head}nodes:\n- role: control-plane\n- role: worker\n  kubeadmConfigPatches:\n  - |\n    kind: InitConfiguration\n`,
    "kind.yaml:8: NoEffect nodes[1].kubeadmConfigPatches[0]: InitConfiguration has no effect on a worker: kind applies it to the control plane only\n  hint: a worker joins: write `kind: JoinConfiguration`",
  ],
  [
    "a node-ip that is none",
    `${head}nodes:\n- role: control-plane\n  kubeadmConfigPatches:\n  - |\n    kind: InitConfiguration\n    nodeRegistration:\n      kubeletExtraArgs:\n        node-ip: 10.0.1\n`,
    "kind.yaml:10: BadValue nodes[0].kubeadmConfigPatches[0].nodeRegistration.kubeletExtraArgs.node-ip: expected an IP address, not '10.0.1'",
  ],
  [
    "labels without a value",
    `${head}nodes:\n- role: control-plane\n  kubeadmConfigPatches:\n  - |\n    kind: InitConfiguration\n    nodeRegistration:\n      kubeletExtraArgs:\n        node-labels: rack\n`,
    "kind.yaml:10: BadValue nodes[0].kubeadmConfigPatches[0].nodeRegistration.kubeletExtraArgs.node-labels: expected labels as KEY=VALUE, not 'rack'\n  hint: such as \"rack=rack0,zone=a\"",
  ],
])("%s", (_, text, expected) => {
  expect(read(text).mistakes).toEqual([expected]);
});
