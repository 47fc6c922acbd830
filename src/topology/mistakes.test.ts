import { describe, expect, test } from "vitest";
import { shown } from "../input/files.testkit.ts";
import { build, cluster, two } from "./build.testkit.ts";
import { buildFabric } from "./fabric-build.ts";

describe("mistakes", () => {
  test.each<[string, string, string[]]>([
    [
      "an unknown field",
      `${two}    c:\n      kind: linux\n      exce: [x]\n`,
      [
        "topo.yaml:8: UnknownField topology.nodes.c.exce: a node has no field 'exce'\n  hint: did you mean 'exec'?",
      ],
    ],
    [
      "a field by its old name",
      `${two}    c:\n      kind: linux\n      mgmt_ipv4: 172.20.20.9\n`,
      [
        "topo.yaml:8: UnknownField topology.nodes.c.mgmt_ipv4: a node has no field 'mgmt_ipv4'\n  hint: its name today is 'mgmt-ipv4'",
      ],
    ],
    [
      "a link to a node that does not exist",
      `${two}  links:\n    - endpoints: [a:eth1, leaf1:eth1]\n    - endpoints:\n        - "bb:eth1"\n        - b:eth1\n`,
      [
        "topo.yaml:7: UnknownNode topology.links[0].endpoints[1]: no node 'leaf1'\n  hint: known: a, b",
        "topo.yaml:9: UnknownNode topology.links[1].endpoints[0]: no node 'bb'\n  hint: did you mean 'b'?",
      ],
    ],
    [
      "an interface used twice, also by the management network",
      `${two}  links:\n    - endpoints: [a:eth1, b:eth1]\n    - endpoints: [a:eth1, b:eth2]\n    - endpoints: [a:eth0, b:lo]\n`,
      [
        "topo.yaml:8: InterfaceUsedTwice topology.links[1].endpoints[0]: interface a:eth1 is used by another link: topo.yaml:7\n  hint: each link has interfaces of its own",
        "topo.yaml:9: InterfaceUsedTwice topology.links[2].endpoints[0]: interface eth0 of 'a' is the management network's already\n  hint: begin with eth1, or set `network-mode: none`",
        "topo.yaml:9: InterfaceUsedTwice topology.links[2].endpoints[1]: interface lo of 'b' is the loopback already",
      ],
    ],
    [
      "an interface name too long for Linux",
      `${two}  links:\n    - endpoints: [a:uplink-to-spine-1, "b:et h1"]\n`,
      [
        "topo.yaml:7: NameTooLong topology.links[0].endpoints[0]: interface name 'uplink-to-spine-1' is too long: Linux takes 15 characters\n  hint: shorten it, for example to 'uplink-to-spine'",
        "topo.yaml:7: BadValue topology.links[0].endpoints[1]: 'et h1' is no interface name: no spaces, '/' or ':'\n  hint: a name such as eth1",
      ],
    ],
    [
      "a host name too long for Linux",
      `${two}    ${"x".repeat(54)}: {kind: linux}\n    ${"y".repeat(53)}: {kind: linux}\n`,
      [
        `topo.yaml:6: NameTooLong topology.nodes.${"x".repeat(54)}: name 'clab-lab1-${"x".repeat(54)}' is too long: Linux takes 63 characters, it has 64\n  hint: shorten the node's name, the lab's or its prefix`,
      ],
    ],
    [
      "a duplicate address of exec lines",
      `${two}    c:\n      kind: linux\n      exec:\n        - ip addr add 10.0.0.1/32 dev lo\n        - ip addr add 10.0.0.1/24 dev eth1\n    d:\n      kind: linux\n      exec:\n        - ip addr add 10.0.0.1/32 dev lo\n`,
      [
        "topo.yaml:14: DuplicateAddress topology.nodes.d.exec[0]: 10.0.0.1 of 'd' belongs to 'c' too: topo.yaml:9\n  hint: each node needs addresses of its own",
      ],
    ],
    [
      "a duplicate management address, the gateway's, and one of another network",
      `name: x\ntopology:\n  nodes:\n    a: {kind: linux, mgmt-ipv4: 172.20.20.5}\n    b: {kind: linux, mgmt-ipv4: 172.20.20.5}\n    c: {kind: linux, mgmt-ipv4: 172.20.20.1}\n    d: {kind: linux, mgmt-ipv4: 10.0.0.1}\n`,
      [
        "topo.yaml:5: DuplicateAddress topology.nodes.b.mgmt-ipv4: 172.20.20.5 of 'b' belongs to 'a' too: topo.yaml:4\n  hint: each node needs addresses of its own",
        "topo.yaml:6: DuplicateAddress topology.nodes.c.mgmt-ipv4: 172.20.20.1 is the management network's gateway",
        "topo.yaml:7: BadValue topology.nodes.d.mgmt-ipv4: 10.0.0.1 is not in the management subnet 172.20.20.0/24",
      ],
    ],
    [
      "a management subnet too small for the nodes",
      `mgmt:\n  ipv4-subnet: 10.9.0.0/30\n${two}`,
      [
        "topo.yaml:2: SubnetTooSmall mgmt.ipv4-subnet: management subnet 10.9.0.0/30 is too small for 2 nodes\n  hint: a /29 or shorter is enough",
      ],
    ],
    [
      "a sidecar of an unknown container",
      `${two}    side:\n      kind: linux\n      network-mode: container:kind-worker\n`,
      [
        "topo.yaml:8: UnknownContainer topology.nodes.side.network-mode: no container 'kind-worker'\n  hint: a node of this file, or of a kind cluster file given with it (`clusters:` in lab.yaml, --cluster)",
      ],
    ],
    [
      "a sidecar of a sidecar, and of itself",
      `${two}    s1: {kind: linux, network-mode: "container:a"}\n    s2: {kind: linux, network-mode: "container:s1"}\n    s3: {kind: linux, network-mode: "container:s3"}\n`,
      [
        "topo.yaml:7: SidecarChain topology.nodes.s2.network-mode: 's1' shares another container's network itself\n  hint: write `container:a` here too",
        "topo.yaml:8: SidecarChain topology.nodes.s3.network-mode: 's3' shares another container's network itself",
      ],
    ],
    [
      "kinds that are misspelled, a vendor's, the host's, or missing",
      "name: x\ntopology:\n  nodes:\n    a: {kind: linx}\n    b: {kind: nokia_srlinux}\n    c: {kind: host}\n    d: {}\n",
      [
        "topo.yaml:4: UnknownKind topology.nodes.a.kind: no kind 'linx'\n  hint: did you mean 'linux'?",
        "topo.yaml:5: UnsupportedKind topology.nodes.b.kind: kind 'nokia_srlinux' is not supported yet: routers here run FRR\n  hint: supported: linux, k8s-kind, ext-container, bridge",
        "topo.yaml:6: UnsupportedKind topology.nodes.c.kind: kind 'host' would touch the host's network, which a lab never does",
        "topo.yaml:7: MissingField topology.nodes.d: node 'd' needs a kind\n  hint: add `kind: linux`",
      ],
    ],
    [
      "links to the host, of other types, and of no form",
      `${two}  links:\n    - endpoints: [a:eth1, host:veth1]\n    - type: macvlan\n      endpoint: {node: a, interface: eth2}\n    - type: vxlan\n    - type: vet\n    - endpoints: [a:eth3]\n    - endpoints: [a, b:eth4]\n`,
      [
        "topo.yaml:7: UnsupportedLink topology.links[0].endpoints[1]: a link to the host would touch its network, which a lab never does\n  hint: connect two nodes of the topology",
        "topo.yaml:8: UnsupportedLink topology.links[1]: a link of type 'macvlan': it would touch the host's network, which a lab never does\n  hint: connect two nodes of the topology by a veth link",
        "topo.yaml:10: UnsupportedLink topology.links[2]: a link of type 'vxlan': not supported on this runtime yet\n  hint: connect two nodes of the topology by a veth link",
        "topo.yaml:11: UnknownLinkType topology.links[3].type: expected one of veth, veth-stitch, host, mgmt-net, macvlan, vxlan, vxlan-stitch, dummy, not 'vet'\n  hint: did you mean 'veth'?",
        "topo.yaml:12: BadValue topology.links[4]: a link has two endpoints, not 1",
        "topo.yaml:13: BadValue topology.links[5].endpoints[0]: expected an endpoint NODE:INTERFACE, not 'a'",
      ],
    ],
    [
      "commands that no shell could split",
      `${two}    c:\n      kind: linux\n      exec:\n        - vtysh -c 'conf t\n        - "# nothing"\n`,
      [
        "topo.yaml:9: BadCommand topology.nodes.c.exec[0]: the command has a single quote (') that is not closed",
        "topo.yaml:10: BadCommand topology.nodes.c.exec[1]: the command is empty",
      ],
    ],
    [
      "network-mode host, and one that does not exist",
      `${two}    c: {kind: linux, network-mode: host}\n    d: {kind: linux, network-mode: nat}\n`,
      [
        "topo.yaml:6: UnsupportedNetworkMode topology.nodes.c.network-mode: network-mode 'host' would touch the host's network, which a lab never does",
        "topo.yaml:7: BadValue topology.nodes.d.network-mode: no network-mode 'nat'\n  hint: one of bridge, none, container:NAME",
      ],
    ],
    [
      "a bind of a file that is not there",
      `${two}    c:\n      kind: linux\n      binds: [nope.conf:/etc/frr/frr.conf, /x]\n`,
      [
        "topo.yaml:8: MissingFile topology.nodes.c.binds[0]: no file or folder nope.conf",
        "topo.yaml:8: BadValue topology.nodes.c.binds[1]: expected SOURCE:DESTINATION[:ro], not '/x'\n  hint: DESTINATION begins with '/'",
      ],
    ],
    ["an empty file", "", ["topo.yaml: EmptyFile: is empty"]],
    [
      "YAML syntax",
      "name: x\ntopology:\n  nodes:\n    a: {kind: linux\n",
      [
        "topo.yaml:5: YamlSyntax: Flow map in block collection must be sufficiently indented and end with a }\n  hint: is a bracket or brace left open above?",
      ],
    ],
    [
      "mistakes of several sorts, all at once",
      `${two}    c: {kind: linux, exce: []}\n  links:\n    - endpoints: [a:eth1, z:eth1]\n    - endpoints: [a:eth1, c:eth1]\nnmae: y\n`,
      [
        "topo.yaml:6: UnknownField topology.nodes.c.exce: a node has no field 'exce'\n  hint: did you mean 'exec'?",
        "topo.yaml:8: UnknownNode topology.links[0].endpoints[1]: no node 'z'\n  hint: did you mean 'a'?",
        "topo.yaml:9: InterfaceUsedTwice topology.links[1].endpoints[0]: interface a:eth1 is used by another link: topo.yaml:8\n  hint: each link has interfaces of its own",
        "topo.yaml:10: UnknownField nmae: a topology has no field 'nmae'\n  hint: did you mean 'name'?",
      ],
    ],
  ])("%s", (_, topology, expected) => {
    expect(shown(build(topology))).toEqual(expected);
  });

  test("clusters whose pods could have one address, of one name, and nodes of a node's name", () => {
    const topology = `${two}    kind-worker: {kind: linux}\n`;
    const other = cluster.replace(
      "nodes:",
      "name: dc\nnetworking:\n  podSubnet: 10.244.0.0/20\nnodes:",
    );
    expect(
      shown(build(topology, { clusters: { "one.yaml": cluster, "two.yaml": other } })),
    ).toEqual([
      "one.yaml:5: DuplicateName nodes[1]: the name 'kind-worker' belongs to another node: topo.yaml:6\n  hint: give one of them another name",
      "two.yaml:5: OverlappingSubnets networking.podSubnet: podSubnet of cluster 'dc' 10.244.0.0/20 overlaps podSubnet of cluster 'kind' 10.244.0.0/16 (one.yaml:1)\n  hint: choose another subnet",
    ]);
  });

  test("a link to a cluster instead of one of its nodes", () => {
    const topology = `${two}    dc: {kind: k8s-kind}\n  links:\n    - endpoints: [a:eth1, dc:eth1]\n`;
    expect(shown(build(topology))).toEqual([
      "topo.yaml:8: UnknownNode topology.links[0].endpoints[1]: 'dc' is a cluster, not one node\n  hint: its nodes: dc-control-plane",
    ]);
  });

  test("a node-ip that another node has", () => {
    const taken = cluster.replace(
      "- role: worker",
      "- role: worker\n  kubeadmConfigPatches:\n  - |\n    kind: JoinConfiguration\n    nodeRegistration:\n      kubeletExtraArgs:\n        node-ip: 10.0.0.1",
    );
    const topology = `${two}    c:\n      kind: linux\n      exec: [ip addr add 10.0.0.1/32 dev lo]\n`;
    expect(shown(build(topology, { clusters: { "one.yaml": taken } }))).toEqual([
      "one.yaml:11: DuplicateAddress nodes[1].kubeadmConfigPatches[0].nodeRegistration.kubeletExtraArgs.node-ip: 10.0.0.1 of 'kind-worker' belongs to 'c' too: topo.yaml:8\n  hint: each node needs addresses of its own",
    ]);
  });

  test("files that cannot be read, all of them", () => {
    const built = buildFabric({
      topology: "/nope/t.yaml",
      clusters: ["/nope/k.yaml"],
      environment: {},
    });
    expect(shown(built)).toEqual([
      "/nope/t.yaml: UnreadableFile: no such file\n  hint: is the path right?",
      "/nope/k.yaml: UnreadableFile: no such file\n  hint: is the path right?",
    ]);
  });
});
