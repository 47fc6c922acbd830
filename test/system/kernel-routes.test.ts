import { appendFileSync, cpSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BgpNetwork } from "./bgp-network.ts";
import { repository, succeed, until } from "./spinelab.ts";

/**
 * Routes of BGP in the kernel: a node with two FRR neighbours, each on a link of its own, which announce
 * two prefixes both, and one each.
 */
let net: BgpNetwork;

const neighbours = [
  { name: "r1", asn: 65101, link: "10.9.1", link6: "fd09:1:", own: "10.1.0.0/24" },
  { name: "r2", asn: 65102, link: "10.9.2", link6: "fd09:2:", own: "10.2.0.0/24" },
];

const speaker = (more = "") => `
localAsn: 65001
routerId: 10.0.0.1
listenPort: 179
ebgpRequiresPolicy: false
maximumPaths: { external: 4, asPathRelax: true }
installRoutes: true
originate: [10.5.0.0/24]
peers:
${neighbours
  .map(
    ({ name, asn, link, link6 }) => `
  - { name: ${name}, address: ${link}.2, asn: ${asn}${more} }
  - { name: ${name}-v6, address: "${link6}:2", asn: ${asn}, families: [ipv6/unicast, ipv4/unicast]${more} }`,
  )
  .join("")}
`;

beforeEach(() => {
  net = new BgpNetwork();
  net.node("host");
  for (const [i, { name, link, link6 }] of neighbours.entries()) {
    net.node(name);
    net.link(`host:eth${i + 1}`, [`${link}.1/24`, `${link6}:1/64`], `${name}:eth1`, [
      `${link}.2/24`,
      `${link6}:2/64`,
    ]);
    // bgpd without zebra knows no links, and refuses link-local next hops.
    net.ip("host", `link set eth${i + 1} addrgenmode none`);
    net.ip("host", `-6 address flush dev eth${i + 1} scope link`);
  }
});

/** `more`: networks that are announced over the IPv6 session only. */
function startFrr(more = ""): void {
  for (const [i, { name, asn, link, link6, own }] of neighbours.entries()) {
    net.bgpd(
      name,
      `
router bgp ${asn}
 bgp router-id 10.0.0.1${i + 1}
 no bgp ebgp-requires-policy
 no bgp network import-check
 bgp graceful-restart
 neighbor ${link}.1 remote-as 65001
 neighbor ${link6}:1 remote-as 65001
 neighbor ${link6}:1 capability extended-nexthop
 address-family ipv4 unicast
  network 10.7.0.0/24
  network ${own}
  network 10.5.0.0/24
  network ${link}.0/24
  ${more}
  neighbor ${link}.1 route-map v4 out
  neighbor ${link6}:1 activate
  neighbor ${link6}:1 route-map v6-only out
 exit-address-family
 address-family ipv6 unicast
  neighbor ${link6}:1 activate
  network fd07::/64
 exit-address-family
ip prefix-list v6-only permit 10.66.0.0/24
route-map v4 deny 10
 match ip address prefix-list v6-only
route-map v4 permit 20
route-map v6-only permit 10
 match ip address prefix-list v6-only
`,
    );
  }
}

/** FRR says for its first two minutes that it restarts itself, and then nobody waits for its routes (RFC 4724 §4.1). */
function startSpeakers(): void {
  for (const [i, { name, asn, link, link6, own }] of neighbours.entries()) {
    net.speaker(
      name,
      `
localAsn: ${asn}
routerId: 10.0.0.1${i + 1}
listenPort: 179
ebgpRequiresPolicy: false
originate: [10.7.0.0/24, ${own}, 'fd07::/64']
peers:
  - { address: ${link}.1, asn: 65001, gracefulRestart: {} }
  - { address: '${link6}:1', asn: 65001, families: [ipv6/unicast], gracefulRestart: {} }
`,
    );
  }
}

