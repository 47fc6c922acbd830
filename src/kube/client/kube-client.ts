import type { KubeObject } from "../object.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { HttpConnection, type HttpRequest, readText } from "./http-connection.ts";
import { KubeError, UnknownKindError } from "./kube-error.ts";

/** A resource as its path names it: `{ apiVersion: "cilium.io/v2", plural: "ciliumbgpnodeconfigs", namespaced: false }`. */
export type Resource = { apiVersion: string; plural: string; namespaced: boolean };

export type KubeList<T> = { metadata: { resourceVersion?: string }; items: T[] };

/** Namespaced resources without a namespace: one object in the context's, lists in all. */
export type At = { namespace?: string | undefined; name: string };

export type ListOptions = { namespace?: string; labelSelector?: string; fieldSelector?: string };

export type PatchType = "merge" | "json" | "strategic" | "apply";

const patchMediaTypes: Record<PatchType, string> = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

/** Who wrote a field, for the server's books. */
const fieldManager = "fieldManager=spinelab";

/**
 * The Kubernetes API over node:http, small enough for a process on every node. What is no success
 * rejects with KubeError; no answer at all rejects with the system's error.
 */
export class KubeClient {
  readonly namespace: string;
  readonly #connection: HttpConnection;
  readonly #resources = new Map<
    string,
    Promise<{ name: string; kind: string; namespaced: boolean }[]>
  >();

  constructor(access: ClusterAccess) {
    this.namespace = access.namespace;
    this.#connection = new HttpConnection(access);
  }

  close(): void {
    this.#connection.close();
  }

  get<T extends KubeObject>(resource: Resource, at: At): Promise<T> {
    return this.#json("GET", this.path(resource, at));
  }

  /** Undefined where there is none of that name. */
  async find<T extends KubeObject>(resource: Resource, at: At): Promise<T | undefined> {
    try {
      return await this.get<T>(resource, at);
    } catch (error) {
      if (error instanceof KubeError && error.statusCode === 404) return undefined;
      throw error;
    }
  }

  list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<KubeList<T>> {
    return this.#json("GET", this.listPath(resource, options));
  }

