import { connect, type Socket } from "node:net";
import type { Address } from "../../net/address.ts";
import { inNetworkNamespace, listenTcp } from "../../sys/libc.ts";
import { EchoProbes } from "../../sys/echo.ts";
import type { Echo } from "../../sys/echo-rows.ts";
import type { Endpoint, Fabric, FabricNode } from "../../topology/fabric.ts";
import type {
  EchoRun,
  ExecOptions,
  ExecResult,
  Place,
  Progress,
  RouteChange,
  RunningCommand,
  Runtime,
  SpawnOptions,
} from "../port.ts";
import { NodeDownError } from "../node-down.ts";
import { type Impairment, Impairments } from "../impairments.ts";
import { LinkCuts } from "../link-cuts.ts";
import { batchFailure, linkBatch } from "../links.ts";
import { plugBatch, unplugBatch } from "../parked-links.ts";
import { managementHosts, sysctlsOf, writeFileScript } from "../node-settings.ts";
import { ipBatch } from "./ip.ts";
import { bridgeBatch, managementBatch, managementPort, nodeBatch } from "./links.ts";
import { attachNames, detachNames, namespaceNames } from "./names.ts";
import { NodeListeners } from "./node-listeners.ts";
import { NodeRoutes } from "./node-routes.ts";
import { NetnsPods } from "./pods.ts";
import { Relays } from "./relays.ts";
import { Sandbox } from "./sandbox.ts";

export type NetnsOptions = {
  /** State folder of the lab: sandboxes get their empty mount points below it. */
  directory: string;
  /** Files of the host that every Kubernetes node sees: what its agent runs from. */
  tools: { source: string; destination: string; readOnly: boolean }[];
};

