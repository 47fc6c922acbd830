import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type Docker from "dockerode";
import { EnvironmentError } from "../input/diagnostic.ts";
import { isConflict, isNotFound } from "../runtime/docker/engine-error.ts";
import { buildImage, hasImage } from "../runtime/docker/images.ts";
import type { Progress } from "../runtime/port.ts";
import { agentBundle } from "./agent-bundle.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const repositoryName = "spinelab/speaker";
const nodeModules = path.join(repository, "node_modules");

const dockerfile = path.join(repository, "images/speaker/Dockerfile");

/** Go's names of processors, as the engine says them → Node's. */
const processors: Record<string, string> = { amd64: "x64", arm64: "arm64" };

/**
 * The project's own image (images/speaker) on this engine, built where these sources have not been
 * built there yet: a few seconds, once. Returns its name, `spinelab/speaker:<fingerprint>`.
 */
export async function ensureSpeakerImage(
  docker: Docker,
  progress: Progress,
  signal?: AbortSignal,
): Promise<string> {
  const bundle = await agentBundle();
  const reference = `${repositoryName}:${fingerprint(bundle)}`;
  if (await hasImage(docker, reference)) return reference;

  const { Arch } = await docker.version();
  const processor = processors[Arch] ?? Arch;
  const folder = mkdtempSync(path.join(tmpdir(), "spinelab-image-"));
  try {
    copyFileSync(bundle, path.join(folder, "agent.mjs"));
    copyFileSync(dockerfile, path.join(folder, "Dockerfile"));
    copyKoffi(processor, folder);
    const node = await localNodeImage(docker, processor, progress, signal);
    const context = {
      folder,
      files: ["Dockerfile", "agent.mjs", "koffi", "koromix"],
      ...(node === undefined ? {} : { arguments: { NODE: node } }),
    };
    await buildImage(docker, reference, context, progress, signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  await removeOlder(docker, reference);
  return reference;
}

/** Images of earlier sources; those that a lab still runs from stay. */
async function removeOlder(docker: Docker, current: string): Promise<void> {
  const images = await docker.listImages({ filters: { reference: [`${repositoryName}:*`] } });
  const older = images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag !== current);
  await Promise.all(
    older.map((tag) =>
      docker
        .getImage(tag)
        .remove()
        .catch((error: unknown) => {
          if (!isConflict(error) && !isNotFound(error)) throw error;
        }),
    ),
  );
}

/** Of all that goes into the image. */
function fingerprint(bundle: string): string {
  const hash = createHash("sha256").update(process.versions.node);
  for (const file of [bundle, dockerfile]) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

/** koffi without its C++ sources, and its native part for the engine's processor. */
function copyKoffi(processor: string, folder: string): void {
  cpSync(path.join(nodeModules, "koffi"), path.join(folder, "koffi"), {
    recursive: true,
    filter: (source) => !/\/(?:doc|vendor|lib)$|\.(?:cc|hh|inc|md|txt|S|asm)$/.test(source),
  });
  const native = `koffi-linux-${processor}`;
  const source = path.join(nodeModules, "@koromix", native);
  if (!existsSync(source)) {
    throw new EnvironmentError(
      `the npm package @koromix/${native} is not installed, and the engine's processor needs it`,
      `npm install --no-save --force @koromix/${native}`,
    );
  }
  cpSync(source, path.join(folder, "koromix", native), {
    recursive: true,
    filter: (file) => !file.includes("musl"),
  });
}

/**
 * An image of the Node that runs here, where the engine can run it too: no registry is needed then.
 * Undefined elsewhere: the Dockerfile's own choice.
 */
async function localNodeImage(
  docker: Docker,
  processor: string,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== processor) return undefined;
  const reference = `spinelab/node:${process.versions.node}`;
  if (await hasImage(docker, reference)) return reference;
  const folder = mkdtempSync(path.join(tmpdir(), "spinelab-node-"));
  try {
    copyFileSync(process.execPath, path.join(folder, "node"));
    const steps = "FROM scratch\nCOPY node /usr/local/bin/node\n";
    writeFileSync(path.join(folder, "Dockerfile"), steps);
    const context = { folder, files: ["Dockerfile", "node"] };
    await buildImage(docker, reference, context, progress, signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return reference;
}
