import { request as httpsRequest } from "node:https";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ApiServer, type Listener, startApiServer } from "./api-server.ts";
import type { KubeApi } from "./kube-api.ts";
import { selfSignedCertificate } from "./self-signed.ts";
import { startTestServer } from "./test-server.ts";

let api: KubeApi;
let server: ApiServer;
let url: string;
let errors: unknown[];
beforeEach(async () => {
  ({ api, server, url, errors } = await startTestServer({ token: "secret" }));
});
afterEach(async () => {
  await server.close();
  expect(errors).toEqual([]);
});

type Answer = { code: number; body: Record<string, unknown>; headers: Headers };

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: "Bearer secret",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return {
    code: response.status,
    body: (isJson ? JSON.parse(text) : { text }) as Record<string, unknown>,
    headers: response.headers,
  };
}

const pods = "/api/v1/namespaces/default/pods";
const pod = (name: string, labels: Record<string, string> = {}) => ({
  metadata: { name, labels },
  spec: { containers: [{ name: "a", image: "a" }] },
});

describe("who may ask", () => {
  test.each([
    [{}],
    [{ authorization: "Bearer wrong" }],
    [{ authorization: "Bearer secrets" }],
    [{ authorization: "secret" }],
  ])("not with %j", async (headers) => {
    const response = await fetch(`${url}/version`, { headers });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ kind: "Status", reason: "Unauthorized" });
  });

  test("over TLS, with a certificate that vouches for itself", async () => {
    const tls = selfSignedCertificate(["127.0.0.1", "lab.example", "::1"], Date.now());
    const secured = await startApiServer({
      api,
      listeners: [{ host: "127.0.0.1", port: 0, tls }],
      onError: (error) => errors.push(error),
    });
    const get = (servername?: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = { ca: tls.cert, ...(servername !== undefined && { servername }) };
        httpsRequest(`${secured.urls[0]!}/version`, options, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
    expect(await get()).toBe(200);
    expect(await get("lab.example")).toBe(200);
    await expect(get("other.example")).rejects.toThrow(/altnames/);
    await secured.close();
  });

  const refusing: [string, () => Listener, RegExp][] = [
    [
      "a port that is taken",
      () => ({ host: "127.0.0.1", port: Number(new URL(url).port) }),
      /EADDRINUSE/,
    ],
    // It is refused while the other has not begun to listen.
    ["a network that is gone", () => ({ fd: () => expect.fail("no such network") }), /no such/],
  ];
  test.each(refusing)("%s rejects, and no listener stays behind", async (_what, refused, says) => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    const start = startApiServer({
      api,
      listeners: [{ host: "127.0.0.1", port }, refused()],
      onError: (error) => errors.push(error),
    });
    await expect(start).rejects.toThrow(says);
    await expect(fetch(`http://127.0.0.1:${port}/version`)).rejects.toThrow("fetch failed");
  });
});

