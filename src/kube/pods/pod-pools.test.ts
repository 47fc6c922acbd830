import { beforeEach, expect, test } from "vitest";
import type { CiliumNode } from "../../cilium/schema/cilium-node.ts";
import { prefix } from "../../net/prefix.ts";
import type { Pod } from "../kinds.ts";
import { ManualClock } from "../manual-clock.ts";
import { builtInResources } from "../server/built-in-resources.ts";
import { ciliumResources } from "../server/cilium-resources.ts";
import { KubeApi } from "../server/kube-api.ts";
import { PodAddresses } from "./pod-addresses.ts";
import { PodPools } from "./pod-pools.ts";

const ciliumNodes = "ciliumnodes.cilium.io";
const podCidrs = [prefix("10.1.1.0/24")];
let api: KubeApi;
let pools: PodPools;
let released: string[];
beforeEach(() => {
  api = new KubeApi({
    resources: [...builtInResources, ...ciliumResources],
    clock: new ManualClock(Date.parse("2026-11-20T10:00:00Z")),
  });
  api.create(ciliumNodes, {
    apiVersion: "cilium.io/v2",
    kind: "CiliumNode",
    metadata: { name: "n" },
    spec: { ipam: { podCIDRs: podCidrs } },
  });
  createPool();
  released = [];
  pools = new PodPools({
    ...{ api, addresses: new PodAddresses() },
    released: async (node, cidrs) => void released.push(`${node} ${cidrs.join(" ")}`),
  });
  api.subscribe(({ resource }) => {
    if (resource === ciliumNodes) queueMicrotask(operate);
  });
});

/** The operator, as far as this pool and this node go. */
function operate(): void {
  const { requested = [], allocated = [] } = ofNode() ?? {};
  const needed = requested[0]?.needed?.["ipv4-addrs"] ?? 0;
  const has = allocated[0]?.cidrs ?? [];
  if (has.length * 2 >= needed) return;
  const free = [0, 4, 8].map((n) => `10.20.0.${n}/30`).find((each) => !has.includes(each))!;
  const given = { allocated: [{ pool: "blue", cidrs: [...has, free] }] };
  api.patch(ciliumNodes, { name: "n" }, { spec: { ipam: { pools: given } } }, "merge");
}

/** Two addresses in each CIDR. */
function createPool(): void {
  api.create("ciliumpodippools.cilium.io", {
    apiVersion: "cilium.io/v2alpha1",
    kind: "CiliumPodIPPool",
    metadata: { name: "blue" },
    spec: { ipv4: { cidrs: ["10.20.0.0/24"], maskSize: 30 } },
  });
}

const pod = (
  uid: string,
  annotations: Record<string, string> = { "ipam.cilium.io/ip-pool": "blue" },
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: uid, namespace: "default", uid, annotations },
  spec: { nodeName: "n", containers: [] },
});
const allocate = async (...uids: string[]) => {
  const all = await Promise.all(uids.map((uid) => pools.allocate(pod(uid), podCidrs)));
  return all.flatMap(({ addresses }) => addresses);
};
const ofNode = () => (api.get(ciliumNodes, { name: "n" }) as CiliumNode).spec.ipam?.pools;

test("a pod without a pool has its address of the podCIDR, and the CiliumNode is left alone", async () => {
  expect(await pools.allocate(pod("a", {}), podCidrs)).toEqual({
    addresses: ["10.1.1.2"],
    poolCidrs: [],
  });
  expect(ofNode()).toBeUndefined();
});

test("a node asks for what its pods need, and for more when that is used up", async () => {
  expect(await allocate("a", "b")).toEqual(["10.20.0.1", "10.20.0.2"]);
  expect(ofNode()).toEqual({
    requested: [{ pool: "blue", needed: { "ipv4-addrs": 2 } }],
    allocated: [{ pool: "blue", cidrs: ["10.20.0.0/30"] }],
  });
  expect(await allocate("c")).toEqual(["10.20.0.5"]);
  expect(ofNode()?.allocated).toEqual([{ pool: "blue", cidrs: ["10.20.0.0/30", "10.20.0.4/30"] }]);
});

test("a CIDR that no pod has an address of any more is given back, another is kept", async () => {
  await allocate("a", "b", "c");
  await pools.free("a", "n");
  expect(released).toEqual([]);
  await pools.free("b", "n");
  expect(released).toEqual(["n 10.20.0.0/30"]);
  expect(ofNode()).toEqual({
    requested: [{ pool: "blue", needed: { "ipv4-addrs": 1 } }],
    allocated: [{ pool: "blue", cidrs: ["10.20.0.4/30"] }],
  });
  await pools.free("c", "n");
  expect(released).toEqual(["n 10.20.0.0/30", "n 10.20.0.4/30"]);
  expect(ofNode()).toEqual({ requested: [], allocated: [] });
  expect(await allocate("d")).toEqual(["10.20.0.1"]);
});

test("CIDRs of a pool that is gone stay as long as pods use them", async () => {
  await allocate("a");
  api.delete("ciliumpodippools.cilium.io", { name: "blue" });
  await expect(pools.allocate(pod("b"), podCidrs)).rejects.toThrow(
    "there is no CiliumPodIPPool blue",
  );
  expect(ofNode()?.allocated).toEqual([{ pool: "blue", cidrs: ["10.20.0.0/30"] }]);
  await pools.free("a", "n");
  expect(ofNode()?.allocated).toEqual([]);
});

test("a pool without addresses of a family that the cluster has is an error", async () => {
  const both = [...podCidrs, prefix("fd00:1::/64")];
  await expect(pools.allocate(pod("a"), both)).rejects.toThrow(
    "CiliumPodIPPool blue has no ipv6 addresses",
  );
  const only = { "ipam.cilium.io/ipv4-pool": "blue" };
  expect(await pools.allocate(pod("a", only), both)).toEqual({
    addresses: ["10.20.0.1", "fd00:1::2"],
    poolCidrs: ["10.20.0.0/30"],
  });
});
