import { expect, test } from "vitest";
import { ownCapabilities } from "../../src/bgp/session/capabilities.ts";
import { peer, peerConfig, tor } from "../../src/cilium/compile.fixture.ts";

const local = { asn: 65001, hostname: "kind-worker", softwareVersion: "x", restarting: true };
const of = (config: Parameters<typeof peer>[0] = {}) =>
  ownCapabilities(peer(config), local).map(({ capability }) => capability);

const gracefulRestart = { enabled: true, restartTimeSeconds: 120 };
const families = (["ipv4", "ipv6"] as const).map((afi) => ({ afi, safi: "unicast" as const }));

/** And one more: enhanced route refresh (RFC 7313), which a router can leave alone. */
test("an OPEN has the capabilities that Cilium's has", () => {
  expect(of({ peerConfigs: [peerConfig({ gracefulRestart, families })] })).toEqual([
    ...["multiprotocol", "multiprotocol", "routeRefresh", "extendedMessage", "gracefulRestart"],
    ...["fourOctetAs", "enhancedRouteRefresh", "fqdn", "softwareVersion"],
  ]);
  expect(of()).not.toContain("gracefulRestart");
});

test("over IPv6 IPv4 is offered an IPv6 next hop", () => {
  expect(of({ peers: [{ ...tor, peerAddress: "fd00::1" }] })).toContain("extendedNextHop");
});

test("graceful restart says that it restarts, and knows notifications (RFC 8538)", () => {
  const peerConfigs = [peerConfig({ gracefulRestart, families })];
  const all = ownCapabilities(peer({ peerConfigs }), local);
  expect(all.find(({ capability }) => capability === "gracefulRestart")).toMatchObject({
    ...{ restarting: true, notification: true, restartTimeSeconds: 120 },
    families: [{ forwardingPreserved: true }, { forwardingPreserved: true }],
  });
});
