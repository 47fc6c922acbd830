import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { EnvironmentError } from "../input/diagnostic.ts";
import { type Address, addressAfter, familyOf } from "../net/address.ts";
import {
  addressBits,
  defaultRoutes,
  type Prefix,
  prefixBase,
  prefixLength,
} from "../net/prefix.ts";
import type {
  Echo,
  EchoRun,
  ExecOptions,
  ExecResult,
  Impairment,
  Place,
  Progress,
  RouteChange,
  RunningCommand,
  Runtime,
} from "../runtime/port.ts";
import { NodeDownError } from "../runtime/node-down.ts";
import type { Endpoint, Fabric, FabricNode, ManagementNetwork } from "../topology/fabric.ts";
import { FrrRouter } from "./frr/router.ts";
import { show } from "./frr/show.ts";
import type { FrrTiming } from "./frr/timing.ts";
import type { Cable, Interface } from "./link.ts";
import type { SimNode } from "./network.ts";
import { command, type ShellPlace, sysctl } from "./shell/command.ts";
import type { UnseenPacket } from "./shell/packet-match.ts";
import { echo } from "./shell/probes.ts";
import { answeringSocket } from "./socket-pair.ts";
import { firstEphemeralPort } from "./tcp.ts";
import { unixMsAtZero } from "./virtual-clock.ts";
import type { World } from "./world.ts";

/** One way over a veth pair and through two kernels. */
const cableDelayMs = 0.02;

/** From power to the first command, as a node of the runtime netns needs. */
const bootMs = 100;
/** How long one waits for processes that stand still before it is of no use any more. */
const noAnswerMs = 10_000;

const unicast = { kind: "unicast", protocol: "boot" } as const;

type NodePlan = { of: FabricNode; management: ManagementNetwork | undefined };

export type SimRuntimeOptions = {
  world: World;
  timing: FrrTiming;
  /** What of a configuration is not simulated. */
  onProblem: (node: string, message: string) => void;
};

/** Nodes, cables and commands in virtual time. */
export class SimRuntime implements Runtime {
  readonly kind = "sim";
  readonly world: World;
  readonly #options: SimRuntimeOptions;
  readonly #routers = new Map<string, FrrRouter>();
  readonly #cables = new Map<string, Cable>();
  readonly #fabricNodes = new Map<string, NodePlan>();
  readonly #sockets = new Map<string, Map<string, () => Duplex>>();

  constructor(options: SimRuntimeOptions) {
    this.world = options.world;
    this.#options = options;
  }

  async up(fabric: Fabric, progress: Progress): Promise<void> {
    progress("nodes", "begin");
    for (const network of fabric.management) {
      this.world.network.addNode(managementBridge(network.name), { isBridge: true });
    }
    for (const node of fabric.nodes) this.#addNode(node, fabric);
    progress("nodes", "end", `${fabric.nodes.length} nodes`);
    progress("links", "begin");
    for (const { endpoints } of fabric.links) this.#plugIn(...endpoints);
    progress("links", "end", `${fabric.links.length} links`);
  }

