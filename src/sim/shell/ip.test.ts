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
  expect(run("link")).toBeUndefined();
});