/** The fabric in Linux namespaces on this machine: a node is a sandbox, a link a veth pair. */
export class NetnsRuntime implements Runtime {
  readonly kind = "netns";
  readonly pods: NetnsPods;
  readonly #options: NetnsOptions;
  readonly #nodes = new Map<string, Sandbox>();
  readonly #cuts = new LinkCuts(this.#nodes, (...command) => this.#ip(...command));
  readonly #relays = new Relays({
    namespaceOf: (node) => this.#node(node).networkNamespace,
    run: async (node, argv, stdin) => {
      const result = await this.#node(node).exec(argv, stdin === undefined ? {} : { stdin });
      const { exitCode, stderr } = result;
      if (exitCode !== 0) throw new Error(`${node}: ${argv.join(" ")}: ${stderr.trim()}`);
    },
  });
  readonly #impairments = new Impairments({
    run: (node, argv, stdin) => this.#node(node).exec(argv, stdin === undefined ? {} : { stdin }),
    relay: (from, impairment) => this.#relays.start(from, impairment),
  });
  #management: Sandbox | undefined;
  #fabric: Fabric | undefined;
  readonly #routes = new NodeRoutes((node) => this.#nodes.get(node)?.networkNamespace);
  readonly #listeners = new NodeListeners();
  /** By node: how to end the echoes that are sent there, once it is stopped. */
  readonly #echoEnds = new Map<string, Set<() => void>>();
  #echoes: EchoProbes | undefined;

  constructor(options: NetnsOptions) {
    this.#options = options;
    this.pods = new NetnsPods({
      directory: options.directory,
      nodeSandbox: (node) => this.#node(node),
    });
  }

  async up(fabric: Fabric, progress: Progress): Promise<void> {
    this.#fabric = fabric;
    const pidOf = (node: string) => this.#node(node).pid;

    progress("sandboxes", "begin");
    const sandboxes = await Promise.allSettled([
      Sandbox.createNetwork().then((sandbox) => (this.#management = sandbox)),
      ...fabric.nodes.map(async (node) => {
        this.#nodes.set(node.name, await this.#createNode(fabric, node));
      }),
    ]);
    throwFirst(sandboxes);
    await attachNames(
      fabric.nodes.flatMap((node) =>
        namespaceNames(fabric, node).map((name) => ({ name, pid: pidOf(node.name) })),
      ),
    );
    progress("sandboxes", "end", `${fabric.nodes.length} nodes`);

    progress("links", "begin");
    const made =
      linkBatch(fabric, pidOf, 100) + managementBatch(fabric, pidOf, this.#management!.pid);
    await ipBatch([], made, "links");
    const configured = await Promise.allSettled([
      this.#batchIn(this.#management!, "management network", bridgeBatch(fabric)),
      ...fabric.nodes.map((node) =>
        this.#batchIn(this.#node(node.name), node.name, nodeBatch(fabric, node)),
      ),
    ]);
    throwFirst(configured);
    progress("links", "end", `${fabric.links.length} links`);
  }

  async down(): Promise<void> {
    this.#routes.close();
    this.#listeners.close();
    await this.#relays.close();
    await this.#echoes?.close();
    this.#echoes = undefined;
    const fabric = this.#fabric;
    try {
      if (fabric) await detachNames(fabric.nodes.flatMap((node) => namespaceNames(fabric, node)));
    } finally {
      const sandboxes = [...this.#nodes.values(), ...(this.#management ? [this.#management] : [])];
      this.#nodes.clear();
      this.#management = undefined;
      this.pods.forget();
      await Promise.all(sandboxes.map((sandbox) => sandbox.destroy()));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  async stopNode(name: string): Promise<void> {
    const fabric = this.#fabric!;
    const sandbox = this.#node(name);
    const management = this.#management!;
    await this.#impairments.nodeStopping(name);
    const port = managementPort(fabric, name);
    if (port !== undefined) {
      // An exec line may have removed it.
      const remove = ["ip", "link", "delete", port.end];
      await management.exec(remove);
    }
    await this.#batchInNetwork(sandbox, name, unplugBatch(fabric, name, management.pid));
    this.#routes.nodeStopped(name);
    this.#listeners.nodeStopped(name);
    for (const end of this.#echoEnds.get(name) ?? []) end();
    const node = fabric.nodes.find((each) => each.name === name)!;
    await detachNames(namespaceNames(fabric, node));
    this.#nodes.delete(name);
    this.pods.forget(name);
    await sandbox.destroy();
  }

  async startNode(name: string): Promise<void> {
    const fabric = this.#fabric!;
    if (this.#nodes.has(name)) throw new Error(`node ${name} is up`);
    const node = fabric.nodes.find((each) => each.name === name)!;
    const management = this.#management!;
    const sandbox = await this.#createNode(fabric, node);
    this.#nodes.set(name, sandbox);
    const { pid } = sandbox;
    await attachNames(namespaceNames(fabric, node).map((each) => ({ name: each, pid })));
    await ipBatch(
      [],
      managementBatch(fabric, () => pid, management.pid, name),
      name,
    );
    await this.#batchInNetwork(management, name, plugBatch(fabric, name, pid));
    const port = managementPort(fabric, name);
    if (port !== undefined) await this.#batchIn(management, name, port.batch);
    await this.#batchIn(sandbox, name, nodeBatch(fabric, node));
    // A cable that was pulled at this node is still pulled.
    const down = this.#cuts.cutOn(name).map((each) => `link set ${each} down\n`);
    await this.#batchIn(sandbox, name, down.join(""));
    await this.#impairments.nodeStarted(name);
    this.#routes.nodeStarted(name);
  }

  async exec(place: Place, argv: readonly string[], options?: ExecOptions): Promise<ExecResult> {
    const env = this.#env(place, options?.env);
    return await this.sandbox(place).exec(argv, { ...options, env });
  }

  spawn(place: Place, argv: readonly string[], options?: SpawnOptions): RunningCommand {
    return this.sandbox(place).spawn(argv, { ...options, env: this.#env(place, options?.env) });
  }

  async writeFile(node: string, path: string, content: string, mode = 0o644): Promise<void> {
    const argv = ["sh", "-c", writeFileScript, "sh", path, mode.toString(8)];
    const result = await this.exec({ node }, argv, { stdin: content });
    if (result.exitCode !== 0) throw new Error(`${node}: write ${path}: ${result.stderr.trim()}`);
  }

  connectUnix(node: string, path: string): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#node(node).root + path);
      socket.once("connect", () => resolve(socket)).once("error", reject);
    });
  }

  /**
   * Listens for TCP connections inside a node, as a program of its would, until the node is stopped. Resolves
   * with the port, which for port 0 is one that is free. Rejects with the system's `code` where it cannot: EADDRNOTAVAIL, where no interface of the
   * node has the address; EADDRINUSE.
   */
  listenIn(
    node: string,
    address: Address,
    port: number,
    onConnection: (connection: Socket) => void,
  ): Promise<number> {
    const namespace = this.#node(node).networkNamespace;
    return this.#listeners.listen({ node, namespace, address, port }, onConnection);
  }

  setLink(a: Endpoint, b: Endpoint, state: "up" | "down"): Promise<void> {
    return this.#cuts.set(this.#fabric!, a, b, state);
  }

  impairLink(from: Endpoint, to: Endpoint, impairment: Impairment | undefined): Promise<void> {
    return this.#impairments.set(from, to, impairment);
  }

  watchRoutes(nodes: readonly string[], onChange: (change: RouteChange) => void): () => void {
    return this.#routes.follow(nodes, onChange);
  }

  echo(place: Place, to: Address, everyMs: number, onEcho: (echo: Echo) => void): EchoRun {
    this.#echoes ??= new EchoProbes();
    const namespace = this.sandbox(place).networkNamespace;
    const run = this.#echoes.start({ namespace, to, everyMs }, onEcho);
    const nodeStopped = Promise.withResolvers<string>();
    const ends = this.#echoEnds.get(place.node) ?? new Set();
    this.#echoEnds.set(place.node, ends);
    const stop = () => {
      ends.delete(end);
      return run.stop();
    };
    const end = () => {
      void stop();
      nodeStopped.resolve(new NodeDownError(place.node).message);
    };
    ends.add(end);
    return { failed: Promise.race([run.failed, nodeStopped.promise]), stop };
  }

  /** A listening socket in the management network, as a descriptor: where the API server is reached by nodes. */
  listenInManagement(host: Address, port: number): number {
    return inNetworkNamespace(this.#management!.networkNamespace, () => listenTcp(host, port));
  }

  /** Host process numbers of the first processes, so that other commands can enter them. */
  pids(): Record<string, number> {
    return Object.fromEntries([...this.#nodes].map(([node, sandbox]) => [node, sandbox.pid]));
  }

  /** Path of a node's root directory as the host sees it. */
  root(node: string): string {
    return this.#node(node).root;
  }

  sandbox(place: Place): Sandbox {
    return place.pod === undefined ? this.#node(place.node) : this.pods.sandbox(place.pod);
  }

  #node(name: string): Sandbox {
    const sandbox = this.#nodes.get(name);
    if (!sandbox) throw new NodeDownError(name);
    return sandbox;
  }

  #env(place: Place, more: Record<string, string> | undefined): Record<string, string> {
    const node = this.#fabric?.nodes.find((each) => each.name === place.node);
    return { ...(place.pod === undefined ? node?.env : {}), ...more };
  }

  #createNode(fabric: Fabric, node: FabricNode): Promise<Sandbox> {
    return Sandbox.create({
      hostname: node.hostname,
      directory: `${this.#options.directory}/nodes/${node.name}`,
      hosts: hostsFile(fabric, node),
      binds: [...(node.kubernetes ? this.#options.tools : []), ...node.binds],
      sysctls: sysctlsOf(node),
    }).catch((error: unknown) => {
      throw new Error(`node ${node.name}: ${(error as Error).message}`, { cause: error });
    });
  }

  async #ip(node: string, args: readonly string[], batch?: string): Promise<string> {
    const stdin = batch === undefined ? {} : { stdin: batch };
    const { exitCode, stdout, stderr } = await this.#node(node).exec(["ip", ...args], stdin);
    if (exitCode !== 0) throw new Error(batchFailure(node, batch ?? "", stderr));
    return stdout;
  }

  #batchIn(sandbox: Sandbox, what: string, batch: string): Promise<void> {
    return ipBatch(sandbox.enter([]), batch, what);
  }

  /** Where process numbers in the batch are the host's. */
  #batchInNetwork(sandbox: Sandbox, what: string, batch: string): Promise<void> {
    return ipBatch(["nsenter", "-t", String(sandbox.pid), "--net", "--"], batch, what);
  }
}

function hostsFile(fabric: Fabric, self: FabricNode): string {
  const lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"];
  for (const { address, names } of managementHosts(fabric, (node) => node.managementAddress)) {
    lines.push(`${address} ${names.join(" ")}`);
  }
  if (self.managementAddress === undefined) lines.push(`127.0.1.1 ${self.hostname}`);
  return `${lines.join("\n")}\n`;
}

function throwFirst(results: PromiseSettledResult<unknown>[]): void {
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
