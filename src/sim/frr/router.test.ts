import { expect, test } from "vitest";
import { address } from "../../net/address.ts";
import { World } from "../world.ts";
import { echoRequest } from "../exchange.ts";
import { walk } from "../walk.ts";
import { FrrRouter } from "./router.ts";
import { measuredFile, readTiming } from "./timing.ts";

const timing = readTiming(measuredFile);

function router(world: World, name: string, loopback: string, lines: string): FrrRouter {
  const node = world.network.node(name);
  node.addAddress("lo", { address: address(loopback), prefixLength: 32 });
  const problems: string[] = [];
  const made = new FrrRouter(world, node, {
    ...{ timing, onProblem: (message) => problems.push(message) },
    readFile: () => undefined,
  });
  expect(made.configure(lines.split("\n"))).toEqual([]);
  expect(problems).toEqual([]);
  made.start();
  return made;
}

const runUntil = (world: World, atMs: number) => {
  while ((world.clock.nextMs ?? Infinity) <= atMs) world.clock.step();
};

const bgp = (asn: number, more = "") => `
frr defaults datacenter
router bgp ${asn}
 no bgp ebgp-requires-policy
 neighbor ROUTERS peer-group
 neighbor ROUTERS remote-as external
 ${more}
 address-family ipv4 unicast
  redistribute connected
 exit-address-family
!`;

test("two unnumbered routers find each other and exchange routes; a cut ends it, and mending brings it back", () => {
  const world = new World(() => 0.5);
  for (const name of ["a", "b"]) world.network.addNode(name);
  const cable = world.network.connect(
    { node: "a", interface: "net0" },
    { node: "b", interface: "net0" },
    0.05,
  );
  const a = router(
    world,
    "a",
    "10.0.0.1",
    bgp(65001, "neighbor net0 interface peer-group ROUTERS"),
  );
  router(
    world,
    "b",
    "10.0.0.2",
    bgp(65002, "neighbor net0 interface peer-group ROUTERS\n neighbor ROUTERS default-originate"),
  );
  runUntil(world, 5_000);
  expect(a.host!.speaker.peers(world.clock.nowMs)).toMatchObject([{ state: "Established" }]);
  expect(a.node.fib.routes().map(({ prefix, protocol }) => `${prefix} ${protocol}`)).toEqual([
    "0.0.0.0/0 bgp",
    "10.0.0.2/32 bgp",
  ]);
  expect(walk(a.node, echoRequest(a.node, address("10.0.0.2")))).toHaveProperty(
    "arrived.name",
    "b",
  );

  world.network.setCable(cable, false);
  runUntil(world, 6_000);
  expect(a.node.fib.routes()).toEqual([]);
  expect(walk(a.node, echoRequest(a.node, address("10.0.0.2")))).toMatchObject({
    dropped: "no route",
  });

  world.network.setCable(cable, true);
  runUntil(world, 20_000);
  expect(walk(a.node, echoRequest(a.node, address("10.0.0.2")))).toHaveProperty(
    "arrived.name",
    "b",
  );
});

test.each([0.03, 0.05, 0.07])(
  "whenever both call each other at the same moment, and however the times round, they are connected (%d ms)",
  (delayMs) => {
    const world = new World(() => 0.5);
    for (const name of ["a", "b"]) world.network.addNode(name);
    const cable = world.network.connect(
      { node: "a", interface: "net0" },
      { node: "b", interface: "net0" },
      delayMs,
    );
    const lines = (asn: number) => bgp(asn, "neighbor net0 interface peer-group ROUTERS");
    const a = router(world, "a", "10.0.0.1", lines(65001));
    router(world, "b", "10.0.0.2", lines(65002));
    const states: string[] = [];
    for (let atMs = 5_061; atMs < 1_000_000; atMs += 10_000) {
      runUntil(world, atMs);
      states.push(a.host!.speaker.peers(world.clock.nowMs)[0]!.state);
      world.network.setCable(cable, false);
      runUntil(world, atMs + 5_000);
      world.network.setCable(cable, true);
    }
    expect(new Set(states)).toEqual(new Set(["Established"]));
  },
);

test("BFD by a profile, which may be written later, and whose values count before the neighbor's", () => {
  const world = new World(() => 0.5);
  world.network.addNode("a");
  const neighbor = " neighbor 10.0.0.2 remote-as 65001\n neighbor 10.0.0.2 bfd profile quick";
  const a = router(world, "a", "10.0.0.1", bgp(65000, neighbor));
  a.setBfdd(true);
  const used = () => a.host!.speaker.config.peers[0]!.bfd;
  expect(used()).toEqual({ detectMultiplier: 3, receiveIntervalMs: 300, transmitIntervalMs: 300 });
  const profile = ["bfd", "profile quick", "detect-multiplier 5", "transmit-interval 100"];
  expect(a.configure(profile)).toEqual([]);
  expect(used()).toEqual({ detectMultiplier: 5, receiveIntervalMs: 300, transmitIntervalMs: 100 });
  a.configure(["router bgp 65000", "no neighbor 10.0.0.2 bfd profile quick"]);
  expect(used()).toEqual({ detectMultiplier: 3, receiveIntervalMs: 300, transmitIntervalMs: 300 });
});

