import { expect, test } from "vitest";
import type { CiliumPodIPPool } from "../../cilium/schema/pod-ip-pool.ts";
import type { Pod } from "../kinds.ts";
import type { KubeObject } from "../object.ts";
import { poolOf } from "./pod-pool-choice.ts";

type Spec = CiliumPodIPPool["spec"];
const v4 = { cidrs: ["10.20.0.0/16"], maskSize: 24 };
const v6 = { cidrs: ["fd20::/48"], maskSize: 64 };
const pool = (name: string, spec: Partial<Spec> = {}): CiliumPodIPPool => ({
  apiVersion: "cilium.io/v2alpha1",
  kind: "CiliumPodIPPool",
  metadata: { name },
  spec: { allowFirstIP: false, allowLastIP: false, ipv4: v4, ...spec },
});
const pod = (annotations: Record<string, string> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-0", namespace: "shop", labels: { app: "web" }, annotations },
  spec: { containers: [] },
});
const namespace = (annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "shop", labels: { team: "a" }, annotations },
});
const ipPool = "ipam.cilium.io/ip-pool";
const web = { podSelector: { matchLabels: { app: "web" } } };

test.each<[string, Record<string, string>, Record<string, string>, string | undefined]>([
  ["nobody says anything: the node's podCIDR", {}, {}, undefined],
  ["the pod's annotation", { [ipPool]: "blue" }, { [ipPool]: "red" }, "blue"],
  ["the namespace's annotation", {}, { [ipPool]: "red" }, "red"],
  [
    "the annotation of the family first",
    { [ipPool]: "blue", "ipam.cilium.io/ipv4-pool": "four" },
    {},
    "four",
  ],
  ["that of the other family says nothing", { "ipam.cilium.io/ipv6-pool": "six" }, {}, undefined],
  [
    "a pod's ip-pool before its namespace's ipv4-pool",
    { [ipPool]: "blue" },
    { "ipam.cilium.io/ipv4-pool": "red" },
    "blue",
  ],
  ["default is the node's podCIDR", { [ipPool]: "default" }, {}, undefined],
])("annotations: %s", (_, ofPod, ofNamespace, expected) => {
  expect(poolOf(pod(ofPod), namespace(ofNamespace), [], "ipv4")).toBe(expected);
});

test("a pool that is named default is one like the others", () => {
  expect(poolOf(pod({ [ipPool]: "default" }), namespace(), [pool("default")], "ipv4")).toBe(
    "default",
  );
});

test.each<[string, Partial<Spec>, boolean]>([
  ["without selectors chooses no pod", {}, false],
  ["podSelector", web, true],
  ["podSelector that does not fit", { podSelector: { matchLabels: { app: "db" } } }, false],
  ["namespaceSelector", { namespaceSelector: { matchLabels: { team: "a" } } }, true],
  ["both must fit", { ...web, namespaceSelector: { matchLabels: { team: "b" } } }, false],
  [
    "the namespace as a label of the pod",
    { podSelector: { matchLabels: { "io.kubernetes.pod.namespace": "shop" } } },
    true,
  ],
  [
    "the pod's name as a label of it",
    { podSelector: { matchLabels: { "io.kubernetes.pod.name": "web-0" } } },
    true,
  ],
])("a pool: %s", (_, spec, chooses) => {
  expect(poolOf(pod(), namespace(), [pool("blue", spec)], "ipv4")).toBe(
    chooses ? "blue" : undefined,
  );
});

test("selectors are looked at for pools of the family alone", () => {
  const { ipv4: _, ...six } = pool("six", { ...web, ipv6: v6 }).spec;
  const pools = [pool("four", web), { ...pool("six"), spec: six }];
  expect(poolOf(pod(), namespace(), pools, "ipv4")).toBe("four");
  expect(poolOf(pod(), namespace(), pools, "ipv6")).toBe("six");
});

test("annotations come before selectors", () => {
  expect(poolOf(pod({ [ipPool]: "red" }), namespace(), [pool("blue", web)], "ipv4")).toBe("red");
});

test("several pools that choose the pod are an error", () => {
  expect(() => poolOf(pod(), namespace(), [pool("red", web), pool("blue", web)], "ipv4")).toThrow(
    "multiple CiliumPodIPPools match pod shop/web-0 (family=ipv4): blue, red",
  );
});

test("require-pool-match, of the pod or its namespace: no pool is an error", () => {
  const require = { "ipam.cilium.io/require-pool-match": "true" };
  expect(() => poolOf(pod(require), namespace(), [], "ipv4")).toThrow("annotation is set on pod");
  expect(() => poolOf(pod(), namespace(require), [], "ipv4")).toThrow(
    "annotation is set on namespace",
  );
  expect(poolOf(pod(require), namespace(), [pool("blue", web)], "ipv4")).toBe("blue");
});
