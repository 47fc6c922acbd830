import { beforeEach, expect, it } from "vitest";
import type { EgressOrder } from "../../agent/edges.ts";
import type { EgressFlow, EgressPlan } from "../../cilium/egress-plan.ts";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { drive } from "../drive.ts";
import { exchange } from "../exchange.ts";
import { run, twoNodes } from "../network.testkit.ts";
import { traceroute } from "../shell/probes.ts";
import { World } from "../world.ts";
import { egressEdge } from "./egress-chains.ts";

/** Egress by n2, which has a second way to the router. */
let world: World;

beforeEach(() => {
  world = new World(() => 0.5);
  drive(world);
  twoNodes(world);
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
  const addresses = { n1: address("10.0.1.2"), n2: address("10.0.2.2") };
  const order: EgressOrder = {
    plan: { leaving: [], translated: [], remotePods: [], refused: [], failed: [], ...plan },
    ...{ node, self: addresses[node as "n1" | "n2"], addresses, gateways },
    interfaceIndexes: {},
  };
  await egressEdge(world.network.node(node)).apply(order);
}

const ask = (from: string, source: string, to: string) =>
  exchange(world, world.network.node(from), {
    ...{ protocol: "icmp", source: address(source), destination: address(to) },
  });

const leadBack = () => run(world, "router route add 192.0.2.100/32 via 10.0.2.2");

async function viaN2() {
  await apply("n1", { leaving: [{ ...flow("10.1.1.2"), gateway: "n2" }] }, ["n2"]);
  await apply("n2", {
    leaving: [{ ...flow("10.1.2.2"), gateway: "n2" }],
    translated: [{ ...flow("10.1.1.2", "10.1.2.2"), ...way }],
    remotePods: [{ address: p1!, node: "n1" }],
  });
}

it("pods of both nodes leave by the gateway with its egress IP, and are answered once that is known", async () => {
  await viaN2();
  expect(ask("p1", p1!, "198.51.100.2")).toEqual({ outcome: "silence" });
  leadBack();
  for (const [pod, source] of [
    ["p1", p1!],
    ["p2", p2!],
  ] as const) {
    expect(ask(pod, source, "198.51.100.2")).toMatchObject({
      ...{ outcome: "answered", by: { name: "client" }, seen: { source: egressIp } },
    });
  }
  const traced = await traceroute(world, world.network.node("p1"), ["-m", "8", "198.51.100.2"]);
  const hops = [...traced!.stdout.matchAll(/^ \d+ {2}(\S+)/gm)].map(([, hop]) => hop);
  expect(hops).toEqual(["10.1.1.1", "10.0.2.2", "10.0.2.1", "198.51.100.2"]);
});

it("what is excluded, and nobody's packet to the egress IP, go no other way than before", async () => {
  await viaN2();
  leadBack();
  expect(ask("p1", p1!, "198.51.100.1")).toMatchObject({
    outcome: "answered",
    seen: { source: p1 },
  });
  expect(ask("client", "198.51.100.2", egressIp)).toMatchObject({ outcome: "refused" });
});

it("without a gateway, or an egress IP there, nothing leaves", async () => {
  await apply("n1", { leaving: [{ ...flow("10.1.1.2"), gateway: undefined }] });
  expect(ask("p1", p1!, "198.51.100.2")).toEqual({ outcome: "silence" });
  await viaN2();
  await apply("n2", { translated: [{ ...flow("10.1.1.2"), ...way, egressIp: undefined }] });
  expect(ask("p1", p1!, "198.51.100.2")).toEqual({ outcome: "silence" });
  await egressEdge(world.network.node("n1")).remove();
  expect(ask("p1", p1!, "198.51.100.2")).toMatchObject({ outcome: "answered" });
});

it("leaves by the interface that is named, and by that alone", async () => {
  const own = { interfaceName: "net1", egressIp: address("10.0.3.2") };
  await apply("n2", {
    leaving: [{ ...flow("10.1.2.2"), gateway: "n2" }],
    translated: [{ ...flow("10.1.2.2"), ...own }],
  });
  expect(ask("p2", p2!, "198.51.100.2")).toMatchObject({ seen: { source: "10.0.3.2" } });
  world.network.node("n2").setInterface("net1", false);
  expect(ask("p2", p2!, "198.51.100.2")).toEqual({ outcome: "silence" });
});
