import { expect, it } from "vitest";
import { World } from "../world.ts";
import { ip } from "./ip.ts";

function node() {
  const { network } = new World(() => 0.5);
  const made = network.addNode("n");
  network.addNode("other");
  network.connect({ node: "n", interface: "net0" }, { node: "other", interface: "net0" }, 1);
  const run = (line: string) => ip(made, line.split(" "));
  run("addr add 10.0.0.2/24 dev net0");
  run("addr add fd00::2/64 dev net0");
  return { made, run };
}

it("a default route is of its gateway's family, unless the gateway is said to be of another", () => {
  const { made, run } = node();
  for (const line of [
    "route add default via 10.0.0.1",
    "route add default via fd00::1",
    "route add default via fd00::3 metric 100",
    "route add default via inet6 fd00::1 dev net0 metric 50",
  ]) {
    expect({ line, ...run(line) }).toMatchObject({ exitCode: 0 });
  }
  const defaults = made.fib.routes().filter(({ prefix }) => prefix.endsWith("/0"));
  expect(
    defaults.map(({ prefix, metric, nextHops }) => [prefix, metric, nextHops[0]?.address]),
  ).toEqual([
    ["0.0.0.0/0", 0, "10.0.0.1"],
    ["0.0.0.0/0", 50, "fd00::1"],
    ["::/0", 100, "fd00::3"],
    ["::/0", 1024, "fd00::1"],
  ]);
  expect(run("route add default via fd00::9")).toMatchObject({ exitCode: 2 });
});

it("ip -j link: an interface has no carrier where its other end is down, and is down where it is itself", () => {
  const { made, run } = node();
  const shown = (line: string) =>
    (JSON.parse(run(line)!.stdout) as { ifname: string; flags: string[]; operstate: string }[]).map(
      ({ ifname, flags, operstate }) => [
        ifname,
        operstate,
        flags.includes("UP"),
        flags.includes("LOWER_UP"),
      ],
    );
  expect(shown("-j link")).toEqual([
    ["lo", "UNKNOWN", true, true],
    ["net0", "UP", true, true],
  ]);
  const otherEnd = made.interfaces.get("net0")!.cable!.otherEnd(made.interfaces.get("net0")!);
  otherEnd.node.setInterface("net0", false);
  expect(shown("-j link show dev net0")).toEqual([["net0", "LOWERLAYERDOWN", true, false]]);
  run("link set net0 down");
  expect(shown("-j link show dev net0")).toEqual([["net0", "DOWN", false, false]]);
  expect(run("-j link show dev net9")).toMatchObject({ exitCode: 1 });
  expect(run("link show dev net0")!.stdout).toMatch(
    /^\d+: net0: <BROADCAST,MULTICAST> state DOWN\n/,
  );
  expect(run("-s link")).toBeUndefined();
});

it("ip route get: the way of a packet of the node's own, as iproute2 prints it", () => {
  const { made, run } = node();
  run("route add 10.1.0.0/16 via 10.0.0.1");
  run("route add blackhole 10.2.0.0/16");
  const got = (to: string) => JSON.parse(run(`-j route get ${to}`)!.stdout) as object[];
  expect(got("10.1.2.3")).toEqual([
    {
      ...{ dst: "10.1.2.3", gateway: "10.0.0.1", dev: "net0" },
      ...{ prefsrc: "10.0.0.2", flags: [], cache: [] },
    },
  ]);
  expect(got("10.0.0.9")).toMatchObject([{ dst: "10.0.0.9", dev: "net0" }]);
  expect(got("10.0.0.2")).toMatchObject([{ type: "local", dev: "lo", prefsrc: "10.0.0.2" }]);
  expect(run("route get 10.1.2.3")!.stdout).toBe("10.1.2.3 via 10.0.0.1 dev net0 src 10.0.0.2\n");
  expect(run("-j route get 10.2.0.1")).toMatchObject({
    exitCode: 2,
    stderr: "RTNETLINK answers: Invalid argument\n",
  });
  expect(run("-j route get 10.9.0.1")).toMatchObject({
    exitCode: 2,
    stderr: "RTNETLINK answers: Network is unreachable\n",
  });
  expect(run("route get 10.1.2.3 from 10.0.0.2")).toBeUndefined();
  made.setInterface("net0", false);
});

it("ip route: a line a route, several next hops below it", () => {
  const { run } = node();
  run("route add default via 10.0.0.1");
  run("route add 10.1.0.0/16 proto bgp metric 20 nexthop via 10.0.0.1 nexthop via 10.0.0.3");
  run("route add 10.3.0.7 via inet6 fd00::1 dev net0");
  run("route add blackhole 10.2.0.0/16");
  expect(run("route")!.stdout).toBe(
    [
      "default via 10.0.0.1 dev net0",
      "10.0.0.0/24 dev net0 proto kernel scope link",
      "10.1.0.0/16 proto bgp metric 20",
      "\tnexthop via 10.0.0.1 dev net0 weight 1",
      "\tnexthop via 10.0.0.3 dev net0 weight 1",
      "blackhole 10.2.0.0/16",
      "10.3.0.7 via inet6 fd00::1 dev net0",
      "",
    ].join("\n"),
  );
  expect(run("route show proto bgp")!.stdout).toMatch(/^10\.1\.0\.0\/16 /);
  expect(JSON.parse(run("-j route show table all dev net0")!.stdout)).toHaveLength(4);
  expect(run("route show table 100")).toBeUndefined();
  expect(run("route show to match 10.1.0.1")).toBeUndefined();
});
