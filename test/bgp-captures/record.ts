/**
 * `make record-bgp`: records what FRR, BIRD, GoBGP, ExaBGP and OpenBGPD send, one after the other,
 * into test/data/bgp/NAME.json. Each runs in a network namespace of its own, joined to this process by
 * a veth pair; the Makefile starts the whole in namespaces for mounts and processes, so that nothing
 * can be left behind. Needs root and the daemons' Debian packages.
 *
 *   node test/bgp-captures/record.ts [NAME…]
 */
import { execFileSync, type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ipv4Unicast, ipv6Unicast } from "../../src/bgp/wire/registry.ts";
import { type Daemon, daemons } from "./daemons.ts";
import { errorSessions } from "./errors.ts";
import { daemon, feeders, openOf, receivers, type RecordedPeer } from "./peers.ts";
import { Tester } from "./tester.ts";

type Session = {
  name: string;
  /** The recorder's end. */
  peer: { address: string; asn: number };
  messages: { when: string; hex: string }[];
};

const folder = "/run/recorded";
const dataFolder = fileURLToPath(new URL("../data/bgp/", import.meta.url));
/** FRR waits a second before its first routes, BIRD up to three. */
const quietMs = 4000;
/** OpenBGPD takes a Hold Time of one second and then sends KEEPALIVEs without a pause. */
const framesMax = 12;

if (
  readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .every((line) => !line.includes(" /run tmpfs "))
)
  throw new Error("run this by `make record-bgp`: it wants namespaces of its own");

const wanted = process.argv.slice(2);
for (const each of daemons) {
  if (wanted.length > 0 && !wanted.includes(each.name)) continue;
  const sessions = await record(each);
  const version = execFileSync("dpkg-query", ["-W", "-f", "${Version}", each.package]).toString();
  const all = sessions.map((one) =>
    `  ${JSON.stringify(one)}`.replaceAll('{"when"', '\n    {"when"'),
  );
  const text = `{"daemon": ${JSON.stringify(each.name)}, "version": ${JSON.stringify(version)}, "sessions": [\n${all.join(",\n")}\n]}\n`;
  JSON.parse(text);
  writeFileSync(`${dataFolder}${each.name}.json`, text);
  for (const { name, messages } of sessions) {
    console.log(
      `${each.name}: ${name}: ${messages.map(({ hex }) => Number(`0x${hex.slice(36, 38)}`)).join(" ")}`,
    );
  }
}

