import type { IncomingMessage, ServerResponse } from "node:http";
import type { KubeObject } from "../object.ts";
import type { PodSandboxes } from "../pod-sandbox.ts";
import {
  ApiError,
  badRequest,
  expired,
  methodNotAllowed,
  pathNotFound,
  type Status,
} from "./api-error.ts";
import type { DeleteOptions } from "./deletion.ts";
import { type KubeApi, refuseOfFixedSet, type WriteOptions } from "./kube-api.ts";
import { isObject } from "./merge-patch.ts";
import { patchTypes } from "./patch.ts";
import { servePodLogs } from "./pod-logs.ts";
import { negotiate, Representation } from "./representation.ts";
import { mediaType, readBody } from "./request-body.ts";
import { chooser, dryRunOf, fieldValidationOf, versionOf } from "./request-query.ts";
import type { ResourcePath } from "./request-path.ts";
import { resourceKey } from "./resource.ts";
import { scaleOf } from "./scale.ts";
import { serveWatch } from "./watch.ts";

export type Context = {
  api: KubeApi;
  sandboxes: PodSandboxes | undefined;
  /** Watches that are open: ended when the server closes. */
  watches: Set<{ end: () => void }>;
};

/** An answer to be written as JSON; undefined where the handler streams its own. */
export type Answer =
  | { code: number; body: object; contentType?: string; warnings?: string[] }
  | undefined;

/** Requests for resources, by method and by what the path names. */
export async function answerResource(
  context: Context,
  path: ResourcePath,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const { definition, name, subresource } = path;
  const method = request.method ?? "GET";
  if (definition.kind === "Pod" && (subresource === "log" || subresource === "exec")) {
    return answerPod(context, path, query, method, response);
  }
  if (definition.kind === "Pod" && subresource === "binding" && method === "POST") {
    return bind(context.api, path, query, await readBody(request));
  }
  if (subresource !== undefined && !definition.subresources.includes(subresource as "status")) {
    throw noSubresource(path);
  }
  const representation = new Representation({
    definition,
    version: path.version,
    form: subresource === "scale" ? "object" : negotiate(request.headers.accept),
    includeObject: query.get("includeObject"),
    nowMs: () => context.api.clock.nowMs(),
  });
  if (method === "GET" && name === undefined) {
    return query.get("watch") === "true" || query.get("watch") === "1"
      ? watch(context, path, query, representation, response)
      : list(context.api, path, query, representation);
  }
  if (method === "GET") {
    const object = context.api.get(resourceKey(definition), at(path));
    const body = subresource === "scale" ? scaleOf(object) : representation.one(object);
    return { code: 200, body };
  }
  refuseOfFixedSet(definition, method);
  const body = await readBody(request);
  if (method === "DELETE") return remove(context.api, path, query, body);
  return write(context.api, path, query, method, mediaType(request), body, representation);
}

/** Where people know what Kubernetes does there they are told what to do here. */
export function noSubresource({ definition, subresource }: ResourcePath): ApiError {
  const instead = {
    portforward: "from a node the pod answers at its address: spinelab exec NODE -- curl ADDRESS",
    attach: "kubectl logs -f shows what it writes, kubectl exec runs a command in it",
  }[subresource ?? ""];
  if (definition.kind !== "Pod" || instead === undefined) return pathNotFound();
  return new ApiError(501, "NotImplemented", `pods/${subresource} is not served: ${instead}`);
}

const at = ({ namespace, name }: ResourcePath) => ({
  ...(namespace !== undefined && { namespace }),
  name: name!,
});

function list(
  api: KubeApi,
  path: ResourcePath,
  query: URLSearchParams,
  representation: Representation,
): Answer {
  const wanted = versionOf(query);
  if (wanted !== undefined && wanted > api.version) {
    throw new ApiError(
      504,
      "Timeout",
      `Too large resource version: ${wanted}, current: ${api.version}`,
      {
        retryAfterSeconds: 1,
        causes: [
          { reason: "ResourceVersionTooLarge", message: "Too large resource version", field: "" },
        ],
      },
    );
  }
  if (query.get("resourceVersionMatch") === "Exact" && wanted !== api.version) {
    throw expired("only the current state can be listed");
  }
  const { definition, namespace } = path;
  const objects = api.list(resourceKey(definition), namespace === undefined ? {} : { namespace });
  const body = representation.list(objects.filter(chooser(path, query)), api.version);
  return { code: 200, body };
}

function watch(
  context: Context,
  path: ResourcePath,
  query: URLSearchParams,
  representation: Representation,
  response: ServerResponse,
): Answer {
  const timeout = query.get("timeoutSeconds");
  const watching = serveWatch(
    context.api,
    response,
    {
      resource: resourceKey(path.definition),
      matches: chooser(path, query),
      representation,
      from: versionOf(query),
      bookmarks: query.get("allowWatchBookmarks") === "true",
      sendInitialEvents: query.get("sendInitialEvents") === "true",
      timeoutSeconds: timeout !== null && /^[1-9]\d*$/.test(timeout) ? Number(timeout) : undefined,
    },
    context.api.clock,
  );
  context.watches.add(watching);
  response.on("close", () => context.watches.delete(watching));
  return undefined;
}

