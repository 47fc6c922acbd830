import {
  type BgpDaemon,
  communityInFigures,
  type DaemonConfig,
  familyOf,
  type Neighbor,
  type OwnRoute,
  type RunningDaemon,
  type SeenPath,
} from "./daemon.ts";
import type { Daemon, Sandbox } from "../sandbox.ts";

const zserv = "/run/frr/zserv.api";

/** FRR's bgpd, with a zebra that tells it of next hops. */
export const frr: BgpDaemon = {
  name: "FRR",
  package: "frr",
  passesOn: true,
  lacks: {},
  async version(sandbox) {
    const text = await sandbox.run("/usr/lib/frr/bgpd", "--version");
    return /version (\d+(\.\d+)*)/.exec(text)![1]!;
  },
  async start(sandbox, config) {
    sandbox.folder("/run/frr", "frr");
    sandbox.write("/run/frr/zebra.conf", "");
    sandbox.write("/run/frr/bgpd.conf", configText(config));
    const common = [
      "--vty_socket",
      "/run/frr",
      "-A",
      "127.0.0.1",
      "-P",
      "0",
      "--log",
      "stdout",
      "-z",
      zserv,
    ];
    const zebra = await sandbox.spawn([
      "/usr/lib/frr/zebra",
      ...common,
      "-f",
      "/run/frr/zebra.conf",
      "-i",
      "/run/frr/zebra.pid",
    ]);
    await zebra.answers(() => vtysh(sandbox, "show version", "-d", "zebra"));
    const bfdd = config.neighbors.some(({ bfd }) => bfd)
      ? [await sandbox.spawn(["/usr/lib/frr/bfdd", ...common, "-i", "/run/frr/bfdd.pid"])]
      : [];
    const bgpd = await sandbox.spawn([
      "/usr/lib/frr/bgpd",
      ...common,
      "-f",
      "/run/frr/bgpd.conf",
      "-i",
      "/run/frr/bgpd.pid",
    ]);
    await bgpd.answers(() => vtysh(sandbox, "show version", "-d", "bgpd"));
    return running(sandbox, config, { bgpd, helpers: [zebra, ...bfdd] });
  },
};

function running(
  sandbox: Sandbox,
  config: DaemonConfig,
  { bgpd, helpers }: { bgpd: Daemon; helpers: readonly Daemon[] },
): RunningDaemon {
  const show = async <T>(what: string) =>
    JSON.parse(await vtysh(sandbox, `show ${what} json`)) as T;
  const neighborState = async (neighbor: string) => {
    const all = await show<Record<string, NeighborJson>>(`bgp neighbors ${neighbor}`);
    return all[neighbor]!;
  };
  return {
    process: bgpd,
    helpers,
    established: async (neighbor) => (await neighborState(neighbor)).bgpState === "Established",
    about: async (neighbor) => JSON.stringify(await neighborState(neighbor)) + bgpd.log,
    received: async (neighbor, family) => {
      const { addressFamilyInfo } = await neighborState(neighbor);
      return addressFamilyInfo?.[`${family}Unicast`]?.acceptedPrefixCounter ?? 0;
    },
    paths: async (prefix) => {
      const { paths = [] } = await show<{ paths?: PathJson[] }>(
        `bgp ${familyOf(prefix)} unicast ${prefix}`,
      );
      return paths.filter(({ peer }) => peer.peerId !== "::").map(seenPath);
    },
    bfdUp: async (neighbor) => {
      const peers = await show<{ peer: string; status: string }[]>("bfd peers");
      return peers.some(({ peer, status }) => peer === neighbor && status === "up");
    },
    askRefresh: async (neighbor) => {
      await vtysh(sandbox, `clear bgp ${neighbor} soft in`);
    },
    shutdown: async (neighbor, words) => {
      await sandbox.run(
        ...["vtysh", "--vty_socket", "/run/frr", "-c", "configure terminal"],
        ...[
          "-c",
          `router bgp ${config.asn}`,
          "-c",
          `neighbor ${neighbor} shutdown message ${words}`,
        ],
      );
    },
  };
}

function vtysh(sandbox: Sandbox, command: string, ...flags: string[]): Promise<string> {
  return sandbox.run("vtysh", "--vty_socket", "/run/frr", ...flags, "-c", command);
}

type NeighborJson = {
  bgpState: string;
  addressFamilyInfo?: Record<string, { acceptedPrefixCounter?: number }>;
};

type PathJson = {
  aspath: { segments: { type: string; list: number[] }[] };
  community?: { list: string[] };
  largeCommunity?: { list: string[] };
  extendedCommunity?: { string: string };
  nexthops: { ip: string; scope?: string }[];
  peer: { peerId: string };
  stale?: boolean;
};