async function record(of: Daemon): Promise<Session[]> {
  const all: RecordedPeer[] = [...feeders, ...receivers, ...errorSessions];
  const network = addNetwork(all);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(of.files(all, folder))) {
    writeFileSync(`${folder}/${name}`, text);
  }
  if (of.name === "frr") sh(`chown -R frr:frr ${folder}`);
  const log = openSync(`${folder}/log`, "w");
  const child = spawn("nsenter", ["-t", String(network.pid), "-n", ...of.argv(folder)], {
    env: { ...process.env, ...of.env?.(folder) },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  try {
    return await recordAll(of);
  } catch (error) {
    throw new Error(`${of.name}: ${readFileSync(`${folder}/log`, "utf8").slice(-4000)}`, {
      cause: error,
    });
  } finally {
    await ended(child, "SIGTERM");
    await ended(network, "SIGKILL");
    sh(`rm -rf ${folder}`);
  }
}

async function recordAll(of: Daemon): Promise<Session[]> {
  // 1. The routes that it passes on.
  const fed: Tester[] = [];
  for (const feeder of of.hasNoTransit ? [] : feeders) {
    const tester = await connected(feeder, openOf(feeder));
    tester.establish(true);
    await tester.until(() => tester.frames.length > 1, 5000);
    for (const update of feeder.updates) tester.send(update);
    for (const endOfRib of [ipv4Unicast, ipv6Unicast]) {
      tester.send({
        type: "UPDATE",
        withdrawn: [],
        attributes: undefined,
        announced: [],
        endOfRib,
      });
    }
    fed.push(tester);
  }

  // 2. What it says to each kind of peer of its own accord, when asked, and when routes go.
  const sessions: Session[] = [];
  const open = new Map<string, { tester: Tester; session: Session; peer: RecordedPeer }>();
  for (const peer of receivers) {
    const tester = await connected(peer, peer.open);
    tester.establish(peer.open.capabilities.some(({ capability }) => capability === "fourOctetAs"));
    await tester.quiet(quietMs);
    const session = sessionOf(peer);
    sessions.push(session);
    open.set(peer.name, { tester, session, peer });
    take(session, tester, "begins");
  }
  const asked = "asked for its IPv4 routes again";
  if (of.leftOut?.[asked] === undefined) {
    const { tester, session } = open.get("all capabilities")!;
    tester.send({ type: "ROUTE-REFRESH", family: ipv4Unicast, subtype: 0 });
    await tester.quiet(quietMs);
    take(session, tester, asked);
  }
  for (const [i, feeder] of feeders.entries()) {
    for (const update of feeder.later) fed[i]?.send(update);
  }
  for (const { tester, session, peer } of open.values()) {
    tell(of, "withdraw", peer);
    await tester.quiet(quietMs / 2);
    take(session, tester, "routes withdrawn");
  }

  // 3. What it does when told.
  for (const [what, name] of [
    ["ask for the routes again", "all capabilities"],
    ["reset", "add-path"],
    ["shut down", "all capabilities"],
    ["shut down", "two-octet AS numbers"],
  ] as const) {
    const { tester, session, peer } = open.get(name)!;
    if (!tell(of, what, peer)) continue;
    await tester.quiet(quietMs / 2);
    take(session, tester, `told to ${what}`);
  }
  for (const tester of [...fed, ...[...open.values()].map((one) => one.tester)]) tester.close();

  // 4. What it says to those who make mistakes.
  for (const wrong of errorSessions) {
    if (of.leftOut?.[wrong.name] !== undefined) continue;
    const tester = await connected(wrong, wrong.open);
    if (wrong.after !== undefined) {
      tester.establish(true);
      await tester.until(() => tester.frames.some((frame) => frame[18] === 4), 3000);
      tester.send(wrong.after);
      tester.fallSilent();
    }
    const isOver = () =>
      tester.frames.length > framesMax || tester.frames.some((frame) => frame[18] === 3);
    await tester.until(isOver, 6000);
    // Of these only the end is of interest; some daemons see no mistake.
    const end = tester.frames.filter((frame) => frame[18] === 3);
    tester.frames.splice(0, Infinity, ...end);
    const session = sessionOf(wrong);
    take(session, tester, "refused");
    if (end.length > 0) sessions.push(session);
    tester.close();
  }
  return sessions;
}

/** A daemon that has just started does not listen yet: tried again for 20 s. */
async function connected(
  peer: RecordedPeer,
  open: Parameters<typeof Tester.connect>[1],
): Promise<Tester> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    const tester = await Tester.connect(peer, open);
    if (tester !== undefined) return tester;
    if (performance.now() > endMs) throw new Error(`no session as ${peer.name} (${peer.address})`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function sessionOf({ name, address, asn }: RecordedPeer): Session {
  return { name, peer: { address, asn }, messages: [] };
}

function take(session: Session, tester: Tester, when: string): void {
  for (const frame of tester.frames.splice(0)) {
    session.messages.push({ when, hex: frame.toString("hex") });
  }
}

function tell(of: Daemon, what: keyof Daemon["told"], peer: RecordedPeer): boolean {
  const command = of.told[what]?.(peer, folder);
  if (command === undefined) return false;
  sh(command);
  return true;
}

/** The daemon's namespace, held by a process, and the cable to it. */
function addNetwork(peers: readonly RecordedPeer[]): ChildProcess {
  const holder = spawn("unshare", ["--net", "sleep", "infinity"], { stdio: "ignore" });
  const pid = holder.pid!;
  // The cable is put in once the holder has left this namespace.
  const own = execFileSync("readlink", ["/proc/self/ns/net"]).toString();
  while (execFileSync("readlink", [`/proc/${pid}/ns/net`]).toString() === own);
  sh(`ip link add cable type veth peer name eth0 netns ${pid}`);
  for (const { address } of peers) {
    sh(`ip addr add ${address}/${address.includes(":") ? "64 nodad" : "24"} dev cable`);
  }
  sh("ip addr add fd00::5/64 dev cable nodad; ip link set cable up");
  sh(
    `nsenter -t ${pid} -n sh -c 'ip link set lo up; ip link set eth0 up; ` +
      `ip addr add ${daemon.ipv4}/24 dev eth0; ip addr add ${daemon.ipv6}/64 dev eth0 nodad'`,
  );
  return holder;
}

function sh(command: string): void {
  execFileSync("sh", ["-c", command], { stdio: ["ignore", "ignore", "inherit"] });
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  const limit = setTimeout(() => child.kill("SIGKILL"), 5000);
  await end;
  clearTimeout(limit);
}
