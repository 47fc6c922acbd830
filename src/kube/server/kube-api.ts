import { isDeepStrictEqual } from "node:util";
import { type Clock, timestamp } from "../clock.ts";
import { type Prefix, prefix } from "../../net/prefix.ts";
import type { KubeObject } from "../object.ts";
import { ServiceAllocator } from "../services/allocator.ts";
import type { Service } from "../services/service.ts";
import { matchesLabels, parseLabelSelector } from "../selector.ts";
import {
  alreadyExists,
  ApiError,
  badRequest,
  conflict,
  forbidden,
  invalid,
  methodNotAllowed,
  notFound,
} from "./api-error.ts";
import { customResourceDefinition } from "./custom-resource-definition.ts";
import { type DeleteOptions, deletionOf, isFinished } from "./deletion.ts";
import { isObject } from "./merge-patch.ts";
import { checkMeta, checkName } from "./names.ts";
import { desired, keepServerFields, received, withoutVersion } from "./object-rules.ts";
import { ObjectStore, type StoreEvent, type StoreListener } from "./object-store.ts";
import { applyPatch, type PatchType } from "./patch.ts";
import {
  apiVersionOf,
  type ResourceDefinition,
  type ResourceKey,
  resourceKey,
} from "./resource.ts";
import { randomText, randomUid } from "./random-text.ts";
import { type Scale, scaleOf, withScale } from "./scale.ts";

export type WriteOptions = {
  /** Check and answer, store nothing. */
  dryRun?: boolean;
  /** What to do about fields the schema does not know. Default: Warn. */
  fieldValidation?: "Strict" | "Warn" | "Ignore";
  /** Gets what goes into the answer's Warning headers. */
  warn?: (message: string) => void;
  subresource?: "status" | "scale";
};

export type ObjectName = { namespace?: string; name: string };

export type KubeApiOptions = {
  resources: readonly ResourceDefinition[];
  clock: Clock;
  /** Uniform in [0, 1): what names and UIDs are made of. Default: the system's. */
  random?: () => number;
  /** Objects of a previous life, which go on as they were. */
  kept?: ReadonlyMap<ResourceKey, readonly KubeObject[]>;
  /** Where cluster IPs come from. Default: kubeadm's. */
  serviceSubnets?: readonly Prefix[];
};

/**
 * What an API server does between HTTP and its store: the rules by which objects of every kind are
 * made, changed and removed. HTTP requests, controllers and the pod runner all go through it.
 * Resources are named as kubectl names them: `pods`, `daemonsets.apps`. What it returns is frozen.
 */
export class KubeApi {
  readonly clock: Clock;
  readonly #random: () => number;
  readonly resources: readonly ResourceDefinition[];
  readonly #store: ObjectStore;
  readonly #byKey: ReadonlyMap<ResourceKey, ResourceDefinition>;
  readonly #services: ServiceAllocator;
  /** What the allocator knows of each service, so that it can forget it. */
  readonly #allocated = new Map<string, Service>();

