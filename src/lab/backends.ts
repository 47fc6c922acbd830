import { checkMachine } from "../runtime/netns/preflight.ts";
import type { Backend } from "./backend.ts";
import { NetnsBackend } from "./netns-backend.ts";
import type { LabSpec } from "./spec.ts";

/** Whether this machine can run the lab at all. Throws EnvironmentError; nothing is created. */
export function checkRuntime(spec: LabSpec): void {
  if (spec.runtime.kind === "netns") {
    checkMachine({ frr: spec.fabric.nodes.some((node) => node.image?.includes("frr")) });
  }
}

export async function createBackend(spec: LabSpec): Promise<Backend> {
  return NetnsBackend.create(spec.name);
}
