import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../manual-clock.ts";
import type { KubeObject } from "../object.ts";
import { ApiError } from "./api-error.ts";
import { builtInResources } from "./built-in-resources.ts";
import { ciliumResources } from "./cilium-resources.ts";
import { KubeApi } from "./kube-api.ts";

let clock: ManualClock;
let api: KubeApi;
beforeEach(() => {
  clock = new ManualClock(Date.parse("2026-11-20T10:00:00Z"));
  api = new KubeApi({ resources: [...builtInResources, ...ciliumResources], clock });
});

const configMap = (name: string, more: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  ...more,
});
const daemonSet = (name = "netshoot"): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name, namespace: "default" },
  spec: {
    selector: { matchLabels: { app: "a" } },
    template: {
      metadata: { labels: { app: "a" } },
      spec: { containers: [{ name: "a", image: "a" }] },
    },
  },
});
const pod = (name: string, spec: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default" },
  spec: { containers: [{ name: "a", image: "a" }], ...spec },
});
const at = (name: string) => ({ namespace: "default", name });

function refusal(act: () => unknown): ApiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("create", () => {
  test("sets what is the server's to set and takes no status", () => {
    const made = api.create("daemonsets.apps", { ...daemonSet(), status: { numberReady: 9 } });
    expect(made.metadata).toMatchObject({
      generation: 1,
      creationTimestamp: "2026-11-20T10:00:00Z",
    });
    expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.status).toBeUndefined();
    expect(made.spec).toMatchObject({ updateStrategy: { type: "RollingUpdate" } });
  });

  test("leaves the caller's object alone", () => {
    const given = daemonSet();
    const before = structuredClone(given);
    api.create("daemonsets.apps", given);
    expect(given).toEqual(before);
  });

  test("makes a name out of generateName", () => {
    const { metadata } = api.create("pods", {
      ...pod(""),
      metadata: { name: "", generateName: "x-" },
    });
    expect(metadata.name).toMatch(/^x-[a-z0-9]{5}$/);
    expect(metadata.namespace).toBe("default");
  });

  test("refuses a second of the name, a missing namespace, a resourceVersion", () => {
    api.create("configmaps", configMap("a"));
    expect(refusal(() => api.create("configmaps", configMap("a")))).toMatchObject({
      code: 409,
      reason: "AlreadyExists",
      message: 'configmaps "a" already exists',
    });
    const elsewhere = { ...configMap("a"), metadata: { name: "a", namespace: "nope" } };
    expect(refusal(() => api.create("configmaps", elsewhere))).toMatchObject({
      code: 404,
      message: 'namespaces "nope" not found',
    });
    const versioned = { ...configMap("b"), metadata: { name: "b", resourceVersion: "1" } };
    expect(refusal(() => api.create("configmaps", versioned)).code).toBe(400);
  });

  test("stores nothing on a dry run", () => {
    const made = api.create("configmaps", configMap("a"), { dryRun: true });
    expect(made.metadata.uid).toBeDefined();
    expect(api.find("configmaps", at("a"))).toBeUndefined();
  });

  test.each([
    ["Upper", "metadata.name", "FieldValueInvalid"],
    ["", "metadata.name", "FieldValueRequired"],
    ["a_b", "metadata.name", "FieldValueInvalid"],
  ])("refuses the name %j", (name, field, reason) => {
    const error = refusal(() => api.create("configmaps", configMap(name)));
    expect(error.code).toBe(422);
    expect(error.details.causes).toMatchObject([{ field, reason }]);
  });

  test("tells every mistake of a DaemonSet at once", () => {
    const wrong = daemonSet("Bad_name");
    wrong.spec = {
      selector: { matchLabels: { app: "b" } },
      template: {
        metadata: { labels: { app: "a" } },
        spec: {
          containers: [{ name: "x" }, { name: "x", image: "y", ports: [{ containerPort: 0 }] }],
        },
      },
    };
    const error = refusal(() => api.create("daemonsets.apps", wrong));
    expect(error.message).toMatch(/^DaemonSet\.apps "Bad_name" is invalid: \[/);
    expect(error.details.causes?.map(({ field }) => field)).toEqual([
      "metadata.name",
      "spec.template.metadata.labels",
      "spec.template.spec.containers[0].image",
      "spec.template.spec.containers[1].name",
      "spec.template.spec.containers[1].ports[0].containerPort",
    ]);
  });

  test.each([
    [{ selector: undefined }, "spec.selector"],
    [{ selector: {} }, "spec.selector"],
    [{ template: undefined }, "spec.template"],
  ])("refuses a DaemonSet with %j", (change, field) => {
    const wrong = daemonSet();
    wrong.spec = { ...(wrong.spec as object), ...change };
    const { causes = [] } = refusal(() => api.create("daemonsets.apps", wrong)).details;
    expect(causes.map((cause) => cause.field)).toContain(field);
  });

  test("refuses a spec, containers or labels of the wrong shape instead of falling over them", () => {
    for (const spec of [[], "x", { containers: "x" }, { containers: [1] }, { containers: [] }]) {
      expect(refusal(() => api.create("pods", { ...pod("a"), spec })).code).toBe(422);
    }
    const labels = { a: 1 } as unknown as Record<string, string>;
    const wrong = { ...pod("a"), metadata: { name: "a", labels } };
    expect(refusal(() => api.create("pods", wrong)).code).toBe(422);
  });
});

