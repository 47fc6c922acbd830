import { describe, expect, test } from "vitest";
import { prefix } from "../net/prefix.ts";
import { applied, clusterConfig, node, override, specs, state } from "./operator.fixture.ts";
import { type OperatorState, reconcileOperator } from "./operator.ts";

const routerIdPool = prefix("10.255.0.0/30");
const names = ["a", "b", "c", "d", "e"];

function settle(of: Partial<OperatorState>): { after: OperatorState; errors: string[] } {
  const before = state({ routerIdPool, ...of });
  const result = reconcileOperator(before);
  return { after: applied(before, result), errors: result.errors.map(({ message }) => message) };
}

function ids(of: OperatorState): Record<string, (string | undefined)[]> {
  return Object.fromEntries(
    Object.entries(specs(of)).map(([name, instances]) => [name, instances.map((i) => i.routerID)]),
  );
}

describe("router-ID pool", () => {
  const config = clusterConfig("all");
  const nodes = names.slice(0, 2).map((name) => node(name, "rack0"));

  test("one for each node and instance, from the first address to the last, both included", () => {
    const { after, errors } = settle({
      clusterConfigs: [config],
      nodes: names.map((name) => node(name, "rack0")),
    });
    expect(ids(after)).toEqual({
      a: ["10.255.0.0"],
      b: ["10.255.0.1"],
      c: ["10.255.0.2"],
      d: ["10.255.0.3"],
      e: [undefined],
    });
    expect(errors).toEqual([
      "router ID pool 10.255.0.0/30 is exhausted: none is left for e/instance-65010",
    ]);
  });
  test("restored from the CiliumBGPNodeConfigs that are there; freed when one is deleted", () => {
    const first = settle({ clusterConfigs: [config], nodes }).after;
    const without = settle({
      ...first,
      nodeConfigs: first.nodeConfigs.filter(({ metadata }) => metadata.name === "b"),
      nodes: [node("b", "rack0"), node("z", "rack0")],
    }).after;
    expect(ids(without)).toEqual({ b: ["10.255.0.1"], z: ["10.255.0.0"] });
  });
  test("an override inside the pool must be free, outside it is free-form", () => {
    const of = (routerID: string) =>
      settle({
        clusterConfigs: [config],
        nodes,
        nodeConfigOverrides: [override("b", [{ name: "instance-65010", routerID }])],
      });
    expect(ids(of("10.255.0.2").after)).toEqual({ a: ["10.255.0.0"], b: ["10.255.0.2"] });
    expect(ids(of("192.0.2.1").after)).toEqual({ a: ["10.255.0.0"], b: ["192.0.2.1"] });
    expect(of("10.255.0.0").errors).toEqual([
      "router ID 10.255.0.0 of b/instance-65010 is already allocated to a/instance-65010",
    ]);
  });
  test("without a pool the agents choose", () => {
    const before = state({ clusterConfigs: [config], nodes });
    expect(ids(applied(before, reconcileOperator(before)))).toEqual({
      a: [undefined],
      b: [undefined],
    });
  });
});
