import { writeFileSync } from "node:fs";
import type { PathAttributes } from "../../../src/bgp/wire/message.ts";
import { encodePeerIndexTable, encodeRibEntry } from "../../../src/bgp/wire/mrt.ts";
import { address } from "../../../src/net/address.ts";
import { prefix } from "../../../src/net/prefix.ts";
import type { Daemon, Sandbox } from "../sandbox.ts";
import {
  type BgpDaemon,
  type DaemonConfig,
  familyOf,
  type Neighbor,
  type OwnRoute,
  type RunningDaemon,
  type SeenPath,
} from "./daemon.ts";

/** GoBGP's daemon; without a kernel's routing table, so next hops need no route. */
export const gobgp: BgpDaemon = {
  name: "GoBGP",
  package: "gobgpd",
  passesOn: true,
  lacks: {
    unnumbered: {
      why: "it sends no router advertisements, and knows of a neighbour only what is in the kernel's table already",
    },
    "bfd-ipv4": { why: "it has no BFD" },
    "bfd-ipv6": { why: "it has no BFD" },
    "as-trans": {
      why: "it always says that it knows AS numbers of four octets: no setting leaves the capability out",
    },
    refresh: {
      why: "it never sends a ROUTE-REFRESH: `softresetin` applies policies to the routes it kept",
    },
    "enhanced-refresh": {
      why: "it never sends a ROUTE-REFRESH, and has no RFC 7313",
      capability: 70,
    },
    roles: { why: "it has no RFC 9234", capability: 9 },
    "extended-message-to-daemon": { why: "it has no RFC 8654", capability: 6 },
    "extended-message-to-spinelab": { why: "it has no RFC 8654", capability: 6 },
  },
  async version(sandbox) {
    const text = await sandbox.run("gobgpd", "--version");
    return /(\d+(\.\d+)+)/.exec(text)![1]!;
  },
  async start(sandbox, config, recovering) {
    sandbox.write("/run/gobgpd.json", JSON.stringify(configValue(config)));
    const flags = ["-t", "json", "--pprof-disable", "-l", "debug"];
    if (recovering) flags.push("-r");
    const gobgpd = await sandbox.spawn(["gobgpd", "-f", "/run/gobgpd.json", ...flags]);
    await gobgpd.answers(() => ask(sandbox, "global"));
    if (config.routes.length > 100) {
      await injectTable(sandbox, gobgpd, config);
    } else {
      for (const route of config.routes) await ask(sandbox, ...addRoute(route, config));
    }
    return running(sandbox, gobgpd);
  },
};

function running(sandbox: Sandbox, gobgpd: Daemon): RunningDaemon {
  const json = async <T>(...command: string[]) =>
    JSON.parse((await ask(sandbox, "-j", ...command)) || "null") as T;
  return {
    process: gobgpd,
    established: async (neighbor) => {
      const { state } = await json<NeighborJson>("neighbor", neighbor);
      return state.session_state === 6;
    },
    about: async (neighbor) =>
      JSON.stringify(await json<NeighborJson>("neighbor", neighbor)) + gobgpd.log,
    received: async (neighbor, family) => {
      const text = await ask(sandbox, "neighbor", neighbor, "adj-in", "summary", "-a", family);
      return Number(/(?:Destination: (\d+))/.exec(text)?.[1] ?? 0);
    },
    paths: async (of) => {
      const table = await json<Record<string, PathJson[]> | null>(
        ...["global", "rib", of, "-a", familyOf(of)],
      );
      const paths = Object.values(table ?? {}).flat();
      return paths.filter((path) => path["neighbor-ip"] !== undefined).map(seenPath);
    },
    shutdown: async (neighbor, words) => {
      await ask(sandbox, "neighbor", neighbor, "shutdown", "--reason", words);
    },
  };
}

function ask(sandbox: Sandbox, ...command: string[]): Promise<string> {
  return sandbox.run("gobgp", ...command);
}

type NeighborJson = { state: { session_state: number } };

type PathJson = {
  "neighbor-ip"?: string;
  stale?: boolean;
  attrs: {
    type: number;
    nexthop?: string;
    as_paths?: { asns: number[] }[];
    communities?: number[];
    value?: unknown;
  }[];
};

function seenPath(path: PathJson): SeenPath {
  const attribute = (type: number) => path.attrs.find((each) => each.type === type);
  const large = (attribute(32)?.value ?? []) as Record<string, number>[];
  const extended = (attribute(16)?.value ?? []) as { subtype: number; value: string }[];
  return {
    nextHop: attribute(3)?.nexthop ?? attribute(14)?.nexthop ?? "",
    asPath: (attribute(2)?.as_paths ?? []).flatMap(({ asns }) => asns),
    communities: (attribute(8)?.communities ?? []).map((each) => `${each >>> 16}:${each & 0xffff}`),
    largeCommunities: large.map(
      ({ ASN, LocalData1, LocalData2 }) => `${ASN}:${LocalData1}:${LocalData2}`,
    ),
    extendedCommunities: extended.map(
      ({ subtype, value }) => `${subtype === 2 ? "rt" : subtype}:${withPlainAsn(value)}`,
    ),
    stale: path.stale === true,
  };
}

