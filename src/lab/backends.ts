import { checkMachine } from "../runtime/netns/preflight.ts";
import type { Backend } from "./backend.ts";
import type { LabSpec } from "./spec.ts";

/** Whether this machine can run the lab at all. Throws EnvironmentError; nothing is created. */
export function checkRuntime(spec: LabSpec): void {
  if (spec.runtime.kind === "netns") {
    checkMachine({ frr: spec.fabric.nodes.some((node) => node.image?.includes("frr")) });
  }
}

export async function createBackend(spec: LabSpec): Promise<Backend> {
  const { name, runtime } = spec;
  // Each brings what its own runtime needs, and no other has: calls into Linux, packages for Docker.
  if (runtime.kind === "netns") {
    const { NetnsBackend } = await import("./netns-backend.ts");
    return NetnsBackend.create(name);
  }
  if (runtime.kind === "sim") {
    const { SimBackend } = await import("./sim-backend.ts");
    return new SimBackend(spec.seed ?? 1);
  }
  const { DockerBackend } = await import("./docker-backend.ts");
  return DockerBackend.create(name, runtime);
}
