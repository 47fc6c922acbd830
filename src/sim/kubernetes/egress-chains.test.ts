import { beforeEach, expect, it } from "vitest";
import type { EgressOrder } from "../../agent/edges.ts";
import type { EgressFlow, EgressPlan } from "../../cilium/egress-plan.ts";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { exchange } from "../exchange.ts";
import { ip } from "../shell/ip.ts";
import { traceroute } from "../shell/probes.ts";
import { drive } from "../drive.ts";
import { World } from "../world.ts";
import { egressEdge } from "./egress-chains.ts";

/** partner – router – w1 (pod 10.1.1.2), w2 (pod 10.1.2.2, gateway), which has a second way to the router. */
let world: World;

beforeEach(() => {
  world = new World(() => 0.5);
  drive(world);
  const { network } = world;
  for (const name of ["partner", "router", "w1", "w2", "p1", "p2"]) network.addNode(name);
  for (const [a, b] of [
    ["partner net0", "router net0"],
    ["router net1", "w1 net0"],
    ["router net2", "w2 net0"],
    ["router net3", "w2 net1"],
    ["w1 lxc1", "p1 eth0"],
    ["w2 lxc1", "p2 eth0"],
  ] as const) {
    const end = (text: string) => ({ node: text.split(" ")[0]!, interface: text.split(" ")[1]! });
    network.connect(end(a), end(b), 1);
  }
  for (const line of `
    partner addr add 198.51.100.2/24 dev net0
    partner route add default via 198.51.100.1
    router addr add 198.51.100.1/24 dev net0
    router addr add 10.0.1.1/24 dev net1
    router addr add 10.0.2.1/24 dev net2
    router addr add 10.0.3.1/24 dev net3
    router route add 10.1.1.0/24 via 10.0.1.2
    router route add 10.1.2.0/24 via 10.0.2.2
    w1 addr add 10.0.1.2/24 dev net0
    w1 route add default via 10.0.1.1
    w1 route add 10.1.1.2/32 dev lxc1
    w1 addr add 10.1.1.1/32 dev lxc1
    w2 addr add 10.0.2.2/24 dev net0
    w2 addr add 10.0.3.2/24 dev net1
    w2 route add default via 10.0.2.1
    w2 route add default via 10.0.3.1 metric 200
    w2 route add 10.1.2.2/32 dev lxc1
    w2 addr add 10.1.2.1/32 dev lxc1
    p1 addr add 10.1.1.2/32 dev eth0
    p1 route add default via 10.1.1.1 dev eth0
    p2 addr add 10.1.2.2/32 dev eth0
    p2 route add default via 10.1.2.1 dev eth0`
    .trim()
    .split("\n")) {
    const [node = "", ...words] = line.trim().split(" ");
    expect({ line, ...ip(network.node(node), words) }).toMatchObject({ exitCode: 0 });
  }
});

const egressIp = address("192.0.2.100");
const [p1, p2] = ["10.1.1.2", "10.1.2.2"].map(address);
const flow = (...sources: string[]): EgressFlow => ({
  ...{ policy: "shop", family: "ipv4", sources: sources.map(address) },
  destinations: [prefix("198.51.100.0/24")],
  excluded: [prefix("198.51.100.1/32")],
});
const way = { egressIp, interfaceName: undefined };

async function apply(node: string, plan: Partial<EgressPlan>, gateways: string[] = []) {
  const addresses = { w1: address("10.0.1.2"), w2: address("10.0.2.2") };
  const order: EgressOrder = {
    plan: { leaving: [], translated: [], remotePods: [], refused: [], failed: [], ...plan },
    ...{ node, self: addresses[node as "w1" | "w2"], addresses, gateways },
    interfaceIndexes: {},
  };
  await egressEdge(world.network.node(node)).apply(order);
}

const ask = (from: string, source: string, to: string) =>
  exchange(world, world.network.node(from), {
    ...{ protocol: "icmp", source: address(source), destination: address(to) },
  });

const route = (line: string) =>
  expect(ip(world.network.node("router"), line.split(" "))).toMatchObject({ exitCode: 0 });

async function viaW2() {
  await apply("w1", { leaving: [{ ...flow("10.1.1.2"), gateway: "w2" }] }, ["w2"]);
  await apply("w2", {
    leaving: [{ ...flow("10.1.2.2"), gateway: "w2" }],
    translated: [{ ...flow("10.1.1.2", "10.1.2.2"), ...way }],
    remotePods: [{ address: p1!, node: "w1" }],
  });
}

it("pods of both nodes leave by the gateway with its egress IP, and are answered once that is known", async () => {
  await viaW2();
  expect(ask("p1", p1!, "198.51.100.2")).toEqual({ outcome: "silence" });
  route("route add 192.0.2.100/32 via 10.0.2.2");
  for (const [pod, source] of [
    ["p1", p1!],
    ["p2", p2!],
  ] as const) {
    expect(ask(pod, source, "198.51.100.2")).toMatchObject({
      ...{ outcome: "answered", by: { name: "partner" }, seen: { source: egressIp } },
    });
  }
  const traced = await traceroute(world, world.network.node("p1"), ["-m", "8", "198.51.100.2"]);
  const hops = [...traced!.stdout.matchAll(/^ \d+ {2}(\S+)/gm)].map(([, hop]) => hop);
  expect(hops).toEqual(["10.1.1.1", "10.0.2.2", "10.0.2.1", "198.51.100.2"]);
});

it("what is excluded, and nobody's packet to the egress IP, go no other way than before", async () => {
  await viaW2();
  route("route add 192.0.2.100/32 via 10.0.2.2");
  expect(ask("p1", p1!, "198.51.100.1")).toMatchObject({
    outcome: "answered",
    seen: { source: p1 },
  });
  expect(ask("partner", "198.51.100.2", egressIp)).toMatchObject({ outcome: "refused" });
});

it("without a gateway, or an egress IP there, nothing leaves", async () => {
  await apply("w1", { leaving: [{ ...flow("10.1.1.2"), gateway: undefined }] });
  expect(ask("p1", p1!, "198.51.100.2")).toEqual({ outcome: "silence" });
  await viaW2();
  await apply("w2", { translated: [{ ...flow("10.1.1.2"), ...way, egressIp: undefined }] });
  expect(ask("p1", p1!, "198.51.100.2")).toEqual({ outcome: "silence" });
  await egressEdge(world.network.node("w1")).remove();
  expect(ask("p1", p1!, "198.51.100.2")).toMatchObject({ outcome: "answered" });
});

it("leaves by the interface that is named, and by that alone", async () => {
  const own = { interfaceName: "net1", egressIp: address("10.0.3.2") };
  await apply("w2", {
    leaving: [{ ...flow("10.1.2.2"), gateway: "w2" }],
    translated: [{ ...flow("10.1.2.2"), ...own }],
  });
  expect(ask("p2", p2!, "198.51.100.2")).toMatchObject({ seen: { source: "10.0.3.2" } });
  world.network.node("w2").setInterface("net1", false);
  expect(ask("p2", p2!, "198.51.100.2")).toEqual({ outcome: "silence" });
});
