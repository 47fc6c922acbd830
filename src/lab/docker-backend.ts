import { existsSync, writeFileSync } from "node:fs";
import { EnvironmentError } from "../input/diagnostic.ts";
import { lastPrinted } from "../runtime/docker/container-end.ts";
import { labLabel } from "../runtime/docker/containers.ts";
import { EngineWatch } from "../runtime/docker/engine-watch.ts";
import { hasImage } from "../runtime/docker/images.ts";
import { connectEngine, type Engine } from "../runtime/docker/engine.ts";
import { DockerRuntime } from "../runtime/docker/docker-runtime.ts";
import {
  ClusterExistsError,
  type CreateKindOptions,
  deleteKindCluster,
  KindCluster,
  type KindOptions,
} from "../runtime/docker/kind.ts";
import { sweepLab } from "../runtime/docker/sweep.ts";
import type { Progress } from "../runtime/port.ts";
import type { Cluster, Fabric } from "../topology/fabric.ts";
import type { Backend, BuildOptions, Entry, LabCluster, PodEntry } from "./backend.ts";
import { KubernetesInKind } from "./kubernetes-kind.ts";
import { kindConfigOf } from "./kubernetes-kind-config.ts";
import { imagesOfEngine } from "./kubernetes-kind-images.ts";
import { writeCniConfigs } from "./kubernetes-kind-network.ts";
import { ensureSpeakerImage } from "./speaker-image.ts";
import type { RuntimeChoice } from "./spec.ts";
import { labDirectory, labNames } from "./state-folder.ts";

type DockerChoice = Extract<RuntimeChoice, { kind: "docker" }>;

/** Names and process ids of the routing daemons that run, from their pid files. */
const daemonScript =
  'for f in /run/frr/*.pid; do [ -e "$f" ] && kill -0 "$(cat "$f")" 2>/dev/null && echo "$(basename "$f" .pid) $(cat "$f")"; done; true';

