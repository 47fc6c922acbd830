import { spawn } from "node:child_process";
import { EnvironmentError } from "../../input/diagnostic.ts";

/** Where kind cannot do what is asked: its own output, whole. */
export class KindError extends Error {
  override readonly name = "KindError";
}

export type KindCommand = {
  /** Name or path of the command. Default: `kind`, looked for on PATH. */
  command?: string | undefined;
  /** Of the kind process: `DOCKER_HOST` is the engine's that was chosen. Default: this process's. */
  env?: NodeJS.ProcessEnv | undefined;
};

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
  signal?: AbortSignal | undefined;
};

/** Oldest kind whose commands and output are as expected here. */
const oldest = [0, 20, 0] as const;

const howToGetKind =
  "install kind (https://kind.sigs.k8s.io/docs/user/quick-start/), for example: go install sigs.k8s.io/kind@v0.30.0";

/** Between the polite end of kind and the other: it takes its own containers down on SIGTERM. */
const killAfterMs = 10_000;

/**
 * A cluster that the kind command makes, under a name of its own. `delete` takes away whatever is
 * there of it: a whole cluster, half of one, or nothing.
 */
export class KindCluster implements AsyncDisposable {
  readonly name: string;
  readonly #options: KindOptions;
  /** Whether kind's network was not there before: then it goes with the cluster, if nobody else uses it. */
  readonly #ownsNetwork: boolean;

  private constructor(options: KindOptions, ownsNetwork: boolean) {
    this.name = options.name;
    this.#options = options;
    this.#ownsNetwork = ownsNetwork;
  }

