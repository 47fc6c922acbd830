import { timestamp } from "../clock.ts";
import type { KubeObject } from "../object.ts";
import type { ResourceDefinition } from "./resource.ts";

/** metav1.DeleteOptions, what of it is served. */
export type DeleteOptions = {
  gracePeriodSeconds?: number;
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  preconditions?: { uid?: string; resourceVersion?: string };
};

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

type Deleted = KubeObject & {
  metadata: KubeObject["metadata"] & { deletionGracePeriodSeconds?: number };
};

/** The object as a delete request leaves it: marked, with the finalizers of its propagation. */
export function deletionOf(
  definition: ResourceDefinition,
  before: KubeObject,
  options: DeleteOptions,
  nowMs: number,
): KubeObject {
  const object: Deleted = structuredClone(before);
  const { metadata } = object;
  const finalizers = new Set(metadata.finalizers);
  if (options.propagationPolicy !== undefined) {
    finalizers.delete(foregroundFinalizer);
    finalizers.delete(orphanFinalizer);
    if (options.propagationPolicy === "Foreground") finalizers.add(foregroundFinalizer);
    if (options.propagationPolicy === "Orphan") finalizers.add(orphanFinalizer);
  }
  if (finalizers.size > 0) metadata.finalizers = [...finalizers];
  else delete metadata.finalizers;
  const graceSeconds = definition.kind === "Pod" ? podGraceSeconds(before, options) : 0;
  // A second request may shorten the grace period, never lengthen it.
  const shorter = graceSeconds < (metadata.deletionGracePeriodSeconds ?? Infinity);
  if (metadata.deletionTimestamp === undefined || shorter) {
    metadata.deletionTimestamp = timestamp(nowMs + graceSeconds * 1000);
    metadata.deletionGracePeriodSeconds = graceSeconds;
    if (before.metadata.deletionTimestamp === undefined && before.metadata.generation) {
      metadata.generation = before.metadata.generation + 1;
    }
  }
  if (definition.kind === "Namespace") {
    object.status = { ...(object.status as object), phase: "Terminating" };
  }
  return object;
}

/** A pod ends gracefully only where someone runs it: it is bound to a node and has not ended. */
function podGraceSeconds(pod: KubeObject, options: DeleteOptions): number {
  const spec = pod.spec as { nodeName?: string; terminationGracePeriodSeconds?: number };
  const phase = (pod.status as { phase?: string } | undefined)?.phase;
  if (!spec.nodeName || phase === "Succeeded" || phase === "Failed") return 0;
  return Math.max(0, options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30);
}

/** Whether nothing holds a marked object any more. */
export function isFinished({ metadata, kind, spec }: Deleted): boolean {
  if (metadata.finalizers && metadata.finalizers.length > 0) return false;
  if ((metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  const held = kind === "Namespace" ? (spec as { finalizers?: string[] }).finalizers : [];
  return (held ?? []).length === 0;
}