test("routes are used as far as the kernel reaches their next hops, and rather those that it reaches cheaply", async () => {
  startFrr();
  const far = (name: string) => `importPolicy: [{ name: far, set: { nextHop: 10.77.${name}.1 } }]`;
  const config = speaker()
    .replace("installRoutes: true", "trackNextHops: true")
    .replace("maximumPaths", "maximumPaths: {}\n#")
    .replace("asn: 65101 }", `asn: 65101, ${far("1")} }`)
    .replace("asn: 65102 }", `asn: 65102, ${far("2")} }`);
  net.speaker("host", config);
  const explained = () => net.bgp("host", "explain", "10.7.0.0/24");
  await until("both are known and neither is used", () => {
    const text = explained();
    return (
      text.includes("10.77.1.1 cannot be reached") && text.includes("10.77.2.1 cannot be reached")
    );
  });
  net.ip("host", "route add 10.77.1.0/24 via 10.9.1.2 metric 50");
  await until("one is used", () => /from r1, .*: best/.test(explained()));
  net.ip("host", "route add 10.77.2.0/24 via 10.9.2.2 metric 10");
  await until("then the other, which costs less", () => /from r2, .*: best/.test(explained()));
  expect(explained()).toContain(
    "step lowest cost to the next hop (RFC 4271 §9.1.2.2 e): keeps r2, drops r1",
  );
  net.ip("host", "link set eth2 down");
  await until("and the first again when the link goes", () =>
    /from r1, .*: best/.test(explained()),
  );
  expect(installed()).toEqual([]);
});

test("a lab file switches it on for the agents of Kubernetes nodes", async () => {
  const name = `installs-${process.pid}`;
  const folder = join(net.folder, "labs");
  for (const part of ["labs/rack-spine", "topologies", "scenarios"]) {
    cpSync(join(repository, part), join(net.folder, part), { recursive: true });
  }
  const file = join(folder, "rack-spine/lab.yaml");
  appendFileSync(file, "installRoutes: true\n");
  await succeed("up", file, "--name", name);
  try {
    const routes = await until("the node's agent installs what it learns", async () => {
      const shown = await succeed("exec", "kind-worker", "--lab", name, "--", "ip", "route");
      return shown.includes("10.1.3.0/24 via 10.0.2.1") && shown;
    });
    // By way of the next hop's own route: the router's loopback is not on the node's link.
    expect(routes).toContain("10.1.3.0/24 via 10.0.2.1 dev net0 proto 179 metric 20");
  } finally {
    await succeed("down", name);
  }
});

afterEach(async () => {
  await net[Symbol.asyncDispose]();
});

/** `10.7.0.0/24 via …`, without what is not of interest. */
function installed(family: "-4" | "-6" = "-4", table = "main"): string[] {
  type Hop = { gateway?: string; via?: { host: string }; dev: string };
  type Route = Hop & { dst: string; metric: number; nexthops?: Hop[] };
  const all = net.ip("host", `-j ${family} route show table ${table} proto 179`);
  const hop = ({ gateway, via, dev }: Hop) => `${gateway ?? via?.host} ${dev}`;
  return (JSON.parse(all) as Route[])
    .map(({ dst, nexthops, ...of }) => [dst, ...(nexthops ?? [of]).map(hop).toSorted()].join(", "))
    .toSorted();
}

const all = [
  "10.1.0.0/24, 10.9.1.2 eth1",
  "10.2.0.0/24, 10.9.2.2 eth2",
  "10.7.0.0/24, 10.9.1.2 eth1, 10.9.2.2 eth2",
];
const all6 = ["fd07::/64, fd09:1::2 eth1, fd09:2::2 eth2"];

const same = (expected: string[], read: () => string[]) => () => {
  const seen = read();
  if (seen.join("\n") !== expected.join("\n")) throw new Error(seen.join(" | "));
  return true;
};
const allInstalled = async (what: string) => {
  await until(what, same(all, installed));
  await until(
    what,
    same(all6, () => installed("-6")),
  );
};

