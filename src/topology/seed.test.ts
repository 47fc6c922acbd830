import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { buildFabric } from "./fabric-build.ts";
import { findNode } from "./fabric.ts";
import { readManifests } from "./manifests.ts";
import { pictureOf } from "./picture.ts";
import { podMakers, whyNotOn } from "./pod-makers.ts";

const folder = new URL("../../test/data/leaf-spine-lab/", import.meta.url).pathname;

function seed() {
  const built = buildFabric({
    topology: `${folder}bgp-topo.yaml`,
    clusters: [`${folder}cluster.yaml`],
    environment: {},
  });
  if ("diagnostics" in built) throw new Error(JSON.stringify(built.diagnostics, null, 2));
  expect(built.notes).toEqual([]);
  return built.fabric;
}

test("the seed's files make 7 nodes, 6 links and a podCIDR for each Kubernetes node", () => {
  const fabric = seed();
  expect(fabric.name).toBe("bgp-topo");
  expect(fabric.prefix).toBe("clab-bgp-topo");
  expect(
    fabric.nodes.map((node) => [
      node.name,
      node.kind,
      node.managementNetwork,
      node.managementAddress,
      ...(node.kubernetes?.podCidrs ?? []),
      ...(node.kubernetes?.nodeAddresses ?? []),
    ]),
  ).toEqual([
    ["router0", "linux", "clab", "172.20.20.2"],
    ["tor0", "linux", "clab", "172.20.20.3"],
    ["tor1", "linux", "clab", "172.20.20.4"],
    ["kind-control-plane", "kubernetes", "kind", "172.18.0.2", "10.1.0.0/24", "10.0.1.2"],
    ["kind-worker", "kubernetes", "kind", "172.18.0.3", "10.1.1.0/24", "10.0.2.2"],
    ["kind-worker2", "kubernetes", "kind", "172.18.0.4", "10.1.2.0/24", "10.0.3.2"],
    ["kind-worker3", "kubernetes", "kind", "172.18.0.5", "10.1.3.0/24", "10.0.4.2"],
  ]);
  expect(
    fabric.links.map(({ endpoints, mtu }) => [
      ...endpoints.map((end) => `${end.node}:${end.interface}`),
      mtu,
    ]),
  ).toEqual([
    ["router0:net0", "tor0:net0", 9500],
    ["router0:net1", "tor1:net0", 9500],
    ["tor0:net1", "kind-control-plane:net0", 9500],
    ["tor0:net2", "kind-worker:net0", 9500],
    ["tor1:net1", "kind-worker2:net0", 9500],
    ["tor1:net2", "kind-worker3:net0", 9500],
  ]);
  expect(fabric.clusters).toEqual([
    {
      name: "kind",
      podSubnets: ["10.1.0.0/16"],
      serviceSubnets: ["10.96.0.0/16"],
      nodes: ["kind-control-plane", "kind-worker", "kind-worker2", "kind-worker3"],
      config: readFileSync(`${folder}cluster.yaml`, "utf8"),
      disableDefaultCni: true,
    },
  ]);
});

test("a sidecar and its node are one", () => {
  const fabric = seed();
  const worker = findNode(fabric, "srv-worker3")!;
  expect(worker.name).toBe("kind-worker3");
  expect(worker.aliases).toEqual(["srv-worker3"]);
  expect(worker.exec).toEqual([
    {
      command: "ip addr add 10.0.4.2/24 dev net0",
      argv: ["ip", "addr", "add", "10.0.4.2/24", "dev", "net0"],
      source: `${folder}bgp-topo.yaml:82`,
      allowFailure: false,
    },
    {
      command: "ip route replace default via 10.0.4.1",
      argv: ["ip", "route", "replace", "default", "via", "10.0.4.1"],
      source: `${folder}bgp-topo.yaml:83`,
      allowFailure: false,
    },
  ]);
  expect(worker.kubernetes!.labels).toMatchObject({ rack: "rack1" });
});

test("the quoted vtysh line is split as a shell would", () => {
  const vtysh = seed().nodes[0]!.exec.at(-1)!;
  expect(vtysh.source).toBe(`${folder}bgp-topo.yaml:24`);
  expect(vtysh.argv).toHaveLength(1 + 2 * 14);
  expect(vtysh.argv.slice(0, 9)).toEqual([
    "vtysh",
    "-c",
    "conf t",
    "-c",
    "frr defaults datacenter",
    "-c",
    "router bgp 65000",
    "-c",
    " bgp router-id 10.0.0.0",
  ]);
  expect(vtysh.argv.at(-1)).toBe("!");
});

test("the picture: spine, leaves and Kubernetes nodes", () => {
  expect(
    pictureOf(seed()).nodes.map(({ name, role, notes }) => [name, role, notes.join()]),
  ).toEqual([
    ["router0", "spine", "AS 65000"],
    ["tor0", "leaf", "AS 65010"],
    ["tor1", "leaf", "AS 65011"],
    ["kind-control-plane", "kubernetes", "podCIDR 10.1.0.0/24"],
    ["kind-worker", "kubernetes", "podCIDR 10.1.1.0/24"],
    ["kind-worker2", "kubernetes", "podCIDR 10.1.2.0/24"],
    ["kind-worker3", "kubernetes", "podCIDR 10.1.3.0/24"],
  ]);
});

test("the manifests: five objects; netshoot runs on the workers, not on the control plane", () => {
  const diagnostics: never[] = [];
  const manifests = readManifests(
    [`${folder}cilium-bgp-peering-policies.yaml`, `${folder}netshoot-ds.yaml`],
    () => ({ problems: [] }),
    diagnostics,
  );
  expect(diagnostics).toEqual([]);
  expect(
    manifests.map(({ object, source }) => [
      object.kind,
      object.metadata.name,
      source.split(":")[1],
    ]),
  ).toEqual([
    ["CiliumBGPClusterConfig", "rack0", "2"],
    ["CiliumBGPClusterConfig", "rack1", "20"],
    ["CiliumBGPPeerConfig", "peer-config-generic", "38"],
    ["CiliumBGPAdvertisement", "pod-cidr", "50"],
    ["DaemonSet", "netshoot", "1"],
  ]);
  const [netshoot] = podMakers(manifests);
  const fabric = seed();
  expect(whyNotOn(netshoot!, findNode(fabric, "kind-worker")!)).toBeUndefined();
  expect(whyNotOn(netshoot!, findNode(fabric, "kind-control-plane")!)).toBe(
    "it does not tolerate the node's taint node-role.kubernetes.io/control-plane:NoSchedule",
  );
  expect(whyNotOn(netshoot!, findNode(fabric, "tor0")!)).toBe("'tor0' is no Kubernetes node");
});
