import { EnvironmentError } from "../../input/diagnostic.ts";
import { type KindCommand, KindError, kindVersion, run, runKind } from "./kind-command.ts";

export type KindOptions = KindCommand & {
  /** The cluster's name, which begins the names of its containers. */
  name: string;
  /** Where kind writes the cluster's kubeconfig: never the user's own. */
  kubeconfig: string;
};

export type CreateKindOptions = KindOptions & {
  /** The cluster's file (kind.x-k8s.io/v1alpha4). */
  config: string;
  /** Node image of every node that names none; kind's own default otherwise. */
  image?: string | undefined;
  /**
   * IPv4 subnet of kind's network where that is not there yet. Docker would choose one by itself, and
   * by and by comes to 172.20.0.0/16, in which containerlab's network lies.
   */
  networkSubnet?: string | undefined;
  /** A stage of kind's, or a warning: `Starting control-plane`. */
  onProgress?: ((line: string) => void) | undefined;
  /**
   * Called once when the container of every node runs, while kind goes on to start Kubernetes in
   * them. The cluster is not there before this has ended; the signal comes where it will never be.
   */
  whileStarting?: ((cluster: KindCluster, signal: AbortSignal) => Promise<void>) | undefined;
  signal?: AbortSignal | undefined;
};

/** There is a kind cluster of this name, of somebody else's making. */
export class ClusterExistsError extends EnvironmentError {
  constructor(cluster: string) {
    super(
      `a kind cluster ${cluster} is there already, and it is not touched`,
      `kind delete cluster --name ${cluster}, or another name: in the cluster's file`,
    );
  }
}

/** The stage of kind in which every node's container runs, and containerd in it. */
const nodesRun = "Starting control-plane";

/**
 * A cluster that the kind command makes, under a name of its own. `delete` takes away whatever is
 * there of it: a whole cluster, half of one, or nothing.
 */
export class KindCluster implements AsyncDisposable {
  readonly name: string;
  readonly #options: KindOptions;
  /** Whether kind's network was not there before: then it goes with the cluster, if nobody else uses it. */
  readonly #ownsNetwork: boolean;
  /** Images that every node has got. */
  readonly #loaded = new Set<string>();

  private constructor(options: KindOptions, ownsNetwork: boolean) {
    this.name = options.name;
    this.#options = options;
    this.#ownsNetwork = ownsNetwork;
  }

  /**
   * Makes the cluster. On an error, or when the signal comes, nothing of it is left. A cluster of that
   * name that is there already is not touched: ClusterExistsError.
   */
  static async create(options: CreateKindOptions): Promise<KindCluster> {
    const { name, kubeconfig, config, image, signal } = options;
    await kindVersion(options);
    signal?.throwIfAborted();
    if ((await kindClusters(options)).includes(name)) throw new ClusterExistsError(name);
    const cluster = new KindCluster(options, !(await hasNetwork(options)));
    const failed = new AbortController();
    const ending = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
    let meanwhile: Promise<void> | undefined;
    const onProgress = (line: string) => {
      options.onProgress?.(line);
      if (line !== nodesRun || options.whileStarting === undefined) return;
      meanwhile = options.whileStarting(cluster, ending);
      // Without it the cluster is of no use: kind is ended. The error itself is waited for below.
      meanwhile.catch((error: unknown) => failed.abort(error));
    };
    try {
      if (cluster.#ownsNetwork && options.networkSubnet !== undefined) {
        await createNetwork(options, options.networkSubnet);
      }
      const args = ["create", "cluster", "--name", name, "--kubeconfig", kubeconfig];
      if (image !== undefined) args.push("--image", image);
      const how = { stdin: config, onProgress, signal: ending };
      await runKind(options, [...args, "--config", "-"], how);
      await meanwhile;
      signal?.throwIfAborted();
    } catch (error) {
      failed.abort(error);
      await meanwhile?.catch(() => {}); // Of the two errors this is the first.
      // Somebody was quicker, between the look and kind's own.
      if (/already exist for a cluster with the name/.test((error as Error).message)) {
        throw new ClusterExistsError(name);
      }
      try {
        await cluster.delete();
        // A container that the engine was asked for just before kind ended may come only now.
        while ((await cluster.nodes()).length > 0) await cluster.delete();
      } catch (left) {
        const [why, what] = [error, left].map((each) => (each as Error).message);
        throw new KindError(`${why}\nwhat there is of it could not be deleted: ${what}`, {
          cause: error,
        });
      }
      throw error;
    }
    return cluster;
  }

