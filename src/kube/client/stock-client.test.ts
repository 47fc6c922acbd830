import { PassThrough } from "node:stream";
import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  Exec,
  KubeConfig,
  makeInformer,
  type V1Status,
} from "@kubernetes/client-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { kubeconfigText } from "../kubeconfig.ts";
import type { ApiServer } from "../server/api-server.ts";
import { FakeSandboxes } from "../server/fake-sandboxes.ts";
import type { KubeApi } from "../server/kube-api.ts";
import { selfSignedCertificate } from "../server/self-signed.ts";
import { eventually, startTestServer } from "../server/test-server.ts";

// The client everybody uses, unchanged, against the server.
let api: KubeApi;
let server: ApiServer;
const config = new KubeConfig();
beforeEach(async () => {
  let url: string;
  // It refuses plain HTTP.
  const tls = selfSignedCertificate(["127.0.0.1"], Date.now());
  const sandboxes = new FakeSandboxes();
  ({ api, server, url } = await startTestServer({ token: "t", tls, sandboxes }));
  config.loadFromString(
    kubeconfigText({ name: "lab", server: url, token: "t", certificateAuthority: tls.cert }),
  );
});
afterEach(() => server.close());

const spec = { containers: [{ name: "main", image: "x" }] };

test("CoreV1Api and AppsV1Api make, list and delete", async () => {
  const core = config.makeApiClient(CoreV1Api);
  const made = await core.createNamespacedPod({
    namespace: "default",
    body: { metadata: { name: "a" }, spec },
  });
  expect(made.metadata?.creationTimestamp).toBeInstanceOf(Date);
  const { items } = await core.listNamespacedPod({ namespace: "default", labelSelector: "!x" });
  expect(items.map(({ metadata }) => metadata?.name)).toEqual(["a"]);
  await core.deleteNamespacedPod({ namespace: "default", name: "a" });
  await expect(core.readNamespacedPod({ namespace: "default", name: "a" })).rejects.toMatchObject({
    code: 404,
  });
  const apps = config.makeApiClient(AppsV1Api);
  const labels = { app: "a" };
  await apps.createNamespacedDaemonSet({
    namespace: "default",
    body: {
      metadata: { name: "d" },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
  });
  expect((await apps.listDaemonSetForAllNamespaces()).items).toHaveLength(1);
});

test("CustomObjectsApi makes Cilium's resources", async () => {
  const custom = config.makeApiClient(CustomObjectsApi);
  const of = { group: "cilium.io", version: "v2", plural: "ciliumbgpadvertisements" };
  const body = {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPAdvertisement",
    metadata: { name: "a" },
    spec: { advertisements: [{ advertisementType: "PodCIDR" }] },
  };
  await custom.createClusterCustomObject({ ...of, body });
  expect(await custom.listClusterCustomObject(of)).toMatchObject({
    items: [{ metadata: { name: "a" } }],
  });
  await expect(
    custom.createClusterCustomObject({ ...of, body: { ...body, spec: {} } }),
  ).rejects.toMatchObject({ code: 422 });
});

test("makeInformer follows changes", async () => {
  const core = config.makeApiClient(CoreV1Api);
  const informer = makeInformer(config, "/api/v1/pods", () => core.listPodForAllNamespaces());
  const seen: string[] = [];
  for (const event of ["add", "update", "delete"] as const) {
    informer.on(event, (pod) => seen.push(`${event} ${pod.metadata?.name}`));
  }
  const create = (name: string) =>
    api.create("pods", { apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
  create("a");
  await informer.start();
  await eventually(
    () => [...seen],
    (now) => now.includes("add a"),
  );
  create("b");
  const at = { namespace: "default", name: "b" };
  api.patch("pods", at, { metadata: { labels: { x: "y" } } }, "merge");
  api.delete("pods", at);
  await eventually(
    () => [...seen],
    (now) => now.includes("delete b"),
  );
  expect(seen).toEqual(["add a", "add b", "update b", "delete b"]);
  await informer.stop();
});

test("Exec runs a command", async () => {
  const at = { namespace: "default", name: "a" };
  const pod = api.create("pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: at,
    spec: { ...spec, nodeName: "n" },
  });
  const state = { running: { startedAt: "2026-11-20T10:00:00Z" } };
  const containerStatuses = [{ name: "main", restartCount: 0, state, lastState: {} }];
  api.update(
    "pods",
    { ...pod, status: { phase: "Running", containerStatuses } },
    { subresource: "status" },
  );
  const stdout = new PassThrough();
  let text = "";
  stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const status = await new Promise<V1Status>((resolve, reject) => {
    new Exec(config)
      .exec("default", "a", "main", ["echo", "hello"], stdout, null, null, false, resolve)
      .catch(reject);
  });
  expect(status.status).toBe("Success");
  expect(text).toBe("hello\n");
});
