import { expect, it } from "vitest";
import { address } from "../net/address.ts";
import { echoRequest } from "./exchange.ts";
import { IpPacket } from "./netfilter.ts";
import type { SimNode } from "./network.ts";
import { connect, run } from "./network.testkit.ts";
import { sysctl } from "./shell/command.ts";
import { ip } from "./shell/ip.ts";
import { nft } from "./shell/nft.ts";
import { walk } from "./walk.ts";
import { World } from "./world.ts";

/** a – r – b, with routes both ways. */
function line(): World {
  const world = new World(() => 0.5);
  connect(world, ["a:net0 r:net0 1", "r:net1 b:net0 2"]);
  run(
    world,
    `a addr add 10.0.1.2/24 dev net0
     r addr add 10.0.1.1/24 dev net0
     r addr add 10.0.2.1/24 dev net1
     b addr add 10.0.2.2/24 dev net0
     a route add default via 10.0.1.1
     b route add default via 10.0.2.1`,
  );
  return world;
}

const from = (world: World, to: string, ttl = 64) =>
  walk(world.network.node("a"), echoRequest(world.network.node("a"), address(to)), { ttl });

it("goes hop by hop as the routes lead, and takes the cables' time", () => {
  const there = from(line(), "10.0.2.2");
  expect(there).toMatchObject({ arrived: { name: "b" }, delayMs: 3, ttl: 63 });
  expect(there.hops.map(({ to }) => to.node.name)).toEqual(["r", "b"]);
});

it.each([
  ["10.0.2.9", 64, "host unreachable", "r", true],
  ["10.0.3.1", 64, "no route", "r", true],
  ["10.0.2.2", 1, "TTL exceeded", "r", true],
] as const)("to %s with TTL %d: %s at %s", (to, ttl, dropped, at, speaks) => {
  expect(from(line(), to, ttl)).toMatchObject({ dropped, at: { name: at }, speaks });
});

it("of equal ways a flow goes the same one, and another by another seed", () => {
  const world = new World(() => 0.5);
  connect(world, ["a:net0 r:net0 1", "a:net1 s:net0 1"]);
  run(
    world,
    `a addr add 10.0.1.2/24 dev net0
     a addr add 10.0.2.2/24 dev net1
     r addr add 10.0.1.1/24 dev net0
     s addr add 10.0.2.1/24 dev net0
     a route add default nexthop via 10.0.1.1 nexthop via 10.0.2.1`,
  );
  const node = world.network.node("a");
  const ways = Array.from({ length: 16 }, (_, seed) => {
    expect(sysctl(node, ["-w", `net.ipv4.fib_multipath_hash_seed=${seed}`])).toBeDefined();
    const next = () => from(world, "10.9.9.9").hops[0]!.to.node.name;
    expect(next()).toBe(next());
    return next();
  });
  expect(new Set(ways)).toEqual(new Set(["r", "s"]));
});

it("a link that is down swallows packets, without a word", () => {
  const world = line();
  world.network.setCable(world.network.node("b").interfaces.get("net0")!.cable!, false);
  expect(from(world, "10.0.2.2")).toMatchObject({
    dropped: "link down",
    at: { name: "r" },
    speaks: false,
  });
});

it("a blackhole route, and a route that comes back to where it was", () => {
  const world = line();
  const router = world.network.node("r");
  ip(router, ["route", "add", "blackhole", "10.9.0.0/16"]);
  expect(from(world, "10.9.0.1")).toMatchObject({ dropped: "blackhole", at: { name: "r" } });
  ip(router, ["route", "add", "10.8.0.0/16", "via", "10.0.1.2"]);
  expect(from(world, "10.8.0.1")).toMatchObject({ dropped: "TTL exceeded" });
});

it("a filter of a partition drops what comes in, with the carrier there, until it is taken away", () => {
  const world = line();
  const b = world.network.node("b");
  const rules = (chains: string) => `table netdev p\ndelete table netdev p\n${chains}`;
  const drop = `chain drop_0 { type filter hook ingress device "net0" priority -500; policy drop; }`;
  expect(nft(b, ["-f", "-"], rules(`table netdev p {\n${drop}\n}\n`))).toMatchObject({
    exitCode: 0,
  });
  expect(b.interfaces.get("net0")!.hasCarrier).toBe(true);
  expect(from(world, "10.0.2.2")).toMatchObject({ dropped: "filtered", speaks: false });
  nft(b, ["-f", "-"], rules(""));
  expect(from(world, "10.0.2.2")).toMatchObject({ arrived: { name: "b" } });
  expect(nft(b, ["-f", "-"], "add rule inet filter input tcp dport 179 drop")).toBeUndefined();
});