test("routes over several next hops, IPv4 and IPv6; own and connected prefixes are left out; all go on exit", async () => {
  startFrr();
  const process = net.speaker("host", speaker());
  await allInstalled("routes are installed");
  expect(net.ip("host", "route get 10.1.0.7")).toContain("via 10.9.1.2 dev eth1");
  expect(net.ip("host", "route show 10.7.0.0/24")).toContain("metric 20");
  net.ip("host", "link set eth1 down");
  await until(
    "over the other link",
    () => installed().join() === [all[1], "10.7.0.0/24, 10.9.2.2 eth2"].join(),
  );
  net.ip("host", "link set eth1 up");
  net.ip("host", "address add fd09:1::1/64 dev eth1 nodad");
  await allInstalled("and over both again");
  net.vtysh("r1", "clear bgp *");
  await allInstalled("after a reset of one side");
  await process.end("SIGTERM");
  expect([...installed(), ...installed("-6")]).toEqual([]);
  expect(net.ip("host", "route show 10.9.1.0/24")).toContain("proto kernel");
});

test("after kill -9 routes stay, the next process takes them over and sweeps what is gone", async () => {
  startSpeakers();
  const first = net.speaker("host", speaker(", gracefulRestart: {}"));
  await allInstalled("routes are installed");
  await first.end("SIGKILL");
  await same(all, installed)();
  // Left from then: of a prefix that nobody announces any more.
  net.ip("host", "route add 10.99.0.0/24 via 10.9.1.2 proto 179 metric 20");
  const seen = new Set<string>();
  const second = net.speaker("host", speaker(", gracefulRestart: {}"));
  await until("the left-over is swept", () => {
    const now = installed();
    for (const route of all) if (!now.includes(route)) seen.add(route);
    return now.join() === all.join();
  });
  expect([...seen]).toEqual([]);
  await same(all6, () => installed("-6"))();
  // Peers that restart gracefully count on what is installed.
  await second.end("SIGTERM");
  await same(all, installed)();
});

test("routes of others stay as they are, and what the kernel refuses is told by name", async () => {
  net.ip("host", "route add 10.1.0.0/24 via 10.9.2.2 metric 20 proto static");
  net.ip("host", "route add 10.2.0.0/24 via 10.9.1.2 metric 50 proto static");
  net.ip("host", "route add 10.98.0.0/24 via 10.9.1.2 metric 20 proto bird");
  const others = () =>
    net.ip("host", "route show proto static") + net.ip("host", "route show proto bird");
  const before = others();
  startFrr();
  const process = net.speaker("host", speaker());
  await until("the rest is installed", same(all.slice(1), installed));
  await until("the refusal is told", () =>
    process.log.includes(
      "does not take the route to 10.1.0.0/24: EEXIST, table 254 has one of somebody else's",
    ),
  );
  expect(others()).toBe(before);
  net.ip("host", "route del 10.1.0.0/24 proto static");
  await until("its place is free", same(all, installed));
  await process.end("SIGTERM");
  expect(installed()).toEqual([]);
  expect(net.ip("host", "route show 10.2.0.0/24")).toContain("proto static");
});

test("IPv4 over IPv6 next hops, in a table of its own, at its own metric", async () => {
  startFrr("network 10.66.0.0/24");
  const process = net.speaker(
    "host",
    speaker().replace("installRoutes: true", "installRoutes: { table: 1000, metric: 77 }"),
  );
  await until("installed by way of IPv6", () =>
    installed("-4", "1000").includes("10.66.0.0/24, fd09:1::2 eth1, fd09:2::2 eth2"),
  );
  expect(installed()).toEqual([]);
  expect(net.ip("host", "route show table 1000 10.66.0.0/24")).toContain("proto 179 metric 77");
  await process.end("SIGTERM");
  expect(installed("-4", "1000")).toEqual([]);
});
