import { expect, test } from "vitest";
import { address } from "../../net/address.ts";
import { World } from "../world.ts";
import { FrrRouter } from "./router.ts";
import { show } from "./show.ts";
import { measuredFile, readTiming } from "./timing.ts";

function router(world: World, name: string, at: string, lines: string): FrrRouter {
  const node = world.network.node(name);
  node.addAddress("net0", { address: address(at), prefixLength: 24 });
  const unexpected = (message: string) => expect.unreachable(message);
  const made = new FrrRouter(world, node, {
    ...{ timing: readTiming(measuredFile), onProblem: unexpected },
    readFile: () => undefined,
  });
  expect(made.configure(lines.split("\n"))).toEqual([]);
  made.start();
  return made;
}

const both = `
frr defaults datacenter
router bgp 65001
 neighbor NODES peer-group
 neighbor NODES remote-as external
 bgp listen range 10.0.0.0/24 peer-group NODES
 address-family ipv6 unicast
  neighbor NODES activate
 exit-address-family
!`;

const ipv4Only = `
frr defaults datacenter
router bgp 65002
 neighbor 10.0.0.1 remote-as external
!`;

test("a summary lists a session in every family that is configured, agreed on or not, as bgpd's does", () => {
  const world = new World(() => 0.5);
  for (const name of ["a", "b"]) world.network.addNode(name);
  const [from, to] = ["a", "b"].map((node) => ({ node, interface: "net0" }));
  world.network.connect(from!, to!, 0.05);
  const a = router(world, "a", "10.0.0.1", both);
  const b = router(world, "b", "10.0.0.2", ipv4Only);
  while ((world.clock.nextMs ?? Infinity) <= 5_000) world.clock.step();
  const { nowMs } = world.clock;

  const established = { remoteAs: 65002, state: "Established", pfxRcd: 0, pfxSnt: 0 };
  for (const family of ["ipv4", "ipv6"]) {
    const { peers } = JSON.parse(show(a, `show bgp ${family} unicast summary json`, nowMs)!) as {
      peers: object;
    };
    expect(peers).toMatchObject({ "10.0.0.2": established });
  }
  expect(show(b, "show bgp ipv6 summary", nowMs)).toBe("% No BGP neighbors found\n");
});
