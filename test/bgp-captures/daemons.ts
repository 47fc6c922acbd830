// The five daemons: their configuration for the same peers, and how each is told to do something.
import type { RecordedPeer } from "./peers.ts";
import { daemon } from "./peers.ts";

export type Daemon = {
  name: string;
  /** Debian's package, which says the version. */
  package: string;
  /** Files to write into the daemon's folder before it starts. */
  files: (peers: readonly RecordedPeer[], folder: string) => Record<string, string>;
  argv: (folder: string) => string[];
  env?: (folder: string) => Record<string, string>;
  /** What the daemon is made to do over its session with a peer, as a shell command. */
  told: Record<
    "ask for the routes again" | "reset" | "shut down" | "withdraw",
    ((peer: RecordedPeer, folder: string) => string) | undefined
  >;
  /** Sessions and questions that are left out, and why. */
  leftOut?: Record<string, string>;
  /** It passes no routes on: what it sends is in its configuration. */
  hasNoTransit?: boolean;
};

const words = "planned work";

const frr: Daemon = {
  name: "frr",
  package: "frr",
  argv: (folder) => [
    "/usr/lib/frr/bgpd",
    ...["-Z", "-f", `${folder}/bgpd.conf`, "-i", `${folder}/bgpd.pid`],
    ...["--vty_socket", folder, "-A", "127.0.0.1", "-P", "0"],
  ],
  files: (peers) => ({
    "bgpd.conf": `hostname recorded
router bgp ${daemon.asn}
 bgp router-id ${daemon.ipv4}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp graceful-restart
 bgp long-lived-graceful-restart stale-time 300
${lines(peers, ({ address, asn, extendedNextHop }) => [
  ` neighbor ${address} remote-as ${asn}`,
  ` neighbor ${address} passive`,
  ...(extendedNextHop ? [` neighbor ${address} capability extended-nexthop`] : []),
])}
 address-family ipv4 unicast
${lines(peers, familyOfFrr)}
 exit-address-family
 address-family ipv6 unicast
${lines(
  peers.filter(({ ipv6 }) => ipv6),
  familyOfFrr,
)}
 exit-address-family
`,
  }),
  told: {
    "ask for the routes again": ({ address }, folder) =>
      `vtysh --vty_socket ${folder} -c "clear bgp ipv4 ${address} soft in"`,
    reset: ({ address }, folder) => `vtysh --vty_socket ${folder} -c "clear bgp ${address}"`,
    "shut down": ({ address }, folder) =>
      `vtysh --vty_socket ${folder} -c "configure terminal" -c "router bgp ${daemon.asn}" ` +
      `-c "neighbor ${address} shutdown message ${words}"`,
    withdraw: undefined,
  },
};

function familyOfFrr({ address, client, addPath }: RecordedPeer): string[] {
  return [
    `  neighbor ${address} activate`,
    ...(client ? [`  neighbor ${address} route-reflector-client`] : []),
    ...(addPath ? [`  neighbor ${address} addpath-tx-all-paths`] : []),
  ];
}

const bird: Daemon = {
  name: "bird",
  package: "bird2",
  argv: (folder) => [
    ...["bird", "-f", "-c", `${folder}/bird.conf`],
    ...["-s", `${folder}/bird.ctl`, "-P", `${folder}/bird.pid`],
  ],
  files: (peers) => ({
    "bird.conf": `router id ${daemon.ipv4};
protocol device { }
protocol direct { ipv4; ipv6; }
${lines(peers, (peer, i) => [
  `protocol bgp p${i} {`,
  `  local ${peer.address.includes(":") ? daemon.ipv6 : daemon.ipv4} as ${daemon.asn};`,
  `  neighbor ${peer.address} as ${peer.asn};`,
  `  passive;`,
  `  enable extended messages; graceful restart; long lived graceful restart; advertise hostname;`,
  ...(peer.client ? [`  rr client;`] : []),
  ...(peer.name === "all capabilities" ? [`  local role provider;`] : []),
  ...["ipv4", ...(peer.ipv6 ? ["ipv6"] : [])].map(
    (family) =>
      `  ${family} { import all; export where source = RTS_BGP;` +
      `${peer.addPath ? " add paths tx;" : ""}` +
      `${family === "ipv4" && peer.extendedNextHop ? " extended next hop;" : ""}` +
      `${family === "ipv6" && !peer.address.includes(":") ? ` next hop address ${daemon.ipv6};` : ""} };`,
  ),
  `}`,
])}
`,
  }),
  told: {
    "ask for the routes again": (peer, folder) => birdc(folder, `reload in p${peerIndex(peer)}`),
    reset: (peer, folder) => birdc(folder, `restart p${peerIndex(peer)} \\"${words}\\"`),
    "shut down": (peer, folder) => birdc(folder, `disable p${peerIndex(peer)} \\"${words}\\"`),
    withdraw: undefined,
  },
};

