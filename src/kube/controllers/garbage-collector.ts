import type { KubeObject } from "../object.ts";
import { foregroundFinalizer, orphanFinalizer } from "../server/deletion.ts";
import type { KubeApi } from "../server/kube-api.ts";
import { type ResourceKey, resourceKey } from "../server/resource.ts";

/**
 * Deletes what its owners have left behind, and does what a deletion's propagation asks for:
 * `Foreground` removes the dependents first, `Orphan` cuts them loose.
 */
export function collectGarbage(api: KubeApi): void {
  const all: { key: ResourceKey; object: KubeObject }[] = api.resources.flatMap((definition) => {
    const key = resourceKey(definition);
    return api.list(key).map((object) => ({ key, object }));
  });
  const uids = new Map(all.map(({ object }) => [object.metadata.uid, object]));
  const dependentsOf = (owner: KubeObject) =>
    all.filter(({ object }) =>
      (object.metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata.uid),
    );
  for (const { key, object: listed } of all) {
    // What was done so far may have changed or removed it.
    const object = api.find(key, listed.metadata);
    if (!object || object.metadata.uid !== listed.metadata.uid) continue;
    const { metadata } = object;
    const finalizers = metadata.finalizers ?? [];
    if (metadata.deletionTimestamp !== undefined && finalizers.includes(orphanFinalizer)) {
      for (const dependent of dependentsOf(object)) cutLoose(api, dependent, object);
      removeFinalizer(api, key, object, orphanFinalizer);
    } else if (
      metadata.deletionTimestamp !== undefined &&
      finalizers.includes(foregroundFinalizer)
    ) {
      const dependents = dependentsOf(object);
      for (const dependent of dependents) {
        const found = api.find(dependent.key, dependent.object.metadata);
        if (found && found.metadata.deletionTimestamp === undefined) {
          api.delete(dependent.key, found.metadata, { propagationPolicy: "Foreground" });
        }
      }
      if (dependents.length === 0) removeFinalizer(api, key, object, foregroundFinalizer);
    } else if (metadata.deletionTimestamp === undefined && isAbandoned(object, uids)) {
      api.delete(key, metadata, { propagationPolicy: "Background" });
    }
  }
}

/** It has owners, and none of them is there any more. */
function isAbandoned(
  object: KubeObject,
  uids: ReadonlyMap<string | undefined, KubeObject>,
): boolean {
  const owners = object.metadata.ownerReferences ?? [];
  return owners.length > 0 && owners.every(({ uid }) => !uids.has(uid));
}

function cutLoose(
  api: KubeApi,
  { key, object }: { key: ResourceKey; object: KubeObject },
  owner: KubeObject,
): void {
  const ownerReferences = object.metadata.ownerReferences!.filter(
    ({ uid }) => uid !== owner.metadata.uid,
  );
  api.patch(key, object.metadata, { metadata: { ownerReferences } }, "merge");
}

function removeFinalizer(api: KubeApi, key: ResourceKey, object: KubeObject, gone: string): void {
  const finalizers = object.metadata.finalizers!.filter((one) => one !== gone);
  api.patch(key, object.metadata, { metadata: { finalizers } }, "merge");
}

/** Empties namespaces that are being deleted, then lets them go. */
export function finalizeNamespaces(api: KubeApi): void {
  for (const namespace of api.list("namespaces")) {
    if (namespace.metadata.deletionTimestamp === undefined) continue;
    let left = 0;
    for (const definition of api.resources.filter((one) => one.namespaced)) {
      const key = resourceKey(definition);
      for (const object of api.list(key, { namespace: namespace.metadata.name })) {
        if (object.metadata.deletionTimestamp === undefined) {
          const { gone } = api.delete(key, object.metadata, { propagationPolicy: "Background" });
          if (gone) continue;
        }
        left++;
      }
    }
    if (left === 0) {
      api.patch("namespaces", namespace.metadata, { spec: { finalizers: [] } }, "merge");
    }
  }
}