function write(
  api: KubeApi,
  path: ResourcePath,
  query: URLSearchParams,
  method: string,
  type: string,
  body: unknown,
  representation: Representation,
): Answer {
  const { definition, name, namespace } = path;
  const key = resourceKey(definition);
  const warnings: string[] = [];
  const options: WriteOptions = {
    dryRun: dryRunOf(query, body),
    fieldValidation: fieldValidationOf(query),
    warn: (message) => warnings.push(message),
    ...(path.subresource !== undefined && { subresource: path.subresource as "status" | "scale" }),
  };
  const shown = (object: KubeObject) =>
    options.subresource === "scale" ? scaleOf(object) : representation.one(object);
  if (method === "PATCH" && name !== undefined) {
    const patchType = patchTypes[type];
    if (patchType === undefined) {
      const accepted = Object.keys(patchTypes).join(", ");
      throw new ApiError(
        415,
        "UnsupportedMediaType",
        `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
      );
    }
    const created = patchType === "apply" && api.find(key, at(path)) === undefined;
    const object = api.patch(key, at(path), body, patchType, options);
    return { code: created ? 201 : 200, body: shown(object), warnings };
  }
  const isWrite = name === undefined ? method === "POST" : method === "PUT";
  if (!isWrite) throw methodNotAllowed(method);
  if (!isObject(body)) throw badRequest("the body of the request is no object");
  const object = located(body as KubeObject, path);
  if (method === "POST") {
    if (definition.namespaced && namespace === undefined) throw methodNotAllowed(method);
    return { code: 201, body: shown(api.create(key, object, options)), warnings };
  }
  return { code: 200, body: shown(api.update(key, object, options)), warnings };
}

/** The object with the namespace of the URL; refused where it names another place. */
function located(object: KubeObject, { namespace, name }: ResourcePath): KubeObject {
  const { metadata = { name: "" } } = object;
  if (!isObject(metadata)) throw badRequest("metadata must be an object");
  if (namespace !== undefined && metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest(
      `the namespace of the provided object does not match the namespace sent on the request: "${metadata.namespace}" and "${namespace}"`,
    );
  }
  if (name !== undefined && metadata.name && metadata.name !== name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(namespace !== undefined && { namespace }),
      ...(name !== undefined && { name }),
    },
  };
}

function remove(api: KubeApi, path: ResourcePath, query: URLSearchParams, body: unknown): Answer {
  const { definition, name, namespace, version } = path;
  const key = resourceKey(definition);
  const given = isObject(body) ? (body as DeleteOptions) : {};
  const grace = query.get("gracePeriodSeconds");
  const policy = query.get("propagationPolicy");
  const options = {
    ...given,
    ...(grace !== null && /^\d+$/.test(grace) && { gracePeriodSeconds: Number(grace) }),
    ...(policy !== null && { propagationPolicy: policy as "Background" }),
    dryRun: dryRunOf(query, body),
  };
  const policies = [undefined, null, "Background", "Foreground", "Orphan"];
  if (!policies.includes(options.propagationPolicy)) {
    throw badRequest(`propagationPolicy: Invalid value: ${String(options.propagationPolicy)}`);
  }
  if (name === undefined) {
    const objects = api
      .list(key, namespace === undefined ? {} : { namespace })
      .filter(chooser(path, query));
    for (const { metadata } of objects) api.delete(key, metadata, options);
    const metadata = { resourceVersion: String(api.version) };
    const group = definition.group === "" ? version : `${definition.group}/${version}`;
    return {
      code: 200,
      body: { kind: `${definition.kind}List`, apiVersion: group, metadata, items: objects },
    };
  }
  const { object, gone } = api.delete(key, at(path), options);
  if (!gone) return { code: 200, body: object };
  const status: Status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name,
      group: definition.group,
      kind: definition.plural,
      uid: object.metadata.uid!,
    },
    code: 200,
  };
  return { code: 200, body: status };
}

/** POST …/pods/NAME/binding: gives the pod its node. */
function bind(api: KubeApi, path: ResourcePath, query: URLSearchParams, body: unknown): Answer {
  const node = isObject(body) && isObject(body.target) ? body.target.name : undefined;
  if (typeof node !== "string") throw badRequest("target.name: Required value");
  const options = { dryRun: dryRunOf(query, body) };
  api.patch("pods", at(path), { spec: { nodeName: node } }, "merge", options);
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
  return { code: 201, body: status };
}

async function answerPod(
  context: Context,
  path: ResourcePath,
  query: URLSearchParams,
  method: string,
  response: ServerResponse,
): Promise<Answer> {
  if (path.subresource === "exec") {
    throw badRequest("exec needs an upgrade to WebSocket: with kubectl, version 1.31 or later");
  }
  if (method !== "GET") throw methodNotAllowed(method);
  if (!context.sandboxes) throw new ApiError(501, "NotImplemented", "this server runs no pods");
  const pod = { namespace: path.namespace!, name: path.name! };
  await servePodLogs(context.api, response, pod, query, context.sandboxes, context.api.clock);
  return undefined;
}
