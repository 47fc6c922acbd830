import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import { nodeObject } from "../controllers/nodes.ts";
import type { Container, Pod } from "../kinds.ts";
import { ManualClock } from "../manual-clock.ts";
import { builtInResources } from "../server/built-in-resources.ts";
import { FakeSandboxes } from "../server/fake-sandboxes.ts";
import { KubeApi } from "../server/kube-api.ts";
import { type PodRunner, startPodRunner } from "./pod-runner.ts";

let clock: ManualClock;
let api: KubeApi;
let sandboxes: FakeSandboxes;
let runner: PodRunner;
let errors: string[];
beforeEach(() => {
  clock = new ManualClock(Date.parse("2026-11-20T10:00:00Z"));
  api = new KubeApi({ resources: builtInResources, clock });
  sandboxes = new FakeSandboxes();
  errors = [];
  const input = {
    name: "n",
    role: "worker" as const,
    labels: {},
    taints: [],
    podCidrs: [prefix("10.1.1.0/24")],
    addresses: [address("10.0.2.2")],
  };
  api.create("nodes", nodeObject(input, clock.nowMs()));
  runner = startPodRunner({
    api,
    sandboxes,
    onError: (what, error) => errors.push(`${what}: ${String(error)}`),
  });
});
afterEach(() => runner.stop());

const settle = async () => {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
};
const at = (name = "a") => ({ namespace: "default", name });
const get = (name = "a") => api.get("pods", at(name)) as Pod;
const state = (name = "a") => get(name).status!.containerStatuses![0]!;
const events = () => api.list("events").map((event) => String(event.reason));

async function create(
  name = "a",
  spec: object = {},
  container: Partial<Container> = {},
): Promise<void> {
  api.create("pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: at(name),
    spec: { nodeName: "n", containers: [{ name: "main", image: "x", ...container }], ...spec },
  });
  await settle();
}

async function exit(code: number, name = "a", container = "main"): Promise<void> {
  sandboxes.running.get(`default/${name}`)!.onExit(container, code, "");
  await settle();
}

async function wait(ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}

describe("a pod", () => {
  test("bound to a node runs there with an address of its podCIDR", async () => {
    await create("a", {}, { command: ["sleep"], args: ["1"] });
    expect(sandboxes.running.get("default/a")).toMatchObject({
      node: "n",
      addresses: ["10.1.1.2"],
      podCidrs: ["10.1.1.0/24"],
      containers: [{ name: "main", argv: ["sleep", "1"], env: {} }],
    });
    expect(get().status).toMatchObject({
      phase: "Running",
      podIP: "10.1.1.2",
      podIPs: [{ ip: "10.1.1.2" }],
      hostIP: "10.0.2.2",
      startTime: "2026-11-20T10:00:00Z",
      containerStatuses: [{ ready: true, restartCount: 0, state: { running: {} } }],
    });
    expect(get().status!.conditions!.find((one) => one.type === "Ready")?.status).toBe("True");
  });

  test("without a node does not run; on the host's network it has the host's address", async () => {
    await create("a", { nodeName: undefined });
    expect(sandboxes.calls).toEqual([]);
    await create("b", { hostNetwork: true });
    expect(get("b").status!.podIP).toBe("10.0.2.2");
    await create("c");
    expect(get("c").status!.podIP).toBe("10.1.1.2");
  });

  test("deleted is stopped, its object removed, its address free", async () => {
    await create("a");
    await create("b");
    api.delete("pods", at());
    await settle();
    expect(sandboxes.calls.at(-1)).toBe("stop a");
    expect(api.find("pods", at())).toBeUndefined();
    await create("c");
    expect(get("c").status!.podIP).toBe("10.1.1.2");
  });

  test("deleted by force is stopped too, before one of its name starts", async () => {
    await create("a");
    api.delete("pods", at(), { gracePeriodSeconds: 0 });
    await create("a");
    expect(sandboxes.calls).toEqual(["start a 10.1.1.2", "stop a", "start a 10.1.1.2"]);
    expect(get().status!.phase).toBe("Running");
  });

  test("that cannot be stopped is tried again, and not forgotten", async () => {
    await create();
    sandboxes.failStop = "busy";
    api.delete("pods", at());
    await settle();
    expect(errors).toEqual(["stopping pod a: Error: busy"]);
    expect(events()).toContain("FailedKillPod");
    sandboxes.failStop = undefined;
    await wait(2000);
    expect(api.find("pods", at())).toBeUndefined();
  });

  test("gets its environment", async () => {
    api.create("configmaps", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: at("c"),
      data: { k: "v", l: "w" },
    });
    api.create("secrets", {
      apiVersion: "v1",
      kind: "Secret",
      metadata: at("s"),
      data: { p: Buffer.from("pass").toString("base64") },
    });
    await create(
      "a",
      {},
      {
        args: ["$(IP)-$$(IP)-$(NONE)"],
        envFrom: [{ prefix: "C_", configMapRef: { name: "c" } }],
        env: [
          { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
          { name: "P", valueFrom: { secretKeyRef: { name: "s", key: "p" } } },
          {
            name: "MAYBE",
            valueFrom: { configMapKeyRef: { name: "none", key: "x", optional: true } },
          },
          { name: "URL", value: "http://$(IP)/" },
        ],
      },
    );
    const { argv, env } = sandboxes.running.get("default/a")!.containers[0]!;
    expect(env).toEqual({
      C_k: "v",
      C_l: "w",
      IP: "10.1.1.2",
      NODE: "n",
      P: "pass",
      URL: "http://10.1.1.2/",
    });
    expect(argv).toEqual(["10.1.1.2-$(IP)-$(NONE)"]);
  });
});

