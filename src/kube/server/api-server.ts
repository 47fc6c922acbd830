import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { PodSandboxes } from "../pod-sandbox.ts";
import { ApiError, badRequest, methodNotAllowed, pathNotFound } from "./api-error.ts";
import * as discovery from "./discovery.ts";
import type { KubeApi } from "./kube-api.ts";
import { isObject } from "./merge-patch.ts";
import { execRequest, serveExec } from "./pod-exec.ts";
import { readBody } from "./request-body.ts";
import { type Answer, answerResource, type Context, noSubresource } from "./resource-requests.ts";
import { resolvePath, segments } from "./request-path.ts";
import { selfReview } from "./self-reviews.ts";

/** The Kubernetes version that clients are told: what the kinds served are true to. */
const version = {
  major: "1",
  minor: "32",
  gitVersion: "v1.32.0+spinelab",
  platform: `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
};

/** `fd`: asked for a listening socket whenever the server begins to serve. */
export type Listener = ({ host: string; port: number } | { fd: () => number }) & {
  /** PEM texts. Absent: plain HTTP. */
  tls?: { key: string; cert: string };
  /** Every request must bear it. Absent: none is asked. */
  token?: string;
};

export type ApiServerOptions = {
  api: KubeApi;
  listeners: readonly Listener[];
  /** Makes pods/exec and pods/log work. */
  sandboxes?: PodSandboxes;
  /** Told of what is no client's fault: a defect, always. */
  onError: (error: unknown) => void;
};

export type ApiServer = {
  /** One for each listener, in their order. */
  urls: string[];
  /** Ends watches and connections at once, and lets nobody in until `resume`: the machine has no power. */
  suspend(): Promise<void>;
  /** Serves again, at the same addresses. */
  resume(): Promise<void>;
  /** Ends watches and connections. */
  close(): Promise<void>;
};

/** Serves `api` over HTTP on every listener. Rejects where one cannot listen; then none does. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const context: Context = {
    api: options.api,
    sandboxes: options.sandboxes,
    watches: new Set(),
  };
  const listeners = [...options.listeners];
  let servers: Server[] = [];
  const close = async () => {
    for (const watch of context.watches) watch.end();
    await Promise.all(
      servers.map(async (server) => {
        const closed = new Promise((resolve) => {
          if (server.listening) server.close(resolve);
          else resolve(undefined);
        });
        server.closeAllConnections();
        for (const socket of upgraded.get(server) ?? []) socket.destroy();
        await closed;
      }),
    );
  };
  const open = async () => {
    servers = await Promise.all(listeners.map((listener) => serverFor(listener, context, options)));
    // Of all of them it must be known: one that begins to listen later would be closed by nobody.
    const opened = await Promise.allSettled(
      servers.map((server, index) => listen(server, listeners[index]!)),
    );
    const failed = opened.find(({ status }) => status === "rejected");
    if (failed === undefined) return;
    await close();
    throw (failed as PromiseRejectedResult).reason;
  };
  await open();
  const urls = servers.map((server, index) => {
    const { address, family, port } = server.address() as AddressInfo;
    const listener = listeners[index]!;
    // A port that was free is this one's from now on.
    if ("port" in listener) listeners[index] = { ...listener, port };
    const host = family === "IPv6" ? `[${address}]` : address;
    return `${listener.tls ? "https" : "http"}://${host}:${port}`;
  });
  let suspended: Promise<void> | undefined;
  return {
    urls,
    close,
    suspend: () => (suspended ??= close()),
    async resume() {
      await suspended;
      suspended = undefined;
      await open();
    },
  };
}

/** Connections that became WebSockets: the HTTP server no longer counts them as its own. */
const upgraded = new WeakMap<Server, Set<Duplex>>();

async function serverFor(
  listener: Listener,
  context: Context,
  options: ApiServerOptions,
): Promise<Server> {
  const permitted = guard(listener.token);
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    void answer(context, permitted, request, response, options.onError);
  // TLS is loaded where it is used only.
  const server = listener.tls
    ? ((await import("node:https")).createServer(listener.tls, handle) as Server)
    : createServer(handle);
  // Longer than clients keep an idle connection, so that none is closed under a request.
  server.keepAliveTimeout = 90_000;
  server.requestTimeout = 0;
  const sockets = new Set<Duplex>();
  upgraded.set(server, sockets);
  server.on("upgrade", (request, socket, head) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    upgrade(context, permitted, request, socket, head).catch((error: unknown) => {
      refuseUpgrade(socket, error, options.onError);
    });
  });
  return server;
}

