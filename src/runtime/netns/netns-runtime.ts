import { connect, type Socket } from "node:net";
import type { Address } from "../../net/address.ts";
import { inNetworkNamespace, listenTcp } from "../../sys/libc.ts";
import { type Echo, EchoProbes } from "../../sys/echo.ts";
import { RouteWatch } from "../../sys/route-watch.ts";
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
import { LinkCuts } from "../link-cuts.ts";
import { batchFailure, linkBatch } from "../links.ts";
import { managementHosts, nodeSysctls, writeFileScript } from "../node-settings.ts";
import { ipBatch } from "./ip.ts";
import { bridgeBatch, managementBatch, nodeBatch } from "./links.ts";
import { attachNames, detachNames, namespaceNames } from "./names.ts";
import { NetnsPods } from "./pods.ts";

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
  readonly #cuts = new LinkCuts((...command) => this.#ip(...command));
  #management: Sandbox | undefined;
  #fabric: Fabric | undefined;
  #watch: RouteWatch | undefined;
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
    this.#watch?.close();
    this.#watch = undefined;
    await this.#echoes?.close();
    this.#echoes = undefined;
    if (this.#fabric) {
      const fabric = this.#fabric;
      await detachNames(fabric.nodes.flatMap((node) => namespaceNames(fabric, node)));
    }
    const sandboxes = [...this.#nodes.values(), ...(this.#management ? [this.#management] : [])];
    this.#nodes.clear();
    this.#management = undefined;
    this.pods.forget();
    await Promise.all(sandboxes.map((sandbox) => sandbox.destroy()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
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

  setLink(a: Endpoint, b: Endpoint, state: "up" | "down"): Promise<void> {
    return this.#cuts.set(this.#fabric!, a, b, state);
  }

  watchRoutes(nodes: readonly string[], onChange: (change: RouteChange) => void): () => void {
    this.#watch ??= new RouteWatch();
    const watch = this.#watch;
    const stops = nodes.map((node) =>
      watch.add(this.#node(node).networkNamespace, (message) => {
        onChange({
          node,
          change: message.change,
          prefix: message.prefix,
          ...(message.gateway === undefined ? {} : { via: message.gateway }),
          atMs: performance.now(),
        });
      }),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }

  echo(place: Place, to: Address, everyMs: number, onEcho: (echo: Echo) => void): EchoRun {
    this.#echoes ??= new EchoProbes();
    const namespace = this.sandbox(place).networkNamespace;
    return this.#echoes.start({ namespace, to, everyMs }, onEcho);
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
    if (!sandbox) throw new Error(`node ${name} is not up`);
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
      sysctls: { ...nodeSysctls, ...sysctlPaths(node.sysctls) },
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
}

function sysctlPaths(sysctls: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(sysctls).map(([key, value]) => [key.replaceAll(".", "/"), value]),
  );
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
