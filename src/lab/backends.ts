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
  const { name, runtime } = spec;
  if (runtime.kind === "netns") return NetnsBackend.create(name);
  if (runtime.kind === "sim") {
    const { SimBackend } = await import("./sim-backend.ts");
    return new SimBackend(spec.seed ?? 1);
  }
  // Its packages take a while to load and labs in namespaces need none of them.
  const { DockerBackend } = await import("./docker-backend.ts");
  return DockerBackend.create(name, runtime);
}