  create<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const collection = this.path(resource, { namespace: object.metadata.namespace });
    return this.#json("POST", `${collection}?${fieldManager}`, object);
  }

  /** Refused with 409 where the object's resourceVersion is no longer the stored one. */
  update<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    return this.#json("PUT", `${this.path(resource, object.metadata)}?${fieldManager}`, object);
  }

  updateStatus<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const path = `${this.path(resource, object.metadata)}/status?${fieldManager}`;
    return this.#json("PUT", path, object);
  }

  patch<T extends KubeObject>(
    resource: Resource,
    at: At,
    patch: unknown,
    options: { type?: PatchType; subresource?: "status" | "scale"; fieldManager?: string } = {},
  ): Promise<T> {
    const { type = "merge", subresource, fieldManager: manager = "spinelab" } = options;
    const path = `${this.path(resource, at)}${subresource ? `/${subresource}` : ""}?fieldManager=${manager}`;
    return this.#json("PATCH", path, patch, patchMediaTypes[type]);
  }

  /** Fine where it is gone already. */
  async delete(
    resource: Resource,
    at: At,
    options: { gracePeriodSeconds?: number; propagationPolicy?: string } = {},
  ): Promise<void> {
    try {
      await this.#json("DELETE", this.path(resource, at), options);
    } catch (error) {
      if (!(error instanceof KubeError && error.statusCode === 404)) throw error;
    }
  }

  /**
   * Brings one object of a manifest about: created where it is missing, else merged into what is
   * there. Resolves with the object and what was done. Unknown fields are refused.
   */
  async apply(
    object: KubeObject,
  ): Promise<{ object: KubeObject; done: "created" | "configured" | "unchanged" }> {
    const resource = await this.resourceOf(object.apiVersion, object.kind);
    const path = this.path(resource, object.metadata);
    const before = await this.find(resource, object.metadata);
    const query = `?${fieldManager}&fieldValidation=Strict`;
    if (!before) {
      const collection = this.path(resource, { namespace: object.metadata.namespace });
      return { object: await this.#json("POST", collection + query, object), done: "created" };
    }
    // Custom resources know no strategic merge: their lists are replaced as a whole.
    const builtIn = /^(v1|apps\/v1|[a-z.]+\.k8s\.io\/v1)$/.test(object.apiVersion);
    const type = patchMediaTypes[builtIn ? "strategic" : "merge"];
    const after = await this.#json<KubeObject>("PATCH", path + query, object, type);
    const same = after.metadata.resourceVersion === before.metadata.resourceVersion;
    return { object: after, done: same ? "unchanged" : "configured" };
  }

  /** The resource of a kind, as the server's discovery says; asked once a group and version. */
  async resourceOf(apiVersion: string, kind: string): Promise<Resource> {
    let known = this.#resources.get(apiVersion);
    if (!known) {
      const root = apiVersion.includes("/") ? "apis" : "api";
      known = this.#json<{ resources: { name: string; kind: string; namespaced: boolean }[] }>(
        "GET",
        `/${root}/${apiVersion}`,
      ).then((list) => list.resources);
      this.#resources.set(apiVersion, known);
      known.catch(() => this.#resources.delete(apiVersion));
    }
    const found = (await known).find((one) => one.kind === kind && !one.name.includes("/"));
    if (!found) {
      this.#resources.delete(apiVersion); // Perhaps its definition has only just been made.
      throw new UnknownKindError(`${kind} in ${apiVersion}`);
    }
    return { apiVersion, plural: found.name, namespaced: found.namespaced };
  }

  /** The server's version: `{ major: 1, minor: 20 }`; managed clusters write `20+`. */
  async version(): Promise<{ major: number; minor: number; gitVersion: string }> {
    const { major, minor, gitVersion } = await this.#json<Record<string, string>>(
      "GET",
      "/version",
    );
    const number = (text: string | undefined) => Number.parseInt(text ?? "", 10);
    return { major: number(major), minor: number(minor), gitVersion: gitVersion ?? "" };
  }

  /** Rejects with what is missing where the server is not ready yet. */
  async ready(): Promise<void> {
    const response = await this.#connection.send({ method: "GET", path: "/readyz?verbose" });
    const text = await readText(response);
    if (response.statusCode !== 200) throw new KubeError(response.statusCode!, text);
  }

  /** What a container wrote so far; `previous`: the one before its last restart. */
  async podLog(at: At, container: string, options: { previous?: boolean } = {}): Promise<string> {
    const pods: Resource = { apiVersion: "v1", plural: "pods", namespaced: true };
    const query = new URLSearchParams({ container, ...(options.previous && { previous: "true" }) });
    const path = `${this.path(pods, at)}/log?${query.toString()}`;
    const response = await this.#connection.send({ method: "GET", path });
    const text = await readText(response);
    if (response.statusCode !== 200) throw new KubeError(response.statusCode!, text);
    return text;
  }

  /**
   * Streams changes from a resourceVersion on, on a connection of its own. `onEnd` comes once: with
   * nothing where the server ended it in order, with the error otherwise; never after an abort.
   */
  watch(
    path: string,
    onEvent: (type: string, object: KubeObject) => void,
    onEnd: (error?: unknown) => void,
  ): AbortController {
    const controller = new AbortController();
    const { signal } = controller;
    const follow = async () => {
      const response = await this.#connection.send({
        method: "GET",
        path,
        signal,
        streaming: true,
      });
      if (response.statusCode !== 200) {
        throw new KubeError(response.statusCode!, await readText(response));
      }
      response.setEncoding("utf8");
      let rest = "";
      for await (const chunk of response as AsyncIterable<string>) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop()!;
        for (const line of lines) {
          if (signal.aborted) return;
          const { type, object } = JSON.parse(line) as { type: string; object: KubeObject };
          onEvent(type, object);
        }
      }
    };
    follow().then(
      () => signal.aborted || onEnd(),
      (error: unknown) => signal.aborted || onEnd(error),
    );
    return controller;
  }

  path(resource: Resource, at: { namespace?: string | undefined; name?: string } = {}): string {
    const { apiVersion, plural, namespaced } = resource;
    const namespace = namespaced ? `/namespaces/${at.namespace ?? this.namespace}` : "";
    const name = at.name === undefined ? "" : `/${encodeURIComponent(at.name)}`;
    return `/${apiVersion.includes("/") ? "apis" : "api"}/${apiVersion}${namespace}/${plural}${name}`;
  }

  listPath(resource: Resource, { namespace, ...selectors }: ListOptions): string {
    const path = this.path({ ...resource, namespaced: namespace !== undefined }, { namespace });
    const query = new URLSearchParams(
      Object.entries(selectors).filter(([, value]) => value !== undefined),
    ).toString();
    return query === "" ? path : `${path}?${query}`;
  }

  async #json<T>(
    method: string,
    path: string,
    body?: unknown,
    type = "application/json",
  ): Promise<T> {
    const request: HttpRequest = { method, path };
    if (body !== undefined) request.body = { type, text: JSON.stringify(body) };
    const response = await this.#connection.send(request);
    const text = await readText(response);
    if (response.statusCode! >= 300) throw new KubeError(response.statusCode!, text);
    return JSON.parse(text) as T;
  }
}