it("a filter of a port drops TCP to it and nothing else", () => {
  const world = line();
  const b = world.network.node("b");
  const added =
    "add table inet f; add chain inet f in { type filter hook input priority 0; }; " +
    "add rule inet f in iifname net0 tcp dport 179 drop";
  expect(nft(b, [added], undefined)).toMatchObject({ exitCode: 0 });
  const sent = (destinationPort: number) => {
    const ends = { source: address("10.0.1.2"), destination: address("10.0.2.2") };
    const ports = { sourcePort: 40_000, destinationPort };
    return walk(world.network.node("a"), new IpPacket({ protocol: "tcp", ...ends, ...ports }));
  };
  expect(sent(179)).toMatchObject({ dropped: "filtered" });
  expect(sent(80)).toHaveProperty("arrived");
  expect(from(world, "10.0.2.2")).toHaveProperty("arrived");
  expect(nft(b, "delete table inet f".split(" "), undefined)).toMatchObject({ exitCode: 0 });
  expect(sent(179)).toHaveProperty("arrived");
  expect(nft(b, "delete table inet f".split(" "), undefined)).toMatchObject({ exitCode: 1 });
});

it("an impaired cable is slower, loses, and sends at its rate, in the direction that was said", () => {
  const world = line();
  const [a, r] = ["a", "r"].map((name) => world.network.node(name));
  const out = a!.interfaces.get("net0")!;
  const cable = out.cable!;
  const sent = (by: SimNode, to: string, random = 0.5) =>
    walk(by, echoRequest(by, address(to)), { random: () => random, nowMs: 0, bytes: 1000 });
  cable.impair(out, { delayMs: 20, jitterMs: 4 });
  expect(sent(a!, "10.0.1.1", 0.75).delayMs).toBe(1 + 20 + 2);
  expect(sent(r!, "10.0.1.2").delayMs).toBe(1);
  cable.impair(out, { lossPercent: 60 });
  expect(sent(a!, "10.0.1.1")).toMatchObject({ dropped: "loss" });
  expect(sent(a!, "10.0.1.1", 0.7)).toHaveProperty("arrived");
  // The second waits for the first.
  cable.impair(out, { rateBitsPerSecond: 1_000_000 });
  expect([0, 1].map(() => sent(a!, "10.0.1.1").delayMs)).toEqual([1 + 8, 1 + 16]);
  cable.impair(out, undefined);
  expect(sent(a!, "10.0.1.1").delayMs).toBe(1);
});

it("a bridge within a node joins its ports, and is an interface of the node", () => {
  const world = new World(() => 0.5);
  const { network } = world;
  connect(world, ["r:net0 a:net0", "r:net1 b:net0"]);
  run(
    world,
    `r link add rack type bridge
     r link set rack up
     r link set net0 master rack
     r link set net1 master rack
     r addr add 10.0.0.1/24 dev rack
     a addr add 10.0.0.2/24 dev net0
     b addr add 10.0.0.3/24 dev net0`,
  );
  const way = (node: string, to: string) =>
    walk(network.node(node), echoRequest(network.node(node), address(to)));
  expect(way("a", "10.0.0.3")).toMatchObject({ arrived: { name: "b" }, delayMs: 2, ttl: 64 });
  expect(way("a", "10.0.0.1")).toMatchObject({ arrived: { name: "r" }, on: { name: "rack" } });
  expect(way("r", "10.0.0.3")).toMatchObject({ arrived: { name: "b" }, delayMs: 1 });
  run(world, "r link set net1 nomaster");
  expect(way("a", "10.0.0.3")).toMatchObject({ dropped: "host unreachable" });
});

it("fails as iproute2 fails", () => {
  const node = line().network.node("a");
  const refused = (command: string) => ip(node, command.split(" "));
  expect(refused("addr add 10.0.1.2/24 dev net0")?.stderr).toContain("File exists");
  expect(refused("addr add 10.0.1.9/24 dev net9")?.stderr).toContain("Cannot find device");
  expect(refused("route add 10.7.0.0/16 via 192.0.2.1")?.stderr).toContain("invalid gateway");
  expect(refused("route del 10.7.0.0/16")?.stderr).toContain("No such process");
  expect(refused("neigh show")).toBeUndefined();
});

it("a node that forwards nothing is silent about it, and still is reached itself", () => {
  const world = line();
  const router = world.network.node("r");
  expect(sysctl(router, ["-w", "net.ipv4.ip_forward=0"])).toMatchObject({ exitCode: 0 });
  expect(from(world, "10.0.2.2")).toMatchObject({ dropped: "not forwarded", speaks: false });
  expect(from(world, "10.0.2.1")).toMatchObject({ arrived: { name: "r" } });
  sysctl(router, ["-w", "net.ipv4.ip_forward=1"]);
  expect(from(world, "10.0.2.2")).toMatchObject({ arrived: { name: "b" } });
});
