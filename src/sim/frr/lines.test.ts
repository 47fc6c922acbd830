import { describe, expect, test } from "vitest";
import { address } from "../../net/address.ts";
import { World } from "../world.ts";
import { FrrRouter } from "./router.ts";
import { measuredFile, readTiming } from "./timing.ts";

/**
 * Lines that a leaf-spine engineer writes, and whether they are simulated or told. Nothing is taken in silence that has
 * not FRR's effect.
 */
type Lines = { within: readonly (readonly string[])[]; simulated: string; told: string };

const bgp = ["router bgp 65000"];
const family = [...bgp, "address-family ipv4 unicast"];
const [mapIn, mapOut] = [["route-map IN permit 10"], ["route-map OUT permit 10"]];

const table: Readonly<Record<string, Lines>> = {
  "router bgp": {
    within: [bgp],
    simulated: `
      bgp router-id 10.0.0.1
      bgp log-neighbor-changes
      no bgp default ipv4-unicast
      no bgp ebgp-requires-policy
      no bgp network import-check
      bgp deterministic-med
      bgp bestpath as-path multipath-relax
      bgp bestpath compare-routerid
      bgp cluster-id 10.0.0.1
      bgp fast-external-failover
      bgp graceful-restart
      bgp graceful-restart restart-time 60
      no bgp graceful-restart restart-time
      no bgp graceful-restart restart-time 60
      bgp listen limit 10
      timers bgp 3 9
      no timers bgp
      no timers bgp 3 9
      neighbor FABRIC peer-group
      neighbor FABRIC remote-as external
      neighbor swp1 interface peer-group FABRIC
      neighbor swp2 interface v6only peer-group FABRIC
      neighbor swp3 interface remote-as external
      neighbor swp4 interface v6only remote-as external
      neighbor 10.0.0.7 peer-group EMPTY
      bgp listen range 10.2.0.0/16 peer-group FABRIC
      neighbor 10.0.0.9 local-as 65010
      neighbor 10.0.0.9 local-as 65010 no-prepend
      neighbor 10.0.0.9 local-as 65010 no-prepend replace-as
      neighbor 10.0.0.9 description to the spine
      neighbor 10.0.0.9 password secret
      neighbor 10.0.0.9 timers 5 15
      neighbor 10.0.0.9 timers connect 5
      neighbor 10.0.0.9 timers delayopen 5
      neighbor 10.0.0.9 advertisement-interval 5
      neighbor 10.0.0.9 passive
      neighbor 10.0.0.9 shutdown
      neighbor 10.0.0.9 shutdown message maintenance work
      no neighbor 10.0.0.9 shutdown
      neighbor 10.0.0.9 update-source lo
      neighbor 10.0.0.9 update-source 10.0.0.1
      neighbor 10.0.0.9 ebgp-multihop
      neighbor 10.0.0.9 ebgp-multihop 3
      no neighbor 10.0.0.9 ebgp-multihop
      neighbor 10.0.0.9 ttl-security hops 1
      no neighbor 10.0.0.9 ttl-security hops 1
      neighbor 10.0.0.9 disable-connected-check
      neighbor 10.0.0.9 bfd
      neighbor 10.0.0.9 bfd 3 300 300
      neighbor 10.0.0.9 bfd profile fast
      neighbor 10.0.0.9 capability extended-nexthop
      neighbor 10.0.0.9 send-community
      neighbor 10.0.0.9 route-map X in
      neighbor 10.0.0.9 remove-private-AS
      neighbor 10.0.0.9 activate
      no neighbor 10.0.0.9 activate
      network 10.1.0.0/24
      network 10.1.0.0/24 route-map X
      aggregate-address 10.0.0.0/8
      aggregate-address 10.0.0.0/8 summary-only
      redistribute connected
      redistribute connected route-map X
      redistribute static
      redistribute kernel
      maximum-paths 4
      maximum-paths ibgp 4
      no maximum-paths
      no maximum-paths ibgp
    `,
    told: `
      bgp default ipv6-unicast
      bgp default local-preference 200
      no bgp suppress-duplicates
      bgp always-compare-med
      no bgp deterministic-med
      bgp bestpath as-path multipath-relax no-as-set
      bgp bestpath as-path ignore
      bgp bestpath med missing-as-worst
      bgp bestpath peer-type multipath-relax
      bgp client-to-client reflection
      no bgp client-to-client reflection
      bgp fast-convergence
      bgp graceful-restart-disable
      bgp graceful-restart stalepath-time 300
      bgp graceful-restart select-defer-time 60
      bgp graceful-restart preserve-fw-state
      bgp graceful-shutdown
      bgp shutdown
      bgp shutdown message maintenance
      bgp minimum-holdtime 3
      bgp reject-as-sets
      bgp route-map delay-timer 0
      bgp route-reflector allow-outbound-policy
      bgp update-delay 10
      bgp dampening
      bgp confederation identifier 100
      coalesce-time 1000
      read-quanta 5
      write-quanta 64
      neighbor 10.0.0.9 peer-group NOSUCH
      neighbor NOSUCH remote-as 65001
      bgp listen range 10.3.0.0/16 peer-group NOSUCH
      neighbor 10.0.0.9 shutdown rtt 50
      neighbor 10.0.0.9 enforce-multihop
      neighbor 10.0.0.9 enforce-first-as
      neighbor 10.0.0.9 bfd check-control-plane-failure
      no neighbor swp1 capability extended-nexthop
      neighbor 10.0.0.9 capability dynamic
      neighbor 10.0.0.9 dont-capability-negotiate
      neighbor 10.0.0.9 override-capability
      neighbor 10.0.0.9 strict-capability-match
      neighbor 10.0.0.9 graceful-restart
      neighbor 10.0.0.9 graceful-restart-helper
      neighbor 10.0.0.9 graceful-restart-disable
      neighbor 10.0.0.9 port 1790
      neighbor 10.0.0.9 solo
      neighbor 10.0.0.9 sender-as-path-loop-detection
      neighbor 10.0.0.9 tcp-mss 1400
      network 10.1.0.0/24 backdoor
      network 10.1.0.0
      aggregate-address 10.0.0.0/8 as-set
      aggregate-address 10.0.0.0/8 as-set summary-only
      aggregate-address 10.0.0.0/8 route-map X
      aggregate-address 10.0.0.0/8 origin igp
      aggregate-address 10.0.0.0/8 suppress-map X
      redistribute connected metric 5
      redistribute ospf
      redistribute table 10
      maximum-paths ibgp 4 equal-cluster-length
      distance bgp 20 200 200
      table-map X
    `,
  },
  "address-family ipv4 unicast": {
    within: [family],
    simulated: `
      neighbor 10.0.0.9 activate
      no neighbor 10.0.0.9 activate
      neighbor 10.0.0.9 addpath-tx-all-paths
      neighbor 10.0.0.9 allowas-in
      neighbor 10.0.0.9 allowas-in 2
      neighbor 10.0.0.9 as-override
      neighbor 10.0.0.9 default-originate
      neighbor 10.0.0.9 default-originate route-map X
      neighbor 10.0.0.9 maximum-prefix 100
      neighbor 10.0.0.9 maximum-prefix 100 80
      neighbor 10.0.0.9 maximum-prefix 100 80 warning-only
      neighbor 10.0.0.9 maximum-prefix 100 restart 5
      neighbor 10.0.0.9 next-hop-self
      neighbor 10.0.0.9 next-hop-self force
      neighbor 10.0.0.9 next-hop-self all
      neighbor 10.0.0.9 prefix-list X in
      neighbor 10.0.0.9 prefix-list X out
      neighbor 10.0.0.9 remove-private-AS
      neighbor 10.0.0.9 remove-private-AS all
      neighbor 10.0.0.9 remove-private-AS replace-AS
      neighbor 10.0.0.9 remove-private-AS all replace-AS
      neighbor 10.0.0.9 route-map X in
      neighbor 10.0.0.9 route-map X out
      neighbor 10.0.0.9 send-community
      neighbor 10.0.0.9 send-community both
      neighbor 10.0.0.9 soft-reconfiguration inbound
      no neighbor 10.0.0.9 route-map X in
      no neighbor 10.0.0.9 route-map OTHER in
      no neighbor 10.0.0.9 prefix-list X in
      no neighbor 10.0.0.9 allowas-in
      no neighbor 10.0.0.9 maximum-prefix
      no neighbor 10.0.0.9 maximum-prefix 100
      no neighbor 10.0.0.9 default-originate
      no neighbor 10.0.0.9 default-originate route-map X
    `,
    told: `
      neighbor 10.0.0.9 addpath-tx-bestpath-per-AS
      neighbor 10.0.0.9 disable-addpath-rx
      neighbor 10.0.0.9 allowas-in origin
      neighbor 10.0.0.9 attribute-unchanged
      neighbor 10.0.0.9 attribute-unchanged next-hop
      neighbor 10.0.0.9 capability orf prefix-list both
      neighbor 10.0.0.9 distribute-list X in
      neighbor 10.0.0.9 filter-list X in
      neighbor 10.0.0.9 maximum-prefix 100 force
      neighbor 10.0.0.9 maximum-prefix 100 80 force
      neighbor 10.0.0.9 maximum-prefix 100 warning-only force
      neighbor 10.0.0.9 maximum-prefix-out 100
      neighbor 10.0.0.9 route-reflector-client
      neighbor 10.0.0.9 route-server-client
      no neighbor 10.0.0.9 send-community
      neighbor 10.0.0.9 unsuppress-map X
      neighbor 10.0.0.9 weight 100
      neighbor 10.0.0.9 advertise-map X exist-map Y
      table-map X
      import vrf RED
      no neighbor 10.0.0.9 weight
    `,
  },
  "route-map, either way": {
    within: [mapIn, mapOut],
    simulated: `
      match as-path X
      match community X
      match large-community X
      match ip address prefix-list X
      match ipv6 address prefix-list X
      match origin igp
      description words
      set community 65000:1
      set community 65000:1 additive
      set community no-export
      set ip next-hop 10.0.0.1
      set ipv6 next-hop global 2001:db8::1
      set large-community 65000:1:1
      set large-community 65000:1:1 additive
      set local-preference 200
      set metric 50
    `,
    told: `
      match community X exact-match
      match large-community X exact-match
      match extcommunity X
      match interface lo
      match ip address X
      match ip address prefix-len 24
      match ip next-hop X
      match ip next-hop address 10.0.0.1
      match ip next-hop prefix-list X
      match ip route-source X
      match ipv6 next-hop X
      match ipv6 next-hop 2001:db8::1
      match local-preference 100
      match metric 5
      match peer local
      match source-protocol connected
      match tag 5
      call Y
      continue
      continue 20
      on-match next
      on-match goto 20
      set as-path exclude 65001
      set as-path replace 65001
      set atomic-aggregate
      set comm-list X delete
      set community none
      set distance 30
      set extcommunity rt 65000:1
      set extcommunity bandwidth 100
      set ip next-hop peer-address
      set ip next-hop unchanged
      set ipv6 next-hop local fe80::1
      set ipv6 next-hop peer-address
      set ipv6 next-hop prefer-global
      set large-comm-list X delete
      set local-preference +10
      set local-preference -10
      set metric +50
      set metric -50
      set metric rtt
      set origin igp
      set origin incomplete
      set src 10.0.0.1
      set tag 5
      set weight 100
    `,
  },
  "route-map in": {
    within: [mapIn],
    simulated: `
      match peer 10.0.0.9
      set as-path prepend last-as 2
    `,
    told: `
      set as-path prepend 65000 65000
    `,
  },
  "route-map out": {
    within: [mapOut],
    simulated: `
      set as-path prepend 65000 65000
    `,
    told: `
      match peer 10.0.0.9
      set as-path prepend last-as 2
    `,
  },
  top: {
    within: [[]],
    simulated: `
      bgp as-path access-list X permit ^65001
      bgp as-path access-list X seq 10 permit ^65001
      bgp as-path access-list X deny .*
      bgp community-list standard X permit 65000:1
      bgp community-list standard X seq 5 permit 65000:1 65000:2
      bgp community-list standard X deny 65000:1
      bgp community-list 10 permit 65000:1
      bgp large-community-list standard X permit 65000:1:1
      ip prefix-list X permit 10.0.0.0/8
      ip prefix-list X seq 10 permit 10.0.0.0/8 ge 16 le 24
      ip prefix-list X permit any
      ip prefix-list X description words
      no ip prefix-list X permit 10.0.0.0/8
      no ip prefix-list X seq 10
      ipv6 prefix-list X permit any
      ip route 10.5.0.0/16 10.0.0.9
      ip route 10.5.0.0/16 10.0.0.9 lo
      ip route 10.5.0.0/16 Null0
      ip route 10.5.0.0/16 blackhole
      ip nht resolve-via-default
      no ip nht resolve-via-default
      frr defaults datacenter
      frr defaults traditional
      bgp route-map delay-timer 5
    `,
    told: `
      bgp community-list expanded Y permit .*
      ip route 10.5.0.0/16 10.0.0.9 200
      ip route 10.5.0.0/16 10.0.0.9 tag 5
      ip route 10.5.0.0/16 lo
      ip route 10.5.0.0/16 reject
      ip protocol bgp route-map X
      access-list 10 permit 10.0.0.0/8
      router-id 10.0.0.1
      bgp route-map delay-timer 0
    `,
  },
};

