import type Docker from "dockerode";
import { EnvironmentError } from "../../input/diagnostic.ts";
import type { FabricNode } from "../../topology/fabric.ts";
import type { Progress } from "../port.ts";
import { engineError, isNotFound } from "./engine-error.ts";

/** A line of the engine's progress stream, of a pull or a build. */
export type ProgressLine = {
  id?: string;
  status?: string;
  stream?: string;
  error?: string;
  progressDetail?: { current?: number; total?: number };
};

/** What `docker build` is given: a folder, the files of it that go to the engine, and build arguments. */
export type BuildContext = {
  folder: string;
  files: readonly string[];
  arguments?: Record<string, string>;
  labels?: Record<string, string>;
};

/** Longest silence between two words about a pull that goes on. */
const reportEveryMs = 1_000;

export async function hasImage(docker: Docker, reference: string): Promise<boolean> {
  try {
    await docker.getImage(reference).inspect();
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw engineError(docker, error, `image ${reference}`);
  }
}

/** Pulls an image that the engine does not have. Throws EnvironmentError where it cannot be had. */
export async function ensureImage(
  docker: Docker,
  reference: string,
  progress: Progress,
  signal?: AbortSignal,
): Promise<void> {
  if (await hasImage(docker, reference)) return;
  const stage = `pull ${reference}`;
  progress(stage, "begin");
  try {
    const stream = (await docker.pull(withTag(reference), {
      abortSignal: signal,
    })) as NodeJS.ReadableStream;
    await follow(docker, stream, pullReporter(stage, progress));
  } catch (error) {
    signal?.throwIfAborted();
    throw engineError(docker, error, `image ${reference} cannot be pulled`);
  }
  progress(stage, "end");
}

/**
 * Builds an image and tags it. Throws with the last lines of the build where it fails, and the signal's
 * reason where that ends it.
 */
export async function buildImage(
  docker: Docker,
  reference: string,
  context: BuildContext,
  progress: Progress,
  signal?: AbortSignal,
): Promise<void> {
  const stage = `build ${reference}`;
  progress(stage, "begin");
  const printed: string[] = [];
  try {
    const stream = await docker.buildImage(
      { context: context.folder, src: [...context.files] },
      {
        t: reference,
        rm: true,
        forcerm: true,
        ...(signal && { abortSignal: signal }),
        ...(context.arguments === undefined ? {} : { buildargs: context.arguments }),
        ...(context.labels === undefined ? {} : { labels: context.labels }),
      },
    );
    await follow(docker, stream, ({ stream: text = "" }) => {
      if (text.trim() === "") return;
      printed.push(text.trimEnd());
      if (text.startsWith("Step ")) progress(stage, "begin", text.trim());
    });
  } catch (error) {
    signal?.throwIfAborted();
    const last = printed.slice(-15).join("\n");
    throw engineError(docker, error, `image ${reference} cannot be built${last && `\n${last}\n`}`);
  }
  progress(stage, "end");
}

/** The engine reports failures inside the stream, under status 200: they reject here. */
function follow(
  docker: Docker,
  stream: NodeJS.ReadableStream,
  onLine: (line: ProgressLine) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error) => (error ? reject(error) : resolve()),
      (line: ProgressLine) => {
        if (line.error === undefined) onLine(line);
        else reject(new Error(line.error));
      },
    );
  });
}

function pullReporter(stage: string, progress: Progress): (line: ProgressLine) => void {
  const sum = new PullSum();
  let reportedMs = performance.now();
  return (line) => {
    sum.add(line);
    if (performance.now() - reportedMs < reportEveryMs) return;
    reportedMs = performance.now();
    progress(stage, "begin", sum.text());
  };
}

/** Adds up what the layers of a pull say. */
export class PullSum {
  readonly #layers = new Map<string, { current: number; total: number }>();

  add({ id, status, progressDetail }: ProgressLine): void {
    if (id === undefined) return;
    const layer = this.#layers.get(id);
    if (status === "Downloading" && progressDetail?.total !== undefined) {
      const { current = 0, total } = progressDetail;
      this.#layers.set(id, { current, total });
    } else if (layer && (status === "Download complete" || status === "Pull complete")) {
      layer.current = layer.total;
    }
  }

  /** `12 of 40 MB`. */
  text(): string {
    const layers = [...this.#layers.values()];
    if (layers.length === 0) return "waiting for the registry";
    const megabytes = (of: "current" | "total") =>
      Math.round(layers.reduce((sum, layer) => sum + layer[of], 0) / 1e6);
    return `${megabytes("current")} of ${megabytes("total")} MB`;
  }
}

/** Without a tag the engine would pull every tag there is. */
export function withTag(reference: string): string {
  return /[:@][^/]*$/.test(reference) ? reference : `${reference}:latest`;
}

/** Images of nodes, each once. Throws EnvironmentError where a node has none. */
export function imagesOf(nodes: readonly FabricNode[]): string[] {
  const linux = nodes.filter((node) => node.kind === "linux");
  const lacking = linux.filter((node) => node.image === undefined).map(({ name }) => name);
  if (lacking.length > 0) {
    throw new EnvironmentError(
      `the docker runtime needs an image for every node: ${lacking.join(", ")} ${lacking.length === 1 ? "has" : "have"} none`,
      "write `image:` in the topology (under the node, its kind, or defaults), or use --runtime netns",
    );
  }
  return [...new Set(linux.map((node) => node.image!))];
}
