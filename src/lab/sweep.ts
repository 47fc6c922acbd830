import { EnvironmentError } from "../input/diagnostic.ts";
import { detachNames, namespaceNames } from "../runtime/netns/names.ts";
import { isAlive, labNames, type LabState, readState, removeState } from "./state-folder.ts";

/**
 * Clears what labs left behind whose process is gone (SIGKILL, crash). Their namespaces end with
 * their processes, which the kernel ends with the supervisor; names and the state folder remain. Containers
 * and clusters outlive it: they are removed here.
 * Returns what to tell the user, a line each. A lab on an engine that does not answer stays as it is,
 * for a later command, unless it is the one to `forget`.
 */
export async function sweepStaleLabs(forget?: string): Promise<string[]> {
  const told: string[] = [];
  for (const lab of labNames()) {
    const state = readState(lab);
    if (state === undefined || state === "being made") continue;
    if (state !== "unreadable" && isAlive(state)) continue;
    const unreachable = state === "unreadable" ? undefined : await sweepRuntime(state);
    if (unreachable === undefined) told.push(`cleared what lab ${lab} had left behind`);
    else {
      told.push(`lab ${lab} left containers on an engine that does not answer: ${unreachable}`);
      if (lab !== forget) continue;
      told.push(`its folder is removed; the containers bear the label spinelab.lab=${lab}`);
    }
    removeState(lab);
  }
  return told;
}

/** Why its containers cannot be removed; undefined where nothing is left. */
async function sweepRuntime({ lab, fabric, runtime }: LabState): Promise<string | undefined> {
  if (runtime.kind === "netns") {
    await detachNames(fabric.nodes.flatMap((node) => namespaceNames(fabric, node)));
    return undefined;
  }
  if (runtime.kind === "sim") return undefined;
  const { sweepDockerLab } = await import("./docker-sweep.ts");
  try {
    await sweepDockerLab(lab, fabric, runtime);
    return undefined;
  } catch (error) {
    if (error instanceof EnvironmentError) return error.message;
    throw error;
  }
}