  async down(): Promise<void> {
    for (const router of this.#routers.values()) router.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  /** Whether FRR runs on the node. */
  isRouting(node: string): boolean {
    return this.#routers.get(node)?.isRunning === true;
  }

  async stopNode(name: string): Promise<void> {
    const { network, tcp } = this.world;
    const node = network.node(name);
    // Before its system could close them.
    tcp.forget(node);
    this.world.programs.forget(node);
    this.#routers.get(name)?.reset();
    network.setNode(node, false);
  }

  async startNode(name: string): Promise<void> {
    const node = this.world.network.node(name);
    await this.world.sleep(bootMs);
    node.reset();
    this.world.network.setNode(node, true);
    this.#addManagement(this.#fabricNodes.get(name)!);
    for (const { ends } of this.#cables.values()) {
      if (ends.some((end) => end.node === node && !node.interfaces.has(end.name))) {
        const [a, b] = ends.map((end) => ({ node: end.node.name, interface: end.name }));
        this.#plugIn(a!, b!);
      }
    }
    this.#configure(this.#fabricNodes.get(name)!);
  }

  async exec(
    place: Place,
    argv: readonly string[],
    { stdin }: ExecOptions = {},
  ): Promise<ExecResult> {
    const { clock } = this.world;
    const beganMs = clock.nowMs;
    if (!this.world.network.node(place.node).isUp) throw new NodeDownError(place.node);
    const output = await command(this.#shellPlace(place), argv, stdin);
    return { ...output, tookMs: clock.nowMs - beganMs };
  }

  spawn(place: Place, argv: readonly string[]): RunningCommand {
    throw new EnvironmentError(
      `the simulation starts no process: '${argv.join(" ")}' on ${place.node}`,
      "run the lab with --runtime netns",
    );
  }

  async writeFile(node: string, path: string): Promise<void> {
    throw new EnvironmentError(
      `the simulation keeps no files: ${path} on ${node}`,
      "run the lab with --runtime netns",
    );
  }

  async connectUnix(node: string, path: string): Promise<Duplex> {
    const router = this.#routers.get(node);
    if (!this.world.network.node(node).isUp) throw new NodeDownError(node);
    if (this.world.network.node(node).processes.arePaused) {
      await this.world.sleep(noAnswerMs);
      throw Object.assign(new Error(`no answer from ${path}`), { code: "ECONNREFUSED" });
    }
    if (path === "/run/frr/bgpd.vty" && router?.isRunning === true) {
      return answeringSocket("\0", (request) => this.#vty(router, request));
    }
    const open = this.#sockets.get(node)?.get(path);
    if (open !== undefined) return open();
    throw Object.assign(new Error(`connect ENOENT ${path}`), { code: "ENOENT" });
  }

  /** A program listens on a Unix socket of the node. Returns how to stop. */
  listenUnix(node: string, path: string, open: () => Duplex): () => void {
    let ofNode = this.#sockets.get(node);
    if (ofNode === undefined) this.#sockets.set(node, (ofNode = new Map()));
    ofNode.set(path, open);
    return () => ofNode.delete(path);
  }

  async setLink(a: Endpoint, b: Endpoint, state: "up" | "down"): Promise<void> {
    this.world.network.setCable(this.#cable(a, b), state === "up");
  }

  async impairLink(
    from: Endpoint,
    to: Endpoint,
    impairment: Impairment | undefined,
  ): Promise<void> {
    const cable = this.#cable(from, to);
    const isSender = ({ node, name }: Interface) =>
      node.name === from.node && name === from.interface;
    cable.impair(cable.ends.find(isSender)!, impairment);
  }

  watchRoutes(nodes: readonly string[], onChange: (change: RouteChange) => void): () => void {
    const stops = nodes.map((name) => {
      const node = this.world.network.node(name);
      return node.onChange((change) => {
        this.world.wake();
        const atMs = this.world.clock.nowMs;
        if (change.change !== "route") return;
        const { how, route } = change;
        const via = route.nextHops[0]?.address;
        onChange({
          ...{ node: name, change: how, prefix: route.prefix, atMs },
          ...(via !== undefined && { via }),
        });
      });
    });
    return () => stops.forEach((stop) => stop());
  }

  echo(place: Place, to: Address, everyMs: number, onEcho: (echo: Echo) => void): EchoRun {
    const { clock } = this.world;
    let number = 0;
    let cancel = () => {};
    const send = () => {
      cancel = clock.setTimer(everyMs, send);
      const atUnixMs = unixMsAtZero + clock.nowMs;
      const rttMs = echo(this.world, this.nodeOf(place), to);
      number++;
      this.world.wake();
      if (rttMs === undefined) onEcho({ echo: "none", number, atUnixMs });
      else onEcho({ echo: "reply", number, atUnixMs, rttMs, duplicate: false });
    };
    send();
    return {
      failed: new Promise(() => {}),
      stop: async () => {
        cancel();
        return { lateMs: 0 };
      },
    };
  }

  /** Unix time when the world began: any, but the same each time. */
  get unixAtZeroMs(): number {
    return unixMsAtZero;
  }

  nodeOf({ node, pod }: Place): SimNode {
    return this.world.network.node(pod === undefined ? node : podNode(pod));
  }

  #shellPlace(place: Place): ShellPlace {
    const { world } = this;
    const plan = this.#fabricNodes.get(place.node)!;
    const { of } = plan;
    return {
      ...{ world, node: this.nodeOf(place), router: this.#routers.get(place.node) },
      hostname: place.pod?.name ?? of.hostname,
      fromApi: place.pod === undefined ? fromApi(plan) : undefined,
      readFile: readerOf(of),
    };
  }

  #addNode(of: FabricNode, fabric: Fabric): void {
    const { network } = this.world;
    const node = network.addNode(of.name, { isBridge: of.kind === "bridge" });
    const management = fabric.management.find(({ name }) => name === of.managementNetwork);
    this.#fabricNodes.set(of.name, { of, management });
    this.#addManagement({ of, management });
    if ((of.kubernetes?.podCidrs ?? []).length > 0) {
      const end = (name: string) => ({ node: of.name, interface: name });
      network.connect(end("cilium_host"), end("cilium_net"), 0);
    }
    this.#configure(this.#fabricNodes.get(of.name)!);
    if (of.kind === "linux" && of.image?.includes("frr") === true) {
      const onProblem = (message: string) => this.#options.onProblem(of.name, message);
      const { timing } = this.#options;
      const options = { timing, onProblem, readFile: readerOf(of) };
      this.#routers.set(of.name, new FrrRouter(this.world, node, options));
    }
  }

  #plugIn(a: Endpoint, b: Endpoint): void {
    this.#cables.set(cableKey(a, b), this.world.network.connect(a, b, cableDelayMs));
  }

  #addManagement({ of, management }: NodePlan): void {
    const { network } = this.world;
    if (management === undefined || network.node(of.name).interfaces.has("eth0")) return;
    const end = { node: managementBridge(management.name), interface: `veth-${of.name}` };
    network.connect({ node: of.name, interface: "eth0" }, end, cableDelayMs);
  }

  /** What a node has before any exec line. */
  #configure({ of, management }: NodePlan): void {
    const node = this.world.network.node(of.name);
    if (management !== undefined && of.managementAddress !== undefined) {
      const length = prefixLength(management.ipv4Subnet);
      node.addAddress("eth0", { address: of.managementAddress, prefixLength: length });
      const nextHops = [{ address: management.ipv4Gateway, interface: "eth0" }];
      node.fib.replace({ prefix: defaultRoutes["ipv4"], ...unicast, metric: 0, nextHops });
    }
    this.#addPodGateway(node, of.kubernetes?.podCidrs ?? []);
    const settings = Object.entries(of.sysctls).map(([key, value]) => `${key}=${value}`);
    for (const setting of settings) {
      if (sysctl(node, [setting]) === undefined) {
        this.#options.onProblem(of.name, `sysctl ${setting}`);
      }
    }
  }

  /** As Cilium has it, and every runtime of Spinelab: the pods' gateway, and no way to addresses that no pod has. */
  #addPodGateway(node: SimNode, podCidrs: readonly Prefix[]): void {
    for (const podCidr of podCidrs) {
      const gateway = addressAfter(prefixBase(podCidr), 1);
      const family = familyOf(gateway);
      node.addAddress("cilium_host", { address: gateway, prefixLength: addressBits(family) });
      const metric = family === "ipv4" ? 0 : 1024;
      const nothing = { kind: "unreachable", protocol: "boot", metric, nextHops: [] } as const;
      node.fib.replace({ prefix: podCidr, ...nothing });
    }
  }

