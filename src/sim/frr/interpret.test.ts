import { expect, it } from "vitest";
import { emptyConfig } from "./config.ts";
import { effectiveNeighbor, hasFamily } from "./effective-neighbor.ts";
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

const taken = (text: string) => {
  const interpreter = new Interpreter(emptyConfig());
  const unknown = text.split("\n").filter((line) => interpreter.take(line) === "unknown");
  return { config: interpreter.config, unknown: unknown.map((line) => line.trim()) };
};

it.each([
  [
    "a VRF's router bgp",
    "router bgp 1 vrf RED\n bgp router-id 10.0.0.1\n redistribute connected\nexit",
  ],
  ["OSPF", "router bgp 1\nrouter ospf\n redistribute connected\n network 10.0.0.0/8 area 0\nexit"],
  [
    "EVPN",
    "router bgp 1\n neighbor G peer-group\n address-family l2vpn evpn\n  neighbor G activate\n  redistribute connected\n exit-address-family",
  ],
  ["a VRF", "vrf RED\n ip route 10.0.0.0/8 10.0.0.1\nexit-vrf"],
])("what stands in a block that is not simulated is not taken for another's: %s", (_, text) => {
  const { config, unknown } = taken(text);
  expect(config.bgp?.families.ipv4.redistribute ?? []).toEqual([]);
  expect(config.bgp?.peerGroups.get("G")?.families.ipv4.activate).toBeUndefined();
  expect(config.staticRoutes).toEqual([]);
  expect(unknown.length).toBeGreaterThan(1);
  const after = taken(`${text}\nroute-map X permit 10\n set metric 5`);
  expect(after.config.routeMaps.get("X")).toMatchObject([{ sets: [["metric", "5"]] }]);
});

it("another default for IPv4 is for neighbors that come after it, and a group's is its members'", () => {
  const { config, unknown } = taken(
    [
      ...["router bgp 1", "neighbor G peer-group", "neighbor 10.0.0.1 remote-as 2"],
      ...["neighbor 10.0.0.2 peer-group G", "no bgp default ipv4-unicast"],
      ...[
        "neighbor 10.0.0.3 remote-as 2",
        "neighbor H peer-group",
        "neighbor 10.0.0.4 peer-group H",
      ],
    ].join("\n"),
  );
  expect(unknown).toEqual([]);
  const bgp = config.bgp!;
  const active = [...bgp.neighbors].filter(([, of]) =>
    hasFamily(bgp, effectiveNeighbor(bgp, of), "ipv4"),
  );
  expect(active.map(([id]) => id)).toEqual(["10.0.0.1", "10.0.0.2"]);
});

it("a neighbor goes with what says whose it is, and members with their group", () => {
  const neighbors = (line: string) => {
    const { config, unknown } = taken(
      [
        ...["router bgp 1", "neighbor G peer-group", "neighbor G remote-as 2"],
        ...["neighbor 10.0.0.1 peer-group G", "neighbor net0 interface peer-group G"],
        ...["neighbor 2001:DB8:0::1 remote-as 3", "neighbor 2001:db8::1 passive", line],
      ].join("\n"),
    );
    expect(unknown).toEqual([]);
    return [...config.bgp!.neighbors.keys()];
  };
  const all = ["10.0.0.1", "net0", "2001:db8::1"];
  expect(neighbors("no neighbor 10.0.0.1 passive")).toEqual(all);
  expect(neighbors("no neighbor 10.0.0.1 peer-group G")).toEqual(all.slice(1));
  expect(neighbors("no neighbor 2001:db8::1 remote-as 3")).toEqual(all.slice(0, 2));
  expect(neighbors("no neighbor G peer-group")).toEqual(all.slice(2));
  expect(neighbors("no neighbor G")).toEqual(all.slice(2));
  expect(neighbors("no neighbor G remote-as 2")).toEqual(all.slice(2));
});

it.each([
  ["neighbor 10.0.0.1 timers 1 3", "no neighbor yet"],
  ["neighbor 10.0.0.1 peer-group NOBODY", "no such group"],
  ["neighbor NOBODY remote-as 2", "neither group nor address"],
  ["neighbor 10.0.0.9 remote-as 7", "its group says it"],
  ["no neighbor 10.0.0.1", "no such neighbor"],
  ["bgp listen range 10.0.0.0/8 peer-group NOBODY", "no such group"],
])("FRR refuses it, and so it is told: %s (%s)", (line) => {
  const group = "neighbor G peer-group\nneighbor G remote-as 2\nneighbor 10.0.0.9 peer-group G";
  expect(taken(`router bgp 1\n${group}\n${line}`).unknown).toEqual([line]);
});

it("lists of both families may have one name, and `no` takes away the entry that it names", () => {
  const { config, unknown } = taken(
    [
      ...["ip prefix-list X seq 5 permit any", "ipv6 prefix-list X seq 5 permit any"],
      ...["ip prefix-list X permit 10.0.0.0/8 ge 16 le 24", "no ip prefix-list X seq 5"],
      ...["bgp community-list standard X permit 1:1", "bgp community-list standard X permit 1:2"],
      "no bgp community-list standard X permit 1:1",
    ].join("\n"),
  );
  expect(unknown).toEqual([]);
  expect(config.prefixLists.get("X")).toEqual([
    { sequence: 5, permit: "permit", prefix: "::/0", minLength: 0, maxLength: 128 },
    { sequence: 10, permit: "permit", prefix: "10.0.0.0/8", minLength: 16, maxLength: 24 },
  ]);
  expect(config.communityLists.get("X")).toMatchObject([{ value: ["1:2"] }]);
  expect(taken("ip prefix-list X permit 2001:db8::/32").unknown).toHaveLength(1);
});

it("what was written before `router bgp` is its profile, and a map of redistribute stays", () => {
  const { config } = taken(
    [
      ...["frr defaults datacenter", "router bgp 1", "redistribute connected route-map X"],
      ...["redistribute connected", "exit", "frr defaults traditional"],
    ].join("\n"),
  );
  expect(config.bgp).toMatchObject({
    profile: "datacenter",
    families: { ipv4: { redistribute: [{ from: "connected", routeMap: "X" }] } },
  });
});
