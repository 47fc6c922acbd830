import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { kubeconfigText } from "../kubeconfig.ts";
import type { KubeObject } from "../object.ts";
import { startApiServer, type ApiServer } from "../server/api-server.ts";
import type { KubeApi } from "../server/kube-api.ts";
import { selfSignedCertificate } from "../server/self-signed.ts";
import { eventually, startTestServer } from "../server/test-server.ts";
import { inClusterAccess, loadKubeconfig } from "./cluster-access.ts";
import { informer } from "./informer.ts";
import { KubeClient, type Resource } from "./kube-client.ts";
import { KubeError } from "./kube-error.ts";

let api: KubeApi;
let server: ApiServer;
let client: KubeClient;
let port: number;
beforeEach(async () => {
  let url: string;
  ({ api, server, url } = await startTestServer({ token: "t" }));
  port = Number(new URL(url).port);
  client = new KubeClient({ server: url, token: () => "t", namespace: "default" });
});
afterEach(async () => {
  client.close();
  await server.close();
});

const configMaps: Resource = { apiVersion: "v1", plural: "configmaps", namespaced: true };
const configMap = (name: string, data: Record<string, string> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data,
});

describe("requests", () => {
  test("create, get, list, update, patch, delete", async () => {
    const made = await client.create(configMaps, configMap("a", { x: "1" }));
    expect(await client.get(configMaps, { name: "a" })).toEqual(made);
    expect(await client.find(configMaps, { name: "b" })).toBeUndefined();
    expect((await client.list(configMaps, { labelSelector: "!x" })).items).toHaveLength(1);
    await client.update(configMaps, { ...made, data: { x: "2" } });
    await expect(client.update(configMaps, { ...made, data: { x: "3" } })).rejects.toMatchObject({
      name: "KubeError",
      statusCode: 409,
      reason: "Conflict",
    });
    const patch = [{ op: "replace", path: "/data/x", value: "4" }];
    const patched = await client.patch(configMaps, { name: "a" }, patch, { type: "json" });
    expect(patched).toMatchObject({ data: { x: "4" } });
    await client.delete(configMaps, { name: "a" });
    await client.delete(configMaps, { name: "a" });
    expect(api.find("configmaps", { namespace: "default", name: "a" })).toBeUndefined();
  });

  test("apply creates, changes, and knows when there was nothing to do", async () => {
    expect((await client.apply(configMap("a", { x: "1" }))).done).toBe("created");
    expect((await client.apply(configMap("a", { x: "1" }))).done).toBe("unchanged");
    expect(await client.apply(configMap("a", { y: "2" }))).toMatchObject({
      done: "configured",
      object: { data: { x: "1", y: "2" } },
    });
    const odd = {
      apiVersion: "cilium.io/v2",
      kind: "CiliumBGPAdvertisement",
      metadata: { name: "a" },
      spec: { advertisements: [{ advertisementType: "PodCIDR" }], odd: 1 },
    };
    await expect(client.apply(odd)).rejects.toThrow(/unknown field "spec.odd"/);
    await expect(client.apply({ ...odd, kind: "Other" })).rejects.toThrow(/knows no kind Other/);
    await expect(client.apply({ ...odd, apiVersion: "x/v1" })).rejects.toThrow(KubeError);
  });

  test("status goes by its own door", async () => {
    const nodes: Resource = { apiVersion: "v1", plural: "nodes", namespaced: false };
    const node = await client.create(nodes, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "n" },
    });
    const status = { phase: "x" };
    expect(await client.updateStatus(nodes, { ...node, status })).toMatchObject({ status });
  });

  test("a wrong token and a server that is not there are errors", async () => {
    const stranger = new KubeClient({ server: `http://127.0.0.1:${port}`, namespace: "default" });
    await expect(stranger.list(configMaps)).rejects.toMatchObject({ statusCode: 401 });
    await server.close();
    await expect(client.list(configMaps)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    stranger.close();
  });

  test("an answer that is no Status is told as it is", async () => {
    const other = createServer((_, response) => void response.writeHead(503).end("down for tea"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port: otherPort } = other.address() as { port: number };
    const toOther = new KubeClient({
      server: `http://127.0.0.1:${otherPort}`,
      namespace: "default",
    });
    await expect(toOther.list(configMaps)).rejects.toThrow(
      "the API server answered 503: down for tea",
    );
    toOther.close();
    other.close();
  });
});

