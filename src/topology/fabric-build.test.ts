import { describe, expect, test } from "vitest";
import { shown } from "../input/files.testkit.ts";
import { build, cluster, fabricOf, two } from "./build.testkit.ts";

describe("what a topology file says", () => {
  test("fields are inherited: defaults, kind, group, node", () => {
    const fabric = fabricOf(`name: lab1
topology:
  defaults:
    kind: linux
    env: {A: defaults, B: defaults, C: defaults, N: 1}
    exec: [echo defaults]
    image: defaults
  kinds:
    linux: {env: {B: kind, C: kind}, exec: [echo kind], image: kind, labels: {k: v}}
  groups:
    racks: {env: {C: group}, exec: [echo group, echo kind]}
  nodes:
    a: {group: racks, env: {D: no}, exec: [echo node], image: frr:1.10}
    b:
`);
    const [a, b] = fabric.nodes;
    expect(a).toMatchObject({
      image: "frr:1.10",
      env: { A: "defaults", B: "kind", C: "group", D: "no", N: "1" },
      labels: { k: "v" },
    });
    expect(a!.exec.map((line) => line.command)).toEqual([
      "echo defaults",
      "echo kind",
      "echo group",
      "echo node",
    ]);
    expect(b).toMatchObject({ image: "kind", env: { C: "kind" } });
  });

  test("binds are merged by destination, relative to the file", () => {
    const fabric = fabricOf(
      `name: lab1
topology:
  kinds:
    linux: {binds: ["daemons:/etc/frr/daemons", "other:/etc/frr/frr.conf"]}
  nodes:
    a: {kind: linux, binds: ["__clabNodeName__.conf:/etc/frr/frr.conf:ro"]}
`,
      { files: { daemons: "", other: "", "a.conf": "router bgp 65001\n" } },
    );
    expect(
      fabric.nodes[0]!.binds.map((bind) => [
        bind.source.split("/").at(-1),
        bind.destination,
        bind.readOnly,
      ]),
    ).toEqual([
      ["daemons", "/etc/frr/daemons", false],
      ["a.conf", "/etc/frr/frr.conf", true],
    ]);
  });

  test.each([
    ["", "clab-lab1"],
    ["prefix: x\n", "x-lab1"],
    ['prefix: ""\n', ""],
    ["prefix:\n", ""],
    ["prefix: __lab-name\n", "lab1"],
  ])("prefix %j", (prefix, expected) => {
    expect(fabricOf(`${prefix}${two}`).prefix).toBe(expected);
  });

  test("another name for the lab", () => {
    expect(fabricOf(two, { name: "lab2" })).toMatchObject({ name: "lab2", prefix: "clab-lab2" });
    expect(shown(build(two, { name: "a/b" }))[0]).toContain("'a/b' is no name for a lab");
  });

  test("environment variables, before the YAML is read", () => {
    const fabric = fabricOf(`${two}    c: {kind: linux, image: "frr:\${TAG:=8}"}\n`, {
      environment: { TAG: "9" },
    });
    expect(fabric.nodes[2]!.image).toBe("frr:9");
  });

  test("management addresses: those asked for, then the free ones in file order", () => {
    const fabric = fabricOf(`name: lab1
mgmt: {network: oob, ipv4-subnet: 10.9.0.0/29, ipv6-subnet: "fd00::/64", mtu: 1400}
topology:
  nodes:
    a: {kind: linux}
    b: {kind: linux, mgmt-ipv4: 10.9.0.2}
    c: {kind: linux, network-mode: none}
    d: {kind: linux, mgmt-ipv6: "fd00::10"}
    br: {kind: bridge}
  links:
    - endpoints: [c:eth0, br:eth0]
`);
    expect(fabric.management).toEqual([
      {
        name: "oob",
        ipv4Subnet: "10.9.0.0/29",
        ipv4Gateway: "10.9.0.1",
        ipv6Subnet: "fd00::/64",
        ipv6Gateway: "fd00::1",
        mtu: 1400,
      },
    ]);
    expect(
      fabric.nodes.map((node) => [node.name, node.managementAddress, node.managementIpv6Address]),
    ).toEqual([
      ["a", "10.9.0.3", "fd00::2"],
      ["b", "10.9.0.2", "fd00::3"],
      ["c", undefined, undefined],
      ["d", "10.9.0.4", "fd00::10"],
      ["br", undefined, undefined],
    ]);
  });

  test("a range to take addresses from", () => {
    const fabric = fabricOf(`mgmt: {ipv4-range: 172.20.20.128/25}\n${two}`);
    expect(fabric.nodes.map((node) => node.managementAddress)).toEqual([
      "172.20.20.128",
      "172.20.20.129",
    ]);
  });

  test("a veth link with addresses of the hardware", () => {
    const fabric = fabricOf(`${two}  links:
    - type: veth
      mtu: 1500
      endpoints:
        - {node: a, interface: eth1, mac: "AA:C1:AB:00:00:01"}
        - {node: b, interface: eth1}
`);
    expect(fabric.links).toMatchObject([
      {
        mtu: 1500,
        endpoints: [
          { node: "a", interface: "eth1", mac: "aa:c1:ab:00:00:01" },
          { node: "b", interface: "eth1" },
        ],
      },
    ]);
  });

  test("sidecars of a node, by its name or its container's", () => {
    const fabric = fabricOf(`name: lab1
topology:
  nodes:
    side1: {kind: linux, network-mode: "container:a", exec: [echo side1], env: {X: side}}
    side2: {kind: linux, network-mode: "container:clab-lab1-a", exec: [echo side2]}
    a: {kind: linux, exec: [echo a], env: {X: a}}
    b: {kind: linux}
  links:
    - endpoints: [side2:eth1, b:eth1]
`);
    expect(fabric.nodes.map((node) => [node.name, node.aliases])).toEqual([
      ["a", ["side1", "side2"]],
      ["b", []],
    ]);
    expect(fabric.nodes[0]!.exec.map((line) => line.command)).toEqual([
      "echo a",
      "echo side1",
      "echo side2",
    ]);
    expect(fabric.nodes[0]!.env).toEqual({ X: "a" });
    expect(fabric.links[0]!.endpoints[0]).toEqual({ node: "a", interface: "eth1" });
  });

  test("a cluster as a node of kind k8s-kind, its nodes as ext-containers", () => {
    const fabric = fabricOf(
      `name: lab1
topology:
  nodes:
    dc: {kind: k8s-kind, startup-config: kind.yaml}
    dc-worker: {kind: ext-container, exec: [ip addr add 10.0.0.2/24 dev eth1]}
    tor: {kind: linux}
  links:
    - endpoints: [tor:eth1, dc-worker:eth1]
`,
      { files: { "kind.yaml": cluster } },
    );
    expect(fabric.nodes.map((node) => node.name)).toEqual(["tor", "dc-control-plane", "dc-worker"]);
    expect(fabric.nodes[2]).toMatchObject({
      aliases: [],
      exec: [{ argv: ["ip", "addr", "add", "10.0.0.2/24", "dev", "eth1"] }],
    });
    expect(fabric.clusters[0]!.name).toBe("dc");
    expect(fabric.nodes[2]!.kubernetes!.nodeAddresses).toEqual(["172.18.0.3"]);
  });

  test("lines that may fail", () => {
    const at = { file: "lab.yaml", line: 7, path: "allowFailure[0]" };
    const topology = `${two}    c: {kind: linux, exec: ["ip link del eth0", "touch /x"]}\n`;
    const fabric = fabricOf(topology, {
      allowFailure: [{ at, node: "c", exec: "ip link * eth?" }],
    });
    expect(fabric.nodes[2]!.exec.map((line) => line.allowFailure)).toEqual([true, false]);
    const wrong = build(topology, {
      allowFailure: [
        { at, node: "c", exec: "ip link" },
        { at, node: "cc", exec: "*" },
      ],
    });
    expect(shown(wrong)).toEqual([
      "lab.yaml:7: NoMatch allowFailure[0]: no exec line of 'c' matches 'ip link'\n  hint: `*` stands for any text",
      "lab.yaml:7: UnknownNode allowFailure[0]: no node 'cc'\n  hint: did you mean 'c'?",
    ]);
  });

  test("fields without effect are told, not refused", () => {
    const built = build(
      `${two}    c:\n      kind: linux\n      stages: {create: {wait-for: []}}\n`,
    );
    expect(shown(built)).toEqual([]);
    expect(shown({ diagnostics: (built as { notes: unknown }).notes })).toEqual([
      "topo.yaml:6: NoEffect topology.nodes.c.stages: 'stages' has no effect here\n  hint: nodes come up together: no stage is waited for and no stage's exec runs",
    ]);
  });
});
