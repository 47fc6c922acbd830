import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ApiServer } from "../api-server.ts";
import type { KubeApi } from "../kube-api.ts";
import { startTestServer } from "../test-server.ts";

let api: KubeApi;
let server: ApiServer;
let url: string;
let errors: unknown[];
beforeEach(async () => {
  ({ api, server, url, errors } = await startTestServer());
});
afterEach(async () => {
  await server.close();
  expect(errors).toEqual([]);
});

const recorded = JSON.parse(
  readFileSync(
    new URL("../../../../test/data/kubectl/1.32.5/create.json", import.meta.url),
    "utf8",
  ),
) as { command: string; base64: string }[];

const bodyOf = (command: string) =>
  Buffer.from(recorded.find((each) => each.command.startsWith(command))!.base64, "base64");

/** As kubectl's generators ask. */
async function ask(method: string, path: string, body: Uint8Array<ArrayBuffer>) {
  const response = await fetch(url + path, {
    method,
    headers: {
      "content-type": "application/vnd.kubernetes.protobuf",
      accept: "application/vnd.kubernetes.protobuf,application/json",
    },
    body,
  });
  return { code: response.status, body: (await response.json()) as object };
}

test("what kubectl creates is stored, defaults filled in, and answered as JSON", async () => {
  const at = "/apis/apps/v1/namespaces/default/deployments?fieldValidation=Strict";
  expect(await ask("POST", at, bodyOf("kubectl create deployment"))).toMatchObject({
    code: 201,
    body: { kind: "Deployment", spec: { replicas: 0, strategy: { type: "RollingUpdate" } } },
  });
  await ask("POST", "/api/v1/namespaces/default/secrets", bodyOf("kubectl create secret generic"));
  expect(api.get("secrets", { namespace: "default", name: "keys" })).toMatchObject({
    type: "Opaque",
    data: { password: "c2VjcmV0" },
  });
  expect(await ask("POST", "/api/v1/namespaces", bodyOf("kubectl create namespace"))).toMatchObject(
    {
      code: 201,
      body: { kind: "Namespace", status: { phase: "Active" } },
    },
  );
});

test("an object of another kind than the path's is refused, as of JSON", async () => {
  const refused = await ask("POST", "/api/v1/namespaces", bodyOf("kubectl create serviceaccount"));
  expect(refused).toMatchObject({
    code: 400,
    body: { message: expect.stringContaining("ServiceAccount") },
  });
});

test("options of a delete are read", async () => {
  const namespace = "default";
  const spec = { containers: [{ name: "a", image: "a" }], nodeName: "n" };
  api.create("pods", { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace }, spec });
  const type = Buffer.from("\x0a\x02v1\x12\x0dDeleteOptions");
  // gracePeriodSeconds (1): 7
  const options = Buffer.concat([
    Buffer.from("k8s\0\x0a"),
    Buffer.from([type.length]),
    type,
    Buffer.from([0x12, 2, 0x08, 7]),
  ]);
  expect(await ask("DELETE", `/api/v1/namespaces/${namespace}/pods/p`, options)).toMatchObject({
    code: 200,
    body: { metadata: { deletionGracePeriodSeconds: 7 } },
  });
});

test("a field that is not read is answered 415, with what to do", async () => {
  const body = bodyOf("kubectl create namespace");
  // Its tail: spec (field 2, empty), status, and two fields of the envelope.
  const spec = body.length - 10;
  expect(body.subarray(spec)).toEqual(Buffer.from("12001a020a001a002200", "hex"));
  const message = Buffer.from(body);
  message[spec] = (15 << 3) | 2;
  expect(await ask("POST", "/api/v1/namespaces", message)).toMatchObject({
    code: 415,
    body: {
      message:
        "field 15 of Namespace is not read from protobuf, only from JSON: with kubectl, add --dry-run=client -o yaml and pipe it into kubectl apply -f -",
    },
  });
  expect(api.find("namespaces", { name: "blue" })).toBeUndefined();
});

test("a client may ask what it may do, and who it is", async () => {
  const review = async (path: string) => {
    const response = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"spec":{"x":1}}',
    });
    return (await response.json()) as object;
  };
  const may = await review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
  expect(may).toMatchObject({
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { x: 1 },
    status: { allowed: true },
  });
  expect(await review("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews")).toMatchObject({
    status: { resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }] },
  });
  expect(await review("/apis/authentication.k8s.io/v1/selfsubjectreviews")).toMatchObject({
    apiVersion: "authentication.k8s.io/v1",
    status: { userInfo: { username: "kubernetes-admin" } },
  });
  const get = await fetch(`${url}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews`);
  expect(get.status).toBe(405);
});
