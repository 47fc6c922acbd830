import { join } from "node:path";
import { expect, test } from "vitest";
import { BgpNetwork } from "./bgp-network.ts";
import { until } from "./spinelab.ts";

test("bgpdump reads what `bgp dump` writes: every route, from whom, and when it came", async () => {
  await using net = new BgpNetwork();
  net.node("host");
  net.node("r1");
  net.link("host:eth1", ["10.9.1.1/24", "fd09:1::1/64"], "r1:eth1", [
    "10.9.1.2/24",
    "fd09:1::2/64",
  ]);
  net.bgpd(
    "r1",
    `
router bgp 4200000001
 bgp router-id 10.0.0.11
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.9.1.1 remote-as 65001
 neighbor fd09:1::1 remote-as 65001
 address-family ipv4 unicast
  network 10.1.0.0/24 route-map tagged
 exit-address-family
 address-family ipv6 unicast
  neighbor fd09:1::1 activate
  network fd07::/64
 exit-address-family
route-map tagged permit 10
 set community 65101:7
 set metric 9
`,
  );
  const beganSeconds = Math.floor(Date.now() / 1000);
  net.speaker(
    "host",
    `
localAsn: 65001
routerId: 10.0.0.1
ebgpRequiresPolicy: false
originate: [10.5.0.0/24]
peers:
  - { address: 10.9.1.2, asn: external, exportPolicy: [] }
  - { address: 'fd09:1::2', asn: external, families: [ipv6/unicast], importPolicy: reject }
`,
  );
  const file = join(net.folder, "rib.mrt");
  const received = (...family: string[]) => net.bgp("host", "routes", "received", ...family);
  await until(
    "the routes are there",
    () => received().includes("10.1.0.0/24") && received("ipv6", "unicast").includes("fd07::/64"),
    60_000,
  );
  const cameSeconds = Math.ceil(Date.now() / 1000);
  // So that a time of the dump would be another.
  await until("time has passed", () => Date.now() / 1000 > cameSeconds + 2);
  net.bgp("host", "dump", file);
  const lines = net.exec("host", "bgpdump", "-m", file).trim().split("\n");
  const rows = lines.map((line) => line.split("|"));
  const shown = rows.map(([, , , from, asn, prefix, path, origin, nextHop, , med, community]) =>
    [from, asn, prefix, path, origin, nextHop, med, community].join(" "),
  );
  expect(shown.toSorted()).toEqual([
    "0.0.0.0 0 10.5.0.0/24  IGP 0.0.0.0 0 ",
    "10.9.1.2 4200000001 10.1.0.0/24 4200000001 IGP 10.9.1.2 9 65101:7",
    "fd09:1::2 4200000001 fd07::/64 4200000001 IGP fd09:1::2 0 ",
  ]);
  // Its lines have the time of the dump only; its other form has that of each route, in the zone of the environment.
  const long = net.exec("host", "env", "TZ=UTC", "bgpdump", file);
  const times = [...long.matchAll(/^ORIGINATED: (\d+)\/(\d+)\/(\d+) (.*)$/gm)].map(
    ([, month, day, year, time]) => Date.parse(`20${year}-${month}-${day}T${time}Z`) / 1000,
  );
  expect(times).toHaveLength(3);
  for (const seconds of times) {
    expect(seconds).toBeGreaterThanOrEqual(beganSeconds - 1);
    expect(seconds).toBeLessThanOrEqual(cameSeconds);
  }
});