/** One command for each route would take minutes. */
async function injectTable(sandbox: Sandbox, gobgpd: Daemon, config: DaemonConfig): Promise<void> {
  const { routes } = config;
  writeFileSync(sandbox.path("/run/routes.mrt"), mrtDump(config));
  const backwards = mrtDump({ ...config, routes: routes.toReversed() });
  writeFileSync(sandbox.path("/run/backwards.mrt"), backwards);
  await gobgpd.answers(async () => {
    // Its client ends before the last ones are through: they are the first ones the second time.
    await ask(sandbox, "mrt", "inject", "global", "/run/routes.mrt");
    await ask(sandbox, "mrt", "inject", "global", "/run/backwards.mrt");
    const summary = await ask(sandbox, "global", "rib", "summary");
    return summary.includes(`Destination: ${routes.length},`);
  });
}

/** Routes without attributes, as of a dump that it reads in (RFC 6396). */
function mrtDump({ routes, asn, routerId }: DaemonConfig): Uint8Array {
  const identifier = address(routerId);
  const peers = [{ address: identifier, asn, bgpIdentifier: identifier }];
  const attributes = { origin: "igp", asPath: [] } satisfies PathAttributes;
  const route = { peerIndex: 0, originatedSeconds: 0, nextHop: identifier, attributes };
  return Buffer.concat([
    encodePeerIndexTable(0, { collectorId: identifier, viewName: "", peers }),
    ...routes.map((own, sequence) =>
      encodeRibEntry(0, { sequence, prefix: prefix(own.prefix), routes: [route] }),
    ),
  ]);
}

function addRoute(route: OwnRoute, { asn, neighbors }: DaemonConfig): string[] {
  const family = familyOf(route.prefix);
  const own = neighbors.find(({ localAddress }) => familyOf(localAddress) === family);
  const prepends = Array.from({ length: route.prepends ?? 0 }, () => asn);
  return [
    ...["global", "rib", "add", "-a", family, route.prefix],
    ...["nexthop", own?.localAddress ?? (family === "ipv4" ? "0.0.0.0" : "::")],
    ...(prepends.length > 0 ? ["aspath", prepends.join(" ")] : []),
    ...(route.communities ? ["community", route.communities.join(",")] : []),
    ...(route.largeCommunities ? ["large-community", route.largeCommunities.join(",")] : []),
    ...(route.routeTargets?.flatMap((each) => ["rt", withDottedAsn(each)]) ?? []),
  ];
}

function withPlainAsn(target: string): string {
  const [, high, low, local] = /^(\d+)\.(\d+):(\d+)$/.exec(target) ?? [];
  return high === undefined ? target : `${Number(high) * 65536 + Number(low)}:${local}`;
}

/** As it wants AS numbers of four octets in a route target: `64086.59904:7`. */
function withDottedAsn(target: string): string {
  const [asn, local] = target.split(":").map(Number) as [number, number];
  return asn > 65535 ? `${Math.floor(asn / 65536)}.${asn % 65536}:${local}` : target;
}

function configValue({ asn, routerId, neighbors }: DaemonConfig): unknown {
  return {
    global: {
      config: {
        as: asn,
        "router-id": routerId,
        "local-address-list": [...new Set(neighbors.map(({ localAddress }) => localAddress))],
      },
    },
    neighbors: neighbors.map(neighborValue),
  };
}

function neighborValue(neighbor: Neighbor): unknown {
  const { holdTimeSeconds: hold, gracefulRestartSeconds: restart, maximumPrefix } = neighbor;
  return {
    config: {
      "neighbor-address": neighbor.address,
      "peer-as": neighbor.asn,
      ...(neighbor.password !== undefined && { "auth-password": neighbor.password }),
    },
    transport: {
      config: { "local-address": neighbor.localAddress, "passive-mode": neighbor.passive === true },
    },
    timers: {
      config: {
        "connect-retry": 1,
        "idle-hold-time-after-reset": 1,
        ...(hold !== undefined && {
          "hold-time": hold,
          "keepalive-interval": Math.floor(hold / 3),
        }),
      },
    },
    ...(neighbor.ttlSecurity && { "ttl-security": { config: { enabled: true, "ttl-min": 255 } } }),
    ...(restart !== undefined && {
      "graceful-restart": { config: { enabled: true, "restart-time": restart } },
    }),
    "afi-safis": neighbor.families.map((family) => ({
      config: { "afi-safi-name": `${family}-unicast` },
      ...(restart !== undefined && { "mp-graceful-restart": { config: { enabled: true } } }),
      ...(neighbor.addPath && { "add-paths": { config: { receive: true, "send-max": 8 } } }),
      ...(maximumPrefix !== undefined && {
        "prefix-limit": { config: { "max-prefixes": maximumPrefix } },
      }),
    })),
  };
}
