import { expect, test } from "vitest";
import type { KubeObject } from "../object.ts";
import { ManualClock } from "../manual-clock.ts";
import { builtInResources } from "./built-in-resources.ts";
import { KubeApi } from "./kube-api.ts";

const secret = (more: object): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "bgp-password", namespace: "default" },
  ...more,
});
const server = () => new KubeApi({ resources: builtInResources, clock: new ManualClock(0) });
const key = { namespace: "default", name: "bgp-password" };

test("stringData is stored as data, over data of the same key", () => {
  const api = server();
  const made = api.create(
    "secrets",
    secret({ data: { password: "b2xk", user: "YQ==" }, stringData: { password: "new" } }),
  );
  expect(made).toMatchObject({ type: "Opaque", data: { password: "bmV3", user: "YQ==" } });
  expect(made).not.toHaveProperty("stringData");
});

test("a patch of stringData changes one key", () => {
  const api = server();
  api.create("secrets", secret({ data: { password: "b2xk", user: "YQ==" } }));
  const patched = api.patch("secrets", key, { stringData: { password: "new" } }, "merge");
  expect(patched).toMatchObject({ data: { password: "bmV3", user: "YQ==" } });
});

test("data that is not base64, a bad key and texts that are none are all told", () => {
  const refused = () =>
    server().create("secrets", secret({ data: { "a/b": "YQ==", c: "?" }, stringData: { d: 1 } }));
  expect(refused).toThrow(/stringData.*data\[c\].*data\[a\/b\]/);
});
