import { expect, test } from "vitest";
import type { EgressFlow, EgressPlan } from "../cilium/egress-plan.ts";
import { address } from "../net/address.ts";
import { prefix } from "../net/prefix.ts";
import { egressRoutes, egressRuleset } from "./egress-rules.ts";

const flow = (family: "ipv4" | "ipv6"): EgressFlow => ({
  ...{ policy: "p", family, excluded: [] },
  sources: [address(family === "ipv4" ? "10.1.1.2" : "fd00:1::2")],
  destinations: [prefix(family === "ipv4" ? "198.51.100.0/24" : "fd00:c::/64")],
});
const plan = (of: Partial<EgressPlan>): EgressPlan => ({
  ...{ leaving: [], translated: [], remotePods: [], refused: [], failed: [] },
  ...of,
});
const routes = (of: Partial<EgressPlan>, self: string, gateway: string) =>
  egressRoutes(plan(of), address(self), new Map([["w2", address(gateway)]]), ["w2"]);

test("IPv4 alone asks nothing of a node's IPv6: the gateway's InternalIP is a neighbor in the tunnel", () => {
  const { ipv4, ipv6 } = routes(
    { leaving: [{ ...flow("ipv4"), gateway: "w2" }] },
    "10.0.0.1",
    "10.0.0.2",
  );
  expect(ipv6).toEqual([]);
  expect(ipv4).toEqual(
    expect.arrayContaining([
      "neigh replace 10.0.0.2 lladdr 02:e9:0a:00:00:02 dev cilium_vxlan",
      "route replace default via 10.0.0.2 dev cilium_vxlan onlink table 59648",
    ]),
  );
});

test("IPv6 is led over link-local addresses, and IPv4 beside it as before", () => {
  const leaving = [flow("ipv4"), flow("ipv6")].map((of) => ({ ...of, gateway: "w2" }));
  const { ipv4, ipv6 } = routes({ leaving }, "10.0.0.1", "10.0.0.2");
  expect(ipv4).toContain("route replace default via 10.0.0.2 dev cilium_vxlan onlink table 59648");
  expect(ipv6).toEqual(
    expect.arrayContaining([
      "neigh replace fe80::e9:a00:2 lladdr 02:e9:0a:00:00:02 dev cilium_vxlan",
      "route replace default via inet6 fe80::e9:a00:2 dev cilium_vxlan onlink table 59648",
    ]),
  );
});

test("between nodes of IPv6 IPv4 is led over link-local addresses", () => {
  const leaving = [{ ...flow("ipv4"), gateway: "w2" }];
  const { ipv4, ipv6 } = routes({ leaving }, "fd00::1", "fd00::2");
  const [, hop] = /^neigh replace (fe80::\S+) /.exec(ipv6.join("\n"))!;
  expect(ipv4).toContain(
    `route replace default via inet6 ${hop} dev cilium_vxlan onlink table 59648`,
  );
});

test("what is translated without an egress IP is dropped", () => {
  const translated = [{ ...flow("ipv4"), egressIp: undefined, interfaceName: undefined }];
  const rules = egressRuleset(plan({ translated }), "w2", []);
  expect(rules).toContain("ip saddr { 10.1.1.2 } ip daddr { 198.51.100.0/24 } drop");
  expect(rules).not.toContain("snat");
});
