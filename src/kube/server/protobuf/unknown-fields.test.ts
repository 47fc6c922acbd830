import { expect, test } from "vitest";
import { DaemonSet, Deployment } from "./apps-messages.ts";
import { ConfigMap } from "./core-messages.ts";
import { Pod } from "./pod-messages.ts";
import { removeUnknownFields } from "./unknown-fields.ts";

test("names that no message has are removed and told, with the name that is near", () => {
  const container = { name: "a", image: "a", comand: ["sleep"], env: [{ name: "X", vallue: "1" }] };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", lables: { a: "b" } },
    spec: { replica: 1, template: { spec: { containers: [{ name: "b" }, container] } } },
    extra: 1,
  };
  expect(removeUnknownFields(Deployment, deployment)).toEqual([
    { path: "metadata.lables", hint: "did you mean 'labels'?" },
    { path: "spec.replica", hint: "did you mean 'replicas'?" },
    { path: "spec.template.spec.containers[1].comand", hint: "did you mean 'command'?" },
    { path: "spec.template.spec.containers[1].env[0].vallue", hint: "did you mean 'value'?" },
    { path: "extra" },
  ]);
  expect(deployment).toEqual({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      template: {
        spec: { containers: [{ name: "b" }, { name: "a", image: "a", env: [{ name: "X" }] }] },
      },
    },
  });
});

test("keys of maps are anybody's; embedded structs' fields are the outer's; what is not read is known", () => {
  const spec = {
    nodeSelector: { anything: "x" },
    overhead: { cpu: "1" },
    volumes: [
      { name: "a", configMap: { name: "c", items: [{ key: "k", path: "p" }] } },
      { name: "b", projected: { sources: [{ whatever: 1 }] } },
    ],
    containers: [{ name: "a", readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 } }],
  };
  expect(removeUnknownFields(Pod, { spec })).toEqual([]);
  expect(removeUnknownFields(ConfigMap, { data: { anything: "x" }, dta: {} })).toHaveLength(1);
});

test("fields of another type than they should be are left alone", () => {
  const object = { metadata: "x", spec: { template: [1], selector: null } };
  expect(removeUnknownFields(DaemonSet, object)).toEqual([]);
});
