import { expect, test } from "vitest";
import { allocatePodPools } from "./pod-pool-allocation.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumPodIPPool } from "./schema/pod-ip-pool.ts";

const pool = (name: string, cidrs: string[], maskSize: number): CiliumPodIPPool => ({
  apiVersion: "cilium.io/v2alpha1",
  kind: "CiliumPodIPPool",
  metadata: { name },
  spec: { allowFirstIP: false, allowLastIP: false, ipv4: { cidrs, maskSize } },
});
type Pools = NonNullable<NonNullable<CiliumNode["spec"]["ipam"]>["pools"]>;
const node = (name: string, pools: Pools): CiliumNode => ({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNode",
  metadata: { name },
  spec: { ipam: { pools } },
});
const request = (name: string, count: number) => ({ pool: name, needed: { "ipv4-addrs": count } });

test("nodes that ask get the lowest free CIDRs of the mask size, by name", () => {
  const nodes = [
    node("b", { requested: [request("blue", 1)] }),
    node("a", { requested: [request("blue", 1)] }),
    node("c", {}),
  ];
  expect(allocatePodPools(nodes, [pool("blue", ["10.20.0.0/24"], 27)])).toEqual({
    changes: [
      { node: "a", allocated: [{ pool: "blue", cidrs: ["10.20.0.0/27"] }] },
      { node: "b", allocated: [{ pool: "blue", cidrs: ["10.20.0.32/27"] }] },
    ],
    errors: [],
  });
});

test("more addresses are another CIDR, what there is stays, and enough is enough", () => {
  const allocated = [{ pool: "blue", cidrs: ["10.20.0.32/27"] }];
  const of = (count: number) =>
    allocatePodPools(
      [node("a", { requested: [request("blue", count)], allocated })],
      [pool("blue", ["10.20.0.0/24"], 27)],
    ).changes;
  expect(of(30)).toEqual([]);
  expect(of(31)).toEqual([
    { node: "a", allocated: [{ pool: "blue", cidrs: ["10.20.0.32/27", "10.20.0.0/27"] }] },
  ]);
});

test("pools that overlap: no CIDR is given twice", () => {
  const nodes = [node("a", { requested: [request("blue", 1), request("green", 1)] })];
  const pools = [pool("blue", ["10.20.0.0/25"], 26), pool("green", ["10.20.0.0/24"], 27)];
  expect(allocatePodPools(nodes, pools).changes[0]!.allocated).toEqual([
    { pool: "blue", cidrs: ["10.20.0.0/26"] },
    { pool: "green", cidrs: ["10.20.0.64/27"] },
  ]);
});

test("an empty pool, a pool that is not there, and CIDRs too small for a pod are errors", () => {
  const nodes = [
    node("a", { requested: [request("full", 40), request("none", 1), request("tiny", 1)] }),
  ];
  const pools = [pool("full", ["10.20.0.0/27"], 27), pool("tiny", ["10.30.0.0/24"], 32)];
  expect(allocatePodPools(nodes, pools)).toEqual({
    changes: [{ node: "a", allocated: [{ pool: "full", cidrs: ["10.20.0.0/27"] }] }],
    errors: [
      "node a: pool full has no ipv4 CIDR left",
      "node a: there is no CiliumPodIPPool none",
      "node a: pool tiny has no ipv4 CIDR left",
    ],
  });
});
