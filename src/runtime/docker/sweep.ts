import type Docker from "dockerode";
import { labLabel } from "./containers.ts";
import { engineError, isConflict, isNotFound } from "./engine-error.ts";
import { removeUnusedNetworks } from "./management-network.ts";

const goneWithinMs = 30_000;
const lookEveryMs = 20;

/**
 * Removes every container of a lab with its anonymous volumes, whatever state it is in and whichever
 * process made it, and the networks that nobody is on any more. kind's containers are kind's.
 */
export async function sweepLab(docker: Docker, lab: string): Promise<void> {
  const deadlineMs = performance.now() + goneWithinMs;
  for (;;) {
    const containers = await labContainers(docker, lab);
    if (containers.length === 0) break;
    if (performance.now() > deadlineMs) {
      const names = containers.map(({ Names, State }) => `${Names[0]} (${State})`).join(", ");
      throw new Error(`lab ${lab}: not removed within ${goneWithinMs} ms: ${names}`);
    }
    const removed = await Promise.all(containers.map(({ Id }) => remove(docker, Id)));
    // Somebody else is removing it: the engine forgets it in a moment.
    if (removed.includes(false)) await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    else break;
  }
  await removeUnusedNetworks(docker);
}

/** Names of the labs that have containers on the engine, for the next start after a crash. */
export async function labsOnEngine(docker: Docker): Promise<string[]> {
  const containers = await list(docker, labLabel);
  return [...new Set(containers.map(({ Labels }) => Labels[labLabel]!))].sort();
}

function labContainers(docker: Docker, lab: string): Promise<Docker.ContainerInfo[]> {
  return list(docker, `${labLabel}=${lab}`);
}

async function list(docker: Docker, label: string): Promise<Docker.ContainerInfo[]> {
  try {
    return await docker.listContainers({ all: true, filters: { label: [label] } });
  } catch (error) {
    throw engineError(docker, error, "list of containers");
  }
}

/** False where it is being removed already. */
async function remove(docker: Docker, id: string): Promise<boolean> {
  try {
    await docker.getContainer(id).remove({ force: true, v: true });
    return true;
  } catch (error) {
    if (isNotFound(error)) return true;
    if (isConflict(error)) return false;
    throw engineError(docker, error, `container ${id.slice(0, 12)} cannot be removed`);
  }
}
