import { expect, test } from "vitest";
import { BgpNetwork } from "./bgp-network.ts";
import { until } from "./spinelab.ts";

test("on one subnet with two FRRs: each is told of the other's address; a next hop beyond it is not used", async () => {
  await using net = new BgpNetwork();
  for (const node of ["host", "r1", "r2"]) net.node(node);
  net.link("host:eth1", [], "r1:eth1", ["10.9.1.2/24"]);
  net.link("host:eth2", [], "r2:eth1", ["10.9.1.3/24"]);
  net.ip("host", "link add br0 type bridge");
  for (const port of ["eth1", "eth2"]) net.ip("host", `link set ${port} master br0`);
  net.ip("host", "address add 10.9.1.1/24 dev br0");
  net.ip("host", "link set br0 up");
  for (const [node, asn, prefix] of [
    ["r1", 65101, "10.1.0.0/24"],
    ["r2", 65102, "10.2.0.0/24"],
  ] as const) {
    net.bgpd(
      node,
      `
router bgp ${asn}
 bgp router-id 10.0.0.${asn - 65090}
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.9.1.1 remote-as 65001
 address-family ipv4 unicast
  network ${prefix}
  network 10.7.0.0/24
  neighbor 10.9.1.1 route-map beyond out
 exit-address-family
ip prefix-list seven seq 5 permit 10.7.0.0/24
route-map beyond permit 10
 match ip address prefix-list seven
 set ip next-hop 10.77.0.1
route-map beyond permit 20
`,
    );
  }
  net.speaker(
    "host",
    `
localAsn: 65001
routerId: 10.0.0.1
ebgpRequiresPolicy: false
originate: [10.5.0.0/24]
peers:
  - { name: r1, address: 10.9.1.2, asn: external }
  - { name: r2, address: 10.9.1.3, asn: external }
`,
  );
  const nextHop = (node: string, prefix: string) => {
    const table = JSON.parse(net.vtysh(node, "show bgp ipv4 unicast json")) as {
      routes: Record<string, { nexthops: { ip: string }[] }[] | undefined>;
    };
    return table.routes[prefix]?.[0]?.nexthops[0]?.ip;
  };
  await until(
    "the routes are there",
    () => nextHop("r1", "10.2.0.0/24") !== undefined && nextHop("r2", "10.1.0.0/24") !== undefined,
  );
  expect(nextHop("r2", "10.1.0.0/24")).toBe("10.9.1.2");
  expect(nextHop("r1", "10.2.0.0/24")).toBe("10.9.1.3");
  expect(nextHop("r1", "10.5.0.0/24")).toBe("10.9.1.1");
  expect(net.bgp("host", "explain", "10.7.0.0/24")).toContain("10.77.0.1 is not on the subnet");
}, 60_000);