describe("update", () => {
  test("counts a generation when the spec changes, and only then", () => {
    const made = api.create("daemonsets.apps", daemonSet());
    const labelled = { ...made, metadata: { ...made.metadata, labels: { x: "y" } } };
    expect(api.update("daemonsets.apps", labelled).metadata.generation).toBe(1);
    const after = api.patch(
      "daemonsets.apps",
      at("netshoot"),
      { spec: { minReadySeconds: 1 } },
      "merge",
    );
    expect(after.metadata.generation).toBe(2);
  });

  test("of the same changes nothing, not even the version", () => {
    const made = api.create("configmaps", configMap("a", { data: { x: "y" } }));
    expect(api.update("configmaps", made)).toBe(made);
  });

  test("with a version that has been overtaken is refused", () => {
    const made = api.create("configmaps", configMap("a"));
    api.update("configmaps", { ...made, data: { x: "1" } });
    expect(refusal(() => api.update("configmaps", { ...made, data: { x: "2" } }))).toMatchObject({
      code: 409,
      reason: "Conflict",
      message: expect.stringContaining('Operation cannot be fulfilled on configmaps "a"') as string,
    });
    const { resourceVersion, ...metadata } = made.metadata;
    expect(api.update("configmaps", { ...made, metadata, data: { x: "3" } }).data).toEqual({
      x: "3",
    });
  });

  test("writes spec and status through their own doors", () => {
    const made = api.create("daemonsets.apps", daemonSet());
    const both = {
      ...made,
      spec: { ...(made.spec as object), minReadySeconds: 5 },
      status: { numberReady: 1 },
    };
    const bySpec = api.update("daemonsets.apps", both);
    expect(bySpec.status).toBeUndefined();
    const byStatus = api.update(
      "daemonsets.apps",
      { ...bySpec, spec: { selector: {} }, status: { numberReady: 1 } },
      { subresource: "status" },
    );
    expect(byStatus).toMatchObject({ spec: { minReadySeconds: 5 }, status: { numberReady: 1 } });
    expect(byStatus.metadata.generation).toBe(bySpec.metadata.generation);
  });

  test("keeps uid and creation time, and refuses another selector or another pod spec", () => {
    const made = api.create("daemonsets.apps", daemonSet());
    clock.advance(5000);
    const { creationTimestamp, ...metadata } = made.metadata;
    expect(api.update("daemonsets.apps", { ...made, metadata }).metadata.creationTimestamp).toBe(
      creationTimestamp,
    );
    const patch = {
      spec: {
        selector: { matchLabels: { app: "b" } },
        template: { metadata: { labels: { app: "b" } } },
      },
    };
    expect(
      refusal(() => api.patch("daemonsets.apps", at("netshoot"), patch, "merge")).message,
    ).toContain("field is immutable");
    api.create("pods", pod("p"));
    api.patch("pods", at("p"), { spec: { nodeName: "n1" } }, "merge");
    expect(
      refusal(() => api.patch("pods", at("p"), { spec: { nodeName: "n2" } }, "merge")).code,
    ).toBe(422);
  });

  test("scale changes replicas alone", () => {
    const { updateStrategy, ...spec } = daemonSet().spec as Record<string, unknown>;
    api.create("deployments.apps", { ...daemonSet("web"), kind: "Deployment", spec });
    const scaled = api.patch("deployments.apps", at("web"), { spec: { replicas: 4 } }, "merge", {
      subresource: "scale",
    });
    expect(scaled).toMatchObject({
      kind: "Deployment",
      spec: { replicas: 4, selector: spec.selector },
    });
    expect(updateStrategy).toBeUndefined();
  });
});

describe("patch", () => {
  test("needs the object, unless it is an apply", () => {
    expect(refusal(() => api.patch("configmaps", at("a"), {}, "merge")).code).toBe(404);
    const made = api.patch("configmaps", at("a"), configMap("a", { data: { x: "y" } }), "apply");
    expect(made.data).toEqual({ x: "y" });
  });

  test("cannot rename, and is refused as strategic on custom resources", () => {
    api.create("configmaps", configMap("a"));
    const rename = { metadata: { name: "b" } };
    expect(refusal(() => api.patch("configmaps", at("a"), rename, "merge")).code).toBe(400);
    api.create("ciliumbgpadvertisements.cilium.io", advertisement("a"));
    expect(
      refusal(() =>
        api.patch("ciliumbgpadvertisements.cilium.io", { name: "a" }, { spec: {} }, "strategic"),
      ).code,
    ).toBe(415);
  });
});

