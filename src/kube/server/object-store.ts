import type { KubeObject } from "../object.ts";
import { expired } from "./api-error.ts";
import type { ResourceKey } from "./resource.ts";

export type StoreEvent = {
  type: "ADDED" | "MODIFIED" | "DELETED";
  resource: ResourceKey;
  /** The object's resourceVersion, as a number: events of the whole store are in its order. */
  version: number;
  object: KubeObject;
  /** The object before; absent with ADDED. */
  previous?: KubeObject;
};

export type StoreListener = (event: StoreEvent) => void;

/** How many past events a watch can resume from. */
const historyEventsMax = 8192;

/**
 * What etcd is to a real API server: objects by key, one counter of versions, a bounded history of
 * changes. Knows nothing of kinds. Objects in it are frozen: whoever got one may keep it.
 */
export class ObjectStore {
  readonly #objects = new Map<ResourceKey, Map<string, KubeObject>>();
  readonly #history: StoreEvent[] = [];
  readonly #listeners = new Set<StoreListener>();
  readonly #undelivered: StoreEvent[] = [];
  #delivering = false;
  #version: number;
  /** Events up to this version are forgotten. */
  #compactedVersion: number;

  /**
   * `firstVersion`: a number larger than any a previous life of the store handed out, so that a
   * watcher of that life is told to list again instead of resuming in the wrong history.
   */
  constructor(firstVersion: number) {
    this.#version = firstVersion;
    this.#compactedVersion = firstVersion;
  }

  /** Objects of a previous life, as they were; before anything else is done with the store. */
  restore(resource: ResourceKey, objects: readonly KubeObject[]): void {
    const restored = objects.map((object) => {
      this.#version = Math.max(this.#version, Number(object.metadata.resourceVersion));
      const { namespace = "", name } = object.metadata;
      return [keyOf(namespace, name), deepFreeze(object)] as const;
    });
    this.#objects.set(resource, new Map(restored));
    this.#compactedVersion = this.#version;
  }

  /** The version of the last change. */
  get version(): number {
    return this.#version;
  }

  get(resource: ResourceKey, namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(resource)?.get(keyOf(namespace, name));
  }

  /** Sorted by namespace and name. */
  list(resource: ResourceKey, namespace?: string): KubeObject[] {
    const objects = [...(this.#objects.get(resource) ?? [])];
    const prefix = namespace === undefined ? "" : `${namespace}/`;
    return objects
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  /** Stores the object under the next version, which it returns with. */
  put(resource: ResourceKey, object: KubeObject): KubeObject {
    let objects = this.#objects.get(resource);
    if (!objects) this.#objects.set(resource, (objects = new Map()));
    const key = keyOf(object.metadata.namespace ?? "", object.metadata.name);
    const previous = objects.get(key);
    const stored = this.#stamp(object);
    objects.set(key, stored);
    this.#record({
      type: previous ? "MODIFIED" : "ADDED",
      resource,
      version: this.#version,
      object: stored,
      ...(previous && { previous }),
    });
    return stored;
  }

  /** Removes it; what is returned carries the version of the removal. */
  remove(resource: ResourceKey, namespace: string, name: string): KubeObject | undefined {
    const previous = this.get(resource, namespace, name);
    if (!previous) return undefined;
    this.#objects.get(resource)!.delete(keyOf(namespace, name));
    const object = this.#stamp(previous);
    this.#record({ type: "DELETED", resource, version: this.#version, object, previous });
    return object;
  }

  /** Every change from now on, in order, also of changes made by a listener. Returns how to stop. */
  subscribe(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Changes of the resource after `version`. Throws 410 Expired where they are not known. */
  since(resource: ResourceKey, version: number): StoreEvent[] {
    if (version < this.#compactedVersion || version > this.#version) {
      throw expired(
        `too old resource version: ${version} (${this.#compactedVersion} to ${this.#version} are known)`,
      );
    }
    return this.#history.filter((event) => event.version > version && event.resource === resource);
  }

  #stamp(object: KubeObject): KubeObject {
    this.#version++;
    return deepFreeze({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.#version) },
    });
  }

  #record(event: StoreEvent): void {
    this.#history.push(event);
    // Dropped in bulk, so that a write costs no shift of the whole array.
    if (this.#history.length > historyEventsMax * 1.25) {
      const dropped = this.#history.splice(0, this.#history.length - historyEventsMax);
      this.#compactedVersion = dropped.at(-1)!.version;
    }
    this.#undelivered.push(event);
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let next; (next = this.#undelivered.shift());) {
        for (const listener of this.#listeners) listener(next);
      }
    } finally {
      this.#delivering = false;
    }
  }
}

const keyOf = (namespace: string, name: string) => `${namespace}/${name}`;

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
