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

test("an empty pool and a pool that is not there are errors", () => {
  const nodes = [node("a", { requested: [request("full", 40), request("none", 1)] })];
  expect(allocatePodPools(nodes, [pool("full", ["10.20.0.0/27"], 27)])).toEqual({
    changes: [{ node: "a", allocated: [{ pool: "full", cidrs: ["10.20.0.0/27"] }] }],
    errors: ["node a: pool full has no ipv4 CIDR left", "node a: there is no CiliumPodIPPool none"],
  });
});

test("CIDRs of one address and of two are used whole", () => {
  const requested = [request("one", 2), request("two", 3)];
  const pools = [pool("one", ["10.30.0.0/24"], 32), pool("two", ["10.31.0.0/24"], 31)];
  expect(allocatePodPools([node("a", { requested })], pools).changes[0]!.allocated).toEqual([
    { pool: "one", cidrs: ["10.30.0.0/32", "10.30.0.1/32"] },
    { pool: "two", cidrs: ["10.31.0.0/31", "10.31.0.2/31"] },
  ]);
});

test("allowFirstIP and allowLastIP make room for one more each", () => {
  const roomy = pool("blue", ["10.20.0.0/24"], 28);
  roomy.spec.allowFirstIP = true;
  const of = (count: number, each: CiliumPodIPPool) =>
    allocatePodPools([node("a", { requested: [request("blue", count)] })], [each]).changes[0]!
      .allocated[0]!.cidrs.length;
  expect([of(15, roomy), of(16, roomy)]).toEqual([1, 2]);
  roomy.spec.allowLastIP = true;
  expect(of(16, roomy)).toBe(1);
});

test("what a node gave back is free for another", () => {
  const pools = [pool("blue", ["10.20.0.0/27"], 27)];
  const wants = node("b", { requested: [request("blue", 1)] });
  const has = node("a", { allocated: [{ pool: "blue", cidrs: ["10.20.0.0/27"] }] });
  expect(allocatePodPools([has, wants], pools).changes).toEqual([]);
  expect(allocatePodPools([node("a", { allocated: [] }), wants], pools).changes).toEqual([
    { node: "b", allocated: [{ pool: "blue", cidrs: ["10.20.0.0/27"] }] },
  ]);
});
