import { setMaxListeners } from "node:events";
import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import type { Address } from "../../net/address.ts";
import type { Echo } from "../../sys/echo-rows.ts";
import type { Endpoint, Fabric, FabricNode } from "../../topology/fabric.ts";
import { type Impairment, Impairments } from "../impairments.ts";
import { LinkCuts } from "../link-cuts.ts";
import { batchFailure, linksUpBatch } from "../links.ts";
import { plugBatch, unplugBatch } from "../parked-links.ts";
import { managementHosts, sysctlsCommand, writeFileScript } from "../node-settings.ts";
import { pingArgv, pingEcho } from "../ping-echo.ts";
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
import { endedError } from "./container-end.ts";
import { containerName, containerOptions, parkingOptions, type Placement } from "./containers.ts";
import { engineError, lostRace } from "./engine-error.ts";
import { execIn, type ExecPlace, spawnIn } from "./exec.ts";
import { Helper } from "./helper-container.ts";
import { ensureImage, imagesOf } from "./images.ts";
import { chooseAddresses, ensureNetworks } from "./management-network.ts";
import { NodeRoutes } from "./node-routes.ts";
import { PodProcesses } from "./pod-process.ts";
import { sweepLab } from "./sweep.ts";
import { enterNetwork, Wiring } from "./wiring.ts";

export type DockerOptions = {
  docker: Docker;
  /** The project's own image, which the engine has already: the helper container runs from it. */
  speakerImage: string;
};

/** `gone` is aborted when the container has ended. */
type NodeContainer = { container: Docker.Container; pid: number; gone: AbortController };

function nodeContainer(container: Docker.Container, pid: number): NodeContainer {
  const gone = new AbortController();
  setMaxListeners(0, gone.signal);
  return { container, pid, gone };
}

/**
 * The fabric in containers: a node is one, a link a veth pair between two. Kubernetes nodes are
 * kind's own containers, which are there before `up`: they are only wired, and run commands.
 */