const advertisement = (name: string, apiVersion = "cilium.io/v2"): KubeObject => ({
  apiVersion,
  kind: "CiliumBGPAdvertisement",
  metadata: { name },
  spec: { advertisements: [{ advertisementType: "PodCIDR" }] },
});

describe("Cilium's resources", () => {
  const key = "ciliumbgpadvertisements.cilium.io";

  test("are checked by their schema", () => {
    const wrong = {
      ...advertisement("a"),
      spec: { advertisements: [{ advertisementType: "Pod" }] },
    };
    const error = refusal(() => api.create(key, wrong));
    expect(error.code).toBe(422);
    expect(error.details.causes?.[0]?.field).toBe("spec.advertisements[0].advertisementType");
  });

  test("unknown fields are refused, warned of or dropped, as the request says", () => {
    const odd = () => ({
      ...advertisement("a"),
      spec: { ...(advertisement("a").spec as object), advertisment: 1 },
    });
    const strict = refusal(() => api.create(key, odd(), { fieldValidation: "Strict" }));
    expect(strict).toMatchObject({ code: 400 });
    expect(strict.message).toContain('unknown field "spec.advertisment"');
    const warnings: string[] = [];
    const made = api.create(key, odd(), { warn: (message) => warnings.push(message) });
    expect(warnings.join()).toContain('unknown field "spec.advertisment"');
    expect(made.spec).toEqual(advertisement("a").spec);
    const silent: string[] = [];
    const patch = { spec: { other: 1 } };
    api.patch(key, { name: "a" }, patch, "merge", {
      fieldValidation: "Ignore",
      warn: (m) => silent.push(m),
    });
    expect(silent).toEqual([]);
  });

  test("of an old version are stored as the new one, with a warning", () => {
    const warnings: string[] = [];
    const made = api.create(key, advertisement("a", "cilium.io/v2alpha1"), {
      warn: (message) => warnings.push(message),
    });
    expect(made.apiVersion).toBe("cilium.io/v2");
    expect(warnings).toEqual([
      "cilium.io/v2alpha1 CiliumBGPAdvertisement is deprecated; use cilium.io/v2 CiliumBGPAdvertisement",
    ]);
    expect(refusal(() => api.create(key, advertisement("b", "cilium.io/v9"))).code).toBe(400);
  });

  test("have their CustomResourceDefinitions listed", () => {
    const names = api
      .list("customresourcedefinitions.apiextensions.k8s.io")
      .map((one) => one.metadata.name);
    expect(names).toContain(key);
    expect(names).toHaveLength(ciliumResources.length);
  });
});

describe("delete", () => {
  test("waits for finalizers", () => {
    api.create("configmaps", {
      ...configMap("a"),
      metadata: { ...at("a"), finalizers: ["lab/x"] },
    });
    const { gone, object } = api.delete("configmaps", at("a"));
    expect(gone).toBe(false);
    expect(object.metadata.deletionTimestamp).toBe("2026-11-20T10:00:00Z");
    api.patch("configmaps", at("a"), { metadata: { finalizers: null } }, "merge");
    expect(api.find("configmaps", at("a"))).toBeUndefined();
  });

  test("lets a bound pod end gracefully, and a second request hurry it", () => {
    api.create("pods", pod("bound", { nodeName: "n" }));
    expect(api.delete("pods", at("bound")).gone).toBe(false);
    expect(api.get("pods", at("bound")).metadata).toMatchObject({
      deletionTimestamp: "2026-11-20T10:00:30Z",
      deletionGracePeriodSeconds: 30,
    });
    expect(api.delete("pods", at("bound"), { gracePeriodSeconds: 0 }).gone).toBe(true);
    api.create("pods", pod("unbound"));
    expect(api.delete("pods", at("unbound")).gone).toBe(true);
  });

  test("heeds preconditions", () => {
    api.create("configmaps", configMap("a"));
    expect(
      refusal(() => api.delete("configmaps", at("a"), { preconditions: { uid: "other" } })).code,
    ).toBe(409);
  });

  test("closes a namespace to new content", () => {
    api.create("namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "x" } });
    expect(api.delete("namespaces", { name: "x" }).object.status).toEqual({ phase: "Terminating" });
    const late = { ...configMap("a"), metadata: { name: "a", namespace: "x" } };
    expect(refusal(() => api.create("configmaps", late)).code).toBe(403);
    api.patch("namespaces", { name: "x" }, { spec: { finalizers: [] } }, "merge");
    expect(api.find("namespaces", { name: "x" })).toBeUndefined();
  });
});
