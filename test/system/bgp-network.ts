import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repository } from "./spinelab.ts";

const main = join(repository, "src/cli/main.ts");

/** A few network namespaces with links and routing daemons, gone with all that runs in them when disposed. */
export class BgpNetwork {
  readonly folder = mkdtempSync(join(tmpdir(), "spinelab-bgp-"));
  readonly #prefix = `spl-bgp-${process.pid}-${Math.random().toString(36).slice(2, 6)}`;
  readonly #namespaces: string[] = [];
  readonly #processes: BgpProcess[] = [];

  node(name: string): void {
    const namespace = this.namespace(name);
    execFileSync("ip", ["netns", "add", namespace]);
    this.#namespaces.push(namespace);
    this.ip(name, "link set lo up");
  }

  namespace(name: string): string {
    return `${this.#prefix}-${name}`;
  }

  /** A link between interfaces `a:eth1` and `b:eth1`, each with these addresses. */
  link(a: string, addressesA: readonly string[], b: string, addressesB: readonly string[]): void {
    const ends = [a, b].map((end) => end.split(":") as [string, string]);
    const [one, other] = ends.map(([node, name]) => [name, "netns", this.namespace(node)]);
    // Never in the machine's own namespace, where tests beside this one look for what others leave.
    const argv = ["link", "add", ...one!, "type", "veth", "peer", "name", ...other!];
    execFileSync("ip", argv);
    for (const [i, [node, name]] of ends.entries()) {
      for (const of of [addressesA, addressesB][i]!) {
        this.ip(node, `address add ${of} dev ${name}${of.includes(":") ? " nodad" : ""}`);
      }
      this.ip(node, `link set ${name} up`);
    }
  }

  ip(node: string, command: string): string {
    const argv = ["-n", this.namespace(node), ...command.split(" ")];
    const { status, stdout, stderr } = spawnSync("ip", argv, { encoding: "utf8" });
    if (status !== 0) throw new Error(`ip ${argv.join(" ")}: ${stderr}`);
    return stdout;
  }

  exec(node: string, ...argv: string[]): string {
    const all = ["netns", "exec", this.namespace(node), ...argv];
    return execFileSync("ip", all, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** A process in a node; what it writes goes to the file `NAME.log`. */
  spawn(node: string, name: string, ...argv: string[]): BgpProcess {
    const log = join(this.folder, `${name}.log`);
    const fd = openSync(log, "a");
    const all = ["netns", "exec", this.namespace(node), ...argv];
    const child = spawn("ip", all, { cwd: repository, stdio: ["ignore", fd, fd] });
    closeSync(fd);
    const process = new BgpProcess(child, log);
    this.#processes.push(process);
    return process;
  }

  /** `spinelab speaker` with this configuration; its admin socket is `NAME.sock`. */
  speaker(node: string, yaml: string, name = node): BgpProcess {
    const file = this.write(`${name}.yaml`, yaml);
    const argv = [main, "speaker", "-f", file, "--socket", this.socket(name)];
    return this.spawn(node, name, process.execPath, ...argv);
  }

  socket(name: string): string {
    return join(this.folder, `${name}.sock`);
  }

  /** FRR's bgpd by itself, without zebra: it only speaks BGP. */
  bgpd(node: string, config: string): BgpProcess {
    const run = join(this.folder, `frr-${node}`);
    mkdirSync(run, { mode: 0o777 });
    const file = this.write(`frr-${node}/bgpd.conf`, config);
    const argv = ["-f", file, "-i", join(run, "bgpd.pid"), "-Z", "-S", "--vty_socket", run];
    const more = ["-P", "0", "--log", "stdout"];
    return this.daemon(node, `frr-${node}`, "/usr/lib/frr/bgpd", ...argv, ...more);
  }

  /** One of FRR's, which keeps a folder for each process in /var/tmp, for ever: not in the machine's. */
  daemon(node: string, name: string, ...argv: string[]): BgpProcess {
    const alone = 'mount -t tmpfs -o mode=1777 tmpfs /var/tmp && exec "$@"';
    return this.spawn(node, name, "sh", "-c", alone, "sh", ...argv);
  }

  vtysh(node: string, command: string): string {
    const run = join(this.folder, `frr-${node}`);
    return execFileSync("vtysh", ["--vty_socket", run, "-d", "bgpd", "-c", command], {
      encoding: "utf8",
    });
  }

  /** `spinelab bgp …` of a speaker's socket. */
  bgp(name: string, ...argv: string[]): string {
    const all = [main, "bgp", ...argv, "--socket", this.socket(name)];
    return execFileSync(process.execPath, all, { encoding: "utf8", cwd: repository });
  }

  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) await process.end("SIGKILL");
    for (const namespace of this.#namespaces) execFileSync("ip", ["netns", "delete", namespace]);
    rmSync(this.folder, { recursive: true });
  }
}

export class BgpProcess {
  readonly #child: ChildProcess;
  readonly #log: string;

  constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.#log = log;
  }

  get log(): string {
    return readFileSync(this.#log, "utf8");
  }

  /** Its status or the signal that ended it; undefined: it runs. */
  get ended(): number | string | undefined {
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Without effect where it has ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.ended !== undefined) return;
    const gone = once(this.#child, "exit");
    this.#child.kill(signal);
    await gone;
  }
}
