import { detachNames, namespaceNames } from "../runtime/netns/names.ts";
import { isAlive, labNames, type LabState, readState, removeState } from "./state-folder.ts";

/**
 * Clears what labs left behind whose process is gone (SIGKILL, crash). Their namespaces end with
 * their processes, which the kernel ends with the supervisor; names and the state folder remain. Containers
 * and clusters outlive it: they are removed here.
 * Returns the names of the labs cleared.
 */
export async function sweepStaleLabs(): Promise<string[]> {
  const cleared: string[] = [];
  for (const lab of labNames()) {
    const state = readState(lab);
    if (state === undefined || state === "being made") continue;
    if (state !== "unreadable") {
      if (isAlive(state)) continue;
      await sweepRuntime(state);
    }
    removeState(lab);
    cleared.push(lab);
  }
  return cleared;
}

async function sweepRuntime({ lab, fabric, runtime }: LabState): Promise<void> {
  if (runtime.kind === "netns") {
    await detachNames(fabric.nodes.flatMap((node) => namespaceNames(fabric, node)));
    return;
  }
  const { sweepDockerLab } = await import("./docker-backend.ts");
  await sweepDockerLab(lab, fabric, runtime);
}