test("suspended, it ends watches and lets nobody in; resumed, it has all it had, at the same address", async () => {
  api.create("namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "kept" } });
  const watch = await fetch(`${url}/api/v1/namespaces?watch=true`, {
    headers: { authorization: "Bearer secret" },
  });
  const reader = watch.body!.getReader();
  await reader.read();
  const ended = (async () => {
    while (!(await reader.read()).done);
  })().catch(() => {});
  await server.suspend();
  await ended;
  await expect(ask("GET", "/version")).rejects.toThrow("fetch failed");
  await server.resume();
  expect((await ask("GET", "/api/v1/namespaces/kept")).code).toBe(200);
  await server.suspend();
  await expect(ask("GET", "/version")).rejects.toThrow("fetch failed");
});

describe("what is served", () => {
  test("discovery, as lists and aggregated", async () => {
    expect((await ask("GET", "/healthz")).body).toEqual({ text: "ok" });
    expect((await ask("GET", "/version")).body).toMatchObject({ major: "1" });
    expect((await ask("GET", "/api")).body).toMatchObject({ versions: ["v1"] });
    const names = ((await ask("GET", "/apis")).body.groups as { name: string }[]).map(
      ({ name }) => name,
    );
    expect(names).toContain("cilium.io");
    const { resources } = (await ask("GET", "/api/v1")).body as unknown as {
      resources: { name: string }[];
    };
    expect(resources.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["pods", "pods/status", "pods/exec", "pods/log", "nodes"]),
    );
    const accept =
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const aggregated = await ask("GET", "/apis", undefined, { accept });
    expect(aggregated.headers.get("content-type")).toBe(
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    );
    expect(aggregated.body).toMatchObject({ kind: "APIGroupDiscoveryList" });
    const { paths } = (await ask("GET", "/openapi/v3")).body as unknown as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    const document = await ask("GET", paths["apis/apps/v1"]!.serverRelativeURL);
    expect(Object.keys(document.body.paths as object)).toContain(
      "/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}",
    );
    // What `kubectl explain` looks up, by group, version and kind.
    const cilium = await ask("GET", paths["apis/cilium.io/v2"]!.serverRelativeURL);
    const { schemas } = cilium.body.components as { schemas: Record<string, object> };
    const gvk = { group: "cilium.io", version: "v2", kind: "CiliumBGPPeerConfig" };
    expect(schemas["io.cilium.v2.CiliumBGPPeerConfig"]).toMatchObject({
      properties: { spec: { properties: { timers: { type: "object" } } } },
      "x-kubernetes-group-version-kind": [gvk],
    });
  });

  test("a schema of before v3 has nothing in it, as protobuf and as JSON", async () => {
    const accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    const message = await ask("GET", "/openapi/v2", undefined, { accept });
    expect(message.headers.get("content-type")).toBe(
      "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
    );
    expect(message.body).toEqual({ text: "" });
    expect((await ask("GET", "/openapi/v2")).body).toMatchObject({
      swagger: "2.0",
      definitions: {},
    });
  });

  test.each([
    ["GET", "/nothing", 404],
    ["POST", `${pods}/a/portforward`, 501],
    ["GET", `${pods}/a/ephemeralcontainers`, 404],
    ["GET", `${pods}?fieldSelector=spec.nope%3Dx`, 400],
    ["GET", "/apis/nope.io/v1", 404],
    ["GET", "/apis/apps/v1/daemonsets/x/y/z", 404],
    ["GET", "/api/v1/namespaces/default/nodes", 404],
    ["GET", "/api/v1/pods/a", 404],
    ["GET", `${pods}/a/attach`, 501],
    ["GET", `${pods}/a`, 404],
    ["GET", "/api/v1/pods%", 400],
    ["GET", `${pods}?labelSelector=a%20b`, 400],
    ["GET", `${pods}?fieldSelector=x`, 400],
    ["GET", `${pods}?resourceVersion=x`, 400],
    ["GET", `${pods}?resourceVersion=9999999999999999`, 504],
    ["GET", `${pods}?watch=true&resourceVersion=9999999999999999`, 410],
    ["GET", `${pods}?watch=true&resourceVersion=1`, 410],
    ["POST", "/version", 405],
    ["POST", "/api/v1/pods", 405],
    ["PUT", pods, 405],
    ["POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", 405],
  ])("%s %s is answered %i with a Status", async (method, path, code) => {
    const answer = await ask(method, path, method === "GET" ? undefined : pod("a"));
    expect(answer).toMatchObject({ code, body: { kind: "Status", status: "Failure", code } });
  });

  test("tables with wide columns, metadata alone, and nothing but JSON", async () => {
    await ask("POST", pods, pod("a"));
    const table = await ask("GET", pods, undefined, {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    });
    expect(table.body).toMatchObject({
      kind: "Table",
      rows: [{ cells: ["a", "0/1", "Pending", "0", "0s", "<none>", "<none>", "<none>", "<none>"] }],
    });
    const columns = table.body.columnDefinitions as { name: string; priority: number }[];
    expect(columns.filter(({ priority }) => priority === 1).map(({ name }) => name)).toEqual([
      "IP",
      "Node",
      "Nominated Node",
      "Readiness Gates",
    ]);
    const metadata = await ask("GET", `${pods}/a`, undefined, {
      accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    });
    expect(metadata.body).not.toHaveProperty("spec");
    expect(await ask("GET", pods, undefined, { accept: "text/html" })).toMatchObject({ code: 406 });
  });

  test("selectors and namespaces choose", async () => {
    for (const name of ["a", "b"]) await ask("POST", pods, pod(name, { app: name }));
    const names = async (query: string) =>
      (
        (await ask("GET", `/api/v1/pods?${query}`)).body.items as { metadata: { name: string } }[]
      ).map(({ metadata }) => metadata.name);
    expect(await names("")).toEqual(["a", "b"]);
    expect(await names("labelSelector=app%3Db")).toEqual(["b"]);
    expect(await names("fieldSelector=metadata.name%3Da")).toEqual(["a"]);
    expect(await names("fieldSelector=spec.nodeName%3Dx")).toEqual([]);
  });
});

