import { EnvironmentError } from "../input/diagnostic.ts";
import { lastPrinted } from "../runtime/docker/container-end.ts";
import { EngineWatch } from "../runtime/docker/engine-watch.ts";
import { hasImage } from "../runtime/docker/images.ts";
import type { Engine } from "../runtime/docker/engine.ts";
import { DockerRuntime } from "../runtime/docker/docker-runtime.ts";
import type { KindCluster } from "../runtime/docker/kind.ts";
import type { Progress } from "../runtime/port.ts";
import type { Cluster, Fabric } from "../topology/fabric.ts";
import type { Backend, BuildOptions, Entry, LabCluster, PodEntry } from "./backend.ts";
import { makeKindCluster } from "./docker-kind.ts";
import { connectTo, type DockerChoice, noteToUser, sweepLostLab } from "./docker-sweep.ts";
import { KubernetesInKind } from "./kubernetes-kind.ts";
import { imagesOfEngine } from "./kubernetes-kind-images.ts";
import { writeCniConfigs } from "./kubernetes-kind-network.ts";
import { ensureSpeakerImage } from "./speaker-image.ts";

/** Names and process ids of the routing daemons that run, from their pid files. */
const daemonScript =
  'for f in /run/frr/*.pid; do [ -e "$f" ] && kill -0 "$(cat "$f")" 2>/dev/null && echo "$(basename "$f" .pid) $(cat "$f")"; done; true';

/** What a cluster waits for, and what waits for it. */
type ClusterParts = {
  image: Promise<string>;
  nodesUp: Promise<void>;
  /** The containers of its nodes run. */
  onStarting: () => void;
};

/** Nodes as containers of a Docker engine, Kubernetes by kind. */
export class DockerBackend implements Backend {
  readonly daemonLookEveryMs = 2000;
  readonly #lab: string;
  readonly #choice: DockerChoice;
  readonly #engine: Engine;
  readonly #kinds: KindCluster[] = [];
  /** Ends what is being built: a part of it failed, or the lab is taken down. */
  readonly #stop = new AbortController();
  readonly #clusters: KubernetesInKind[] = [];
  #watch: EngineWatch | undefined;
  #isUp = false;
  #fabric: Fabric | undefined;
  #runtime: DockerRuntime | undefined;
  #making: Promise<unknown> = Promise.resolve();
  #progress: Progress = () => {};

  /** Of the connection, for people: a lab that is up has a timeline and no terminal. */
  #tell = noteToUser;

  private constructor(lab: string, choice: DockerChoice, engine: Engine) {
    this.#lab = lab;
    this.#choice = choice;
    this.#engine = engine;
  }

