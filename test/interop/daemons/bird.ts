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

/** BIRD 2. */
export const bird: BgpDaemon = {
  name: "BIRD",
  package: "bird2",
  passesOn: true,
  lacks: {},
  async version(sandbox) {
    // It says so on standard error.
    const text = await sandbox.run("sh", "-c", "bird --version 2>&1");
    return /version (\d+(\.\d+)*)/.exec(text)![1]!;
  },
  async start(sandbox, config, recovering) {
    sandbox.write("/run/bird.conf", configText(config));
    const files = ["-c", "/run/bird.conf", "-s", "/run/bird.ctl", "-P", "/run/bird.pid"];
    const daemon = await sandbox.spawn(["bird", "-f", ...files, ...(recovering ? ["-R"] : [])]);
    await daemon.answers(() => birdc(sandbox, "show status"));
    return running(sandbox, config, daemon);
  },
};

function running(sandbox: Sandbox, config: DaemonConfig, daemon: Daemon): RunningDaemon {
  const protocol = (address: string) => {
    const index = config.neighbors.findIndex((neighbor) => neighbor.address === address);
    // The first that a dynamic protocol brought forth.
    return config.neighbors[index]?.interface === undefined ? `n${index}` : `n${index}_1`;
  };
  const about = (address: string) => birdc(sandbox, `show protocols all ${protocol(address)}`);
  return {
    process: daemon,
    established: async (address) => /BGP state:\s+Established/.test(await about(address)),
    about: async (address) => (await about(address)) + daemon.log,
    received: async (address, family) => {
      const channels = (await about(address)).split(/^ {2}Channel /m);
      const channel = channels.find((text) => text.startsWith(family)) ?? "";
      return Number(/Routes:\s+(\d+) imported/.exec(channel)?.[1] ?? 0);
    },
    paths: async (prefix) => seenPaths(await birdc(sandbox, `show route ${prefix} all`)),
    hasAsPathLength: async (prefix, length) =>
      (await birdc(sandbox, `show route ${prefix} where bgp_path.len = ${length}`)).includes(
        prefix,
      ),
    bfdUp: async (address) => {
      const lines = (await birdc(sandbox, "show bfd sessions")).split("\n");
      return lines.some((line) => line.startsWith(`${address} `) && / Up /.test(line));
    },
    askRefresh: async (address) => {
      await birdc(sandbox, `reload in ${protocol(address)}`);
    },
    shutdown: async (address, words) => {
      await birdc(sandbox, `disable ${protocol(address)} "${words}"`);
    },
  };
}

async function birdc(sandbox: Sandbox, command: string): Promise<string> {
  // It fails where there is no such route, and says so.
  const script = 'birdc -s /run/bird.ctl "$1" 2>&1 || true';
  const text = await sandbox.run("sh", "-c", script, "sh", command);
  if (/^Unable to connect/m.test(text)) throw new Error(text);
  if (/^syntax error/m.test(text)) throw new Error(`birdc ${command}: ${text}`);
  return text;
}

/** Of all paths but those of its own configuration. */
function seenPaths(text: string): SeenPath[] {
  const paths = text.split(/^(?=\S*\s+unicast )/m).filter((part) => part.includes("Type: BGP"));
  return paths.map((path) => {
    const attribute = (name: string) =>
      new RegExp(`^\\s+BGP\\.${name}: (.*)$`, "m").exec(path)?.[1] ?? "";
    const tuples = (name: string) =>
      Array.from(attribute(name).matchAll(/\(([^)]*)\)/g), ([, inside]) =>
        inside!.split(/,\s*/).join(":"),
      );
    return {
      nextHop: attribute("next_hop").split(" ")[0]!,
      asPath: attribute("as_path").split(" ").filter(Boolean).map(Number),
      communities: tuples("community"),
      largeCommunities: tuples("large_community"),
      extendedCommunities: tuples("ext_community"),
    };
  });
}

