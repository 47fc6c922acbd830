/** One situation as each speaker's configuration says it: external peers that need no policy, some of which are sent marked routes only. */
export const speaker = { address: "10.77.0.1", asn: 65000 };
/** 65535:99, high and low half. */
export const mark = [65535, 99] as const;

export type Setup = {
  /** Empty, and the daemon's own. */
  dir: string;
  /** `gets`: what it is sent. */
  peers: readonly { address: string; asn: number; gets: "everything" | "marked" }[];
  /** Prefixes that it originates. */
  own?: readonly string[];
  /** It dials; else it waits to be called. */
  dials?: boolean;
};

const { address, asn } = speaker;
const marked = mark.join(":");

export function spinelab({ peers, own = [], dials = false }: Setup): string {
  const policies = {
    everything: [{ name: "all", action: "accept" }],
    marked: [{ name: "marked", action: "accept", match: { communities: { any: [marked] } } }],
  };
  // JSON is YAML.
  return JSON.stringify({
    localAsn: asn,
    routerId: address,
    listenPort: 179,
    originate: own,
    peers: peers.map((peer) => ({
      name: peer.address,
      address: peer.address,
      asn: peer.asn,
      passive: !dials,
      importPolicy: [{ name: "all", action: "accept" }],
      exportPolicy: policies[peer.gets],
    })),
  });
}

export function bird({ peers, own = [], dials = false }: Setup): string {
  return `router id ${address};
log stderr { error, fatal };
protocol device { scan time 600; }
protocol static own { ipv4; ${own.map((prefix) => `route ${prefix} blackhole;`).join(" ")} }
filter marked { if (${mark.join(",")}) ~ bgp_community then accept; reject; }
${peers
  .map(
    (peer, i) => `protocol bgp p${i} {
  local ${address} as ${asn}; neighbor ${peer.address} as ${peer.asn};
  ${dials ? "connect delay time 1;" : "passive on;"}
  ipv4 { import all; export ${peer.gets === "marked" ? "filter marked" : "all"}; next hop self; };
}`,
  )
  .join("\n")}
`;
}

export function frr({ peers, own = [], dials = false }: Setup): string {
  return `router bgp ${asn}
 bgp router-id ${address}
 no bgp ebgp-requires-policy
 no bgp network import-check
${peers
  .map((peer) =>
    [
      ` neighbor ${peer.address} remote-as ${peer.asn}`,
      ` neighbor ${peer.address} advertisement-interval 0`,
      ...(dials ? [] : [` neighbor ${peer.address} passive`]),
    ].join("\n"),
  )
  .join("\n")}
 address-family ipv4 unicast
${own.map((prefix) => `  network ${prefix}`).join("\n")}
${peers
  .filter(({ gets }) => gets === "marked")
  .map((peer) => `  neighbor ${peer.address} route-map MARKED out`)
  .join("\n")}
 exit-address-family
!
bgp community-list standard MARKED permit ${marked}
route-map MARKED permit 10
 match community MARKED
`;
}

export function gobgp({ peers, dials = false }: Setup): string {
  const some = peers.filter(({ gets }) => gets === "marked");
  return `[global.config]
as = ${asn}
router-id = "${address}"
local-address-list = ["${address}"]
${
  some.length === 0
    ? ""
    : `[global.apply-policy.config]
export-policy-list = ["marked"]
default-export-policy = "accept-route"
`
}${peers
    .map(
      (peer) => `[[neighbors]]
[neighbors.config]
neighbor-address = "${peer.address}"
peer-as = ${peer.asn}
[neighbors.transport.config]
passive-mode = ${!dials}
`,
    )
    .join("")}${
    some.length === 0
      ? ""
      : `[[defined-sets.neighbor-sets]]
neighbor-set-name = "some"
neighbor-info-list = [${some.map((peer) => `"${peer.address}/32"`).join(", ")}]
[[defined-sets.bgp-defined-sets.community-sets]]
community-set-name = "mark"
community-list = ["${marked}"]
[[policy-definitions]]
name = "marked"
[[policy-definitions.statements]]
name = "others"
[policy-definitions.statements.conditions.match-neighbor-set]
neighbor-set = "some"
match-set-options = "any"
[policy-definitions.statements.conditions.bgp-conditions.match-community-set]
community-set = "mark"
match-set-options = "invert"
[policy-definitions.statements.actions]
route-disposition = "reject-route"
`
  }`;
}

export function openbgpd({ dir, peers, own = [], dials = false }: Setup): string {
  return `AS ${asn}
router-id ${address}
listen on ${address}
fib-update no
socket "${dir}/bgpd.sock"
${own.map((prefix) => `network ${prefix}`).join("\n")}
${peers
  .map(
    (peer) => `neighbor ${peer.address} {
  remote-as ${peer.asn}
  ${dials ? "" : "passive"}
}`,
  )
  .join("\n")}
allow from any
allow to any
${peers
  .filter(({ gets }) => gets === "marked")
  .map((peer) => `deny to ${peer.address}\nallow to ${peer.address} community ${marked}`)
  .join("\n")}
`;
}

export function exabgp({ peers, own = [] }: Setup): string {
  return peers
    .map(
      (peer) => `neighbor ${peer.address} {
  router-id ${address};
  local-address ${address};
  local-as ${asn};
  peer-as ${peer.asn};
  static { ${own.map((prefix) => `route ${prefix} next-hop self;`).join(" ")} }
}`,
    )
    .join("\n");
}
