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
