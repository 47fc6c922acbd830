import { expect, test } from "vitest";
import type { KubeObject } from "../kube/object.ts";
import { objectsNow } from "./objects-now.ts";

const object = (kind: string, name: string, more: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name, namespace: "default", resourceVersion: "7", ...more },
  spec: { nodeName: "kind-worker" },
  status: { phase: "Running" },
});
const manifests = [{ object: object("DaemonSet", "netshoot"), source: "netshoot.yaml:1" }];

test("what the lab was made of, and what its API has, as far as a scenario can name it", async () => {
  const inApi = [
    object("Pod", "blue-x", { labels: { app: "blue" } }),
    object("Node", "kind-worker"),
  ];
  const list = (kind: string) => Promise.resolve(inApi.filter((each) => each.kind === kind));
  const [first, ...rest] = await objectsNow({ list }, manifests);
  expect(first).toEqual(manifests[0]);
  expect(rest).toEqual([
    {
      object: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "blue-x", namespace: "default", labels: { app: "blue" } },
        spec: { nodeName: "kind-worker" },
      },
      source: "in the API",
    },
  ]);
});

test("an API that does not answer tells of nothing: a scenario may be what starts it again", async () => {
  const list = () => Promise.reject(new Error("connection refused"));
  expect(await objectsNow({ list }, manifests)).toEqual(manifests);
});