function listen(server: Server, listener: Listener): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const at =
      "fd" in listener ? { fd: listener.fd() } : { host: listener.host, port: listener.port };
    server.listen(at, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Whether a request bears the token. Compared as digests: the time taken tells nothing of either. */
function guard(token: string | undefined): (request: IncomingMessage) => boolean {
  if (token === undefined) return () => true;
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const wanted = digest(`Bearer ${token}`);
  return ({ headers }) => timingSafeEqual(wanted, digest(headers.authorization ?? ""));
}

async function answer(
  context: Context,
  permitted: (request: IncomingMessage) => boolean,
  request: IncomingMessage,
  response: ServerResponse,
  onError: (error: unknown) => void,
): Promise<void> {
  let reply: Answer | string;
  try {
    if (!permitted(request)) throw unauthorized();
    const url = urlOf(request);
    reply =
      plainAnswer(context.api, request, url) ??
      (await reviewAnswer(request, url)) ??
      (await answerResource(
        context,
        resolvePath(context.api, url.pathname),
        url.searchParams,
        request,
        response,
      ));
  } catch (error) {
    if (response.headersSent) {
      if (!response.destroyed) onError(error);
      response.destroy();
      return;
    }
    const status = asApiError(error, onError).toStatus();
    reply = { code: status.code, body: status };
    // What was not read of the body would be taken for the next request.
    if (!request.complete) response.setHeader("connection", "close");
  }
  if (reply === undefined) return;
  if (typeof reply === "string") {
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
    response.end(reply);
    return;
  }
  for (const warning of reply.warnings ?? []) {
    response.appendHeader("warning", `299 - ${JSON.stringify(warning)}`);
  }
  response.setHeader("content-type", reply.contentType ?? "application/json");
  const body = Buffer.isBuffer(reply.body) ? reply.body : Buffer.from(JSON.stringify(reply.body));
  response.writeHead(reply.code, { "content-length": body.length });
  response.end(body);
}

/** Paths that name no resource; undefined where the path may name one. */
function plainAnswer(
  api: KubeApi,
  request: IncomingMessage,
  url: URL,
): Answer | string | undefined {
  const found = plainDocument(api, segments(url.pathname), request.headers.accept);
  if (found !== undefined && request.method !== "GET") throw methodNotAllowed(request.method ?? "");
  return found;
}

function plainDocument(
  api: KubeApi,
  parts: string[],
  accept: string | undefined,
): Answer | string | undefined {
  const [root, group = "", groupVersion = ""] = parts;
  switch (root) {
    case "healthz":
    case "livez":
    case "readyz":
      return "ok";
    case "version":
      return ok(version);
    case "openapi":
      if (parts.length === 2 && group === "v2") return discovery.openApiV2(accept);
      return ok(openApi(api, parts));
    case "api":
    case "apis": {
      if (parts.length > (root === "api" ? 2 : 3)) return undefined;
      const form = discovery.aggregatedVersion(accept);
      if (parts.length === 1 && form) {
        // Clients tell by the content type which form they got.
        const contentType = `application/json;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`;
        return { ...ok(discovery.aggregated(api, root, form)), contentType };
      }
      if (parts.length === 1) {
        return ok(root === "api" ? discovery.coreVersions() : discovery.groupList(api));
      }
      if (root === "api") return ok(discovery.resourceList(api, "", group));
      if (parts.length === 2) return ok(discovery.groupOf(api, group));
      return ok(discovery.resourceList(api, group, groupVersion));
    }
    default:
      throw pathNotFound();
  }
}

async function reviewAnswer(request: IncomingMessage, url: URL): Promise<Answer> {
  const review = selfReview(url.pathname);
  if (review === undefined) return undefined;
  if (request.method !== "POST") throw methodNotAllowed(request.method ?? "");
  const asked = await readBody(request);
  if (!isObject(asked)) throw badRequest("the body of the request is no object");
  return { code: 201, body: review(asked) };
}

function ok(body: object | undefined): NonNullable<Answer> {
  if (body === undefined) throw pathNotFound();
  return { code: 200, body };
}

function openApi(api: KubeApi, [, form, root, ...rest]: string[]): object | undefined {
  if (form !== "v3") throw pathNotFound();
  if (root === undefined) return discovery.openApiPaths(api);
  const [group, groupVersion] = root === "api" ? ["", rest[0]] : rest;
  return discovery.openApiDocument(api, group ?? "", groupVersion ?? "");
}

async function upgrade(
  context: Context,
  permitted: (request: IncomingMessage) => boolean,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  if (!permitted(request)) throw unauthorized();
  const url = urlOf(request);
  const path = resolvePath(context.api, url.pathname);
  if (path.definition.kind !== "Pod" || path.subresource !== "exec") throw noSubresource(path);
  if (!context.sandboxes) throw new ApiError(501, "NotImplemented", "this server runs no pods");
  const pod = { namespace: path.namespace!, name: path.name! };
  const wanted = execRequest(context.api, pod, url.searchParams);
  if (request.headers.upgrade?.toLowerCase() !== "websocket") {
    throw new ApiError(
      400,
      "BadRequest",
      `exec is served over WebSocket, not ${request.headers.upgrade}: with kubectl, version 1.31 or later`,
    );
  }
  await serveExec(request, socket, head, wanted, context.sandboxes);
}

function refuseUpgrade(socket: Duplex, error: unknown, onError: (error: unknown) => void): void {
  if (socket.destroyed) return;
  const status = asApiError(error, onError).toStatus();
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function urlOf(request: IncomingMessage): URL {
  const url = URL.parse(`http://server${request.url ?? "/"}`);
  if (!url) throw badRequest("the request's path is no path");
  return url;
}

const unauthorized = () => new ApiError(401, "Unauthorized", "Unauthorized");

function asApiError(error: unknown, onError: (error: unknown) => void): ApiError {
  if (error instanceof ApiError) return error;
  onError(error);
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(500, "InternalError", `Internal error occurred: ${message}`);
}
