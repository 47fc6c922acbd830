import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFailed } from "vitest";
import type { PeerStatus } from "../../src/bgp/speaker/views.ts";
import { repository, until } from "./spinelab.ts";

/**
 * Two network namespaces and the cable between them, `eth1` at both ends: for FRR and speakers that run
 * alone, without a lab. Everything goes with `await using`.
 */
export class Link implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "spinelab-link-"));
  readonly #namespaces = { a: `spl-a-${process.pid}`, b: `spl-b-${process.pid}` };
  readonly #processes: ChildProcess[] = [];
  #frrs = 0;

  constructor() {
    const { a, b } = this.#namespaces;
    for (const name of [a, b]) ip("netns", "add", name);
    for (const end of ["a", "b"] as const) this.run(end, "ip", "link", "set", "lo", "up");
    this.addCable();
  }

  addCable(): void {
    const { a, b } = this.#namespaces;
    ip("link", "add", "eth1", "netns", a, "type", "veth", "peer", "name", "eth1", "netns", b);
    for (const end of ["a", "b"] as const) this.run(end, "ip", "link", "set", "eth1", "up");
  }

  /** Both interfaces are no more. */
  removeCable(): void {
    this.run("a", "ip", "link", "del", "eth1");
  }

  /** Runs a command in one of the namespaces and returns what it prints. */
  run(end: End, ...argv: [string, ...string[]]): string {
    return execFileSync("ip", ["netns", "exec", this.#namespaces[end], ...argv], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  spawn(end: End, ...argv: string[]): ChildProcess {
    const child = spawn("ip", ["netns", "exec", this.#namespaces[end], ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#processes.push(child);
    return child;
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
    const file = join(this.folder, "rules.nft");
    writeFileSync(file, `table inet link {\nchain only {\n${chain}\n}\n}\n`);
    this.run(end, "nft", "-f", file);
  }

  /** Neither black hole nor rewriting any more. */
  mend(end: End): void {
    this.run(end, "nft", "delete", "table", "inet", "link");
  }

  /** Real FRR with these daemons and one configuration for all. */
  async frr(end: End, daemons: readonly string[], config: string): Promise<Frr> {
    const frr = new Frr(this, end, join(this.folder, `frr${this.#frrs++}`), daemons, config);
    await frr.start();
    return frr;
  }

  /** `spinelab speaker` with this configuration file. */
  async speaker(end: End, yaml: string): Promise<SpeakerProcess> {
    const speaker = new SpeakerProcess(this, end, join(this.folder, `speaker-${end}`), yaml);
    await speaker.start();
    return speaker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    for (const name of Object.values(this.#namespaces)) {
      const pids = execFileSync("ip", ["netns", "pids", name], { encoding: "utf8" });
      for (const pid of pids.split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
      ip("netns", "del", name);
    }
    rmSync(this.folder, { recursive: true });
  }
}

export type End = "a" | "b";

class Frr {
  readonly #link: Link;
  readonly #end: End;
  readonly #folder: string;
  readonly #daemons: readonly string[];
  readonly #running = new Map<string, ChildProcess>();

  constructor(link: Link, end: End, folder: string, daemons: readonly string[], config: string) {
    this.#link = link;
    this.#end = end;
    this.#folder = folder;
    this.#daemons = daemons;
    mkdirSync(folder);
    writeFileSync(join(folder, "frr.conf"), config);
    const [uid, gid] = ["-u", "-g"].map((flag) =>
      Number(execFileSync("id", [flag, "frr"], { encoding: "utf8" })),
    );
    for (const path of [link.folder, folder, join(folder, "frr.conf")]) {
      chownSync(path, uid!, gid!);
    }
  }

  async start(): Promise<void> {
    for (const daemon of ["zebra", ...this.#daemons]) await this.startDaemon(daemon);
    this.load();
  }

  /** Gives the daemons their configuration. */
  load(): void {
    const config = join(this.#folder, "frr.conf");
    this.#link.run(this.#end, "vtysh", "--vty_socket", this.#folder, "-f", config);
  }

  async startDaemon(daemon: string): Promise<void> {
    const of = (name: string) => join(this.#folder, name);
    const argv = ["-i", of(`${daemon}.pid`), "-z", of("zserv.api"), "--vty_socket", this.#folder];
    argv.push("-A", "127.0.0.1", "-P", "0", "--log", `file:${of(`${daemon}.log`)}`);
    if (daemon === "bfdd") argv.push("--bfdctl", of("bfdd.sock"));
    rmSync(of(`${daemon}.vty`), { force: true });
    const child = this.#link.spawn(this.#end, `/usr/lib/frr/${daemon}`, ...argv);
    this.#running.set(daemon, child);
    await until(`${daemon} is up`, () => existsSync(of(`${daemon}.vty`)));
  }

  async kill(daemon: string): Promise<void> {
    const child = this.#running.get(daemon)!;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  vtysh(...commands: string[]): string {
    const argv = commands.flatMap((command) => ["-c", command]);
    return this.#link.run(this.#end, "vtysh", "--vty_socket", this.#folder, ...argv);
  }

  json(command: string): unknown {
    return JSON.parse(this.vtysh(`${command} json`));
  }
}

export class SpeakerProcess {
  readonly #link: Link;
  readonly #end: End;
  readonly #file: string;
  readonly #socket: string;
  #child: ChildProcess | undefined;
  #log = "";

  constructor(link: Link, end: End, path: string, yaml: string) {
    this.#link = link;
    this.#end = end;
    this.#file = `${path}.yaml`;
    this.#socket = `${path}.sock`;
    writeFileSync(this.#file, yaml);
  }

  get log(): string {
    return this.#log;
  }

  async start(): Promise<void> {
    const launcher = join(repository, "bin/spinelab.mjs");
    const options = ["speaker", "-f", this.#file, "--socket", this.#socket];
    rmSync(this.#socket, { force: true });
    const child = this.#link.spawn(this.#end, process.execPath, launcher, ...options);
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.#log += text));
    }
    this.#child = child;
    child.once("exit", (code, signal) => (this.#log += `ended: ${code ?? signal}\n`));
    onTestFailed(() => console.error(`speaker ${this.#end} said:\n${this.#log}`));
    await until("the speaker is running", () => {
      if (child.exitCode !== null) throw new Error(this.#log);
      return this.#log.includes("speaker is running");
    });
  }

  /** Another configuration file, read at SIGHUP. */
  reload(yaml: string): void {
    writeFileSync(this.#file, yaml);
    this.#child!.kill("SIGHUP");
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const gone = once(this.#child!, "exit");
    this.#child!.kill(signal);
    await gone;
  }

  /** Of its only peer. */
  async peer(): Promise<PeerStatus> {
    const [peer] = (await this.ask({ get: "peers" })) as PeerStatus[];
    return peer!;
  }

  async ask(request: object): Promise<unknown[]> {
    const socket = connect(this.#socket);
    try {
      await once(socket, "connect");
      socket.write(`${JSON.stringify(request)}\n`);
      const [line] = (await once(createInterface({ input: socket }), "line")) as [string];
      const answer = JSON.parse(line) as { ok?: unknown[]; error?: string };
      if (answer.ok === undefined) throw new Error(answer.error);
      return answer.ok;
    } finally {
      socket.destroy();
    }
  }
}

function ip(...argv: string[]): void {
  execFileSync("ip", argv, { stdio: "pipe" });
}
