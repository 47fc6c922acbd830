import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import type { Pod } from "../kinds.ts";
import { ManualClock } from "../manual-clock.ts";
import type { KubeObject } from "../object.ts";
import { builtInResources } from "../server/built-in-resources.ts";
import { KubeApi } from "../server/kube-api.ts";
import { type Controllers, startControllers } from "./controllers.ts";
import { nodeObject } from "./nodes.ts";
import { templateHash } from "./pod-template.ts";

let api: KubeApi;
let controllers: Controllers;
let errors: unknown[];
beforeEach(() => {
  errors = [];
  api = new KubeApi({
    resources: builtInResources,
    clock: new ManualClock(Date.parse("2026-11-20T10:00:00Z")),
  });
  for (const [index, name] of ["cp", "w1", "w2", "w3"].entries()) {
    const input = {
      name,
      role: index === 0 ? ("control-plane" as const) : ("worker" as const),
      labels: { rack: `rack${index >> 1}` },
      taints:
        index === 0 ? [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] : [],
      podCidrs: [prefix(`10.1.${index}.0/24`)],
      addresses: [address(`10.0.${index + 1}.2`)],
    };
    api.create("nodes", nodeObject(input, api.clock.nowMs()));
  }
  controllers = startControllers(api, (what, error) => errors.push(what, error));
});
afterEach(() => {
  controllers.stop();
  expect(errors).toEqual([]);
});

/** Until nothing changes any more. */
async function settle(): Promise<void> {
  for (let before = -1; before !== api.version;) {
    before = api.version;
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
}

const template = (image = "x:1", more: object = {}) => ({
  metadata: { labels: { app: "a" } },
  spec: { containers: [{ name: "main", image }], ...more },
});
const selector = { matchLabels: { app: "a" } };
const workload = (kind: string, spec: object): KubeObject => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: "web", namespace: "default" },
  spec: { selector, template: template(), ...spec },
});
const at = { namespace: "default", name: "web" };
const pods = () => api.list("pods") as Pod[];
const where = () =>
  pods()
    .map(({ spec }) => spec.nodeName)
    .sort();
const images = () =>
  pods()
    .map(({ spec }) => spec.containers[0]!.image)
    .sort();

/** What the pod runner would report and do. */
async function runPods(): Promise<void> {
  await settle();
  for (;;) {
    const before = api.version;
    for (const pod of pods()) {
      if (pod.metadata.deletionTimestamp !== undefined) {
        api.delete("pods", pod.metadata, { gracePeriodSeconds: 0 });
      } else if (pod.status?.phase === "Pending" && pod.spec.nodeName) {
        const conditions = [{ type: "Ready", status: "True" as const }];
        api.update(
          "pods",
          { ...pod, status: { phase: "Running", conditions } },
          { subresource: "status" },
        );
      }
    }
    await settle();
    if (api.version === before) return;
  }
}

