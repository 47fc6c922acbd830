import { expect, test } from "vitest";
import type { FabricNode, KubernetesMember } from "./fabric.ts";
import type { Manifest } from "./manifests.ts";
import { podMakers, whyNotOn } from "./pod-makers.ts";

function manifest(kind: string, spec: object, name = "web"): Manifest {
  return { object: { apiVersion: "v1", kind, metadata: { name }, spec }, source: "m.yaml:1" };
}

function node(name: string, member: Partial<KubernetesMember> = {}): FabricNode {
  return {
    name,
    aliases: [],
    kind: "kubernetes",
    hostname: name,
    exec: [],
    env: {},
    sysctls: {},
    binds: [],
    labels: {},
    kubernetes: {
      cluster: "kind",
      role: "worker",
      labels: {},
      nodeAddresses: [],
      podCidrs: [],
      taints: [],
      ...member,
    },
  };
}

test("a pod goes by its owner's name and its app labels", () => {
  const template = { metadata: { labels: { app: "api", "app.kubernetes.io/name": "shop" } } };
  expect(podMakers([manifest("Deployment", { template }), manifest("Service", {})])).toMatchObject([
    { kind: "Deployment", namespace: "default", names: ["web", "api", "shop"] },
  ]);
});

const tainted = node("n1", { taints: [{ key: "edge", value: "yes", effect: "NoSchedule" }] });

test.each<[string, object, FabricNode, string | undefined]>([
  ["anywhere", {}, node("n1"), undefined],
  ["on a node by name", { nodeName: "n2" }, node("n1"), "it runs on 'n2' only"],
  [
    "on nodes with a label",
    { nodeSelector: { rack: "r1" } },
    node("n1", { labels: { rack: "r0" } }),
    "it runs on nodes with the label rack=r1 only",
  ],
  [
    "with the label",
    { nodeSelector: { rack: "r1" } },
    node("n1", { labels: { rack: "r1" } }),
    undefined,
  ],
  ["against a taint", {}, tainted, "it does not tolerate the node's taint edge:NoSchedule"],
  [
    "with another value tolerated",
    { tolerations: [{ key: "edge", value: "no" }] },
    tainted,
    "it does not tolerate the node's taint edge:NoSchedule",
  ],
  [
    "with the value tolerated",
    { tolerations: [{ key: "edge", value: "yes" }] },
    tainted,
    undefined,
  ],
  [
    "with the key tolerated",
    { tolerations: [{ key: "edge", operator: "Exists" }] },
    tainted,
    undefined,
  ],
  ["with everything tolerated", { tolerations: [{ operator: "Exists" }] }, tainted, undefined],
  [
    "with another effect tolerated",
    { tolerations: [{ operator: "Exists", effect: "NoExecute" }] },
    tainted,
    "it does not tolerate the node's taint edge:NoSchedule",
  ],
  ["bound by name, past the scheduler", { nodeName: "n1" }, tainted, undefined],
])("%s", (_, spec, on, expected) => {
  const [maker] = podMakers([manifest("Pod", spec)]);
  expect(whyNotOn(maker!, on)).toBe(expected);
});