  #cable(a: Endpoint, b: Endpoint): Cable {
    const found = this.#cables.get(cableKey(a, b)) ?? this.#cables.get(cableKey(b, a));
    if (found === undefined) {
      throw new Error(`no link between ${a.node}:${a.interface} and ${b.node}:${b.interface}`);
    }
    return found;
  }

  #vty(router: FrrRouter, request: string): Buffer {
    const shown = request === "enable" ? "" : show(router, request, this.world.clock.nowMs);
    const text = shown ?? `% Unknown command: ${request}`;
    return Buffer.concat([Buffer.from(text), Buffer.from([0, 0, 0, shown === undefined ? 2 : 0])]);
  }
}

/** Reads what the topology binds into a node. */
function readerOf({ binds }: FabricNode): (path: string) => string | undefined {
  return (path) => {
    const bind = binds.find(({ destination }) => destination === path);
    return bind && readFileSync(bind.source, "utf8");
  };
}

/** As the runtime netns has it: the API server is on the management network, at its gateway. */
function fromApi({ of, management }: NodePlan): UnseenPacket | undefined {
  if (of.kubernetes === undefined || management === undefined) return undefined;
  const destination = of.managementAddress;
  if (destination === undefined) return undefined;
  const ports = { sourcePort: 6443, destinationPort: firstEphemeralPort };
  const tuple = { protocol: "tcp", source: management.ipv4Gateway, destination, ...ports } as const;
  return { tuple, device: "eth0" };
}

export function podNode({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}

function managementBridge(network: string): string {
  return `bridge of ${network}`;
}

function cableKey(a: Endpoint, b: Endpoint): string {
  return `${a.node}:${a.interface} ${b.node}:${b.interface}`;
}
