import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { onTestFailed } from "vitest";
import type { PeerStatus } from "../../src/bgp/speaker/views.ts";
import { linesOf } from "../../src/sys/socket-lines.ts";
import { BgpNetwork, type BgpProcess } from "./bgp-network.ts";
import { until } from "./spinelab.ts";

const ends = ["a", "b"] as const;
export type End = (typeof ends)[number];

/**
 * Two network namespaces and the cable between them, `eth1` at both ends: for FRR and speakers that run
 * alone, without a lab. Everything goes with `await using`.
 */
export class Link implements AsyncDisposable {
  readonly net = new BgpNetwork();
  readonly #speakers: SpeakerProcess[] = [];
  #frrs = 0;

  constructor() {
    for (const end of ends) this.net.node(end);
    this.addCable();
  }

  addCable(): void {
    const [a, b] = ends.map((end) => this.net.namespace(end)) as [string, string];
    const veth = ["eth1", "netns", a, "type", "veth", "peer", "name", "eth1", "netns", b];
    execFileSync("ip", ["link", "add", ...veth], { stdio: "pipe" });
    for (const end of ends) this.net.ip(end, "link set eth1 up");
  }

  /** Both interfaces are no more. */
  removeCable(): void {
    this.net.ip("a", "link del eth1");
  }

  /** Runs a command in one of the namespaces and returns what it prints. */
  run(end: End, ...argv: [string, ...string[]]): string {
    return this.net.exec(end, ...argv);
  }

  linkLocal(end: End): string {
    const text = this.run(end, "ip", "-6", "-o", "addr", "show", "dev", "eth1", "scope", "link");
    return /inet6 (fe80::[0-9a-f:]+)\/64/.exec(text)?.[1] ?? "";
  }

  /** From now on nothing arrives at this end, though the cable is there. */
  blackHole(end: End): void {
    this.#rule(end, "type filter hook input priority -300; iifname eth1 drop;");
  }

  /** What leaves this end is rewritten: `udp dport 3784 ip ttl set 254`. */
  rewrite(end: End, rule: string): void {
    this.#rule(end, `type filter hook output priority 300; ${rule};`);
  }

  #rule(end: End, chain: string): void {
    const file = this.net.write("rules.nft", `table inet link {\nchain only {\n${chain}\n}\n}\n`);
    this.run(end, "nft", "-f", file);
  }

  /** Neither black hole nor rewriting any more. */
  mend(end: End): void {
    this.run(end, "nft", "delete", "table", "inet", "link");
  }

  /** Real FRR with these daemons and one configuration for all. */
  async frr(end: End, daemons: readonly string[], config: string): Promise<Frr> {
    const frr = new Frr(this.net, end, `frr${this.#frrs++}`, daemons, config);
    await frr.start();
    return frr;
  }

  /** `spinelab speaker` with this configuration file. */
  async speaker(end: End, yaml: string): Promise<SpeakerProcess> {
    const speaker = new SpeakerProcess(this.net, end, yaml);
    this.#speakers.push(speaker);
    await speaker.start();
    return speaker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const said = this.#speakers.map((speaker) => speaker.told());
    onTestFailed(() => console.error(said.join("\n")));
    await this.net[Symbol.asyncDispose]();
  }
}

class Frr {
  readonly #net: BgpNetwork;
  readonly #end: End;
  readonly #folder: string;
  readonly #config: string;
  readonly #daemons: readonly string[];
  readonly #running = new Map<string, BgpProcess>();

  constructor(net: BgpNetwork, end: End, name: string, daemons: readonly string[], config: string) {
    this.#net = net;
    this.#end = end;
    this.#folder = join(net.folder, name);
    this.#daemons = daemons;
    mkdirSync(this.#folder);
    this.#config = net.write(`${name}/frr.conf`, config);
    const [uid, gid] = ["-u", "-g"].map((flag) =>
      Number(execFileSync("id", [flag, "frr"], { encoding: "utf8" })),
    );
    for (const path of [net.folder, this.#folder, this.#config]) chownSync(path, uid!, gid!);
  }

  async start(): Promise<void> {
    for (const daemon of ["zebra", ...this.#daemons]) await this.startDaemon(daemon);
    this.load();
  }

  /** Gives the daemons their configuration. */
  load(): void {
    this.#net.exec(this.#end, "vtysh", "--vty_socket", this.#folder, "-f", this.#config);
  }

  async startDaemon(daemon: string): Promise<void> {
    const of = (name: string) => join(this.#folder, name);
    const argv = ["-i", of(`${daemon}.pid`), "-z", of("zserv.api"), "--vty_socket", this.#folder];
    argv.push("-A", "127.0.0.1", "-P", "0", "--log", `file:${of(`${daemon}.log`)}`);
    if (daemon === "bfdd") argv.push("--bfdctl", of("bfdd.sock"));
    rmSync(of(`${daemon}.vty`), { force: true });
    const path = `/usr/lib/frr/${daemon}`;
    this.#running.set(daemon, this.#net.daemon(this.#end, `${daemon}-${this.#end}`, path, ...argv));
    await until(`${daemon} is up`, () => existsSync(of(`${daemon}.vty`)));
  }

  async kill(daemon: string): Promise<void> {
    await this.#running.get(daemon)!.end("SIGKILL");
  }

  vtysh(...commands: string[]): string {
    const argv = commands.flatMap((command) => ["-c", command]);
    return this.#net.exec(this.#end, "vtysh", "--vty_socket", this.#folder, ...argv);
  }

  json(command: string): unknown {
    return JSON.parse(this.vtysh(`${command} json`));
  }
}

export class SpeakerProcess {
  readonly #net: BgpNetwork;
  readonly #end: End;
  #yaml: string;
  #process: BgpProcess | undefined;

  constructor(net: BgpNetwork, end: End, yaml: string) {
    this.#net = net;
    this.#end = end;
    this.#yaml = yaml;
  }

  get log(): string {
    return this.#process?.log ?? "";
  }

  /** Its log, and how it ended: for whoever looks at a test that failed. */
  told(): string {
    return `speaker ${this.#end}, ${this.#process?.ended ?? "which runs"}, said:\n${this.log}`;
  }

  async start(): Promise<void> {
    const before = this.log.length;
    rmSync(this.#net.socket(this.#end), { force: true });
    const process = this.#net.speaker(this.#end, this.#yaml);
    this.#process = process;
    // On a machine that is busy with much else.
    const limitMs = 60_000;
    await until(
      "the speaker is running",
      () => {
        if (process.ended !== undefined) throw new Error(this.log);
        return this.log.slice(before).includes("speaker is running");
      },
      limitMs,
    );
  }

  /** Another configuration file, read at SIGHUP. */
  reload(yaml: string): void {
    this.#yaml = yaml;
    this.#net.write(`${this.#end}.yaml`, yaml);
    this.#process!.signal("SIGHUP");
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#process!.end(signal);
  }

  /** Of its only peer. */
  async peer(): Promise<PeerStatus> {
    const [peer] = (await this.ask({ get: "peers" })) as PeerStatus[];
    return peer!;
  }

  async ask(request: object): Promise<unknown[]> {
    const socket = connect(this.#net.socket(this.#end));
    try {
      await once(socket, "connect");
      socket.write(`${JSON.stringify(request)}\n`);
      const [line] = (await once(linesOf(socket), "line")) as [string];
      const answer = JSON.parse(line) as { ok?: unknown[]; error?: string };
      if (answer.ok === undefined) throw new Error(answer.error);
      return answer.ok;
    } finally {
      socket.destroy();
    }
  }
}
