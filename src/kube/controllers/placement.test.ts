import { describe, expect, test } from "vitest";
import type { NodeObject, Pod, PodSpec, Taint, Toleration } from "../kinds.ts";
import { obstacle, tolerates } from "./placement.ts";
import { place } from "./scheduler.ts";

const node = (
  name: string,
  labels: Record<string, string> = {},
  taints: Taint[] = [],
): NodeObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels },
  spec: { taints },
  status: { conditions: [{ type: "Ready", status: "True" }] },
});
const spec = (more: Partial<PodSpec> = {}): PodSpec => ({ containers: [{ name: "a" }], ...more });
const required = (...nodeSelectorTerms: object[]): PodSpec =>
  spec({
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
    },
  });

describe("a toleration tolerates a taint", () => {
  const taint = { key: "k", value: "v", effect: "NoSchedule" };
  test.each<[Toleration, boolean]>([
    [{ key: "k", operator: "Equal", value: "v", effect: "NoSchedule" }, true],
    [{ key: "k", value: "v" }, true],
    [{ key: "k", value: "w" }, false],
    [{ key: "k", operator: "Exists" }, true],
    [{ key: "other", operator: "Exists" }, false],
    [{ key: "k", operator: "Exists", effect: "NoExecute" }, false],
    [{ operator: "Exists" }, true],
    [{ value: "v" }, false],
  ])("%j: %s", (toleration, expected) => {
    expect(tolerates(toleration, taint)).toBe(expected);
  });
});

describe("a node takes a pod", () => {
  const rack = (values: string[]) => ({
    matchExpressions: [{ key: "rack", operator: "In", values }],
  });
  test.each<[string, PodSpec, boolean]>([
    ["without wishes", spec(), true],
    ["by nodeSelector", spec({ nodeSelector: { rack: "0" } }), true],
    ["not by another nodeSelector", spec({ nodeSelector: { rack: "1" } }), false],
    ["by any term", required(rack(["1"]), rack(["0"])), true],
    ["by no term", required(rack(["1"])), false],
    ["not by an empty term", required({}), false],
    [
      "by its name",
      required({ matchFields: [{ key: "metadata.name", operator: "In", values: ["n"] }] }),
      true,
    ],
    [
      "not by another name",
      required({ matchFields: [{ key: "metadata.name", operator: "In", values: ["m"] }] }),
      false,
    ],
  ])("%s", (_, wishes, expected) => {
    expect(obstacle(wishes, node("n", { rack: "0" })) === undefined).toBe(expected);
  });

  test("taints and cordons keep out, preferences do not", () => {
    const tainted = (effect: string) => node("n", {}, [{ key: "k", effect }]);
    expect(obstacle(spec(), tainted("NoSchedule"))).toBe("node(s) had untolerated taint {k: }");
    expect(obstacle(spec(), tainted("NoExecute"))).toBeDefined();
    expect(obstacle(spec(), tainted("PreferNoSchedule"))).toBeUndefined();
    const cordoned = { ...node("n"), spec: { unschedulable: true } };
    expect(obstacle(spec(), cordoned)).toContain("node.kubernetes.io/unschedulable");
  });
});

describe("the scheduler", () => {
  const pod = (name: string, nodeName?: string, owner = "o"): Pod => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "ReplicaSet", name: "r", uid: owner, controller: true },
      ],
    },
    spec: spec(nodeName === undefined ? {} : { nodeName }),
  });
  const nodes = [node("b"), node("a")];

  test("spreads siblings first, then all pods, then goes by name", () => {
    expect(place(pod("x"), nodes, [])).toEqual({ node: "a" });
    expect(place(pod("x"), nodes, [pod("y", "a")])).toEqual({ node: "b" });
    const others = [pod("y", "a"), pod("z", "b", "p"), pod("w", "b", "p")];
    expect(place(pod("x"), nodes, others)).toEqual({ node: "b" });
    expect(place(pod("x", undefined, "q"), nodes, others)).toEqual({ node: "a" });
  });

  test("says why no node will do", () => {
    const down = { ...node("c"), status: { conditions: [] } };
    const tainted = node("d", {}, [{ key: "k", value: "v", effect: "NoSchedule" }]);
    expect(place(pod("x"), [down, tainted], [])).toEqual({
      why: "0/2 nodes are available: 1 node(s) were not ready, 1 node(s) had untolerated taint {k: v}.",
    });
    expect(place(pod("x"), [], [])).toEqual({ why: "0/0 nodes are available." });
  });
});