export class DockerRuntime implements Runtime {
  readonly kind = "docker";
  readonly #docker: Docker;
  readonly #speakerImage: string;
  readonly #nodes = new Map<string, NodeContainer>();
  readonly #cuts = new LinkCuts(this.#nodes, (...command) => this.#ip(...command));
  /** By the helper: nodes' images need neither tc nor nft. */
  readonly #impairments = new Impairments({
    run: (node, argv, stdin) =>
      this.#helperUp().exec([...enterNetwork(this.#node(node).pid), ...argv], stdin),
  });
  readonly #pods = new PodProcesses((node, argv) => this.exec({ node }, argv));
  #stopping = new AbortController();
  #fabric: Fabric | undefined;
  #helper: Helper | undefined;
  #up: Promise<void> | undefined;
  readonly #routes = new NodeRoutes(
    () => this.#helperUp(),
    (node) => this.#nodes.get(node)?.pid,
  );
  /** Containers of nodes that were stopped on purpose. */
  readonly #stopped = new Map<string, Docker.Container>();
  /** Keeps the links of stopped nodes. */
  #parking: NodeContainer | undefined;

  constructor({ docker, speakerImage }: DockerOptions) {
    this.#docker = docker;
    this.#speakerImage = speakerImage;
  }

  up(fabric: Fabric, progress: Progress): Promise<void> {
    this.#fabric = fabric;
    this.#stopping = new AbortController();
    this.#up = this.#build(fabric, progress);
    return this.#up;
  }

  async down(): Promise<void> {
    this.#stopping.abort(new Error("the lab is taken down"));
    // What is half made must be there to be removed.
    await this.#up?.catch(() => undefined);
    if (!this.#fabric) return;
    await this.#clearKubernetesNodes(this.#fabric);
    await sweepLab(this.#docker, this.#fabric.name);
    this.#nodes.clear();
    this.#stopped.clear();
    this.#parking = undefined;
    this.#helper = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  async exec(place: Place, argv: readonly string[], options?: ExecOptions): Promise<ExecResult> {
    await this.#routes.ready;
    const inside = await this.#argv(place, argv);
    return await execIn(this.#execPlace(place), inside, options).catch(async (error: unknown) => {
      throw (await this.#whyNotRunning(place.node)) ?? error;
    });
  }

  spawn(place: Place, argv: readonly string[], options?: SpawnOptions): RunningCommand {
    const inside = this.#routes.ready.then(() => this.#argv(place, argv));
    return spawnIn(this.#execPlace(place), inside, options);
  }

  echo(place: Place, to: Address, everyMs: number, onEcho: (echo: Echo) => void): EchoRun {
    return pingEcho(this.spawn(place, pingArgv(to, everyMs), { stdin: "ignore" }), onEcho);
  }

  async writeFile(node: string, path: string, content: string, mode = 0o644): Promise<void> {
    const argv = ["sh", "-c", writeFileScript, "sh", path, mode.toString(8)];
    const result = await this.exec({ node }, argv, { stdin: content });
    if (result.exitCode !== 0) throw new Error(`${node}: write ${path}: ${result.stderr.trim()}`);
  }

  async connectUnix(node: string, path: string): Promise<Duplex> {
    return await this.#helperUp().connectUnix(`/proc/${this.#node(node).pid}/root${path}`);
  }

  async setLink(a: Endpoint, b: Endpoint, state: "up" | "down"): Promise<void> {
    await this.#routes.ready;
    await this.#cuts.set(this.#fabric!, a, b, state);
  }

  impairLink(from: Endpoint, to: Endpoint, impairment: Impairment | undefined): Promise<void> {
    return this.#impairments.set(from, to, impairment);
  }

  watchRoutes(nodes: readonly string[], onChange: (change: RouteChange) => void): () => void {
    return this.#routes.follow(nodes, onChange);
  }

  async stopNode(name: string): Promise<void> {
    const { container, pid, gone } = this.#node(name);
    this.#parking ??= await this.#startParking();
    await this.#batch(pid, name, unplugBatch(this.#fabric!, name, this.#parking.pid));
    const ended = container.wait();
    this.#stopped.set(name, container);
    await container.kill();
    await ended;
    gone.abort();
    this.#nodes.delete(name);
  }

  async startNode(name: string): Promise<void> {
    const container = this.#stopped.get(name);
    if (container === undefined) throw new Error(`node ${name} is up`);
    const fabric = this.#fabric!;
    try {
      await container.start();
    } catch (error) {
      throw engineError(this.#docker, error, `node ${name}`);
    }
    const { State } = await container.inspect();
    if (!State.Running) throw await endedError(container, name, State);
    this.#stopped.delete(name);
    const node = nodeContainer(container, State.Pid);
    this.#nodes.set(name, node);
    const description = fabric.nodes.find((each) => each.name === name)!;
    if (description.kubernetes !== undefined) await this.#setSysctls(description);
    await this.#batch(this.#parking!.pid, name, plugBatch(fabric, name, node.pid));
    const cut = this.#cuts.cutOn(name).map((each) => `link set ${each} down\n`);
    await this.#batch(node.pid, name, linksUpBatch(fabric, description) + cut.join(""));
    await this.#impairments.nodeStarted(name);
    this.#routes.nodeStarted(name);
    await this.#routes.ready;
  }

  /** The container of a node ended: so have the commands in it. Whether that was asked for. */
  nodeEnded(node: string): boolean {
    this.#nodes.get(node)?.gone.abort();
    return this.#stopped.has(node);
  }

  /** Container of every node, by the names that `docker exec` takes. */
  containers(): Record<string, string> {
    const nodes = this.#fabric?.nodes ?? [];
    return Object.fromEntries(
      nodes
        .filter(({ name }) => this.#nodes.has(name))
        .map((node) => [node.name, containerName(this.#fabric!, node)]),
    );
  }

  async #build(fabric: Fabric, progress: Progress): Promise<void> {
    const stopping = this.#stopping.signal;
    const own = fabric.nodes.filter((node) => node.kubernetes === undefined);
    progress("images", "begin");
    const images = imagesOf(own);
    const [kubernetesAddresses] = await allOrFirstError([
      this.#adoptKubernetesNodes(fabric),
      sweepLab(this.#docker, fabric.name),
      ...images.map((image) => ensureImage(this.#docker, image, progress, stopping)),
    ] as const);
    progress("images", "end", `${images.length} images`);
    stopping.throwIfAborted();

    progress("containers", "begin");
    const deadlineMs = performance.now() + racesWithinMs;
    for (;;) {
      try {
        await this.#startContainers(fabric, own, kubernetesAddresses);
        break;
      } catch (error) {
        if (!lostRace(error) || performance.now() > deadlineMs) throw error;
        await sweepLab(this.#docker, fabric.name);
        await new Promise((resolve) => setTimeout(resolve, betweenRacesMs));
      }
      stopping.throwIfAborted();
    }
    progress("containers", "end", `${own.length} containers`);
    stopping.throwIfAborted();

    progress("links", "begin");
    await this.#wire(fabric, own);
    progress("links", "end", `${fabric.links.length} links`);
  }

  async #startContainers(
    fabric: Fabric,
    own: readonly FabricNode[],
    kubernetesAddresses: ReadonlyMap<string, string>,
  ): Promise<void> {
    const networks = await ensureNetworks(this.#docker, fabric);
    const ipv4 = chooseAddresses(fabric, networks);
    const hosts = managementHosts(
      fabric,
      (node) => ipv4.get(node.name) ?? kubernetesAddresses.get(node.name),
    );
    await allOrFirstError([
      Helper.start(this.#docker, fabric.name, this.#speakerImage).then(
        (helper) => (this.#helper = helper),
      ),
      ...own.map(async (node) => {
        const placement: Placement = { hosts, bridgeImage: this.#speakerImage };
        const address = ipv4.get(node.name);
        if (address !== undefined) {
          placement.network = { name: node.managementNetwork!, ipv4: address };
          // Where another lab has the IPv4 address it has this one too: the engine chooses then.
          const ipv6 = address === node.managementAddress ? node.managementIpv6Address : undefined;
          if (ipv6 !== undefined) placement.network.ipv6 = ipv6;
        }
        this.#nodes.set(node.name, await this.#startNode(fabric, node, placement));
      }),
    ]);
  }

  async #wire(fabric: Fabric, own: readonly FabricNode[]): Promise<void> {
    const wiring = new Wiring(fabric, (node) => this.#node(node).pid);
    const wired = await this.#helperUp().script(wiring.script());
    // A container that ended took its namespace along, which is then what the links miss.
    const states = await Promise.all(own.map(({ name }) => this.#whyNotRunning(name)));
    const ended = states.find((state) => state !== undefined);
    if (ended) throw ended;
    if (wired.exitCode !== 0) throw new Error(wiring.failure(wired.stderr));
  }

  async #startNode(fabric: Fabric, node: FabricNode, placement: Placement): Promise<NodeContainer> {
    try {
      const container = await this.#docker.createContainer(
        containerOptions(fabric, node, placement),
      );
      await container.start();
      const { State } = await container.inspect();
      if (!State.Running) throw await endedError(container, node.name, State);
      return nodeContainer(container, State.Pid);
    } catch (error) {
      throw engineError(this.#docker, error, `node ${node.name}`);
    }
  }

  /** Returns their addresses, which Docker chose when kind made them. */
  async #adoptKubernetesNodes(fabric: Fabric): Promise<Map<string, string>> {
    const addresses = new Map<string, string>();
    const nodes = fabric.nodes.filter((node) => node.kubernetes !== undefined);
    await Promise.all(
      nodes.map(async (node) => {
        const container = this.#docker.getContainer(containerName(fabric, node));
        try {
          const { State, NetworkSettings } = await container.inspect();
          if (!State.Running) throw await endedError(container, node.name, State);
          this.#nodes.set(node.name, nodeContainer(container, State.Pid));
          const [network] = Object.values(NetworkSettings.Networks);
          if (network?.IPAddress) addresses.set(node.name, network.IPAddress);
          await this.#setSysctls(node);
        } catch (error) {
          throw engineError(this.#docker, error, `Kubernetes node ${node.name}`);
        }
      }),
    );
    return addresses;
  }

  /** Of a container that kind has made: those of IPv4 clusters have no IPv6, which links may need. */
  async #setSysctls(node: FabricNode): Promise<void> {
    const { exitCode, stderr } = await this.exec({ node: node.name }, sysctlsCommand(node));
    if (exitCode !== 0) throw new Error(`${node.name}: sysctls: ${stderr.trim()}`);
  }

  async #clearKubernetesNodes(fabric: Fabric): Promise<void> {
    if (!this.#helper || fabric.nodes.some(({ name }) => !this.#nodes.has(name))) return;
    const script = new Wiring(fabric, (node) => this.#node(node).pid).clearing();
    // Where the nodes or the helper are gone, so are the links.
    if (script !== "") await this.#helper.script(script).catch(() => undefined);
  }

  async #startParking(): Promise<NodeContainer> {
    const container = await this.#docker.createContainer(
      parkingOptions(this.#fabric!.name, this.#speakerImage),
    );
    await container.start();
    const { State } = await container.inspect();
    return nodeContainer(container, State.Pid);
  }

  async #batch(pid: number, what: string, batch: string): Promise<void> {
    const argv = [...enterNetwork(pid), "ip", "-batch", "-"];
    const { exitCode, stderr } = await this.#helperUp().exec(argv, batch);
    if (exitCode !== 0) throw new Error(batchFailure(what, batch, stderr));
  }

  async #argv(place: Place, argv: readonly string[]): Promise<readonly string[]> {
    return place.pod === undefined ? argv : await this.#pods.enter(place.node, place.pod, argv);
  }

  #execPlace(place: Place): ExecPlace {
    const { pod } = place;
    const { container, gone } = this.#node(place.node);
    return {
      docker: this.#docker,
      container: container.id,
      gone: gone.signal,
      name: pod === undefined ? place.node : `${pod.namespace}/${pod.name}`,
      signal: (pid, signal, whole) => {
        const target = pod === undefined ? (whole ? "session" : "process") : "child";
        return this.#helperUp().signal(pid, signal, target);
      },
    };
  }

  async #ip(node: string, args: readonly string[], batch?: string): Promise<string> {
    const argv = [...enterNetwork(this.#node(node).pid), "ip", ...args];
    const { exitCode, stdout, stderr } = await this.#helperUp().exec(argv, batch);
    if (exitCode !== 0) throw new Error(batchFailure(node, batch ?? "", stderr));
    return stdout;
  }

  async #whyNotRunning(node: string): Promise<Error | undefined> {
    const known = this.#nodes.get(node);
    if (!known) return undefined;
    try {
      const { State } = await known.container.inspect();
      return State.Running ? undefined : await endedError(known.container, node, State);
    } catch {
      return undefined; // The first error says what matters.
    }
  }

  #node(name: string): NodeContainer {
    const node = this.#nodes.get(name);
    if (!node) throw new NodeDownError(name);
    return node;
  }

  #helperUp(): Helper {
    if (!this.#helper) throw new Error("the lab is not up");
    return this.#helper;
  }
}

/** How long other labs may be in the way on a shared network, and how often to look. */
const racesWithinMs = 15_000;
const betweenRacesMs = 50;

/** Waits for all, so that nothing is still being made when the error is reported. */
async function allOrFirstError<T extends readonly unknown[]>(
  work: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as never;
}
