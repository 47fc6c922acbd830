import { expect, it } from "vitest";
import { emptyConfig } from "./config.ts";
import { Interpreter } from "./interpret.ts";
import { runningConfig } from "./running-config.ts";

const lines = `
frr defaults datacenter
ip prefix-list PODS seq 5 permit 10.1.0.0/16 le 24
route-map OUT permit 10
 match ip address prefix-list PODS
 set as-path prepend 65000 65000
exit
!
bfd
 profile quick
  detect-multiplier 5
  transmit-interval 100
 exit
 !
exit
!
router bgp 65000
 bgp router-id 10.0.0.1
 no bgp ebgp-requires-policy
 neighbor ROUTERS peer-group
 neighbor ROUTERS remote-as external
 neighbor net0 interface peer-group ROUTERS
 neighbor 10.0.1.2 remote-as 65010
 neighbor 10.0.1.2 local-as 65001 no-prepend replace-as
 neighbor 10.0.1.2 timers delayopen 5
 neighbor 10.0.1.2 advertisement-interval 3
 neighbor 10.0.1.2 bfd profile quick
 address-family ipv4 unicast
  redistribute connected
  neighbor net0 route-map OUT out
 exit-address-family
 bmp targets station
  bmp monitor ipv4 unicast post-policy
  bmp connect 127.0.0.1 port 11019 min-retry 100 max-retry 500
 exit
 neighbor 10.0.1.2 description after the station
!`.split("\n");

it("takes what vtysh takes, and prints what makes the same of another router", () => {
  const first = new Interpreter(emptyConfig());
  expect(lines.filter((line) => first.take(line) === "unknown")).toEqual([]);
  expect(first.config).toMatchObject({
    profile: "datacenter",
    bgp: { asn: 65000, routerId: "10.0.0.1", ebgpRequiresPolicy: false },
  });
  expect(first.config.bgp!.neighbors.get("10.0.1.2")).toMatchObject({
    remoteAs: 65010,
    localAs: { asn: 65001, noPrepend: true, replaceAs: true },
    ...{ delayOpenSeconds: 5, advertisementSeconds: 3, bfdProfile: "quick" },
  });
  expect(first.config.bfdProfiles.get("quick")).toEqual({
    ...{ detectMultiplier: 5, transmitIntervalMs: 100 },
  });

  const printed = runningConfig(first.config);
  const second = new Interpreter(emptyConfig());
  for (const line of printed.split("\n")) expect([line, second.take(line)]).toEqual([line, "done"]);
  expect(runningConfig(second.config)).toBe(printed);
});

it.each([
  "router ospf",
  "router bgp 65000 vrf RED\n neighbour 10.0.0.1 remote-as 1",
  "router bgp 65000\n neighbor 10.0.0.1 remote-as 1\n neighbor 10.0.0.1 graceful-shutdown",
  "router bgp 65000\n network 10.0.0.0/33",
  "router bgp 65000\n address-family l2vpn evpn",
  "bgp community-list expanded X permit .*",
  "router bgp 65000\n aggregate-address 10.0.0.0/8 as-set",
  "router bgp 65000\n neighbor 10.0.0.1 remote-as 1\n neighbor 10.0.0.1 bfd strict",
  "router bgp 65000\n neighbor 10.0.0.1 remote-as 1\n no neighbor 10.0.0.1 send-community",
  "interface net0\n ip ospf area 0",
  "route-map X permit 10\n call Y",
])("says of a line that it does not know it: %s", (text) => {
  const interpreter = new Interpreter(emptyConfig());
  expect(text.split("\n").map((line) => interpreter.take(line))).toContain("unknown");
});

it("a line with `no` takes back what the line without it did", () => {
  const interpreter = new Interpreter(emptyConfig());
  const take = (line: string) => expect([line, interpreter.take(line)]).toEqual([line, "done"]);
  take("router bgp 65000");
  take("neighbor 10.0.0.1 remote-as 1");
  take("no neighbor 10.0.0.1");
  take("redistribute connected");
  take("no redistribute connected");
  const { bgp } = interpreter.config;
  expect(bgp!.neighbors.size).toBe(0);
  expect(bgp!.families.ipv4.redistribute).toEqual([]);
  take("no router bgp 65000");
  expect(interpreter.config.bgp).toBeUndefined();
});

it("an entry of a route map has one match and one setting of a kind, and `no` takes it away", () => {
  const config = emptyConfig();
  const interpreter = new Interpreter(config);
  const written = [
    "route-map X permit 10",
    "match ip address prefix-list A",
    "match ip address prefix-list B",
    "set metric 5",
    "set community 1:1",
    "no set metric",
  ];
  expect(written.map((line) => interpreter.take(line))).toEqual(written.map(() => "done"));
  expect(config.routeMaps.get("X")).toMatchObject([
    { matches: [["ip", "address", "prefix-list", "B"]], sets: [["community", "1:1"]] },
  ]);
});