  /** The text of the administrator's kubeconfig. `internal`: as containers of kind's network use it. */
  kubeconfig(internal = false): Promise<string> {
    const args = ["get", "kubeconfig", "--name", this.name];
    return runKind(this.#options, internal ? [...args, "--internal"] : args);
  }

  /** Names of the nodes' containers. */
  async nodes(): Promise<string[]> {
    return lines(await runKind(this.#options, ["get", "nodes", "--name", this.name])).sort();
  }

  /** Puts images of the engine into every node. What was put there before is not put again. */
  async loadImages(images: readonly string[], signal?: AbortSignal): Promise<void> {
    const missing = images.filter((image) => !this.#loaded.has(image));
    if (missing.length === 0) return;
    const args = ["load", "docker-image", ...missing, "--name", this.name];
    await runKind(this.#options, args, { signal });
    for (const image of missing) this.#loaded.add(image);
  }

  /** Copies a file or a folder of this machine into a node's container; its folder is there. */
  async copyInto(node: string, source: string, destination: string): Promise<void> {
    const args = ["cp", "--archive", source, `${node}:${destination}`];
    const { exitCode, said } = await run({ ...this.#options, command: "docker" }, args);
    if (exitCode !== 0) throw new KindError(`docker ${args.join(" ")}: ${said.trimEnd()}`);
  }

  /** Fine where nothing is left of it. */
  async delete(): Promise<void> {
    await deleteKindCluster(this.#options);
    if (!this.#ownsNetwork || (await kindClusters(this.#options)).length > 0) return;
    // The engine refuses as long as a container of anyone else is on it.
    await run({ ...this.#options, command: "docker" }, ["network", "rm", "kind"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.delete();
  }
}

/** Names of the clusters there are. */
export async function kindClusters(options: KindCommand = {}): Promise<string[]> {
  return lines(await runKind(options, ["get", "clusters", "-q"]));
}

/**
 * Takes a cluster away by its name alone, for what an earlier process left behind. Fine where it is
 * gone already.
 */
export async function deleteKindCluster(options: KindOptions): Promise<void> {
  const { name, kubeconfig } = options;
  await runKind(options, ["delete", "cluster", "--name", name, "--kubeconfig", kubeconfig]);
}

async function hasNetwork(options: KindCommand): Promise<boolean> {
  const docker = await run({ ...options, command: "docker" }, ["network", "inspect", "kind"]);
  return docker.exitCode === 0;
}

const networkAppearsWithinMs = 3000;
const lookAgainMs = 50;

/** What kind itself chooses for a network of this name. */
const ipv6Subnet = "fc00:f853:ccd:e793::/64";

/** As kind itself makes it, with this IPv4 subnet; it takes one of that name that is there. */
async function createNetwork(options: KindCommand, subnet: string): Promise<void> {
  const masquerade = "com.docker.network.bridge.enable_ip_masquerade=true";
  const args = ["network", "create", "--driver", "bridge", "--opt", masquerade];
  const create = (...ipv6: string[]) =>
    run({ ...options, command: "docker" }, [...args, "--subnet", subnet, ...ipv6, "kind"]);
  let { exitCode, said } = await create("--ipv6", "--subnet", ipv6Subnet);
  // An engine on a machine without IPv6 says so: IPv4 clusters can do without, and others say it again.
  if (said.includes("Cannot read IPv6 setup")) ({ exitCode, said } = await create());
  if (exitCode === 0) return;
  // Another cluster may have been quicker: the engine gives its network the subnet before the name.
  const deadlineMs = performance.now() + (said.includes("overlaps") ? networkAppearsWithinMs : 0);
  do {
    if (await hasNetwork(options)) return;
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  } while (performance.now() < deadlineMs);
  throw new KindError(`kind's network cannot be made with ${subnet}: ${said.trimEnd()}`);
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("No kind "));
}