describe("DaemonSet", () => {
  test("one pod on every node that takes it, and on nodes that come", async () => {
    api.create("daemonsets.apps", workload("DaemonSet", {}));
    await runPods();
    expect(where()).toEqual(["w1", "w2", "w3"]);
    expect(api.get("daemonsets.apps", at).status).toEqual({
      currentNumberScheduled: 3,
      desiredNumberScheduled: 3,
      numberAvailable: 3,
      numberMisscheduled: 0,
      numberReady: 3,
      numberUnavailable: 0,
      observedGeneration: 1,
      updatedNumberScheduled: 3,
    });
    api.patch("nodes", { name: "cp" }, { spec: { taints: null } }, "merge");
    await runPods();
    expect(where()).toEqual(["cp", "w1", "w2", "w3"]);
    api.patch(
      "daemonsets.apps",
      at,
      { spec: { template: { spec: { nodeSelector: { rack: "rack1" } } } } },
      "merge",
    );
    await runPods();
    expect(where()).toEqual(["w2", "w3"]);
  });

  test("a cordon does not matter to it; a pod that ended or went is made again", async () => {
    api.patch("nodes", { name: "w1" }, { spec: { unschedulable: true } }, "merge");
    api.create("daemonsets.apps", workload("DaemonSet", {}));
    await runPods();
    const [first, second] = pods();
    api.delete("pods", first!.metadata, { gracePeriodSeconds: 0 });
    api.update("pods", { ...second!, status: { phase: "Failed" } }, { subresource: "status" });
    await runPods();
    expect(where()).toEqual(["w1", "w2", "w3"]);
    const names = pods().map(({ metadata }) => metadata.name);
    expect(names).not.toContain(first!.metadata.name);
    expect(names).not.toContain(second!.metadata.name);
  });

  test("waits for the old pod to end before it makes the new one", async () => {
    api.create("daemonsets.apps", workload("DaemonSet", {}));
    await runPods();
    api.delete("pods", pods()[0]!.metadata);
    await settle();
    expect(pods()).toHaveLength(3);
  });

  test("a rolling update replaces one node's pod at a time", async () => {
    api.create("daemonsets.apps", workload("DaemonSet", {}));
    await runPods();
    api.patch("daemonsets.apps", at, { spec: { template: template("x:2") } }, "merge");
    let fewestReady = 3;
    api.subscribe(({ resource }) => {
      if (resource !== "pods") return;
      const ready = pods().filter(
        ({ metadata, status }) => status?.phase === "Running" && !metadata.deletionTimestamp,
      );
      fewestReady = Math.min(fewestReady, ready.length);
    });
    await runPods();
    expect(images()).toEqual(["x:2", "x:2", "x:2"]);
    expect(fewestReady).toBe(2);
  });

  test("OnDelete leaves old pods until someone deletes them", async () => {
    api.create("daemonsets.apps", workload("DaemonSet", { updateStrategy: { type: "OnDelete" } }));
    await runPods();
    api.patch("daemonsets.apps", at, { spec: { template: template("x:2") } }, "merge");
    await runPods();
    expect(images()).toEqual(["x:1", "x:1", "x:1"]);
    expect(api.get("daemonsets.apps", at).status).toMatchObject({ updatedNumberScheduled: 0 });
    api.delete("pods", pods()[0]!.metadata);
    await runPods();
    expect(images()).toEqual(["x:1", "x:1", "x:2"]);
  });
});

describe("Deployment", () => {
  const make = (spec: object = {}) =>
    api.create("deployments.apps", workload("Deployment", { replicas: 4, ...spec }));
  const status = () => api.get("deployments.apps", at).status as Record<string, unknown>;

  test("replicas spread over the nodes that take them", async () => {
    make({ replicas: 6 });
    await runPods();
    expect(where()).toEqual(["w1", "w1", "w2", "w2", "w3", "w3"]);
    expect(status()).toMatchObject({ replicas: 6, readyReplicas: 6, availableReplicas: 6 });
    api.patch("deployments.apps", at, { spec: { replicas: 2 } }, "merge", { subresource: "scale" });
    await runPods();
    expect(pods()).toHaveLength(2);
  });

  test("a rollout keeps to maxSurge and maxUnavailable, and can be undone", async () => {
    make({ strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } });
    await runPods();
    const bounds = { fewestReady: 4, most: 4 };
    api.subscribe(({ resource }) => {
      if (resource !== "pods") return;
      const alive = pods().filter(({ metadata }) => !metadata.deletionTimestamp);
      const ready = alive.filter((pod) => pod.status?.phase === "Running").length;
      bounds.fewestReady = Math.min(bounds.fewestReady, ready);
      bounds.most = Math.max(bounds.most, alive.length);
    });
    api.patch("deployments.apps", at, { spec: { template: template("x:2") } }, "merge");
    await runPods();
    expect(images()).toEqual(Array(4).fill("x:2"));
    expect(bounds).toEqual({ fewestReady: 3, most: 5 });
    api.patch("deployments.apps", at, { spec: { template: template("x:1") } }, "merge");
    await runPods();
    expect(images()).toEqual(Array(4).fill("x:1"));
    expect(api.list("replicasets.apps")).toHaveLength(2);
    expect(api.get("deployments.apps", at).metadata.annotations).toEqual({
      "deployment.kubernetes.io/revision": "3",
    });
    const { conditions } = status() as {
      conditions: { type: string; status: string; reason: string }[];
    };
    expect(conditions.map((one) => one.reason)).toEqual([
      "MinimumReplicasAvailable",
      "NewReplicaSetAvailable",
    ]);
  });

  test("Recreate ends the old before the new", async () => {
    make({ strategy: { type: "Recreate" } });
    await runPods();
    let mixed = false;
    api.subscribe(() => (mixed ||= new Set(images()).size > 1));
    api.patch("deployments.apps", at, { spec: { template: template("x:2") } }, "merge");
    await runPods();
    expect(images()).toEqual(Array(4).fill("x:2"));
    expect(mixed).toBe(false);
  });

  test("pods that fit nowhere wait, say why, and go where there is room later", async () => {
    make({ replicas: 1, template: template("x", { nodeSelector: { rack: "rack9" } }) });
    await runPods();
    expect(pods()[0]!.status?.conditions).toMatchObject([
      { type: "PodScheduled", status: "False", reason: "Unschedulable" },
    ]);
    expect(api.list("events").map((event) => event.reason)).toContain("FailedScheduling");
    api.patch("nodes", { name: "w3" }, { metadata: { labels: { rack: "rack9" } } }, "merge");
    await runPods();
    expect(where()).toEqual(["w3"]);
  });
});