/** Nodes as containers of a Docker engine, Kubernetes by kind. */
export class DockerBackend implements Backend {
  readonly daemonLookEveryMs = 2000;
  readonly #lab: string;
  readonly #choice: DockerChoice;
  readonly #engine: Engine;
  readonly #kinds: KindCluster[] = [];
  /** Ends what is being built: a part of it failed, or the lab is taken down. */
  readonly #stop = new AbortController();
  #clusters: KubernetesInKind[] = [];
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
    return (backend = new DockerBackend(lab, choice, await connect(choice, tell)));
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
    // 1. kind's clusters, whose containers are the Kubernetes nodes.
    const kinds = fabric.clusters.map((cluster) => {
      const starting = Promise.withResolvers<void>();
      const made = this.#makeKind(cluster, { ...options, signal }, async (kind, ending) => {
        starting.resolve();
        await this.#loadImages(kind, image, options, ending);
      });
      // For a kind that says other words: then when it has ended.
      made.then(() => starting.resolve(), starting.reject);
      starting.promise.catch(() => {}); // Waited for below, perhaps only when the image is built.
      return { starting: starting.promise, made };
    });
    // 2. The other nodes and every link, as soon as kind's containers run, and what kubelet waits for.
    const nodes = (async () => {
      const speakerImage = await image;
      await Promise.all(kinds.map(({ starting }) => starting));
      signal.throwIfAborted();
      this.#runtime = new DockerRuntime({ docker, speakerImage });
      await this.#runtime.up(fabric, progress);
      await writeCniConfigs(this.#runtime, fabric);
    })();
    const clusters = kinds.map(({ made }) => made);
    for (const part of [nodes, ...clusters]) {
      part.catch((error: unknown) => this.#stop.abort(error));
    }
    this.#making = Promise.allSettled([image, ...clusters]);
    await this.#making;
    signal.throwIfAborted();
    await nodes;
    this.#isUp = true;
    // 3. The way into the clusters.
    const [speakerImage, made] = await Promise.all([image, Promise.all(clusters)]);
    this.#clusters = await Promise.all(
      fabric.clusters.map((cluster, index) =>
        KubernetesInKind.create({
          ...options,
          cluster,
          runtime: this.runtime,
          kind: made[index]!,
          inject: this.#choice.inject,
          speakerImage,
          hasImage: (reference) => hasImage(docker, reference),
          ...(this.#engine.forwardPort && { forwardPort: this.#engine.forwardPort }),
        }),
      ),
    );
    return this.#clusters;
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
      await sweepLost(this.#lab, this.#fabric!, this.#choice);
    } finally {
      this.#watch?.stop();
      await this.#engine[Symbol.asyncDispose]();
    }
  }

  async #makeKind(
    cluster: Cluster,
    { fabric, progress, signal }: BuildOptions,
    whileStarting: CreateKindOptions["whileStarting"],
  ): Promise<KindCluster> {
    const stage = `kind ${cluster.name}`;
    progress(stage, "begin");
    const creation = KindCluster.create({
      ...kindOptions(this.#lab, cluster, this.#engine),
      config: kindConfigOf(cluster),
      networkSubnet: fabric.management.find(({ name }) => name === "kind")?.ipv4Subnet,
      // kind has begun: from here on what there is of this name is the lab's.
      onProgress: () => writeFileSync(kindMark(this.#lab, cluster), ""),
      whileStarting,
      signal,
      ...(process.env["SPINELAB_KIND_IMAGE"] === undefined
        ? {}
        : { image: process.env["SPINELAB_KIND_IMAGE"] }),
    });
    const kind = await creation.catch((error: unknown) => {
      throw (error instanceof ClusterExistsError && heldByLab(cluster)) || error;
    });
    this.#kinds.push(kind);
    progress(stage, "end", `${cluster.nodes.length} nodes`);
    return kind;
  }

  /**
   * The images that the cluster gets from the engine, the speaker's first. That takes as long as
   * kubeadm, and does not wait for it. Where a node's containerd is not up yet, the cluster's own
   * deployment finds the image missing and loads it then.
   */
  async #loadImages(
    kind: KindCluster,
    speakerImage: Promise<string>,
    { manifests, progress }: BuildOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { docker } = this.#engine;
    const own = this.#choice.inject === "image" ? [await speakerImage] : [];
    const objects = manifests.map(({ object }) => object);
    const images = [...own, ...(await imagesOfEngine(objects, (each) => hasImage(docker, each)))];
    for (const image of images) {
      const stage = `${image} into ${kind.name}`;
      progress(stage, "begin");
      try {
        await kind.loadImages([image], signal);
        progress(stage, "end");
      } catch (error) {
        signal.throwIfAborted();
        const { message } = error as Error;
        progress(stage, "end", `not yet: ${message.trimEnd().split("\n").at(-1)}`);
      }
    }
  }
}

/**
 * Removes the containers and clusters of a lab whose process is gone, or whose connection to the engine.
 * `tell` hears what a user should know of the connection.
 */
export async function sweepDockerLab(
  lab: string,
  fabric: Fabric,
  choice: DockerChoice,
  tell = noteToUser,
): Promise<void> {
  await using engine = await connect(choice, tell);
  await sweepLab(engine.docker, lab);
  const clusters = fabric.clusters
    .filter((cluster) => existsSync(kindMark(lab, cluster)))
    .map((cluster) => kindOptions(lab, cluster, engine));
  await Promise.all(clusters.map((options) => deleteKindCluster(options)));
}

/** The error that names the lab which has the cluster, where it is one of this machine. */
function heldByLab(cluster: Cluster): EnvironmentError | undefined {
  const holder = labNames().find((lab) => existsSync(kindMark(lab, cluster)));
  if (holder === undefined) return undefined;
  return new EnvironmentError(
    `lab ${holder} has a kind cluster ${cluster.name}, and there cannot be two of one name`,
    `spinelab down ${holder}, or another name: in the cluster's file`,
  );
}

/** An engine that is restarted is back in a few seconds. */
const backWithinMs = 5_000;
const lookEveryMs = 200;

/** Removes a lab from an engine that was lost, over a new connection. Throws EnvironmentError where there is none. */
async function sweepLost(lab: string, fabric: Fabric, choice: DockerChoice): Promise<void> {
  const deadlineMs = performance.now() + backWithinMs;
  for (;;) {
    try {
      return await sweepDockerLab(lab, fabric, choice, () => {});
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error;
      if (performance.now() > deadlineMs) throw stillThere(lab, fabric, error);
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }
}

function stillThere(lab: string, fabric: Fabric, why: EnvironmentError): EnvironmentError {
  const clusters = fabric.clusters.map(({ name }) => `, the kind cluster ${name}`).join("");
  return new EnvironmentError(
    `${why.message}; there may still be containers of lab ${lab} on it (label ${labLabel}=${lab})${clusters}`,
    `once it answers, spinelab down ${lab} removes them, and so does the next lab that is deployed`,
  );
}

/** There once the lab has begun to make the cluster: one of that name without it is somebody else's. */
function kindMark(lab: string, { name }: Cluster): string {
  return `${labDirectory(lab)}/kind-${name}.made`;
}

function connect({ docker, context }: DockerChoice, tell = noteToUser): Promise<Engine> {
  const choice = {
    ...(docker === undefined ? {} : { docker }),
    ...(context === undefined ? {} : { context }),
  };
  return connectEngine(choice, process.env, tell);
}

function noteToUser(notice: string): void {
  process.stderr.write(`note: ${notice}\n`);
}

function kindOptions(lab: string, { name }: Cluster, engine: Engine): KindOptions {
  return {
    name,
    kubeconfig: `${labDirectory(lab)}/kind-${name}.kubeconfig`,
    env: { ...process.env, ...engine.environment },
  };
}