function birdc(folder: string, command: string): string {
  return `birdc -s ${folder}/bird.ctl "${command}"`;
}

const gobgp: Daemon = {
  name: "gobgp",
  package: "gobgpd",
  leftOut: { "unknown message type": "gobgpd 3.10 ends with a nil pointer dereference" },
  argv: (folder) => [
    ...["gobgpd", "-f", `${folder}/gobgpd.toml`, "--pprof-disable"],
    ...["--api-hosts", `unix://${folder}/gobgp.sock`, "-l", "error"],
  ],
  files: (peers) => ({
    "gobgpd.toml": `[global.config]
  as = ${daemon.asn}
  router-id = "${daemon.ipv4}"
  local-address-list = ["${daemon.ipv4}", "${daemon.ipv6}"]
${lines(peers, (peer) => [
  `[[neighbors]]`,
  `  [neighbors.config]`,
  `    neighbor-address = "${peer.address}"`,
  `    peer-as = ${peer.asn}`,
  `  [neighbors.transport.config]`,
  `    passive-mode = true`,
  `  [neighbors.graceful-restart.config]`,
  `    enabled = true`,
  `    restart-time = 120`,
  `    notification-enabled = true`,
  `    long-lived-enabled = true`,
  ...(peer.client
    ? [
        `  [neighbors.route-reflector.config]`,
        `    route-reflector-client = true`,
        `    route-reflector-cluster-id = "${daemon.ipv4}"`,
      ]
    : []),
  ...["ipv4-unicast", ...(peer.ipv6 ? ["ipv6-unicast"] : [])].flatMap((family) => [
    `  [[neighbors.afi-safis]]`,
    `    [neighbors.afi-safis.config]`,
    `      afi-safi-name = "${family}"`,
    `    [neighbors.afi-safis.mp-graceful-restart.config]`,
    `      enabled = true`,
    `    [neighbors.afi-safis.long-lived-graceful-restart.config]`,
    `      enabled = true`,
    `      restart-time = 300`,
    ...(peer.addPath
      ? [`    [neighbors.afi-safis.add-paths.config]`, `      receive = true`, `      send-max = 8`]
      : []),
  ]),
])}
`,
  }),
  told: {
    // It keeps what it received and never asks.
    "ask for the routes again": undefined,
    reset: ({ address }, folder) =>
      `gobgp --target unix:${folder}/gobgp.sock neighbor ${address} reset "${words}"`,
    "shut down": ({ address }, folder) =>
      `gobgp --target unix:${folder}/gobgp.sock neighbor ${address} shutdown "${words}"`,
    withdraw: undefined,
  },
};

const exabgp: Daemon = {
  name: "exabgp",
  package: "exabgp",
  hasNoTransit: true,
  leftOut: {
    "asked for its IPv4 routes again": "ExaBGP 4.2 then says nothing more in that session",
  },
  argv: (folder) => ["exabgp", `${folder}/exabgp.conf`],
  env: () => ({
    "exabgp.daemon.user": "root",
    "exabgp.daemon.drop": "false",
    "exabgp.tcp.bind": `${daemon.ipv4} ${daemon.ipv6}`,
    "exabgp.tcp.port": "179",
    "exabgp.log.all": "false",
    "exabgp.api.cli": "false",
    "exabgp.api.ack": "false",
  }),
  files: (peers) => ({
    commands: "",
    "exabgp.conf": `process told {
  run /usr/bin/tail -n +1 -f /run/recorded/commands;
  encoder text;
}
${lines(peers, (peer) => [
  `neighbor ${peer.address} {`,
  `  router-id ${daemon.ipv4};`,
  `  local-address ${peer.address.includes(":") ? daemon.ipv6 : daemon.ipv4};`,
  `  local-as ${daemon.asn};`,
  `  peer-as ${peer.asn};`,
  `  passive true;`,
  `  host-name recorded;`,
  `  capability { asn4 enable; route-refresh enable; graceful-restart 120; extended-message enable;`,
  `    ${peer.addPath ? "add-path send/receive;" : ""} ${peer.extendedNextHop ? "nexthop enable;" : ""} }`,
  `  family { ipv4 unicast; ${peer.ipv6 ? "ipv6 unicast;" : ""} }`,
  ...(peer.extendedNextHop ? [`  nexthop { ipv4 unicast ipv6; }`] : []),
  `  api { processes [ told ]; }`,
  ...(peer.error ? [] : [`  static {`, ...staticRoutes(peer), `  }`]),
  `}`,
])}
`,
  }),
  told: {
    "ask for the routes again": ({ address }) =>
      say(`neighbor ${address} announce route-refresh ipv4 unicast`),
    reset: ({ address }) => say(`neighbor ${address} teardown 4`),
    "shut down": ({ address }) => say(`neighbor ${address} teardown 2`),
    withdraw: ({ address }) =>
      [
        say(`neighbor ${address} withdraw route 203.0.113.0/24 next-hop 10.0.0.5`),
        say(`neighbor ${address} withdraw route 2001:db8:2::/47 next-hop fd00::5`),
      ].join("; "),
  },
};

