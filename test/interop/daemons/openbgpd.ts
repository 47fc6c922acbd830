import type { Daemon, Sandbox } from "../sandbox.ts";
import {
  type BgpDaemon,
  communityInFigures,
  type DaemonConfig,
  type Neighbor,
  type OwnRoute,
  type RunningDaemon,
  type SeenPath,
} from "./daemon.ts";

const control = "/run/openbgpd/bgpd.sock";

/** OpenBGPD, portable. */
export const openbgpd: BgpDaemon = {
  name: "OpenBGPD",
  package: "openbgpd",
  passesOn: true,
  lacks: {
    unnumbered: { why: "it has no unnumbered peers" },
    "bfd-ipv4": { why: "it has no BFD" },
    "bfd-ipv6": { why: "it has no BFD" },
    "ipv4-over-ipv6": { why: "it has no RFC 8950", capability: 5 },
    "daemon-restarts": {
      why: "of graceful restart it announces the End-of-RIB marker alone (bgpd.conf(5), `announce restart`)",
    },
    "extended-message-to-daemon": { why: "it has no RFC 8654", capability: 6 },
    "extended-message-to-spinelab": { why: "it has no RFC 8654", capability: 6 },
  },
  async version(sandbox) {
    const text = await sandbox.run("sh", "-c", "bgpctl -V 2>&1");
    return /(\d+(\.\d+)+)/.exec(text)![1]!;
  },
  async start(sandbox, config) {
    sandbox.folder("/run/openbgpd");
    sandbox.write("/run/bgpd.conf", configText(config), 0o600);
    const bgpd = await sandbox.spawn(["/usr/sbin/bgpd", "-d", "-v", "-f", "/run/bgpd.conf"]);
    await bgpd.answers(() => bgpctl(sandbox, "show"));
    return running(sandbox, bgpd);
  },
};

function running(sandbox: Sandbox, bgpd: Daemon): RunningDaemon {
  const json = async <T>(...command: string[]) =>
    JSON.parse(await bgpctl(sandbox, "-j", ...command)) as T;
  const neighborState = async (address: string) => {
    const { neighbors } = await json<{ neighbors: NeighborJson[] }>("show", "neighbor", address);
    return neighbors[0]!;
  };
  return {
    process: bgpd,
    established: async (address) => (await neighborState(address)).state === "Established",
    about: async (address) => JSON.stringify(await neighborState(address)) + bgpd.log,
    received: async (address, family) => {
      // It counts prefixes of both families together.
      const of = family === "ipv4" ? "inet" : "inet6";
      const text = await bgpctl(sandbox, "show", "rib", of, "neighbor", address);
      return text.split("\n").filter((line) => /^\S*\s+\S*\s+\S+\/\d+ /.test(line)).length;
    },
    paths: async (prefix) => {
      const { rib = [] } = await json<{ rib?: PathJson[] }>("show", "rib", "detail", prefix);
      return rib.filter(({ source }) => source !== "announced").map(seenPath);
    },
    askRefresh: async (address) => {
      await bgpctl(sandbox, "neighbor", address, "refresh");
    },
    shutdown: async (address, words) => {
      await bgpctl(sandbox, "neighbor", address, "down", words);
    },
  };
}

function bgpctl(sandbox: Sandbox, ...command: string[]): Promise<string> {
  return sandbox.run("bgpctl", "-s", control, ...command);
}

type NeighborJson = { state: string };

type PathJson = {
  aspath: string;
  exit_nexthop: string;
  source: string;
  stale?: boolean;
  communities?: string[];
  large_communities?: string[];
  extended_communities?: string[];
};

function seenPath(path: PathJson): SeenPath {
  return {
    nextHop: path.exit_nexthop,
    asPath: path.aspath.split(" ").filter(Boolean).map(Number),
    communities: (path.communities ?? []).map(communityInFigures),
    largeCommunities: path.large_communities ?? [],
    extendedCommunities: (path.extended_communities ?? []).map((each) => each.replace(" ", ":")),
    stale: path.stale === true,
  };
}

function configText({ asn, routerId, neighbors, routes }: DaemonConfig): string {
  return [
    `AS ${asn}`,
    `router-id ${routerId}`,
    "fib-update no",
    `socket "${control}"`,
    "nexthop qualify via default",
    "connect-retry 1",
    ...routes.map((route) => `network ${route.prefix}${attributes(route)}`),
    ...neighbors.map(neighborText),
    "allow from any",
    "allow to any",
    "",
  ].join("\n");
}

function attributes(route: OwnRoute): string {
  const set = [
    ...(route.communities ?? []).map((each) => `community ${each}`),
    ...(route.largeCommunities ?? []).map((each) => `large-community ${each}`),
    ...(route.routeTargets ?? []).map((each) => `ext-community rt ${each}`),
    ...(route.prepends === undefined ? [] : [`prepend-self ${route.prepends}`]),
  ];
  return set.length === 0 ? "" : ` set { ${set.join(", ")} }`;
}

function neighborText(neighbor: Neighbor): string {
  const { families, role, maximumPrefix, holdTimeSeconds: hold } = neighbor;
  const yes = (is: boolean) => (is ? "yes" : "no");
  return [
    `neighbor ${neighbor.address} {`,
    `  remote-as ${neighbor.asn}`,
    `  local-address ${neighbor.localAddress}`,
    `  announce IPv4 ${families.includes("ipv4") ? "unicast" : "none"}`,
    `  announce IPv6 ${families.includes("ipv6") ? "unicast" : "none"}`,
    "  announce enhanced refresh yes",
    hold !== undefined && `  holdtime ${hold}`,
    neighbor.passive && "  passive",
    neighbor.password !== undefined && `  tcp md5sig password ${neighbor.password}`,
    neighbor.ttlSecurity && "  ttl-security yes",
    neighbor.fourOctetAsn === false && "  announce as-4byte no",
    neighbor.addPath && "  announce add-path recv yes",
    neighbor.addPath && "  announce add-path send all",
    `  announce restart ${yes(neighbor.gracefulRestartSeconds !== undefined)}`,
    role && `  announce policy ${role.name}${role.strict ? " enforce" : ""}`,
    maximumPrefix !== undefined && `  max-prefix ${maximumPrefix}`,
    "}",
  ]
    .filter((line) => typeof line === "string")
    .join("\n");
}
