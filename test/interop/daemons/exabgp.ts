import { readFileSync } from "node:fs";
import type { Daemon, Sandbox } from "../sandbox.ts";
import {
  type BgpDaemon,
  type DaemonConfig,
  type Family,
  familyOf,
  type Neighbor,
  type OwnRoute,
  type RunningDaemon,
  type SeenPath,
} from "./daemon.ts";

const events = "/run/exabgp.events";
const commands = "/run/exabgp.commands";

/** ExaBGP: no table of its own; what it received is what it told the program at its API. */
export const exabgp: BgpDaemon = {
  name: "ExaBGP",
  package: "exabgp",
  passesOn: false,
  lacks: {
    unnumbered: { why: "it has no unnumbered peers" },
    "bfd-ipv4": { why: "it has no BFD" },
    "bfd-ipv6": { why: "it has no BFD" },
    "spinelab-restarts": {
      why: "it keeps no routes of a peer: the program at its API would have to",
    },
    "shutdown-by-daemon": { why: "its `teardown` takes a subcode and no words" },
    "shutdown-by-spinelab": {
      why: "under Python 3 its decoder fails on a Cease with words, and it answers with NOTIFICATION 1/0",
    },
    "maximum-prefix-of-daemon": { why: "it has no limit to the number of prefixes" },
    roles: { why: "it has no RFC 9234", capability: 9 },
  },
  async version(sandbox) {
    const text = await sandbox.run("exabgp", "--version");
    return /ExaBGP : (\d+(\.\d+)+)/.exec(text)![1]!;
  },
  async start(sandbox, config) {
    sandbox.write("/run/exabgp.conf", configText(config));
    sandbox.write(events, "");
    sandbox.write(commands, "");
    sandbox.write(
      "/run/exabgp.api",
      `#!/bin/sh\nexec 3<&0\ncat <&3 >${events} &\nexec tail -n +1 -f ${commands}\n`,
      0o755,
    );
    const daemon = await sandbox.spawn(["exabgp", "/run/exabgp.conf"], {
      "exabgp.daemon.user": "root",
      "exabgp.tcp.bind": config.neighbors.map(({ localAddress }) => localAddress).join(" "),
      "exabgp.cache.attributes": "false",
    });
    await daemon.answers(() => daemon.log.includes("loaded new configuration successfully"));
    return running(sandbox, daemon);
  },
};

function running(sandbox: Sandbox, daemon: Daemon): RunningDaemon {
  const view = new ApiView(() => readFileSync(sandbox.path(events), "utf8"));
  const command = (text: string) => {
    const all = readFileSync(sandbox.path(commands), "utf8");
    sandbox.write(commands, `${all}${text}\n`);
  };
  return {
    process: daemon,
    established: async (neighbor) => view.neighbor(neighbor).up,
    about: async (neighbor) =>
      [...view.neighbor(neighbor).said, view.broken(), daemon.log].join("\n"),
    received: async (neighbor, family) =>
      new Set(
        [...view.neighbor(neighbor).paths.values()]
          .map(({ prefix }) => prefix)
          .filter((prefix) => familyOf(prefix) === family),
      ).size,
    paths: async (prefix) =>
      view
        .neighbors()
        .flatMap(({ paths }) => [...paths.values()])
        .filter((path) => path.prefix === prefix)
        .map(({ path }) => path),
    askRefresh: async (neighbor) =>
      command(`neighbor ${neighbor} announce route-refresh ipv4 unicast`),
  };
}

type Event = {
  type: string;
  neighbor: {
    address: { peer: string };
    state?: string;
    message?: {
      update?: {
        attribute?: Attributes;
        announce?: Record<string, Record<string, Nlri[]>>;
        withdraw?: Record<string, Nlri[]>;
      };
    };
  };
};
type Nlri = { nlri: string; "path-information"?: string };
type Attributes = {
  "as-path"?: (number | number[])[];
  community?: [number, number][];
  "large-community"?: [number, number, number][];
  "extended-community"?: { string: string }[];
};
type NeighborView = {
  up: boolean;
  paths: Map<string, { prefix: string; path: SeenPath }>;
  said: string[];
};