  /** Throws EnvironmentError where there is no engine that serves. */
  static async create(lab: string, choice: DockerChoice): Promise<DockerBackend> {
    let backend: DockerBackend | undefined;
    const tell = (notice: string) => (backend ? backend.#tell(notice) : noteToUser(notice));
    return (backend = new DockerBackend(lab, choice, await connectTo(choice, tell)));
  }

  get runtime(): DockerRuntime {
    if (!this.#runtime) throw new Error("the lab's containers are not made yet");
    return this.#runtime;
  }

  async build(given: BuildOptions): Promise<LabCluster[]> {
    if (given.fabric.clusters.length > 0 && this.#engine.product === "podman") {
      throw new EnvironmentError(
        `${this.#engine.description} is Podman, and clusters need Docker: kind makes its nodes by the docker command`,
        "name a Docker engine by --docker, or use --runtime netns",
      );
    }
    this.#tell = (message) => given.record({ type: "log", level: "warn", message });
    const watch = await this.#watchEngine(given);
    const signal = AbortSignal.any([given.signal, watch.lost]);
    try {
      return await this.#build({ ...given, signal });
    } catch (error) {
      // What was under way says only how it ended.
      throw watch.lost.aborted ? watch.lost.reason : error;
    }
  }

  async #watchEngine({ fabric, onLost, onDeath }: BuildOptions): Promise<EngineWatch> {
    this.#fabric = fabric;
    const watch = await EngineWatch.begin(
      this.#engine,
      this.#lab,
      async ({ id, node, exitCode }) => {
        if (!this.#isUp) return; // Whoever builds, or takes down, sees to it.
        if (this.#runtime?.nodeEnded(node)) return;
        const last = await lastPrinted(this.#engine.docker.getContainer(id));
        onDeath(node, "container", exitCode, last);
      },
    );
    this.#watch = watch;
    watch.lost.addEventListener("abort", () => onLost(watch.lost.reason as EnvironmentError));
    return watch;
  }

  async #build(options: BuildOptions): Promise<LabCluster[]> {
    const { fabric, progress } = options;
    const { docker } = this.#engine;
    this.#progress = progress;
    const signal = AbortSignal.any([options.signal, this.#stop.signal]);
    const image = ensureSpeakerImage(docker, progress, signal);
    const nodesUp = Promise.withResolvers<void>();
    nodesUp.promise.catch(() => {}); // Waited for below, perhaps by nobody else.
    // 1. kind's clusters, whose containers are the Kubernetes nodes.
    const clusters = fabric.clusters.map((cluster) => {
      const starting = Promise.withResolvers<void>();
      const parts = { image, nodesUp: nodesUp.promise, onStarting: starting.resolve };
      const made = this.#makeCluster(cluster, { ...options, signal }, parts);
      made.catch(starting.reject);
      starting.promise.catch(() => {}); // Waited for below, perhaps only when the image is built.
      return { starting: starting.promise, made };
    });
    // 2. The other nodes and every link, as soon as kind's containers run, and what kubelet waits for.
    const nodes = (async () => {
      const speakerImage = await image;
      await Promise.all(clusters.map(({ starting }) => starting));
      signal.throwIfAborted();
      this.#runtime = new DockerRuntime({ docker, speakerImage });
      await this.#runtime.up(fabric, progress);
      await writeCniConfigs(this.#runtime, fabric);
      options.onLinked();
    })();
    nodes.then(nodesUp.resolve, nodesUp.reject);
    const made = clusters.map((each) => each.made);
    for (const part of [nodes, ...made]) {
      part.catch((error: unknown) => this.#stop.abort(error));
    }
    this.#making = Promise.allSettled([image, ...made]);
    await this.#making;
    signal.throwIfAborted();
    await nodes;
    this.#isUp = true;
    return await Promise.all(made);
  }

  entries(): { nodes: Record<string, Entry>; pods: Record<string, PodEntry> } {
    const { environment } = this.#engine;
    const nodes = Object.entries(this.#runtime?.containers() ?? {}).map(([node, container]) => [
      node,
      { container, environment },
    ]);
    const pods = this.#clusters
      .flatMap((cluster) => cluster.pods())
      .filter(({ node, namespace }) => node !== undefined && namespace !== "kube-system")
      .map(({ namespace, name, node }) => [
        `${namespace}/${name}`,
        { container: node!, environment, pod: { namespace, name }, node: node! },
      ]);
    return { nodes: Object.fromEntries(nodes), pods: Object.fromEntries(pods) };
  }

  async daemons(node: string): Promise<Map<string, string>> {
    const { stdout } = await this.runtime.exec({ node }, ["sh", "-c", daemonScript]);
    const lines = stdout.split("\n").filter((line) => line !== "");
    return new Map(lines.map((line) => line.split(" ") as [string, string]));
  }

  async down(): Promise<void> {
    this.#isUp = false;
    this.#stop.abort(new Error("the lab is taken down"));
    try {
      await this.#making;
      // Before its API server is gone: nobody is to look for it then.
      await Promise.all(this.#clusters.map((cluster) => cluster.close()));
      await Promise.all([
        this.#runtime?.down(),
        ...this.#kinds.map(async (kind) => {
          this.#progress(`delete ${kind.name}`, "begin");
          await kind.delete();
          this.#progress(`delete ${kind.name}`, "end");
        }),
      ]);
      if (this.#watch?.lost.aborted) throw this.#watch.lost.reason;
    } catch (error) {
      if (!this.#watch?.lost.aborted) throw error;
      await sweepLostLab(this.#lab, this.#fabric!, this.#choice);
    } finally {
      this.#watch?.stop();
      await this.#engine[Symbol.asyncDispose]();
    }
  }

  /**
   * A cluster by kind, and the way into it. While kind starts Kubernetes, images go into its nodes and
   * then the speaker, whose agents come up as their nodes join. What of that cannot be yet, the
   * cluster's own deployment does later: a node's containerd may not be up, or the API not answer.
   */
  async #makeCluster(
    cluster: Cluster,
    options: BuildOptions,
    { image, nodesUp, onStarting }: ClusterParts,
  ): Promise<KubernetesInKind> {
    const { fabric, manifests, progress, signal } = options;
    const has = (reference: string) => hasImage(this.#engine.docker, reference);
    let reached: KubernetesInKind | undefined;
    const reach = async (kind: KindCluster, ending: AbortSignal) => {
      const speakerImage = await image;
      await nodesUp;
      reached = await KubernetesInKind.create({
        ...options,
        ...{ cluster, kind, speakerImage, runtime: this.runtime, inject: this.#choice.inject },
        hasImage: has,
        currentImage: () => ensureSpeakerImage(this.#engine.docker, progress),
        forwardPort: this.#engine.forwardPort,
        signal: ending,
      });
      this.#clusters.push(reached);
      return reached;
    };
    const whileStarting = async (kind: KindCluster, ending: AbortSignal) => {
      onStarting();
      const attempt = async (stage: string, work: () => Promise<unknown>) => {
        progress(stage, "begin");
        try {
          await work();
          progress(stage, "end");
          return true;
        } catch (error) {
          ending.throwIfAborted();
          const { message } = error as Error;
          progress(stage, "end", `not yet: ${message.trimEnd().split("\n").at(-1)}`);
          return false;
        }
      };
      const load = (reference: string) =>
        attempt(`${reference} into ${kind.name}`, () => kind.loadImages([reference], ending));
      const ofManifests = async () => {
        const objects = manifests.map(({ object }) => object);
        for (const reference of await imagesOfEngine(objects, has)) await load(reference);
      };
      const speaker = () =>
        attempt(`speaker into ${kind.name}`, async () => {
          await (await reach(kind, ending)).inject(ending);
        });
      // A pod whose image is not there would be put off for ten seconds and more.
      const ready = this.#choice.inject === "copy" || (await load(await image));
      await Promise.all([ofManifests(), ready && speaker()]);
    };
    const stage = `kind ${cluster.name}`;
    progress(stage, "begin");
    const parts = { lab: this.#lab, fabric, cluster, engine: this.#engine };
    const kind = await makeKindCluster(parts, { whileStarting, signal });
    this.#kinds.push(kind);
    progress(stage, "end", `${cluster.nodes.length} nodes`);
    onStarting(); // Of a kind that says other words.
    return reached ?? (await reach(kind, signal));
  }
}
