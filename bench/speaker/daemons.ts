/**
 * The speakers that are measured, each from its Debian package and with the least of configuration that says
 * the same to all: external peers that need no policy, one of which is sent marked routes only.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { speakerProcess } from "../../src/lab/agent-bundle.ts";

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

export type Daemon = {
  name: string;
  /** The Debian package; undefined: part of the project. */
  package?: string;
  /** Where it must be for the daemon to be measured. */
  file?: string;
  version: () => string;
  argv: (setup: Setup) => string[];
  env?: (setup: Setup) => Record<string, string>;
  /** Why a measurement does not fit it. */
  cannot?: Partial<Record<"pass" | "own" | "listen", string>>;
};

const { address, asn } = speaker;
const marked = mark.join(":");

export const daemons: readonly Daemon[] = [
  {
    name: "Spinelab",
    version: () => `this checkout, Node ${process.versions.node}`,
    argv: (setup) => [...spinelabProcess.argv, "-f", write(setup, "s.yaml", spinelab(setup))],
    env: () => spinelabProcess.env,
  },
  {
    name: "BIRD",
    package: "bird2",
    file: "/usr/sbin/bird",
    version: () => firstLine("/usr/sbin/bird", "--version"),
    argv: (setup) => [
      "/usr/sbin/bird",
      "-f",
      "-c",
      write(setup, "bird.conf", bird(setup)),
      "-s",
      `${setup.dir}/bird.ctl`,
    ],
  },
  {
    name: "FRR",
    package: "frr",
    file: "/usr/lib/frr/bgpd",
    version: () => firstLine("/usr/lib/frr/bgpd", "--version"),
    // -Z: no zebra, so no routes in the kernel, as with all the others.
    argv: (setup) => [
      "/usr/lib/frr/bgpd",
      ...["-Z", "-f", write(setup, "bgpd.conf", frr(setup)), "-i", `${setup.dir}/bgpd.pid`],
      ...["-l", address, "--vty_socket", setup.dir, "-A", "127.0.0.1", "-P", "0"],
    ],
  },
  {
    name: "GoBGP",
    package: "gobgpd",
    file: "/usr/bin/gobgpd",
    version: () => firstLine("/usr/bin/gobgpd", "--version"),
    argv: (setup) => [
      "/usr/bin/gobgpd",
      ...["-f", write(setup, "gobgp.toml", gobgp(setup)), "--pprof-disable"],
      ...["--api-hosts", `unix://${setup.dir}/api`, "-l", "error"],
    ],
    cannot: { own: "it takes own prefixes over its API only" },
  },
  {
    name: "OpenBGPD",
    package: "openbgpd",
    file: "/usr/sbin/bgpd",
    version: () => "7.7",
    argv: (setup) => {
      mkdirSync("/run/openbgpd", { recursive: true });
      const file = write(setup, "bgpd.conf", openbgpd(setup));
      chmodSync(file, 0o600);
      return ["/usr/sbin/bgpd", "-d", "-f", file];
    },
  },
  {
    name: "ExaBGP",
    package: "exabgp",
    file: "/usr/sbin/exabgp",
    version: () => firstLine("/usr/sbin/exabgp", "--version"),
    argv: (setup) => ["/usr/sbin/exabgp", write(setup, "exabgp.conf", exabgp(setup))],
    env: () => ({
      "exabgp.daemon.user": "root",
      "exabgp.api.cli": "false",
      "exabgp.log.level": "ERR",
    }),
    cannot: { pass: "it keeps no table and passes nothing on", listen: "it only dials here" },
  },
];

const spinelabProcess = await speakerProcess([]);

/** Runs in the namespace until it is stopped. */
export class Running {
  readonly startedMs: number;
  readonly #child: ChildProcess;
  readonly #name: string;
  #said = "";

  constructor(daemon: Daemon, setup: Setup, namespace: string) {
    mkdirSync(setup.dir, { recursive: true });
    // FRR's daemon is not root when it makes its sockets.
    chmodSync(setup.dir, 0o777);
    const argv = daemon.argv(setup);
    this.#name = daemon.name;
    this.startedMs = performance.now();
    this.#child = spawn("ip", ["netns", "exec", namespace, ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...daemon.env?.(setup) },
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on(
        "data",
        (bytes: Buffer) => (this.#said = (this.#said + bytes.toString()).slice(-2000)),
      );
    }
  }

  /** What it said last, for a failure. */
  get said(): string {
    return `${this.#name} said: ${this.#said.trim() || "nothing"}`;
  }

  /** Resident memory of all its processes, in MB. */
  get rssMb(): number {
    return (
      sum(this.#pids().map((pid) => Number(field(pid, "status", /^VmRSS:\s+(\d+) kB/m)) * 1024)) /
      1e6
    );
  }

  /** Time that its processes have computed, in ms: to 10 ms, proc_pid_stat(5). */
  get cpuMs(): number {
    return sum(
      this.#pids().map((pid) => {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return 10 * (Number(fields[11]) + Number(fields[12]));
      }),
    );
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    // One that does not end by itself is of no more use.
    const pids = this.#pids();
    child.kill("SIGTERM");
    const timer = setTimeout(() => {
      for (const pid of pids) kill(pid);
    }, 3000);
    await gone;
    clearTimeout(timer);
  }

  /** Its process and the children of it: OpenBGPD has three. */
  #pids(): number[] {
    const own = this.#child.pid!;
    const children = readdirSync("/proc").filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === own;
      } catch {
        return false;
      }
    });
    return [own, ...children.map(Number)].filter((pid) => existsSync(`/proc/${pid}/stat`));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function field(pid: number, file: string, pattern: RegExp): string {
  return pattern.exec(readFileSync(`/proc/${pid}/${file}`, "utf8"))?.[1] ?? "0";
}

function firstLine(file: string, flag: string): string {
  try {
    const text = execFileSync(file, [flag], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return /\d[\d.]*\d/.exec(text)?.[0] ?? "?";
  } catch {
    return "?";
  }
}

function write({ dir }: Setup, name: string, text: string): string {
  const file = path.join(dir, name);
  writeFileSync(file, text, { mode: 0o644 });
  return file;
}

function spinelab({ peers, own = [], dials = false }: Setup): string {
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

function bird({ peers, own = [], dials = false }: Setup): string {
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

function frr({ peers, own = [], dials = false }: Setup): string {
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

function gobgp({ peers, dials = false }: Setup): string {
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

function openbgpd({ dir, peers, own = [], dials = false }: Setup): string {
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

function exabgp({ peers, own = [] }: Setup): string {
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
