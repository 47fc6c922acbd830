import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BgpNetwork } from "./bgp-network.ts";
import { until } from "./spinelab.ts";

/** A speaker between two FRR routers tells a BMP station that is not ours, and tshark reads along. */
let net: BgpNetwork;

beforeEach(() => {
  net = new BgpNetwork();
  net.node("host");
  net.node("r1");
  net.link("host:eth1", ["10.9.1.1/24", "fd09:1::1/64"], "r1:eth1", [
    "10.9.1.2/24",
    "fd09:1::2/64",
  ]);
  net.bgpd(
    "r1",
    `
router bgp 65101
 bgp router-id 10.0.0.11
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.9.1.1 remote-as 65001
 neighbor fd09:1::1 remote-as 65001
 address-family ipv4 unicast
  network 10.1.0.0/24
  network 10.2.0.0/24
 exit-address-family
 address-family ipv6 unicast
  neighbor fd09:1::1 activate
  network fd07::/64
 exit-address-family
`,
  );
});

afterEach(async () => {
  await net[Symbol.asyncDispose]();
});

const speaker = (ribs: string) => `
localAsn: 65001
routerId: 10.0.0.1
hostname: watched
originate: [10.5.0.0/24]
bmp:
  stations: [{ address: 127.0.0.1, port: 11019, minRetrySeconds: 1 }]
  statisticsIntervalSeconds: 1
  ribs: [${ribs}]
peers:
  - name: r1
    address: 10.9.1.2
    asn: 65101
    importPolicy: [{ name: some, prefixes: [10.1.0.0/24], set: { localPref: 300 } }]
    exportPolicy: [{ name: all }]
  - { name: r1-v6, address: 'fd09:1::2', asn: 65101, families: [ipv6/unicast], importPolicy: accept, exportPolicy: [] }
`;

/** pmacct's collector writes a line of JSON for what it hears. */
type Heard = {
  event_type: string;
  bmp_msg_type?: string;
  log_type?: string;
  peer_ip?: string;
  ip_prefix?: string;
  local_pref?: number;
  is_post?: number;
  is_loc?: number;
  rd?: string;
  bmp_init_info_sysname?: string;
};

test("sessions, routes before and after policy, and the loc-rib, as pmacct and tshark read them", async () => {
  const log = join(net.folder, "pmbmpd.json");
  const config = net.write(
    "pmbmpd.conf",
    `bmp_daemon_ip: 127.0.0.1\nbmp_daemon_port: 11019\nbmp_daemon_msglog_file: ${log}\nbmp_daemon_max_peers: 4\n`,
  );
  const capture = join(net.folder, "capture");
  mkdirSync(capture, { mode: 0o777 });
  const pcap = join(capture, "bmp.pcap");
  const tshark = net.spawn(
    "host",
    "tshark",
    "tshark",
    "-q",
    "-i",
    "lo",
    "-f",
    "tcp port 11019",
    "-w",
    pcap,
  );
  await until("tshark captures", () => existsSync(pcap));
  net.spawn("host", "pmbmpd", "pmbmpd", "-f", config);
  await until("pmbmpd listens", () => net.exec("host", "ss", "-tln").includes(":11019"));
  const process = net.speaker("host", speaker("pre-policy, post-policy, loc-rib"));
  const heard = () =>
    (existsSync(log) ? readFileSync(log, "utf8").split("\n") : [])
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Heard);
  const routes = (of: (one: Heard) => unknown) =>
    new Set(
      heard()
        .filter((one) => one.ip_prefix !== undefined && of(one))
        .map((one) => `${one.log_type} ${one.ip_prefix}`),
    );
  await until("the station has heard of the IPv6 routes", () =>
    [...routes(() => true)].some((one) => one.includes("fd07::/64")),
  );
  await until("and of IPv4 before policy, after it, and used", () => {
    const seen = [
      routes((one) => !one.is_post && !one.is_loc),
      routes((one) => one.is_post),
      routes((one) => one.is_loc),
    ];
    if (!seen[0]!.has("update 10.2.0.0/24") || !seen[1]!.has("update 10.1.0.0/24"))
      throw new Error(JSON.stringify(seen.map((each) => [...each])));
    return true;
  });
  net.vtysh(
    "r1",
    "configure terminal\nrouter bgp 65101\naddress-family ipv4 unicast\nno network 10.1.0.0/24",
  );
  await until("a withdrawal arrives", () => routes(() => true).has("withdraw 10.1.0.0/24"));
  await process.end("SIGTERM");
  const types = () =>
    // pmacct's own doings have no type.
    new Set(heard().flatMap(({ bmp_msg_type: type }) => (type === undefined ? [] : [type])));
  await until("and the end", () => types().has("term"));
  expect([...types()].toSorted()).toEqual([
    "init",
    "peer_down",
    "peer_up",
    "route_monitor",
    "stats",
    "term",
  ]);

  const read = (...fields: string[]) =>
    net.exec(
      "host",
      "tshark",
      "-r",
      pcap,
      "-d",
      "tcp.port==11019,bmp",
      "-Y",
      "bmp",
      "-T",
      "fields",
      ...fields.flatMap((field) => ["-e", field]),
    );
  // Route Monitoring, Statistics, Peer Down, Peer Up, Initiation, Termination.
  await until("tshark has read all six types", () => {
    const kinds = new Set(read("bmp.type").trim().split(/[\n,]/));
    if ([...kinds].toSorted().join() !== "0,1,2,3,4,5") throw new Error([...kinds].join());
    return true;
  });
  await tshark.end("SIGINT");
  const prefixes = read("bgp.nlri_prefix", "bgp.withdrawn_prefix", "bgp.mp_reach_nlri_ipv6_prefix");
  for (const prefix of ["10.1.0.0", "10.2.0.0", "10.5.0.0", "fd07::"])
    expect(prefixes).toContain(prefix);
  expect(read("bgp.update.path_attribute.local_pref")).toContain("300");
  // Its dissector does not know the words after the OPENs of a Peer Up (RFC 7854 §4.10), which the loc-rib's has.
  const faults = net.exec(
    "host",
    "tshark",
    "-r",
    pcap,
    "-d",
    "tcp.port==11019,bmp",
    "-Y",
    "_ws.malformed || _ws.expert.severity >= 0x600000",
  );
  expect(faults.trim().split("\n")).toHaveLength(1);
});
