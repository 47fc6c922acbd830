import type { KubeObject } from "../object.ts";
import { foregroundFinalizer, orphanFinalizer } from "../server/deletion.ts";
import type { KubeApi } from "../server/kube-api.ts";
import type { StoreEvent } from "../server/object-store.ts";
import { type ResourceKey, resourceKey } from "../server/resource.ts";

/**
 * Deletes what its owners have left behind, and does what a deletion's propagation asks for:
 * `Foreground` removes the dependents first, `Orphan` cuts them loose. Who depends on whom is kept, so
 * that a change costs work for those it concerns and not for all.
 */
export class GarbageCollector {
  readonly #api: KubeApi;
  /** By uid. */
  readonly #known = new Map<string, Known>();
  /** By the owner's uid, also where the owner is gone: uids of its dependents. */
  readonly #dependents = new Map<string, Set<string>>();
  readonly #toLookAt = new Set<string>();

  constructor(api: KubeApi) {
    this.#api = api;
    for (const definition of api.resources) {
      const key = resourceKey(definition);
      for (const object of api.list(key)) this.#put(key, object);
    }
    // Everything is known now: what has no owner any more shows.
    for (const uid of this.#known.keys()) this.#toLookAt.add(uid);
  }

  /** Tells it of every change. */
  note({ type, resource, object }: StoreEvent): void {
    if (type === "DELETED") this.#remove(object);
    else this.#put(resource, object);
  }

  get hasWork(): boolean {
    return this.#toLookAt.size > 0;
  }

  collect(): void {
    for (const uid of [...this.#toLookAt]) {
      this.#toLookAt.delete(uid);
      try {
        this.#lookAt(uid);
      } catch (error) {
        this.#toLookAt.add(uid);
        throw error;
      }
    }
  }

  #put(key: ResourceKey, object: KubeObject): void {
    const uid = object.metadata.uid!;
    const owners = ownersOf(object);
    const before = this.#known.get(uid)?.owners ?? [];
    const isSame = owners.length === before.length && owners.every((each) => before.includes(each));
    if (!isSame) {
      for (const owner of before) this.#dependents.get(owner)?.delete(uid);
      for (const owner of owners) {
        const dependents = this.#dependents.get(owner) ?? new Set();
        this.#dependents.set(owner, dependents.add(uid));
      }
      this.#toLookAt.add(uid);
    }
    if (object.metadata.deletionTimestamp !== undefined) this.#toLookAt.add(uid);
    const { namespace = "", name } = object.metadata;
    this.#known.set(uid, { key, at: { namespace, name }, owners });
  }

  #remove(object: KubeObject): void {
    const uid = object.metadata.uid!;
    this.#known.delete(uid);
    this.#toLookAt.delete(uid);
    for (const owner of ownersOf(object)) {
      const dependents = this.#dependents.get(owner);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner);
      // It may have waited for this one.
      if (this.#known.has(owner)) this.#toLookAt.add(owner);
    }
    for (const dependent of this.#dependents.get(uid) ?? []) this.#toLookAt.add(dependent);
  }

  #lookAt(uid: string): void {
    const found = this.#find(uid);
    if (!found) return;
    const api = this.#api;
    const { key, object } = found;
    const { metadata } = object;
    const finalizers = metadata.finalizers ?? [];
    if (metadata.deletionTimestamp === undefined) {
      const owners = ownersOf(object);
      const isAbandoned = owners.length > 0 && owners.every((owner) => !this.#known.has(owner));
      if (isAbandoned) api.delete(key, metadata, { propagationPolicy: "Background" });
    } else if (finalizers.includes(orphanFinalizer)) {
      for (const dependent of this.#dependentsOf(uid)) cutLoose(api, dependent, object);
      removeFinalizer(api, key, object, orphanFinalizer);
    } else if (finalizers.includes(foregroundFinalizer)) {
      const dependents = this.#dependentsOf(uid);
      for (const dependent of dependents) {
        if (dependent.object.metadata.deletionTimestamp !== undefined) continue;
        const options = { propagationPolicy: "Foreground" } as const;
        api.delete(dependent.key, dependent.object.metadata, options);
      }
      if (dependents.length === 0) removeFinalizer(api, key, object, foregroundFinalizer);
    }
  }

  #dependentsOf(uid: string): Found[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((each) => this.#find(each) ?? []);
  }

  /** As it is now; undefined where it is gone, or another has its name. */
  #find(uid: string): Found | undefined {
    const known = this.#known.get(uid);
    const object = known && this.#api.find(known.key, known.at);
    return object?.metadata.uid === uid ? { key: known!.key, object } : undefined;
  }
}

type Known = { key: ResourceKey; at: { namespace: string; name: string }; owners: string[] };
type Found = { key: ResourceKey; object: KubeObject };

function ownersOf({ metadata }: KubeObject): string[] {
  return (metadata.ownerReferences ?? []).map(({ uid }) => uid);
}

function cutLoose(api: KubeApi, { key, object }: Found, owner: KubeObject): void {
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