function configText(config: DaemonConfig): string {
  const { routerId, neighbors, routes } = config;
  return [
    `router id ${routerId};`,
    "log stderr all;",
    "protocol device {}",
    'protocol bfd { interface "*" { interval 300 ms; multiplier 3; }; }',
    "protocol direct { ipv4; ipv6; }",
    // Who is to find it by router advertisements asks for one.
    ...neighbors.flatMap(({ interface: link }) =>
      link === undefined ? [] : [`protocol radv { interface "${link}"; }`],
    ),
    ...(["ipv4", "ipv6"] as const).map((family) => {
      const own = routes.filter(({ prefix }) => familyOf(prefix) === family);
      const each = own.map(
        (route) => `route ${route.prefix} blackhole${attributes(route, config)};`,
      );
      return `protocol static own_${family} { ${family}; ${each.join("\n")} }`;
    }),
    ...neighbors.map((neighbor, index) => protocolText(neighbor, index, config)),
    "",
  ].join("\n");
}

function attributes(route: OwnRoute, { asn }: DaemonConfig): string {
  const tuple = (of: string) => of.split(":").join(", ");
  const each = [
    ...(route.communities ?? []).map((of) => `bgp_community.add((${tuple(of)}));`),
    ...(route.largeCommunities ?? []).map((of) => `bgp_large_community.add((${tuple(of)}));`),
    ...(route.routeTargets ?? []).map((of) => `bgp_ext_community.add((rt, ${tuple(of)}));`),
    ...Array.from({ length: route.prepends ?? 0 }, () => `bgp_path.prepend(${asn});`),
  ];
  return each.length === 0 ? "" : ` { ${each.join(" ")} }`;
}

const roles = { provider: "provider", customer: "customer", peer: "peer" } as const;

function protocolText(neighbor: Neighbor, index: number, { asn }: DaemonConfig): string {
  const { role, families, gracefulRestartSeconds: restart, holdTimeSeconds: hold } = neighbor;
  return [
    `protocol bgp n${index} {`,
    ...ends(neighbor, index, asn),
    "  connect delay time 1; connect retry time 1; error wait time 1, 2;",
    "  enable extended messages on;",
    hold !== undefined && `  hold time ${hold};`,
    neighbor.bfd && "  bfd on;",
    neighbor.passive && "  passive on;",
    neighbor.password !== undefined && `  password "${neighbor.password}";`,
    neighbor.ttlSecurity && "  ttl security on;",
    neighbor.fourOctetAsn === false && "  enable as4 off;",
    restart !== undefined && `  graceful restart on; graceful restart time ${restart};`,
    role && `  local role ${roles[role.name]};`,
    role?.strict && "  require roles on;",
    ...families.map((family) => channelText(family, neighbor)),
    "}",
  ]
    .filter((line) => typeof line === "string")
    .join("\n");
}

function ends(neighbor: Neighbor, index: number, asn: number): string[] {
  const { address, localAddress, interface: link, fourOctetAsn } = neighbor;
  // A speaker of two octets cannot name an AS number of four.
  const theirs = fourOctetAsn === false ? "external" : `as ${neighbor.asn}`;
  return link === undefined
    ? [`  local ${localAddress} as ${asn};`, `  neighbor ${address} ${theirs};`]
    : [
        `  local as ${asn};`,
        `  neighbor range fe80::/10 ${theirs};`,
        `  interface "${link}"; dynamic name "n${index}_"; dynamic name digits 1;`,
      ];
}

function channelText(
  family: Family,
  { addPath, maximumPrefix, extendedNextHop }: Neighbor,
): string {
  return [
    `  ${family} {`,
    `import all; export where source ~ [RTS_STATIC, RTS_BGP]; next hop self;`,
    addPath && "add paths on;",
    maximumPrefix !== undefined && `receive limit ${maximumPrefix} action disable;`,
    extendedNextHop && family === "ipv4" && "extended next hop on;",
    "};",
  ]
    .filter((line) => typeof line === "string")
    .join(" ");
}