describe("a container that ends", () => {
  test("is restarted: at once, then later and later", async () => {
    await create();
    await exit(1);
    await wait(0);
    expect(state()).toMatchObject({
      restartCount: 1,
      state: { running: {} },
      lastState: { terminated: { exitCode: 1, reason: "Error" } },
    });
    for (const delayMs of [1000, 2000, 4000]) {
      await exit(1);
      expect(state().state.waiting?.reason).toBe("CrashLoopBackOff");
      await wait(delayMs - 1);
      expect(state().state.waiting?.reason).toBe("CrashLoopBackOff");
      await wait(1);
      expect(state().state.running).toBeDefined();
    }
    expect(state().restartCount).toBe(4);
    expect(get().status!.podIP).toBe("10.1.1.2");
    expect(events()).toContain("BackOff");
  });

  test("long after its start is restarted at once again", async () => {
    await create();
    await exit(1);
    await wait(0);
    clock.advance(600_000);
    await exit(1);
    await wait(0);
    expect(state().state.running).toBeDefined();
  });

  test.each([
    ["Never", 0, "Succeeded"],
    ["Never", 3, "Failed"],
    ["OnFailure", 0, "Succeeded"],
  ])("with %s and status %i makes the pod %s", async (restartPolicy, code, phase) => {
    await create("a", { restartPolicy });
    await exit(code);
    await wait(60_000);
    expect(get().status!.phase).toBe(phase);
    expect(state().state.terminated).toMatchObject({ exitCode: code });
    expect(sandboxes.calls).toHaveLength(1);
  });

  test("restarts the sandbox, so the others with it, but not those that are done", async () => {
    const containers = ["one", "two", "done"].map((name) => ({ name, image: "x" }));
    await create("a", { containers, restartPolicy: "OnFailure" });
    await exit(0, "a", "done");
    await exit(1, "a", "one");
    await wait(0);
    expect(sandboxes.running.get("default/a")!.containers.map(({ name }) => name)).toEqual([
      "one",
      "two",
    ]);
    expect(get().status!.containerStatuses!.map((one) => one.restartCount)).toEqual([1, 1, 0]);
    expect(get().status!.phase).toBe("Running");
  });

  test("in an earlier life says nothing of this one", async () => {
    await create();
    const { onExit } = sandboxes.running.get("default/a")!;
    await exit(1);
    await wait(0);
    onExit("main", 9, "");
    await settle();
    expect(state().state.running).toBeDefined();
  });
});

describe("a pod that cannot start", () => {
  test("waits with the reason, has an event, and is tried again", async () => {
    sandboxes.failStart = "no such command: slep";
    await create();
    expect(get().status!.phase).toBe("Pending");
    expect(state().state.waiting).toEqual({
      reason: "CreatePodSandboxError",
      message: "no such command: slep",
    });
    expect(events()).toContain("FailedCreatePodSandBox");
    expect(sandboxes.calls).toEqual(["start a 10.1.1.2", "stop a"]);
    sandboxes.failStart = undefined;
    await wait(1000);
    expect(get().status!.phase).toBe("Running");
    expect(state().restartCount).toBe(0);
  });

  test("for want of a ConfigMap says which", async () => {
    await create("a", {}, { envFrom: [{ configMapRef: { name: "none" } }] });
    expect(state().state.waiting).toEqual({
      reason: "CreateContainerConfigError",
      message: 'configmap "none" not found',
    });
  });

  test("for want of an address or a node says so", async () => {
    api.patch("nodes", { name: "n" }, { spec: { podCIDRs: ["10.9.0.0/32"] } }, "merge");
    await create("a");
    expect(state().state.waiting?.message).toBe("no free address in podCIDR 10.9.0.0/32");
    await create("b", { nodeName: "nowhere" });
    expect(state("b").state.waiting?.message).toBe("node nowhere is not there");
  });
});

test("a stopped runner leaves pods alone", async () => {
  await create();
  await runner.stop();
  await exit(1);
  await wait(60_000);
  api.delete("pods", at());
  await settle();
  expect(sandboxes.calls).toEqual(["start a 10.1.1.2"]);
});