describe("what is left behind", () => {
  test("goes with its owner in the background", async () => {
    api.create("deployments.apps", workload("Deployment", { replicas: 2 }));
    await runPods();
    expect(api.delete("deployments.apps", at).gone).toBe(true);
    await runPods();
    expect([api.list("replicasets.apps"), pods()]).toEqual([[], []]);
  });

  test("goes before its owner in the foreground", async () => {
    api.create("deployments.apps", workload("Deployment", { replicas: 2 }));
    await runPods();
    api.delete("deployments.apps", at, { propagationPolicy: "Foreground" });
    await settle();
    expect(api.find("deployments.apps", at)).toBeDefined();
    expect(pods().every(({ metadata }) => metadata.deletionTimestamp)).toBe(true);
    await runPods();
    expect([api.find("deployments.apps", at), pods()]).toEqual([undefined, []]);
  });

  test("stays, without an owner, where it is orphaned", async () => {
    api.create("daemonsets.apps", workload("DaemonSet", {}));
    await runPods();
    api.delete("daemonsets.apps", at, { propagationPolicy: "Orphan" });
    await runPods();
    expect(api.find("daemonsets.apps", at)).toBeUndefined();
    expect(pods().map(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([[], [], []]);
  });

  test("goes with its namespace", async () => {
    const namespace = "lab";
    api.create("namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace },
    });
    api.create("daemonsets.apps", {
      ...workload("DaemonSet", {}),
      metadata: { name: "web", namespace },
    });
    await runPods();
    expect(pods()).toHaveLength(3);
    api.delete("namespaces", { name: namespace });
    await runPods();
    expect(api.find("namespaces", { name: namespace })).toBeUndefined();
    expect(pods()).toEqual([]);
  });
});

test("templates that say the same have one hash", () => {
  const one = {
    metadata: { labels: { a: "1", b: "2" } },
    spec: { containers: [{ name: "x", image: "y" }] },
  };
  const same = {
    spec: { containers: [{ image: "y", name: "x", resources: {} }], hostAliases: [] },
    metadata: { labels: { b: "2", a: "1" }, creationTimestamp: null },
  };
  expect(templateHash(same as never)).toBe(templateHash(one));
  expect(templateHash({ ...one, spec: { containers: [{ name: "x", image: "z" }] } })).not.toBe(
    templateHash(one),
  );
});