  /**
   * Makes the cluster. On an error, or when the signal comes, nothing of it is left. A cluster of that
   * name that is there already is not touched: KindError.
   */
  static async create(options: CreateKindOptions): Promise<KindCluster> {
    const { name, kubeconfig, config, image, onProgress, signal } = options;
    await kindVersion(options);
    signal?.throwIfAborted();
    if ((await kindClusters(options)).includes(name)) {
      throw new KindError(
        `a kind cluster ${name} is there already and is not touched: delete it (kind delete cluster --name ${name}), or give this one another name`,
      );
    }
    const cluster = new KindCluster(options, !(await hasNetwork(options)));
    try {
      if (cluster.#ownsNetwork && options.networkSubnet !== undefined) {
        await createNetwork(options, options.networkSubnet);
      }
      const args = ["create", "cluster", "--name", name, "--kubeconfig", kubeconfig];
      if (image !== undefined) args.push("--image", image);
      await runKind(options, [...args, "--config", "-"], { stdin: config, onProgress, signal });
      signal?.throwIfAborted();
    } catch (error) {
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

  /** A cluster that is there from before, kept by an earlier run. */
  static async existing(options: KindOptions): Promise<KindCluster> {
    await kindVersion(options);
    if (!(await kindClusters(options)).includes(options.name)) {
      throw new KindError(`there is no kind cluster ${options.name}`);
    }
    const cluster = new KindCluster(options, false);
    const args = ["export", "kubeconfig", "--name", options.name];
    await runKind(options, [...args, "--kubeconfig", options.kubeconfig]);
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

  /** Puts images of the engine into the nodes named; into every node where none is named. */
  async loadImages(
    images: readonly string[],
    options: { nodes?: readonly string[]; signal?: AbortSignal } = {},
  ): Promise<void> {
    const { nodes = [], signal } = options;
    const args = ["load", "docker-image", ...images, "--name", this.name];
    if (nodes.length > 0) args.push("--nodes", nodes.join(","));
    await runKind(this.#options, args, { signal });
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

/** The version of the kind command. Throws EnvironmentError where there is none, or one too old. */
export async function kindVersion(options: KindCommand = {}): Promise<string> {
  const text = (await runKind(options, ["version", "-q"])).trim();
  const version = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number);
  if (version === undefined) {
    throw new EnvironmentError(`kind tells no version but ${JSON.stringify(text)}`, howToGetKind);
  }
  const differs = oldest.findIndex((part, index) => part !== version[index]);
  if (differs >= 0 && version[differs]! < oldest[differs]!) {
    throw new EnvironmentError(
      `kind ${text} is too old: ${oldest.join(".")} or newer is needed`,
      howToGetKind,
    );
  }
  return text.replace(/^v/, "");
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

/** As kind itself makes it for IPv4; it takes one of that name that is there. */
async function createNetwork(options: KindCommand, subnet: string): Promise<void> {
  const masquerade = "com.docker.network.bridge.enable_ip_masquerade=true";
  const args = ["network", "create", "--driver", "bridge", "--opt", masquerade];
  const command = { ...options, command: "docker" };
  const { exitCode, said } = await run(command, [...args, "--subnet", subnet, "kind"]);
  if (exitCode === 0 || (await hasNetwork(options))) return; // Another lab may have been quicker.
  throw new KindError(`kind's network cannot be made with ${subnet}: ${said.trimEnd()}`);
}

type RunOptions = {
  stdin?: string | undefined;
  onProgress?: ((line: string) => void) | undefined;
  signal?: AbortSignal | undefined;
};

/** Runs kind to its end and resolves with its stdout. What is no success rejects with all it said. */
async function runKind(
  options: KindCommand,
  args: readonly string[],
  more: RunOptions = {},
): Promise<string> {
  const { exitCode, stdout, said } = await run(options, args, more);
  more.signal?.throwIfAborted();
  if (exitCode === 0) return stdout;
  const words = args.map((arg) => (arg === "-" ? "/dev/stdin" : arg)).join(" ");
  throw new KindError(`kind ${words} ended with status ${exitCode}:\n${said.trimEnd()}`);
}

function run(
  { command = "kind", env = process.env }: KindCommand,
  args: readonly string[],
  { stdin, onProgress, signal }: RunOptions = {},
): Promise<{ exitCode: number; stdout: string; said: string }> {
  return new Promise((resolve, reject) => {
    // A process group of its own: Ctrl-C in a terminal would reach kind and its docker commands before
    // this process has decided what is to be done.
    const child = spawn(command, args, { env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let said = "";
    let unfinished = "";
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") return reject(error);
      const name = command.split("/").pop()!;
      const remedy =
        name === "docker" ? "install the docker command, which kind calls" : howToGetKind;
      reject(new EnvironmentError(`there is no ${command} command on this machine`, remedy));
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      said += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const parts = (unfinished + text).split("\n");
      unfinished = parts.pop()!;
      for (const line of parts) tell(line);
    });
    const tell = (line: string) => {
      const stage = stageOf(line);
      if (stage !== undefined) onProgress?.(stage);
    };
    child.stdin.on("error", () => {}); // It ended without reading: its status says why.
    child.stdin.end(stdin ?? "");

    let killTimer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      kill(child.pid, "SIGTERM");
      killTimer = setTimeout(() => kill(child.pid, "SIGKILL"), killAfterMs);
    };
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    child.on("close", (status, bySignal) => {
      clearTimeout(killTimer);
      signal?.removeEventListener("abort", onAbort);
      tell(unfinished);
      resolve({ exitCode: status ?? 128 + (bySignal === "SIGKILL" ? 9 : 15), stdout, said });
    });
  });
}

/** The whole group: kind waits for its docker commands. */
function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** kind tells a stage twice off a terminal: ` • Preparing nodes 📦  ...`, then ` ✓ Preparing nodes 📦`. */
function stageOf(line: string): string | undefined {
  const begun = /^ • (.*?)\s*\.\.\.$/.exec(line)?.[1];
  const warning = /^(WARNING: .*)$/.exec(line)?.[1];
  return begun?.replace(/[^\x20-\x7e]/g, "").trim() ?? warning;
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("No kind "));
}