function seenPath(path: PathJson): SeenPath {
  return {
    nextHop: (path.nexthops.find(({ scope }) => scope !== "link-local") ?? path.nexthops[0]!).ip,
    asPath: path.aspath.segments.flatMap(({ list }) => list),
    communities: (path.community?.list ?? []).map((each) =>
      communityInFigures(wellKnownName(each)),
    ),
    largeCommunities: path.largeCommunity?.list ?? [],
    extendedCommunities: (path.extendedCommunity?.string ?? "")
      .split(" ")
      .filter((each) => each !== "")
      .map((each) => each.toLowerCase()),
    stale: path.stale === true,
  };
}

/** Its JSON has names of its own. */
function wellKnownName(text: string): string {
  return text.replaceAll(/([a-z])([A-Z])/g, "$1-$2");
}

function configText({ asn, routerId, neighbors, routes }: DaemonConfig): string {
  const restart = neighbors.find(
    ({ gracefulRestartSeconds }) => gracefulRestartSeconds !== undefined,
  );
  const withAttributes = routes.filter((route) => Object.keys(route).length > 1);
  const routesOf = (family: string) => routes.filter(({ prefix }) => familyOf(prefix) === family);
  const mapOf = (route: OwnRoute) => `own-${withAttributes.indexOf(route)}`;
  return lines([
    "hostname frr",
    "log stdout",
    `router bgp ${asn}`,
    ` bgp router-id ${routerId}`,
    " no bgp ebgp-requires-policy",
    " no bgp default ipv4-unicast",
    " no bgp network import-check",
    " bgp log-neighbor-changes",
    " coalesce-time 0",
    restart !== undefined && " bgp graceful-restart",
    restart !== undefined && " bgp graceful-restart preserve-fw-state",
    restart !== undefined && ` bgp graceful-restart restart-time ${restart.gracefulRestartSeconds}`,
    ...neighbors.flatMap(neighborLines),
    ...(["ipv4", "ipv6"] as const).flatMap((family) => [
      ` address-family ${family} unicast`,
      ...routesOf(family).map((route) =>
        withAttributes.includes(route)
          ? `  network ${route.prefix} route-map ${mapOf(route)}`
          : `  network ${route.prefix}`,
      ),
      ...neighbors
        .filter(({ families }) => families.includes(family))
        .flatMap(({ address, addPath, maximumPrefix }) => [
          `  neighbor ${address} activate`,
          addPath && `  neighbor ${address} addpath-tx-all-paths`,
          maximumPrefix !== undefined && `  neighbor ${address} maximum-prefix ${maximumPrefix}`,
        ]),
      " exit-address-family",
    ]),
    "exit",
    ...withAttributes.flatMap((route) => [
      ...communitySteps(route.communities ?? []).flatMap((some, step) => [
        `route-map ${mapOf(route)} permit ${step + 1}`,
        ` set community ${some.join(" ")} additive`,
        " on-match next",
        "exit",
      ]),
      `route-map ${mapOf(route)} permit 100`,
      route.largeCommunities && ` set large-community ${route.largeCommunities.join(" ")}`,
      route.routeTargets && ` set extcommunity rt ${route.routeTargets.join(" ")}`,
      route.prepends !== undefined &&
        ` set as-path prepend ${Array.from({ length: route.prepends }, () => asn).join(" ")}`,
      "exit",
    ]),
  ]);
}

/** A line of its configuration may have 4096 characters. */
function communitySteps(communities: readonly string[]): string[][] {
  const perStep = 250;
  const steps = Math.ceil(communities.length / perStep);
  return Array.from({ length: steps }, (_, step) =>
    communities.slice(step * perStep, (step + 1) * perStep),
  );
}

function neighborLines(neighbor: Neighbor): (string | false | undefined)[] {
  const { address, role } = neighbor;
  const hold = neighbor.holdTimeSeconds;
  const of = (text: string) => ` neighbor ${address} ${text}`;
  return [
    of(`${neighbor.interface === undefined ? "" : "interface "}remote-as ${neighbor.asn}`),
    of("timers connect 1"),
    hold !== undefined && of(`timers ${Math.floor(hold / 3)} ${hold}`),
    neighbor.passive && of("passive"),
    neighbor.password !== undefined && of(`password ${neighbor.password}`),
    neighbor.ttlSecurity && of("ttl-security hops 1"),
    neighbor.fourOctetAsn === false && of("dont-capability-negotiate"),
    neighbor.bfd && of("bfd"),
    neighbor.extendedNextHop && of("capability extended-nexthop"),
    role && of(`local-role ${role.name}${role.strict ? " strict-mode" : ""}`),
  ];
}

function lines(of: readonly (string | false | undefined)[]): string {
  return `${of.filter((line) => typeof line === "string").join("\n")}\n`;
}
