import { describe, expect, test } from "vitest";
import type { Fabric, FabricNode } from "../../topology/fabric.ts";
import { containerName, containerOptions, type Placement } from "./containers.ts";

const fabric: Fabric = {
  name: "lab",
  prefix: "clab-lab",
  management: [],
  nodes: [],
  links: [],
  clusters: [],
};
const node = (more: Partial<FabricNode> = {}): FabricNode => ({
  name: "tor0",
  aliases: ["leaf0"],
  kind: "linux",
  image: "quay.io/frrouting/frr:8.5.4",
  hostname: "tor0",
  exec: [],
  env: { COLOUR: "red" },
  sysctls: { "net.ipv4.conf.all.rp_filter": "2" },
  binds: [{ source: "/a", destination: "/b", readOnly: true }],
  labels: { app: "frr" },
  ...more,
});
const placement: Placement = {
  network: { name: "clab", ipv4: "172.20.20.2" },
  hosts: [{ address: "172.20.20.3", names: ["tor1", "leaf1"] }],
  bridgeImage: "spinelab/speaker:x",
};
const hostConfig = (of: FabricNode) => containerOptions(fabric, of, placement).HostConfig!;

describe("a node's container", () => {
  test("has containerlab's name and labels, and the lab's own", () => {
    const { name, Labels } = containerOptions(fabric, node(), placement);
    expect(name).toBe("clab-lab-tor0");
    expect(Labels).toMatchObject({ containerlab: "lab", app: "frr", "spinelab.lab": "lab" });
  });

  test("is kind's own for a Kubernetes node, and bears the bare name where the prefix is empty", () => {
    const kubernetes = {
      cluster: "kind",
      role: "worker" as const,
      labels: {},
      nodeAddresses: [],
      podCidrs: [],
      taints: [],
    };
    expect(containerName(fabric, node({ name: "kind-worker", kubernetes }))).toBe("kind-worker");
    expect(containerName({ ...fabric, prefix: "" }, node())).toBe("tor0");
  });

  test("no topology can take the lab's label away, by which everything is swept", () => {
    const labels = { "spinelab.lab": "another" };
    expect(containerOptions(fabric, node({ labels }), placement).Labels).toMatchObject({
      "spinelab.lab": "lab",
    });
  });

  test.each([
    ["quay.io/frrouting/frr:8.5.4", ["NET_ADMIN", "NET_RAW", "SYS_ADMIN"]],
    ["nicolaka/netshoot:v0.13", ["NET_ADMIN", "NET_RAW"]],
  ])("%s gets the capabilities it needs, and is never privileged", (image, capabilities) => {
    const config = hostConfig(node({ image }));
    expect(config.CapAdd).toEqual(capabilities);
    expect(config.Privileged).toBeUndefined();
  });

  test("has the node's sysctls above those of every node, by the engine's names", () => {
    expect(hostConfig(node()).Sysctls).toMatchObject({
      "net.ipv4.ip_forward": "1",
      "net.ipv6.conf.all.disable_ipv6": "0",
      "net.ipv4.conf.all.rp_filter": "2",
    });
  });

  test("knows the other nodes by name, and is on its network with a fixed address", () => {
    const { HostConfig, NetworkingConfig } = containerOptions(fabric, node(), placement);
    expect(HostConfig!.ExtraHosts).toEqual(["tor1:172.20.20.3", "leaf1:172.20.20.3"]);
    expect(NetworkingConfig!.EndpointsConfig!["clab"]).toEqual({
      Aliases: ["tor0", "leaf0"],
      IPAMConfig: { IPv4Address: "172.20.20.2" },
    });
  });

  test("has no network of Docker's where the topology wants none", () => {
    const { network: _none, ...without } = placement;
    const options = containerOptions(fabric, node(), without);
    expect(options.HostConfig!.NetworkMode).toBe("none");
    expect(options.NetworkingConfig).toBeUndefined();
  });

  test("needs an image, except for a bridge, which has no rights at all", () => {
    const { image: _image, ...bare } = node();
    expect(() => containerOptions(fabric, bare, placement)).toThrow("node tor0 has no image");
    const bridge = containerOptions(fabric, { ...bare, kind: "bridge" }, placement);
    expect(bridge.Image).toBe("spinelab/speaker:x");
    expect(bridge.HostConfig!.CapAdd).toEqual([]);
  });
});
