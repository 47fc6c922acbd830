import { expect, it } from "vitest";
import { address } from "../net/address.ts";
import { type Prefix, prefix } from "../net/prefix.ts";
import { BgpRoutes, type RouteKeeper } from "./bgp-routes.ts";
import { ip } from "./shell/ip.ts";
import { World } from "./world.ts";

function node() {
  const world = new World(() => 0.5);
  const made = world.network.addNode("n");
  world.network.addNode("other");
  world.network.connect({ node: "n", interface: "net0" }, { node: "other", interface: "net0" }, 1);
  ip(made, "addr add 10.0.0.1/24 dev net0".split(" "));
  ip(made, "addr add fd00::1/64 dev net0".split(" "));
  const costs = new Map<string, number | undefined>();
  const routes = (keeper: RouteKeeper, metric = 20) =>
    new BgpRoutes({
      ...{ node: made, clock: world.clock, metric, delayMs: 1, resolveViaDefault: true, keeper },
      interfaceOf: () => undefined,
      tell: (told) => told.forEach(({ nextHop, cost }) => costs.set(nextHop, cost)),
    });
  const settle = () => {
    while (world.clock.step());
  };
  const inKernel = () =>
    made.fib
      .routes()
      .filter(({ protocol }) => protocol !== "kernel")
      .map(({ prefix: to, protocol, metric }) => `${to} ${protocol} ${metric}`);
  return { made, routes, settle, inKernel, costs };
}

const via = (to: string) => ({
  prefix: prefix(to),
  nextHops: [{ address: address("10.0.0.2"), peer: "p" }],
});
const without = (to: string) => ({ prefix: prefix(to) as Prefix, nextHops: [] });

it("an agent that comes back takes over what the killed one left, and sweeps the rest when all is known", () => {
  const { routes, settle, inKernel } = node();
  const first = routes("agent");
  first.take([via("10.1.0.0/24"), via("10.2.0.0/24")]);
  settle();
  first.close("leave");
  const second = routes("agent");
  second.take([via("10.1.0.0/24")]);
  settle();
  expect(inKernel()).toEqual(["10.1.0.0/24 bgp 20", "10.2.0.0/24 bgp 20"]);
  second.selected("ipv6");
  settle();
  expect(inKernel()).toHaveLength(2);
  second.selected("ipv4");
  settle();
  expect(inKernel()).toEqual(["10.1.0.0/24 bgp 20"]);
});

it("an agent that ends in order does first what is to be done", () => {
  const { routes, settle, inKernel } = node();
  const first = routes("agent");
  first.take([via("10.1.0.0/24")]);
  first.close("finish");
  expect(inKernel()).toEqual(["10.1.0.0/24 bgp 20"]);
  const second = routes("agent");
  second.take([without("10.1.0.0/24")]);
  second.close("leave");
  settle();
  expect(inKernel()).toHaveLength(1);
});

it("of two instances one takes only its own routes away", () => {
  const { routes, settle, inKernel } = node();
  const both = [routes("agent", 20), routes("agent", 21)];
  for (const each of both) each.take([via("10.1.0.0/24")]);
  settle();
  expect(inKernel()).toEqual(["10.1.0.0/24 bgp 20", "10.1.0.0/24 bgp 21"]);
  both[0]!.close("withdraw");
  expect(inKernel()).toEqual(["10.1.0.0/24 bgp 21"]);
});

it.each([
  ["zebra", ["10.1.0.0/24 boot 0"], 0],
  ["agent", ["10.1.0.0/24 boot 0", "10.1.0.0/24 bgp 20"], 256],
] as const)(
  "%s: beside another's route, and what a connected next hop costs",
  (keeper, all, cost) => {
    const { made, routes, settle, inKernel, costs } = node();
    ip(made, "route add 10.1.0.0/24 via 10.0.0.9".split(" "));
    const own = routes(keeper);
    own.take([via("10.1.0.0/24"), via("10.0.0.0/24")]);
    own.ask(address("fd00::2"));
    settle();
    expect(inKernel()).toEqual(all);
    expect(costs.get("fd00::2")).toBe(cost);
  },
);

it("a next hop that is forgotten is not told of any more, whether or not it was looked up", () => {
  const { made, routes, settle, costs } = node();
  const keeper = routes("agent");
  const [kept, known, asked] = ["10.0.0.2", "10.0.0.3", "10.0.0.4"].map(address);
  for (const nextHop of [kept!, known!]) keeper.ask(nextHop);
  settle();
  keeper.ask(asked!);
  for (const nextHop of [known!, asked!]) keeper.forget(nextHop);
  costs.clear();
  ip(made, "link set net0 down".split(" "));
  settle();
  expect([...costs]).toEqual([[kept, undefined]]);
});
