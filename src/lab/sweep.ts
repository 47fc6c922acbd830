import { detachNames, namespaceNames } from "../runtime/netns/names.ts";
import { isAlive, labNames, readState, removeState } from "./state-folder.ts";

/**
 * Clears what labs left behind whose process is gone (SIGKILL, crash). Their namespaces end with
 * their processes, which the kernel ends with the supervisor; names and the state folder remain.
 * Returns the names of the labs cleared.
 */
export async function sweepStaleLabs(): Promise<string[]> {
  const cleared: string[] = [];
  for (const lab of labNames()) {
    const state = readState(lab);
    if (state === undefined || state === "being made") continue;
    if (state !== "unreadable") {
      if (isAlive(state)) continue;
      const { fabric } = state;
      await detachNames(fabric.nodes.flatMap((node) => namespaceNames(fabric, node)));
    }
    removeState(lab);
    cleared.push(lab);
  }
  return cleared;
}