  constructor(options: KubeApiOptions) {
    this.clock = options.clock;
    this.#random = options.random ?? Math.random;
    this.#services = new ServiceAllocator(options.serviceSubnets ?? [prefix("10.96.0.0/12")]);
    this.resources = options.resources;
    this.#byKey = new Map(options.resources.map((one) => [resourceKey(one), one]));
    // Time passes faster than a thousand writes a millisecond: no earlier life reached this version.
    this.#store = new ObjectStore(options.clock.nowMs() * 1000);
    this.#store.subscribe((event) => {
      if (event.resource === "services") this.#account(event);
    });
    for (const [key, objects] of options.kept ?? []) {
      this.#store.restore(key, objects);
      if (key === "services") objects.forEach((object) => this.#account({ type: "ADDED", object }));
    }
    for (const name of ["default", "kube-node-lease", "kube-public", "kube-system"]) {
      if (this.find("namespaces", { name })) continue;
      this.create("namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name },
      });
    }
    if (!this.#byKey.has("customresourcedefinitions.apiextensions.k8s.io")) return;
    const definitions = "customresourcedefinitions.apiextensions.k8s.io";
    for (const one of options.resources.filter(({ custom }) => custom)) {
      if (this.find(definitions, { name: resourceKey(one) })) continue;
      this.create(definitions, customResourceDefinition(one));
    }
  }

  /** The store's version: of lists, and where watches begin. */
  get version(): number {
    return this.#store.version;
  }

  /** Throws where there is no such resource: keys come from code or a resolved URL, not from users. */
  definition(key: ResourceKey): ResourceDefinition {
    const found = this.#byKey.get(key);
    if (!found) throw new TypeError(`no such resource: ${key}`);
    return found;
  }

  /** The resource of an object of that kind, or undefined where none is served. */
  resourceOfKind(apiVersion: string, kind: string): ResourceDefinition | undefined {
    return this.resources.find(
      (one) =>
        one.kind === kind &&
        one.versions.some((version) => apiVersionOf(one, version) === apiVersion),
    );
  }

  find(key: ResourceKey, { namespace = "", name }: ObjectName): KubeObject | undefined {
    return this.#store.get(key, namespace, name);
  }

  get(key: ResourceKey, at: ObjectName): KubeObject {
    const found = this.find(key, at);
    if (!found) throw notFound(this.definition(key), at.name);
    return found;
  }

  list(
    key: ResourceKey,
    options: { namespace?: string; labelSelector?: string } = {},
  ): KubeObject[] {
    const all = this.#store.list(key, options.namespace);
    if (options.labelSelector === undefined) return all;
    const requirements = parseLabelSelector(options.labelSelector);
    return all.filter((object) => matchesLabels(requirements, object.metadata.labels));
  }

  /** Every change of every resource from now on. The listener must not throw. */
  subscribe(listener: StoreListener): () => void {
    return this.#store.subscribe(listener);
  }

  since(key: ResourceKey, version: number) {
    return this.#store.since(key, version);
  }

  create(key: ResourceKey, given: KubeObject, options: WriteOptions = {}): KubeObject {
    const definition = this.definition(key);
    const object = received(definition, given);
    const { metadata } = object;
    // 1. A name, from generateName where there is none.
    if (!metadata.name && metadata.generateName) metadata.name = this.#generate(key, metadata);
    // 2. The namespace exists and stays.
    if (definition.namespaced) {
      metadata.namespace ||= "default";
      const namespace = this.get("namespaces", { name: metadata.namespace });
      if (namespace.metadata.deletionTimestamp !== undefined) {
        throw forbidden(
          definition,
          metadata.name,
          `unable to create new content in namespace ${metadata.namespace} because it is being terminated`,
        );
      }
    } else delete metadata.namespace;
    // 3. Fields that are the server's to set.
    if (metadata.resourceVersion) {
      throw badRequest("resourceVersion should not be set on objects to be created");
    }
    delete metadata.deletionTimestamp;
    delete metadata.resourceVersion;
    metadata.uid = randomUid(this.#random);
    metadata.creationTimestamp = timestamp(this.clock.nowMs());
    metadata.generation = 1;
    if (definition.subresources.includes("status") && !definition.statusOnCreate) {
      delete object.status;
    }
    // 4. Defaults and checks.
    const admitted = this.#admit(definition, object, undefined, options);
    // 5. The name is free.
    if (this.find(key, metadata)) throw alreadyExists(definition, metadata.name);
    return options.dryRun ? admitted : this.#store.put(key, admitted);
  }

  /**
   * Replaces the object, or with `subresource: "status"` only its status. Refused with 409 where a
   * resourceVersion is given and is not the stored one.
   */
  update(key: ResourceKey, given: KubeObject, options: WriteOptions = {}): KubeObject {
    const definition = this.definition(key);
    if (options.subresource === "scale") {
      const scale = given as Scale;
      const at = this.get(key, scale.metadata);
      return this.#replace(definition, at, withScale(at, scale), { ...options });
    }
    const object = received(definition, given);
    if (definition.namespaced) object.metadata.namespace ||= "default";
    return this.#replace(definition, this.get(key, object.metadata), object, options);
  }

  /** `apply` patches create what is missing; every other type needs the object to be there. */
  patch(
    key: ResourceKey,
    at: ObjectName,
    patch: unknown,
    type: PatchType,
    options: WriteOptions = {},
  ): KubeObject {
    const definition = this.definition(key);
    const before = this.find(key, at);
    if (!before) {
      if (type !== "apply" || options.subresource) throw notFound(definition, at.name);
      if (!isObject(patch)) throw badRequest("an apply patch is an object");
      const metadata = { ...(patch.metadata as object), ...at };
      return this.create(key, { ...patch, metadata } as KubeObject, options);
    }
    const scale = options.subresource === "scale";
    const after = applyPatch(scale ? scaleOf(before) : before, patch, type, definition.custom);
    if (!isObject(after) || !isObject(after.metadata)) {
      throw badRequest("the patch leaves no object with metadata");
    }
    const { metadata } = after as KubeObject;
    if (metadata.name !== at.name || (metadata.namespace ?? "") !== (at.namespace ?? "")) {
      throw badRequest("the name of the object does not match the name on the URL");
    }
    if (scale) return this.update(key, after as KubeObject, options);
    return this.#replace(definition, before, received(definition, after as KubeObject), options);
  }

  /**
   * Removes the object, or marks it with a deletionTimestamp where finalizers or a pod's graceful
   * end come first. Returns the object as it is then, and whether it is gone.
   */
  delete(
    key: ResourceKey,
    at: ObjectName,
    options: DeleteOptions & { dryRun?: boolean } = {},
  ): { object: KubeObject; gone: boolean } {
    const definition = this.definition(key);
    const before = this.get(key, at);
    for (const field of ["uid", "resourceVersion"] as const) {
      const wanted = options.preconditions?.[field];
      if (wanted === undefined || wanted === before.metadata[field]) continue;
      throw conflict(
        definition,
        at.name,
        `Precondition failed: ${field} in precondition: ${wanted}, ${field} in object meta: ${before.metadata[field]}`,
      );
    }
    const marked = deletionOf(definition, before, options, this.clock.nowMs());
    const gone = isFinished(marked);
    if (options.dryRun) return { object: marked, gone };
    if (gone) {
      const object = this.#store.remove(key, at.namespace ?? "", at.name)!;
      return { object, gone };
    }
    const same = isDeepStrictEqual(marked, before);
    return { object: same ? before : this.#store.put(key, marked), gone };
  }

  #account({ type, object }: Pick<StoreEvent, "type" | "object">): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const before = this.#allocated.get(key);
    if (before) this.#services.release(before);
    this.#allocated.delete(key);
    if (type === "DELETED") return;
    this.#services.take(object as Service);
    this.#allocated.set(key, object as Service);
  }

  #admit(
    definition: ResourceDefinition,
    object: KubeObject,
    before: KubeObject | undefined,
    options: WriteOptions,
  ): KubeObject {
    const { name } = object.metadata;
    const metaCauses = [
      ...checkName(name, "subdomain", "metadata.name"),
      ...checkMeta(object.metadata),
    ];
    const { apiVersion } = object;
    const version = apiVersion.split("/").at(-1)!;
    const admission = definition.admit(object);
    const unknown = admission.unknownFields.map(
      ({ path, hint }) => `unknown field "${path}"${hint === undefined ? "" : ` (${hint})`}`,
    );
    if (unknown.length > 0 && options.fieldValidation === "Strict") {
      throw badRequest(
        `${definition.kind} in version "${version}" cannot be handled as a ${definition.kind}: strict decoding error: ${unknown.join(", ")}`,
      );
    }
    if (definition.deprecatedVersions.includes(version)) {
      const current = apiVersionOf(definition);
      options.warn?.(
        definition.deprecationWarnings?.[version] ??
          `${apiVersion} ${definition.kind} is deprecated; use ${current} ${definition.kind}`,
      );
    }
    if (options.fieldValidation !== "Ignore") {
      for (const message of unknown) options.warn?.(message);
    }
    // A schema that covers metadata has said about it what there is to say.
    const covered = admission.causes.some(({ field }) => field.startsWith("metadata"));
    const causes = [...(covered ? [] : metaCauses), ...admission.causes];
    if (before && causes.length === 0) {
      causes.push(...(definition.checkUpdate?.(before, admission.object) ?? []));
    }
    if (causes.length === 0 && resourceKey(definition) === "services") {
      causes.push(
        ...this.#services.fill(admission.object as Service, before as Service | undefined),
      );
    }
    if (causes.length > 0) throw invalid(definition, name, causes);
    admission.object.apiVersion = apiVersionOf(definition);
    return admission.object;
  }

  #replace(
    definition: ResourceDefinition,
    before: KubeObject,
    object: KubeObject,
    options: WriteOptions,
  ): KubeObject {
    const key = resourceKey(definition);
    const { name, namespace = "" } = before.metadata;
    // 1. The caller has seen the latest.
    const { resourceVersion, uid } = object.metadata;
    if (resourceVersion && resourceVersion !== before.metadata.resourceVersion) {
      throw conflict(
        definition,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
      );
    }
    if (uid && uid !== before.metadata.uid) {
      throw conflict(
        definition,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${before.metadata.uid}`,
      );
    }
    // 2. Each of spec and status is written through its own door; labels and the like through the first.
    const withStatus = definition.subresources.includes("status");
    if (options.subresource === "status") {
      object = { ...structuredClone(before), status: object.status };
    } else if (withStatus) {
      object.status = before.status;
      if (object.status === undefined) delete object.status;
    }
    // 3. Fields that are the server's to set.
    keepServerFields(object, before);
    // 4. Defaults and checks.
    const after = this.#admit(definition, object, before, options);
    // 5. A new generation where anything but metadata and status changed.
    if (isDeepStrictEqual(withoutVersion(after), withoutVersion(before))) return before;
    if (!isDeepStrictEqual(desired(after), desired(before))) {
      after.metadata.generation = (before.metadata.generation ?? 0) + 1;
    }
    if (options.dryRun) return after;
    // 6. The last finalizer gone: so is the object.
    if (after.metadata.deletionTimestamp !== undefined && isFinished(after)) {
      this.#store.put(key, after);
      return this.#store.remove(key, namespace, name)!;
    }
    return this.#store.put(key, after);
  }

  #generate(key: ResourceKey, metadata: KubeObject["metadata"]): string {
    // names.SimpleNameGenerator: five characters without vowels, so that no word comes out.
    const alphabet = "bcdfghjklmnpqrstvwxz2456789";
    for (let tries = 0; tries < 8; tries++) {
      const suffix = randomText(this.#random, alphabet, 5);
      const name = `${metadata.generateName!.slice(0, 58)}${suffix}`;
      if (!this.find(key, { ...metadata, name })) return name;
    }
    throw new ApiError(409, "AlreadyExists", `no free name for ${metadata.generateName}`);
  }
}

/** Of a fixed set none is made and none deleted. */
export function refuseOfFixedSet(definition: ResourceDefinition, method: string): void {
  if (definition.fixedSet && method !== "PUT" && method !== "PATCH") throw methodNotAllowed(method);
}