test.each([
  ["nothing", "", "", "Active"],
  ["disable-connected-check at one end", "", "disable-connected-check", "Established"],
  ["ebgp-multihop at both ends", "ebgp-multihop 2", "ebgp-multihop 2", "Established"],
])("an external neighbor at a loopback address, by %s", (_, ofA, ofB, state) => {
  const world = new World(() => 0.5);
  const nodes = ["a", "b"].map((name) => world.network.addNode(name));
  world.network.connect({ node: "a", interface: "net0" }, { node: "b", interface: "net0" }, 0.05);
  const lines = (own: number, line: string) =>
    [
      ...["frr defaults datacenter", `ip route 10.0.0.${3 - own}/32 10.1.1.${3 - own}`],
      ...[`router bgp 6500${own}`, `neighbor 10.0.0.${3 - own} remote-as external`],
      `neighbor 10.0.0.${3 - own} update-source lo`,
      ...(line === "" ? [] : [`neighbor 10.0.0.${3 - own} ${line}`]),
    ].join("\n");
  for (const [i, node] of nodes.entries()) {
    const own = { address: address(`10.1.1.${i + 1}`), prefixLength: 24 };
    node.addAddress("net0", own);
  }
  const a = router(world, "a", "10.0.0.1", lines(1, ofA));
  router(world, "b", "10.0.0.2", lines(2, ofB));
  runUntil(world, 20_000);
  expect(a.host!.speaker.peers(world.clock.nowMs)).toMatchObject([{ state }]);
});

test("a line of a route map counts five seconds after the last one for what was sent, and at once where it is given", () => {
  const world = new World(() => 0.5);
  const nodes = ["a", "b"].map((name) => world.network.addNode(name));
  world.network.connect({ node: "a", interface: "net0" }, { node: "b", interface: "net0" }, 0.05);
  for (const [i, node] of nodes.entries()) {
    node.addAddress("net0", { address: address(`10.1.1.${i + 1}`), prefixLength: 24 });
  }
  const lines = (asn: number, peer: string, map: string) =>
    [
      ...["frr defaults datacenter", "route-map M permit 10", "set metric 1", "exit"],
      ...[
        "ip prefix-list L permit any",
        `router bgp ${asn}`,
        `neighbor ${peer} remote-as external`,
      ],
      ...["address-family ipv4 unicast", "redistribute connected", map],
    ].join("\n");
  const a = router(
    world,
    "a",
    "10.0.0.1",
    lines(65001, "10.1.1.2", "neighbor 10.1.1.2 route-map M out"),
  );
  const b = router(world, "b", "10.0.0.2", lines(65002, "10.1.1.1", ""));
  // The clock stands where something happened last.
  const advanceTo = (atMs: number) => {
    world.clock.setTimer(atMs - world.clock.nowMs, () => {});
    runUntil(world, atMs);
  };
  const med = () =>
    b.host!.speaker.routesReceived().find(({ prefix }) => prefix === "10.0.0.1/32")?.attributes.med;
  advanceTo(10_000);
  expect(med()).toBe(1);

  expect(a.configure(["route-map M permit 10", "set metric 2"])).toEqual([]);
  advanceTo(12_000);
  expect(a.configure(["route-map M permit 10", "set metric 3"])).toEqual([]);
  advanceTo(16_990);
  expect(med()).toBe(1);
  advanceTo(17_010);
  expect(med()).toBe(3);

  // A list that it asks is a part of it; one that the neighbor has itself is none.
  const match = ["route-map M permit 10", "match ip address prefix-list L", "exit"];
  a.configure([...match, "bgp route-map delay-timer 2"]);
  advanceTo(20_000);
  a.configure(["ip prefix-list L seq 1 deny 10.0.0.1/32"]);
  advanceTo(21_900);
  expect(med()).toBe(3);
  advanceTo(22_010);
  expect(med()).toBeUndefined();

  const given = ["router bgp 65001", "address-family ipv4 unicast"];
  const other = ["route-map OTHER permit 10", "set metric 4", "exit"];
  a.configure([...other, ...given, "neighbor 10.1.1.2 route-map OTHER out"]);
  advanceTo(22_120);
  expect(med()).toBe(4);
});