const base = `
frr defaults datacenter
router bgp 65000
 neighbor FABRIC peer-group
 neighbor FABRIC remote-as external
 neighbor EMPTY peer-group
 neighbor swp1 interface peer-group FABRIC
 neighbor 10.0.0.9 remote-as 65009
 neighbor 10.0.0.8 remote-as internal
 address-family ipv4 unicast
  neighbor 10.0.0.9 route-map IN in
  neighbor 10.0.0.8 route-map OUT out
 exit-address-family
exit
ip prefix-list X permit 10.0.0.0/8 le 32
bgp as-path access-list X permit ^65001
bgp community-list standard X permit 65000:1
bgp large-community-list standard X permit 65000:1:1
route-map X permit 10
exit
route-map IN permit 10
exit
route-map OUT permit 10
exit`.split("\n");

const timing = readTiming(measuredFile);

/** What of these lines a router does not simulate. */
function told(lines: readonly string[]): string[] {
  const world = new World(() => 0.5);
  const node = world.network.addNode("a");
  node.addAddress("lo", { address: address("10.0.0.1"), prefixLength: 32 });
  const files = { readFile: () => undefined };
  const router = new FrrRouter(world, node, { timing, onProblem: () => {}, ...files });
  router.start();
  expect(router.configure(base)).toEqual([]);
  return router.configure(lines);
}

const linesOf = (text: string) => text.trim().split(/\n\s*/);

describe.each(Object.entries(table))("%s", (_, { within, simulated, told: notSimulated }) => {
  test.each(linesOf(simulated))("simulated: %s", (line) => {
    for (const opened of within) expect(told([...opened, line])).toEqual([]);
  });
  test.each(linesOf(notSimulated))("told: %s", (line) => {
    for (const opened of within) expect(told([...opened, line])).not.toEqual([]);
  });
});