describe("writing", () => {
  const advertisement = {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPAdvertisement",
    metadata: { name: "a" },
    spec: { advertisements: [{ advertisementType: "PodCIDR" }] },
  };
  const advertisements = "/apis/cilium.io/v2/ciliumbgpadvertisements";

  test("create, read, update, patch, delete", async () => {
    expect((await ask("POST", pods, pod("a"))).code).toBe(201);
    const { body } = await ask("GET", `${pods}/a`);
    expect(body).toMatchObject({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace: "default" },
    });
    const changed = {
      ...(body as object),
      metadata: { ...(body.metadata as object), labels: { x: "y" } },
    };
    expect((await ask("PUT", `${pods}/a`, changed)).code).toBe(200);
    expect(await ask("PUT", `${pods}/a`, changed)).toMatchObject({
      code: 409,
      body: { reason: "Conflict" },
    });
    const patched = await ask(
      "PATCH",
      `${pods}/a`,
      { metadata: { labels: { x: null, z: "1" } } },
      {
        "content-type": "application/merge-patch+json",
      },
    );
    expect((patched.body.metadata as { labels: object }).labels).toEqual({ z: "1" });
    expect(await ask("DELETE", `${pods}/a`)).toMatchObject({
      code: 200,
      body: { kind: "Status", status: "Success", details: { name: "a", kind: "pods" } },
    });
    expect((await ask("GET", `${pods}/a`)).code).toBe(404);
  });

  test("an apply in YAML creates, then merges", async () => {
    const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {x: 'y'}\n";
    const path = "/api/v1/namespaces/default/configmaps/c?fieldManager=t";
    const headers = { "content-type": "application/apply-patch+yaml" };
    expect((await ask("PATCH", path, yaml, headers)).code).toBe(201);
    expect(await ask("PATCH", path, yaml, headers)).toMatchObject({
      code: 200,
      body: { data: { x: "y" } },
    });
  });

  test("a broken schema is 422 with causes, unknown fields a warning or 400", async () => {
    const wrong = { ...advertisement, spec: { advertisements: [{}, { advertisementType: "x" }] } };
    const { code, body } = await ask("POST", advertisements, wrong);
    expect(code).toBe(422);
    expect(body).toMatchObject({
      reason: "Invalid",
      details: {
        kind: "CiliumBGPAdvertisement",
        causes: [
          { reason: "FieldValueRequired", field: "spec.advertisements[0].advertisementType" },
          { field: "spec.advertisements[1].advertisementType" },
        ],
      },
    });
    const odd = { ...advertisement, spec: { ...advertisement.spec, odd: 1 } };
    expect((await ask("POST", `${advertisements}?fieldValidation=Strict`, odd)).code).toBe(400);
    expect((await ask("POST", `${advertisements}?fieldValidation=Hm`, odd)).code).toBe(400);
    const warned = await ask("POST", advertisements, odd);
    expect(warned.code).toBe(201);
    expect(warned.headers.get("warning")).toBe('299 - "unknown field \\"spec.odd\\""');
    expect(warned.body.spec).toEqual(advertisement.spec);
    const old = await ask("GET", "/apis/cilium.io/v2alpha1/ciliumbgpadvertisements/a");
    expect(old.body.apiVersion).toBe("cilium.io/v2alpha1");
  });

  test.each([
    ["{", {}, 400],
    ["[]", {}, 400],
    ["", {}, 400],
    ["<a/>", { "content-type": "text/xml" }, 415],
    ["k8s", { "content-type": "application/vnd.kubernetes.protobuf" }, 400],
    ['{"metadata": 1}', {}, 400],
    ['{"kind": "Node", "metadata": {"name": "a"}}', {}, 400],
    ['{"metadata": {"name": "a", "namespace": "other"}}', {}, 400],
  ])("the body %s with %j is answered %i", async (body, headers, code) => {
    expect(await ask("POST", pods, body, headers)).toMatchObject({
      code,
      body: { kind: "Status" },
    });
    expect(await ask("GET", pods)).toMatchObject({ code: 200, body: { items: [] } });
  });

  test("a body of more than 3 MiB is answered 413", async () => {
    const body = { ...pod("a"), big: "x".repeat(3 * 1024 * 1024) };
    expect((await ask("POST", pods, body)).code).toBe(413);
  });

  test("a dry run stores nothing, a collection goes as a whole", async () => {
    expect((await ask("POST", `${pods}?dryRun=All`, pod("a"))).code).toBe(201);
    expect((await ask("POST", `${pods}?dryRun=Some`, pod("a"))).code).toBe(400);
    expect((await ask("GET", `${pods}/a`)).code).toBe(404);
    for (const name of ["a", "b", "c"])
      await ask("POST", pods, pod(name, { keep: String(name === "c") }));
    await ask("DELETE", `${pods}?labelSelector=keep%3Dfalse`);
    expect(api.list("pods").map(({ metadata }) => metadata.name)).toEqual(["c"]);
  });

  test("binding gives a pod its node; scale has a shape of its own", async () => {
    await ask("POST", pods, pod("a"));
    const binding = { target: { kind: "Node", name: "n1" } };
    expect((await ask("POST", `${pods}/a/binding`, binding)).code).toBe(201);
    expect(api.get("pods", { namespace: "default", name: "a" }).spec).toMatchObject({
      nodeName: "n1",
    });
    const template = { metadata: { labels: { a: "b" } }, spec: pod("x").spec };
    const spec = { replicas: 2, selector: { matchLabels: { a: "b" } }, template };
    const deployments = "/apis/apps/v1/namespaces/default/deployments";
    await ask("POST", deployments, { metadata: { name: "d" }, spec });
    const scale = await ask("GET", `${deployments}/d/scale`);
    expect(scale.body).toMatchObject({
      kind: "Scale",
      spec: { replicas: 2 },
      status: { selector: "a=b" },
    });
    const larger = { ...(scale.body as object), spec: { replicas: 5 } };
    expect(await ask("PUT", `${deployments}/d/scale`, larger)).toMatchObject({
      code: 200,
      body: { kind: "Scale", spec: { replicas: 5 } },
    });
  });
});
