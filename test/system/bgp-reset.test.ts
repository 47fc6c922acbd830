import { expect, test } from "vitest";
import { BgpNetwork } from "./bgp-network.ts";
import { until } from "./spinelab.ts";

test("`bgp reset` with FRR: Administrative Reset and back; softly, the session stays", async () => {
  await using net = new BgpNetwork();
  net.node("host");
  net.node("r1");
  net.link("host:eth1", ["10.9.1.1/24"], "r1:eth1", ["10.9.1.2/24"]);
  const frr = net.bgpd(
    "r1",
    `
router bgp 65101
 bgp router-id 10.0.0.11
 bgp log-neighbor-changes
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.9.1.1 remote-as 65001
 address-family ipv4 unicast
  network 10.1.0.0/24
 exit-address-family
`,
  );
  net.speaker(
    "host",
    `
localAsn: 65001
routerId: 10.0.0.1
ebgpRequiresPolicy: false
originate: [10.5.0.0/24]
peers:
  - { name: r1, address: 10.9.1.2, asn: external, connectRetryTimeSeconds: 5 }
`,
  );
  const isUp = () =>
    net.bgp("host", "routes", "received").includes("10.1.0.0/24") &&
    net.vtysh("r1", "show bgp ipv4 unicast json").includes("10.5.0.0/24");
  const neighbor = () => {
    const all = JSON.parse(net.vtysh("r1", "show bgp neighbors 10.9.1.1 json")) as Record<
      string,
      {
        connectionsEstablished: number;
        messageStats: { routeRefreshRecv: number; updatesRecv: number };
      }
    >;
    return all["10.9.1.1"]!;
  };
  await until("the routes are there", isUp);

  const before = neighbor();
  expect(net.bgp("host", "reset", "r1", "--soft-out")).toBe("r1 (10.9.1.2): routes sent anew\n");
  // BoRR and EoRR, and the route between them.
  await until("FRR has them", () => {
    const { messageStats } = neighbor();
    return messageStats.routeRefreshRecv === before.messageStats.routeRefreshRecv + 2;
  });
  expect(neighbor().messageStats.updatesRecv).toBeGreaterThan(before.messageStats.updatesRecv);
  expect(net.bgp("host", "reset", "10.9.1.2", "--soft-in")).toContain("import policy applied anew");
  expect(neighbor().connectionsEstablished).toBe(1);

  expect(net.bgp("host", "reset")).toBe("r1 (10.9.1.2): session reset\n");
  await until("the session is back", () => neighbor().connectionsEstablished === 2 && isUp());
  expect(frr.log).toContain("6/4 (Cease/Administrative Reset)");
  expect(() => net.bgp("host", "reset", "r2")).toThrow("r2: no such peer");
}, 60_000);
