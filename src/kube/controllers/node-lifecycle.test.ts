import { afterEach, beforeEach, expect, test } from "vitest";
import { prefix } from "../../net/prefix.ts";
import type { NodeObject, Pod } from "../kinds.ts";
import { ManualClock } from "../manual-clock.ts";
import { startPodRunner, type PodRunner } from "../pods/pod-runner.ts";
import { builtInResources } from "../server/built-in-resources.ts";
import { FakeSandboxes } from "../server/fake-sandboxes.ts";
import { KubeApi } from "../server/kube-api.ts";
import { type Controllers, startControllers } from "./controllers.ts";
import { nodeObject } from "./nodes.ts";

let clock: ManualClock;
let api: KubeApi;
let sandboxes: FakeSandboxes;
let controllers: Controllers;
let runner: PodRunner;
let errors: unknown[];

beforeEach(async () => {
  clock = new ManualClock(Date.parse("2026-11-20T10:00:00Z"));
  api = new KubeApi({ resources: builtInResources, clock });
  sandboxes = new FakeSandboxes();
  errors = [];
  const onError = (what: string, error: unknown) => errors.push([what, error]);
  for (const [n, name] of ["w1", "w2"].entries()) register(name, n);
  controllers = startControllers(api, onError);
  runner = startPodRunner({ api, sandboxes, onError });
  pod("plain", {});
  pod("daemon", {
    tolerations: [
      { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
    ],
  });
  pod("patient", {
    tolerations: [
      {
        key: "node.kubernetes.io/unreachable",
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 5,
      },
    ],
  });
  await settle();
});

afterEach(async () => {
  controllers.stop();
  await runner.stop();
  expect(errors).toEqual([]);
});

function register(name: string, n: number): void {
  const input = { name, role: "worker" as const, labels: {}, taints: [], addresses: [] };
  const podCidrs = [prefix(`10.1.${n}.0/24`)];
  api.create("nodes", nodeObject({ ...input, podCidrs }, clock.nowMs()));
}

function pod(name: string, spec: object): void {
  api.create("pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { nodeName: "w1", containers: [{ name: "main", image: "x" }], ...spec },
  });
}

const settle = async () => {
  for (let i = 0; i < 12; i++) await new Promise(setImmediate);
};
async function wait(ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}
const find = (name: string) => api.find("pods", { namespace: "default", name }) as Pod | undefined;
const ready = (name: string) =>
  find(name)?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
const node = () => api.get("nodes", { name: "w1" }) as NodeObject;
const nodeReady = () => node().status!.conditions!.find(({ type }) => type === "Ready")!;

function powerOff(): void {
  sandboxes.running.clear();
  runner.nodeStopped("w1");
  controllers.nodes.silent("w1");
}

async function powerOn(): Promise<void> {
  runner.nodeStarted("w1");
  controllers.nodes.heard("w1");
  await settle();
  await wait(0);
}

test("within the grace period nobody notices; then the node and its pods are not ready", async () => {
  expect(ready("plain")).toBe("True");
  powerOff();
  await wait(39_000);
  expect(nodeReady().status).toBe("True");
  expect(ready("plain")).toBe("True");
  await wait(1_000);
  expect(nodeReady()).toMatchObject({ status: "Unknown", reason: "NodeStatusUnknown" });
  expect(node().spec.taints).toMatchObject([{ effect: "NoSchedule" }, { effect: "NoExecute" }]);
  expect(["plain", "daemon", "patient"].map(ready)).toEqual(["False", "False", "False"]);
});

test("pods are evicted when they tolerate it no longer, and stay until their kubelet is back", async () => {
  powerOff();
  await wait(45_000);
  expect(find("patient")?.metadata.deletionTimestamp).toBeDefined();
  expect(find("plain")?.metadata.deletionTimestamp).toBeUndefined();
  await wait(300_000);
  expect(find("plain")?.metadata.deletionTimestamp).toBeDefined();
  expect(find("daemon")?.metadata.deletionTimestamp).toBeUndefined();
  await powerOn();
  expect(find("plain")).toBeUndefined();
  expect(find("patient")).toBeUndefined();
  expect(ready("daemon")).toBe("True");
});

test("a node that is back in time: its pods have been restarted, with their addresses", async () => {
  const before = find("plain")!.status!.podIP;
  powerOff();
  await wait(10_000);
  expect(sandboxes.running.size).toBe(0);
  await powerOn();
  expect(ready("plain")).toBe("True");
  expect(find("plain")!.status).toMatchObject({ podIP: before });
  expect(find("plain")!.status!.containerStatuses![0]!.restartCount).toBe(1);
  await wait(60_000);
  expect(nodeReady().status).toBe("True");
});

test("back after it was NotReady: ready again, and without the taints", async () => {
  powerOff();
  await wait(50_000);
  await powerOn();
  expect(nodeReady()).toMatchObject({ status: "True", reason: "KubeletReady" });
  expect(node().spec.taints ?? []).toEqual([]);
  expect(ready("plain")).toBe("True");
});

test("a pod that is bound to a stopped node begins when the node does", async () => {
  powerOff();
  pod("late", {});
  await settle();
  expect(find("late")?.status?.phase).not.toBe("Running");
  await powerOn();
  expect(ready("late")).toBe("True");
});

test("a pod deleted by force is gone while its node is away", async () => {
  powerOff();
  api.delete("pods", { namespace: "default", name: "plain" }, { gracePeriodSeconds: 0 });
  await settle();
  expect(find("plain")).toBeUndefined();
});

test("a node that has left takes its pods' objects along", async () => {
  api.delete("nodes", { name: "w1" });
  powerOff();
  await settle();
  expect(api.list("pods")).toEqual([]);
  await wait(60_000);
});
