import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { until } from "../system/spinelab.ts";

const run = promisify(execFile);

/**
 * A machine made of namespaces that have no name and a /run of its own in memory. All of it is held by
 * one process that ends with this one, however this one ends: nothing is left behind, nothing reaches
 * the host.
 */
export class Sandbox implements AsyncDisposable {
  readonly #holder: ChildProcess;
  readonly #daemons: Daemon[] = [];
  /** Process id of its init, as the host sees it. */
  readonly pid: number;

  private constructor(holder: ChildProcess, pid: number) {
    this.#holder = holder;
    this.pid = pid;
  }

  static async start(hostname: string): Promise<Sandbox> {
    const script = [
      `hostname ${hostname}`,
      "mount -t tmpfs -o mode=755 tmpfs /run",
      "mount -t tmpfs -o mode=1777 tmpfs /var/tmp", // for FRR's crash logs
      "for each in all default; do",
      "  echo 0 >/proc/sys/net/ipv6/conf/$each/accept_dad",
      "  echo 0 >/proc/sys/net/ipv6/conf/$each/disable_ipv6",
      "done",
      "ip link set lo up",
      "echo ready",
      // Whoever is init has to let the orphans of killed daemons go.
      "exec env --ignore-signal=CHLD sleep infinity",
    ].join("\n");
    const namespaces = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc"];
    const holder = spawn(
      "setpriv",
      ["--pdeathsig", "KILL", "unshare", ...namespaces, "--kill-child", "sh", "-ec", script],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let said = "";
    holder.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
    await new Promise<void>((resolve, reject) => {
      holder.stdout!.once("data", () => resolve());
      holder.once("close", () => reject(new Error(`no namespaces for ${hostname}: ${said}`)));
    });
    return new Sandbox(holder, childrenOf(holder.pid!)[0]!);
  }

  /** Runs a command to its end and returns what it printed; throws where it fails. */
  async run(...argv: string[]): Promise<string> {
    const limits = { maxBuffer: 1 << 28, timeout: 30_000 };
    const { stdout } = await run("nsenter", this.#enter(argv), limits);
    return stdout;
  }

  /** Starts a command that goes on. */
  async spawn(argv: string[], env: Record<string, string> = {}): Promise<Daemon> {
    const child = spawn("nsenter", this.#enter(argv), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    const daemon = await Daemon.of(child, argv[0]!);
    this.#daemons.push(daemon);
    return daemon;
  }

  #enter(argv: string[]): string[] {
    return ["-t", String(this.pid), "-a", "--", ...argv];
  }

  /** Where a file of its /run is as seen from outside. */
  path(inside: string): string {
    return `/proc/${this.pid}/root${inside}`;
  }

  /** Makes a folder of its /run; `owner` is a user of the machine. */
  folder(inside: string, owner?: string): void {
    mkdirSync(this.path(inside), { recursive: true });
    if (owner !== undefined) execFileSync("chown", [`${owner}:`, this.path(inside)]);
  }

  write(inside: string, text: string, mode = 0o644): void {
    writeFileSync(this.path(inside), text, { mode });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    for (const daemon of this.#daemons) daemon.signal("SIGKILL");
    const gone = once(this.#holder, "close");
    this.#holder.kill("SIGKILL");
    await gone;
  }
}

let nextIndex = 1001;

/** A cable: `eth1` at both ends, each with its addresses. */
export async function connect(
  ends: readonly { sandbox: Sandbox; addresses: readonly string[] }[],
): Promise<void> {
  const [one, other] = ends.map(({ sandbox }) => String(sandbox.pid)) as [string, string];
  // Two ends of one index can wait a second for their link-local address.
  const index = () => String(nextIndex++);
  const half = (pid: string) => ["name", "eth1", "netns", pid, "index", index()];
  await run("ip", ["link", "add", ...half(one), "type", "veth", "peer", ...half(other)]);
  await Promise.all(
    ends.map(async ({ sandbox, addresses }) => {
      const commands = addresses.map((each) => `address add ${each} dev eth1`);
      sandbox.write("/run/addresses", [...commands, "link set eth1 up", ""].join("\n"));
      await sandbox.run("ip", "-batch", "/run/addresses");
    }),
  );
}

/** A process in a sandbox, with what it wrote. */
export class Daemon {
  readonly #child: ChildProcess;
  readonly name: string;
  log = "";

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.name = name;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.log += text));
    }
  }

  static async of(child: ChildProcess, name: string): Promise<Daemon> {
    await once(child, "spawn");
    return new Daemon(child, name);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Looks until it answers; throws with what it wrote where it ends instead. */
  async answers(look: () => Promise<unknown> | boolean, limitMs = 30_000): Promise<void> {
    await until(
      `${this.name} answers`,
      async () => !this.running || (await look()) !== false,
      limitMs,
      100,
    );
    if (!this.running) throw new Error(`${this.name} ended: ${this.log.slice(-1000)}`);
  }

  /** Itself and all it started, by the host's process ids. */
  pids(): number[] {
    return this.running ? childrenOf(this.#child.pid!).flatMap(withDescendants) : [];
  }

  /**
   * SIGSTOP leaves it as it is until SIGCONT. All are stopped before any is killed, so that no child has
   * the time to say good-bye for its parent.
   */
  signal(signal: NodeJS.Signals): void {
    const pids = this.pids();
    if (signal === "SIGKILL") for (const pid of pids) send(pid, "SIGSTOP");
    for (const pid of pids) send(pid, signal);
    // nsenter stops itself when its child is stopped.
    if (signal === "SIGCONT" || signal === "SIGKILL") this.#child.kill("SIGCONT");
  }

  /** Ends it, and resolves when it is gone. SIGKILL gives it no chance to say good-bye. */
  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.running) return;
    const gone = once(this.#child, "exit");
    this.signal(signal);
    await gone;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function withDescendants(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(withDescendants)];
}

function childrenOf(pid: number): number[] {
  try {
    const words = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return words.filter((word) => word !== "").map(Number);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