function eventOf(line: string): Event | undefined {
  try {
    return JSON.parse(line) as Event;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What the API told, put together. */
class ApiView {
  readonly #read: () => string;
  #done = 0;
  /** Events that are no JSON: those of notifications and route refreshes, in version 4. */
  readonly #broken: string[] = [];
  readonly #neighbors = new Map<string, NeighborView>();

  constructor(read: () => string) {
    this.#read = read;
  }

  neighbors(): NeighborView[] {
    this.#catchUp();
    return [...this.#neighbors.values()];
  }

  neighbor(address: string): NeighborView {
    this.#catchUp();
    return this.#of(address);
  }

  broken(): string {
    this.#catchUp();
    return this.#broken.join("\n");
  }

  #of(address: string): NeighborView {
    let neighbor = this.#neighbors.get(address);
    if (neighbor === undefined) {
      neighbor = { up: false, paths: new Map(), said: [] };
      this.#neighbors.set(address, neighbor);
    }
    return neighbor;
  }

  #catchUp(): void {
    const text = this.#read();
    const end = text.lastIndexOf("\n") + 1;
    // Between events it acknowledges commands in plain words.
    for (const line of text.slice(this.#done, end).split("\n")) {
      if (!line.startsWith("{")) continue;
      const event = eventOf(line);
      if (event === undefined) this.#broken.push(line);
      else this.#take(event, line);
    }
    this.#done = end;
  }

  #take({ type, neighbor: { address, state, message } }: Event, line: string): void {
    const neighbor = this.#of(address.peer);
    if (type !== "update") neighbor.said.push(line);
    if (type === "state") {
      neighbor.up = state === "up";
      if (state === "down") neighbor.paths.clear();
    }
    const { attribute = {}, announce = {}, withdraw = {} } = message?.update ?? {};
    const key = (nlri: Nlri) => `${nlri.nlri} ${nlri["path-information"] ?? ""}`;
    for (const nlri of Object.values(withdraw).flat()) neighbor.paths.delete(key(nlri));
    // A prefix with a global and a link-local next hop stands under both, the global one first.
    const announced = new Set<string>();
    for (const [nextHop, all] of Object.values(announce).flatMap(Object.entries<Nlri[]>)) {
      for (const nlri of Array.isArray(all) ? all : []) {
        if (nlri.nlri === undefined || announced.has(key(nlri))) continue;
        announced.add(key(nlri));
        neighbor.paths.set(key(nlri), { prefix: nlri.nlri, path: seenPath(nextHop, attribute) });
      }
    }
  }
}

function seenPath(nextHop: string, attribute: Attributes): SeenPath {
  return {
    nextHop,
    asPath: (attribute["as-path"] ?? []).flat(),
    communities: (attribute.community ?? []).map((each) => each.join(":")),
    largeCommunities: (attribute["large-community"] ?? []).map((each) => each.join(":")),
    extendedCommunities: (attribute["extended-community"] ?? []).map(({ string }) =>
      string.replace("target:", "rt:").replace("L:", ":"),
    ),
  };
}

function configText(config: DaemonConfig): string {
  return [
    "process api { run /run/exabgp.api; encoder json; }",
    ...config.neighbors.map((neighbor) => neighborText(neighbor, config)),
    "",
  ].join("\n");
}

function neighborText(neighbor: Neighbor, { asn, routerId, routes }: DaemonConfig): string {
  const { addPath, extendedNextHop } = neighbor;
  // It wants the family of the next hops among those of the session.
  const families: readonly Family[] = extendedNextHop ? ["ipv4", "ipv6"] : neighbor.families;
  const on = (is: boolean) => (is ? "enable" : "disable");
  return [
    `neighbor ${neighbor.address} {`,
    `  router-id ${routerId};`,
    `  local-address ${neighbor.localAddress};`,
    `  local-as ${asn};`,
    `  peer-as ${expectedAsn(neighbor)};`,
    `  passive ${neighbor.passive ?? false};`,
    `  hold-time ${neighbor.holdTimeSeconds ?? 90};`,
    neighbor.password !== undefined && `  md5-password '${neighbor.password}';`,
    neighbor.ttlSecurity && "  outgoing-ttl 255; incoming-ttl 255;",
    "  capability {",
    `    asn4 ${on(neighbor.fourOctetAsn !== false)};`,
    `    graceful-restart ${neighbor.gracefulRestartSeconds ?? "disable"};`,
    "    route-refresh enable;",
    "    extended-message enable;",
    `    add-path ${addPath ? "send/receive" : "disable"};`,
    `    nexthop ${on(neighbor.extendedNextHop === true)};`,
    "  }",
    `  family { ${families.map((family) => `${family} unicast;`).join(" ")} }`,
    neighbor.extendedNextHop && "  nexthop { ipv4 unicast ipv6; }",
    addPath && `  add-path { ${families.map((family) => `${family} unicast;`).join(" ")} }`,
    "  api { processes [ api ]; neighbor-changes; receive { parsed; update; refresh; } }",
    "  static {",
    ...routes
      .filter(({ prefix }) => families.includes(familyOf(prefix)))
      .map((route) => `    ${routeText(route, neighbor, asn)}`),
    "  }",
    "}",
  ]
    .filter((line) => typeof line === "string")
    .join("\n");
}

/** Without the capability it knows the number of the OPEN alone, AS_TRANS (RFC 6793). */
function expectedAsn({ asn, fourOctetAsn }: Neighbor): number {
  return fourOctetAsn === false && asn > 65535 ? 23456 : asn;
}

function routeText(route: OwnRoute, { localAddress }: Neighbor, asn: number): string {
  const asPath = [
    ...Array.from({ length: 1 + (route.prepends ?? 0) }, () => asn),
    ...(route.asPath ?? []),
  ];
  const list = (name: string, values: readonly unknown[] | undefined) =>
    values === undefined ? "" : ` ${name} [ ${values.join(" ")} ]`;
  return [
    `route ${route.prefix} next-hop ${localAddress}`,
    list("community", route.communities),
    list("large-community", route.largeCommunities),
    list(
      "extended-community",
      route.routeTargets?.map((each) => `target:${each}`),
    ),
    route.pathId === undefined ? "" : ` path-information ${route.pathId}`,
    list("as-path", asPath.length > 1 ? asPath : undefined),
    ";",
  ].join("");
}
