import { expect, test } from "vitest";
import { modernResources, type WrittenPolicy } from "./modern-resources.ts";
import { validateResource } from "./schema/validate.ts";

const policy: WrittenPolicy = {
  apiVersion: "cilium.io/v2alpha1",
  kind: "CiliumBGPPeeringPolicy",
  metadata: { name: "rack01" },
  spec: {
    nodeSelector: { matchLabels: { rack: "rack01" } },
    virtualRouters: [
      {
        localASN: 65001,
        exportPodCIDR: true,
        serviceSelector: { matchLabels: { announce: "yes" } },
        neighbors: [
          {
            peerAddress: "10.0.0.1/32",
            peerASN: 65100,
            peerPort: 1790,
            eBGPMultihopTTL: 3,
            holdTimeSeconds: 9,
            keepAliveTimeSeconds: 3,
            authSecretRef: "secret",
            gracefulRestart: { enabled: true, restartTimeSeconds: 30 },
            families: [{ afi: "ipv4", safi: "unicast" }],
            advertisedPathAttributes: [
              { selectorType: "PodCIDR", localPreference: 150 },
              {
                selectorType: "CiliumLoadBalancerIPPool",
                selector: { matchLabels: { pool: "premium" } },
                communities: { standard: ["65001:200"] },
              },
            ],
          },
          { peerAddress: "fd00::1/128", peerASN: 65100 },
        ],
      },
    ],
  },
};

test("every resource is one that Cilium takes, and says what the policy said", () => {
  const { resources, notes } = modernResources(policy);
  for (const each of resources) expect(validateResource(each).problems).toEqual([]);
  const [cluster, peer, advertisement] = resources;
  expect(resources.map(({ kind }) => kind)).toEqual([
    "CiliumBGPClusterConfig",
    ...["CiliumBGPPeerConfig", "CiliumBGPAdvertisement"],
    ...["CiliumBGPPeerConfig", "CiliumBGPAdvertisement"],
  ]);
  expect(cluster!.spec).toEqual({
    nodeSelector: { matchLabels: { rack: "rack01" } },
    bgpInstances: [
      {
        name: "instance-65001",
        localASN: 65001,
        peers: [
          {
            name: "peer-65001-10-0-0-1",
            peerASN: 65100,
            peerAddress: "10.0.0.1",
            peerConfigRef: { name: "rack01-65001-10-0-0-1" },
          },
          {
            name: "peer-65001-fd00-1",
            peerASN: 65100,
            peerAddress: "fd00::1",
            peerConfigRef: { name: "rack01-65001-fd00-1" },
          },
        ],
      },
    ],
  });
  expect(peer!.spec).toMatchObject({
    transport: { peerPort: 1790 },
    timers: { holdTimeSeconds: 9, keepAliveTimeSeconds: 3 },
    ebgpMultihop: 3,
    authSecretRef: "secret",
    gracefulRestart: { enabled: true, restartTimeSeconds: 30 },
  });
  expect(advertisement!.spec).toEqual({
    advertisements: [
      { advertisementType: "PodCIDR", attributes: { localPreference: 150 } },
      {
        advertisementType: "Service",
        service: { addresses: ["LoadBalancerIP"] },
        selector: { matchLabels: { announce: "yes" } },
        attributes: { communities: { standard: ["65001:200"] } },
      },
    ],
  });
  expect(notes.join("\n")).toMatch(/for every Service of this advertisement/);
});

test("a neighbor selects its own advertisement and no other", () => {
  const { resources } = modernResources(policy);
  const labels = resources.flatMap(({ kind, metadata }) =>
    kind === "CiliumBGPAdvertisement" ? [(metadata as { labels: object }).labels] : [],
  );
  const selected = resources.flatMap(({ kind, spec }) =>
    kind === "CiliumBGPPeerConfig"
      ? (spec as { families: { advertisements: { matchLabels: object } }[] }).families.map(
          ({ advertisements }) => advertisements.matchLabels,
        )
      : [],
  );
  // The second neighbor named no family: it has both.
  expect(selected).toEqual([labels[0], labels[1], labels[1]]);
});

test("a policy without a spec, and one that announces nothing, say so", () => {
  const { spec: _spec, ...empty } = policy;
  expect(modernResources(empty)).toEqual({
    resources: [],
    notes: [expect.stringMatching(/no spec/)],
  });
  const silent = structuredClone(policy);
  silent.spec!.virtualRouters[0] = {
    localASN: 65001,
    neighbors: [{ peerAddress: "10.0.0.1/32", peerASN: 65100 }],
  };
  expect(modernResources(silent).notes.join("\n")).toMatch(/nothing is announced/);
});