describe("informer", () => {
  function follow(options = {}) {
    const seen: string[] = [];
    const errors: unknown[] = [];
    const following = informer(client, configMaps, options);
    for (const event of ["add", "update", "delete"] as const) {
      following.on(event, ({ metadata }) => seen.push(`${event} ${metadata.name}`));
    }
    following.on("error", (error) => errors.push(error));
    return { following, seen, errors };
  }
  const create = (name: string, labels = {}) =>
    api.create("configmaps", { ...configMap(name), metadata: { name, labels } });

  test("start resolves with the cache filled; changes follow", async () => {
    create("a");
    const { following, seen } = follow();
    await following.start();
    expect(following.get("a", "default")?.metadata.name).toBe("a");
    create("b");
    api.delete("configmaps", { namespace: "default", name: "a" });
    await eventually(
      () => [...seen],
      (now) => now.length === 3,
    );
    expect(seen).toEqual(["add a", "add b", "delete a"]);
    expect(following.list().map(({ metadata }) => metadata.name)).toEqual(["b"]);
    following.stop();
    create("c");
    await server.close();
    expect(seen).toHaveLength(3);
  });

  test("heeds its selector", async () => {
    create("a", { want: "yes" });
    create("b");
    const { following, seen } = follow({ labelSelector: "want=yes", namespace: "default" });
    await following.start();
    const want = { metadata: { labels: { want: "no" } } };
    api.patch("configmaps", { namespace: "default", name: "a" }, want, "merge");
    await eventually(
      () => [...seen],
      (now) => now.includes("delete a"),
    );
    expect(seen).toEqual(["add a", "delete a"]);
    following.stop();
  });

  test("keeps its cache while the server is away, and catches up with the next", async () => {
    create("stays");
    create("goes");
    const { following, seen, errors } = follow();
    await following.start();
    await server.close();
    await eventually(
      () => errors.length,
      (count) => count > 0,
    );
    expect(following.list()).toHaveLength(2);
    ({ api, server } = await startTestServer({ token: "t", port }));
    create("stays");
    create("comes");
    await eventually(
      () =>
        following
          .list()
          .map(({ metadata }) => metadata.name)
          .sort()
          .join(),
      (names) => names === "comes,stays",
    );
    expect(seen).toContain("delete goes");
    following.stop();
  });

  test("waits for a server that is not there yet", async () => {
    await server.close();
    const { following } = follow();
    const started = following.start();
    ({ api, server } = await startTestServer({ token: "t", port }));
    create("a");
    await started;
    const [only] = await eventually(
      () => following.list(),
      (list) => list.length === 1,
    );
    expect(only?.metadata.name).toBe("a");
    following.stop();
  });
});

describe("kubeconfig", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const write = async (text: string) => {
    const path = join(folder, "config");
    await writeFile(path, text);
    return path;
  };

  test("as written by kubeconfigText opens a server with TLS", async () => {
    const tls = selfSignedCertificate(["127.0.0.1"], Date.now());
    const secured = await startApiServer({
      api,
      listeners: [{ host: "127.0.0.1", port: 0, tls, token: "s3" }],
      onError: () => {},
    });
    const text = kubeconfigText({
      name: "lab",
      server: secured.urls[0]!,
      token: "s3",
      certificateAuthority: tls.cert,
      namespace: "kube-system",
    });
    const secure = new KubeClient(await loadKubeconfig(await write(text)));
    expect(secure.namespace).toBe("kube-system");
    expect((await secure.list(configMaps)).items).toEqual([]);
    secure.close();
    await secured.close();
  });

  test("in YAML, with files beside it", async () => {
    await writeFile(join(folder, "ca.pem"), "CA");
    await writeFile(join(folder, "token"), "tok\n");
    const path = await write(`
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://h:1/", certificate-authority: ca.pem, tls-server-name: n}}]
users: [{name: u, user: {tokenFile: token, client-certificate-data: ${btoa("CERT")}, client-key-data: ${btoa("KEY")}}}]
`);
    const { token, ...access } = await loadKubeconfig(path);
    expect(token?.()).toBe("tok");
    expect(access).toEqual({
      server: "https://h:1",
      namespace: "default",
      certificateAuthority: "CA",
      clientCertificate: "CERT",
      clientKey: "KEY",
      tlsServerName: "n",
    });
  });

  test.each([
    ["", /is no kubeconfig|no current-context/],
    ["{}", /no current-context/],
    ["current-context: x", /no context "x"/],
    ["a: [", /config: /],
    [
      "{current-context: c, contexts: [{name: c, context: {cluster: k}}], clusters: [{name: k, cluster: {}}]}",
      /has no server/,
    ],
    [
      "{current-context: c, contexts: [{name: c, context: {cluster: k, user: u}}], clusters: [{name: k, cluster: {server: s}}], users: [{name: u, user: {exec: {}}}]}",
      /exec is not supported/,
    ],
  ])("%j is refused", async (text, message) => {
    await expect(loadKubeconfig(await write(text))).rejects.toThrow(message);
  });

  test("in a pod", async () => {
    for (const [name, text] of [
      ["token", "t\n"],
      ["ca.crt", "CA"],
      ["namespace", "ns"],
    ] as const) {
      await writeFile(join(folder, name), text);
    }
    const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
    const { token, ...access } = inClusterAccess(env, folder);
    expect(token?.()).toBe("t");
    expect(access).toEqual({
      server: "https://[fd00::1]:443",
      certificateAuthority: "CA",
      namespace: "ns",
    });
    expect(() => inClusterAccess({}, folder)).toThrow(/not in a pod/);
  });
});
