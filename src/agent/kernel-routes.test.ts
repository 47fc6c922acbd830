import { beforeEach, expect, test } from "vitest";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import { KernelRoutes } from "./kernel-routes.ts";
import { FakeKernel, othersRoute } from "./kernel.testkit.ts";
import { routeProtocol } from "./kernel-view.ts";

const link = othersRoute("10.9.0.0/24");
let logs: string[];

beforeEach(() => (logs = []));

function routesOn(kernel: FakeKernel): KernelRoutes {
  return new KernelRoutes({
    table: 254,
    metric: 20,
    kernel,
    interfaceOf: (peer) => (peer === "tor0" ? 5 : undefined),
    log: (_, message) => logs.push(message),
  });
}

const change = (to: string, ...via: string[]) => ({
  prefix: prefix(to),
  nextHops: via.map((nextHop) => ({ address: address(nextHop), peer: "tor0" })),
});

/** Everything that waits for its turn is done. */
const turns = () => new Promise((resolve) => setTimeout(resolve));

const left = (to: string, via: string) => ({
  ...othersRoute(to, { via, metric: 20 }),
  protocol: routeProtocol,
});

test("a route comes, changes and goes; what stays the same is not touched", async () => {
  const kernel = new FakeKernel([link]);
  const routes = routesOn(kernel);
  routes.take([change("10.1.0.0/16", "10.9.0.2")]);
  await turns();
  routes.take([change("10.1.0.0/16", "10.9.0.3", "10.9.0.2")]);
  await turns();
  routes.take([change("10.1.0.0/16", "10.9.0.2", "10.9.0.3")]);
  await turns();
  routes.take([change("10.1.0.0/16")]);
  await turns();
  expect(kernel.requests).toEqual([
    "add 10.1.0.0/16 10.9.0.2%2",
    "replace 10.1.0.0/16 10.9.0.3%2 10.9.0.2%2",
    "delete 10.1.0.0/16",
  ]);
});

test("a next hop that is far is reached by way of a near one, or not at all", async () => {
  const kernel = new FakeKernel([link, othersRoute("10.5.0.0/16", { via: "10.9.0.9", metric: 7 })]);
  const routes = routesOn(kernel);
  routes.take([change("10.1.0.0/16", "10.5.0.1"), change("10.2.0.0/16", "10.6.0.1")]);
  await turns();
  expect(kernel.requests).toEqual(["add 10.1.0.0/16 10.9.0.9%2"]);
  kernel.others("delete", othersRoute("10.5.0.0/16", { via: "10.9.0.9", metric: 7 }));
  kernel.others("add", othersRoute("10.6.0.0/16", { via: "10.9.0.8" }));
  await turns();
  expect(kernel.requests.slice(1)).toEqual(["delete 10.1.0.0/16", "add 10.2.0.0/16 10.9.0.8%2"]);
});

test("a link-local next hop is on the link of its session", async () => {
  const kernel = new FakeKernel([]);
  routesOn(kernel).take([change("10.1.0.0/16", "fe80::2"), change("fd01::/64", "fe80::2")]);
  await turns();
  expect(kernel.requests).toEqual(["add 10.1.0.0/16 fe80::2%5", "add fd01::/64 fe80::2%5"]);
});

test("what is on a link of this machine is left to the kernel, as long as it is", async () => {
  const kernel = new FakeKernel([link, othersRoute("10.1.0.0/16")]);
  routesOn(kernel).take([change("10.1.0.0/16", "10.9.0.2")]);
  await turns();
  expect(kernel.requests).toEqual([]);
  kernel.others("delete", othersRoute("10.1.0.0/16"));
  await turns();
  kernel.others("add", othersRoute("10.1.0.0/16"));
  await turns();
  expect(kernel.requests).toEqual(["add 10.1.0.0/16 10.9.0.2%2", "delete 10.1.0.0/16"]);
});

test("somebody else's route of the same metric stays: told once, tried again when it is gone", async () => {
  const others = othersRoute("10.1.0.0/16", { via: "10.9.0.7", metric: 20, protocol: 4 });
  const kernel = new FakeKernel([link, others]);
  const routes = routesOn(kernel);
  routes.take([change("10.1.0.0/16", "10.9.0.2")]);
  await turns();
  kernel.others("add", othersRoute("10.7.0.0/16"));
  await turns();
  expect(logs).toEqual([
    "the kernel does not take the route to 10.1.0.0/16: EEXIST, table 254 has one of somebody else's with metric 20",
  ]);
  kernel.others("delete", others);
  await turns();
  expect(kernel.own.size).toBe(1);
  // It comes again beside ours: a replacement could hit it.
  kernel.others("add", others);
  routes.take([change("10.1.0.0/16", "10.9.0.3")]);
  await turns();
  expect(kernel.own.size).toBe(0);
  expect(kernel.table.to(prefix("10.1.0.0/16"))).toEqual([others]);
});

test("an earlier process's routes are taken over; the rest is swept when the family is complete", async () => {
  const kernel = new FakeKernel([link, othersRoute("fd09::/64")]);
  for (const route of [
    left("10.1.0.0/16", "10.9.0.2"),
    left("10.2.0.0/16", "10.9.0.2"),
    left("10.3.0.0/16", "10.9.0.2"),
    left("fd01::/64", "fd09::2"),
  ]) {
    kernel.own.set(route.prefix, route);
  }
  // At another metric it is another speaker's.
  const another = { ...left("10.4.0.0/16", "10.9.0.2"), metric: 21 };
  kernel.own.set(another.prefix, another);
  const routes = routesOn(kernel);
  await turns();
  routes.take([change("10.1.0.0/16", "10.9.0.2"), change("10.2.0.0/16", "10.9.0.3")]);
  await turns();
  expect(kernel.requests).toEqual(["replace 10.2.0.0/16 10.9.0.3%2"]);
  routes.selected("ipv4");
  await turns();
  expect(kernel.requests.slice(1)).toEqual(["delete 10.3.0.0/16"]);
  routes.selected("ipv6");
  routes.close();
  expect(kernel.requests.slice(2)).toEqual(["delete fd01::/64"]);
  expect([...kernel.own.keys()]).toEqual(["10.1.0.0/16", "10.2.0.0/16", "10.4.0.0/16"]);
});

test("one that somebody took away is put back; closing leaves all, withdrawing takes all", async () => {
  const kernel = new FakeKernel([link]);
  const routes = routesOn(kernel);
  routes.take([change("10.1.0.0/16", "10.9.0.2"), change("10.2.0.0/16", "10.9.0.2")]);
  await turns();
  kernel.lose("10.1.0.0/16");
  await turns();
  expect([...kernel.own.keys()].toSorted()).toEqual(["10.1.0.0/16", "10.2.0.0/16"]);
  routes.close();
  expect(kernel.own.size).toBe(2);
  const next = routesOn(kernel);
  next.withdraw();
  next.close();
  expect(kernel.own.size).toBe(0);
});

test("many that fail for one reason are one line", async () => {
  const many = Array.from({ length: 7 }, (_, i) => `10.${i}.0.0/16`);
  const taken = many.map((to) => othersRoute(to, { via: "10.200.0.7", metric: 20 }));
  const kernel = new FakeKernel([othersRoute("10.200.0.0/24"), ...taken]);
  routesOn(kernel).take(many.map((to) => change(to, "10.200.0.2")));
  await turns();
  expect(logs).toHaveLength(1);
  expect(logs[0]).toContain(
    "10.0.0.0/16, 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16 and 2 more: EEXIST",
  );
});
