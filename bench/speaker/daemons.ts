/** The speakers that are measured, nearly all from their Debian packages. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { speakerProcess } from "../../src/lab/agent-bundle.ts";
import { bird, exabgp, frr, gobgp, openbgpd, type Setup, speaker, spinelab } from "./configs.ts";
import { gobgp4 } from "./gobgp-4.ts";

export type Daemon = {
  name: string;
  /** Why it cannot be measured on this machine; undefined: it can. */
  lacking: () => string | undefined;
  version: () => string;
  argv: (setup: Setup) => string[];
  env?: (setup: Setup) => Record<string, string>;
  /** Why a measurement does not fit it. */
  cannot?: Partial<Record<"pass" | "own" | "listen", string>>;
};

const ownByApi = "it takes own prefixes over its API only";

export const daemons: readonly Daemon[] = [
  {
    name: "Spinelab",
    lacking: () => undefined,
    version: () => `this checkout, Node ${process.versions.node}`,
    argv: (setup) => [...spinelabProcess.argv, "-f", write(setup, "s.yaml", spinelab(setup))],
    env: () => spinelabProcess.env,
  },
  {
    name: "BIRD",
    ...debian("bird2", "/usr/sbin/bird"),
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
    ...debian("frr", "/usr/lib/frr/bgpd"),
    // -Z: no zebra, so no routes in the kernel, as with all the others.
    argv: (setup) => [
      // FRR keeps a folder for each process in /var/tmp, for ever: not in the machine's.
      ...["sh", "-c", 'mount -t tmpfs -o mode=1777 tmpfs /var/tmp && exec "$@"', "sh"],
      "/usr/lib/frr/bgpd",
      ...["-Z", "-f", write(setup, "bgpd.conf", frr(setup)), "-i", `${setup.dir}/bgpd.pid`],
      ...["-l", speaker.address, "--vty_socket", setup.dir, "-A", "127.0.0.1", "-P", "0"],
    ],
  },
  {
    name: "GoBGP",
    ...debian("gobgpd", "/usr/bin/gobgpd"),
    argv: (setup) => gobgpd("/usr/bin/gobgpd", setup),
    cannot: { own: ownByApi },
  },
  {
    name: "GoBGP 4",
    lacking: () => gobgp4.lacking(),
    version: () => gobgp4.version,
    argv: (setup) => gobgpd(gobgp4.file, setup),
    cannot: { own: ownByApi },
  },
  {
    name: "OpenBGPD",
    ...debian("openbgpd", "/usr/sbin/bgpd"),
    argv: (setup) => {
      mkdirSync("/run/openbgpd", { recursive: true });
      const file = write(setup, "bgpd.conf", openbgpd(setup));
      chmodSync(file, 0o600);
      return ["/usr/sbin/bgpd", "-d", "-f", file];
    },
  },
  {
    name: "ExaBGP",
    ...debian("exabgp", "/usr/sbin/exabgp"),
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

function debian(name: string, file: string): Pick<Daemon, "lacking" | "version"> {
  return {
    lacking: () =>
      existsSync(file)
        ? undefined
        : `package ${name} is not installed; setup/setup.sh speakers brings it`,
    // Without Debian's own part.
    version: () =>
      execFileSync("dpkg-query", ["-W", "-f", "${source:Upstream-Version}", name], {
        encoding: "utf8",
      }),
  };
}

function gobgpd(file: string, setup: Setup): string[] {
  return [
    file,
    ...["-f", write(setup, "gobgp.toml", gobgp(setup)), "--pprof-disable"],
    ...["--api-hosts", `unix://${setup.dir}/api`, "-l", "error"],
  ];
}

function write({ dir }: Setup, name: string, text: string): string {
  const file = path.join(dir, name);
  writeFileSync(file, text, { mode: 0o644 });
  return file;
}
