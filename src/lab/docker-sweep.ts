import { EnvironmentError } from "../input/diagnostic.ts";
import { labLabel } from "../runtime/docker/containers.ts";
import { connectEngine, type Engine } from "../runtime/docker/engine.ts";
import { sweepLab } from "../runtime/docker/sweep.ts";
import type { Fabric } from "../topology/fabric.ts";
import { deleteKindClusters } from "./docker-kind.ts";
import type { RuntimeChoice } from "./spec.ts";

export type DockerChoice = Extract<RuntimeChoice, { kind: "docker" }>;

/** `tell` hears what a user should know of the connection. */
export function connectTo({ docker, context }: DockerChoice, tell = noteToUser): Promise<Engine> {
  const choice = {
    ...(docker === undefined ? {} : { docker }),
    ...(context === undefined ? {} : { context }),
  };
  return connectEngine(choice, process.env, tell);
}

/** Removes the containers and clusters of a lab whose process is gone, or whose connection to the engine. */
export async function sweepDockerLab(
  lab: string,
  fabric: Fabric,
  choice: DockerChoice,
  tell = noteToUser,
): Promise<void> {
  await using engine = await connectTo(choice, tell);
  await sweepLab(engine.docker, lab);
  await deleteKindClusters(lab, fabric, engine);
}

/** An engine that is restarted is back in a few seconds. */
const backWithinMs = 5_000;
const lookEveryMs = 200;

/** Removes a lab from an engine that was lost, over a new connection. Throws EnvironmentError where there is none. */
export async function sweepLostLab(
  lab: string,
  fabric: Fabric,
  choice: DockerChoice,
): Promise<void> {
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

export function noteToUser(notice: string): void {
  process.stderr.write(`note: ${notice}\n`);
}