function say(command: string): string {
  return `echo "${command}" >> /run/recorded/commands`;
}

function staticRoutes({ asn, addPath, address }: RecordedPeer): string[] {
  const internal = asn === daemon.asn;
  const own = internal ? "" : `${daemon.asn} `;
  const all =
    "origin egp aggregator ( 4200000001:10.0.0.5 ) atomic-aggregate " +
    "community [ 65030:100 65030:200 ] large-community [ 65030:1:2 4200000001:3:4 ] " +
    "extended-community [ target:65030:5 origin:65030:6 ] attribute [ 0x63 0xe0 0x010203 ]" +
    (internal ? " med 50 local-preference 100" : "");
  const path = `as-path [ ${own}65030 4200000001 ]`;
  const nextHop = address.includes(":") ? "fd00::5" : "10.0.0.5";
  const number = (id: number) => (addPath ? ` path-information 0.0.0.${id}` : "");
  return [
    `    route 203.0.113.0/24 next-hop ${nextHop} ${path} ${all}${number(1)};`,
    `    route 198.51.100.0/25 next-hop ${nextHop} origin incomplete as-path [ ${own}65030 ]${number(1)};`,
    `    route 192.0.2.0/24 next-hop ${nextHop} origin igp as-path [ ${own}65030 ]${number(1)};`,
    ...(addPath
      ? [`    route 192.0.2.0/24 next-hop 10.0.0.6 origin igp as-path [ ${own}65040 ]${number(2)};`]
      : []),
    `    route 2001:db8:1::/48 next-hop fd00::5 ${path} ${all}${number(1)};`,
    `    route 2001:db8:2::/47 next-hop fd00::5 origin igp as-path [ ${own}65030 ]${number(1)};`,
    ...(internal
      ? [
          `    route 192.0.2.128/25 next-hop 10.0.0.8 origin igp med 20 local-preference 150 ` +
            `originator-id 10.0.9.8 cluster-list [ 10.0.0.1 ];`,
        ]
      : []),
  ];
}

const openbgpd: Daemon = {
  name: "openbgpd",
  package: "openbgpd",
  argv: (folder) => ["/usr/sbin/bgpd", "-d", "-f", `${folder}/bgpd.conf`],
  files: (peers, folder) => ({
    "bgpd.conf": `AS ${daemon.asn}
router-id ${daemon.ipv4}
listen on ${daemon.ipv4}
listen on ${daemon.ipv6}
fib-update no
socket "${folder}/bgpd.sock"
${lines(peers, (peer) => [
  `neighbor ${peer.address} {`,
  `  remote-as ${peer.asn}`,
  `  passive`,
  `  announce IPv4 unicast`,
  `  announce IPv6 ${peer.ipv6 ? "unicast" : "none"}`,
  `  announce enhanced refresh yes`,
  ...(peer.name === "all capabilities" ? [`  announce policy provider`] : []),
  ...(peer.addPath ? [`  announce add-path send all`] : []),
  ...(peer.client ? [`  route-reflector`] : []),
  `}`,
])}
allow from any
allow to any
`,
  }),
  told: {
    "ask for the routes again": ({ address }, folder) => bgpctl(folder, `${address} refresh`),
    reset: ({ address }, folder) => bgpctl(folder, `${address} clear "${words}"`),
    "shut down": ({ address }, folder) => bgpctl(folder, `${address} down "${words}"`),
    withdraw: undefined,
  },
};

function bgpctl(folder: string, command: string): string {
  return `bgpctl -s ${folder}/bgpd.sock neighbor ${command}`;
}

export const daemons: readonly Daemon[] = [frr, bird, gobgp, exabgp, openbgpd];

let indices = new Map<string, number>();

/** BIRD's protocols have names and no addresses. */
function peerIndex({ address }: RecordedPeer): number {
  return indices.get(address)!;
}

function lines(
  peers: readonly RecordedPeer[],
  of: (peer: RecordedPeer, index: number) => string[],
): string {
  indices = new Map(peers.map(({ address }, i) => [address, i]));
  return peers.flatMap((peer, i) => of(peer, i)).join("\n");
}
