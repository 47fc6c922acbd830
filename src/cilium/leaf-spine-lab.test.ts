import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { compileNode } from "./compile.ts";
import { reconcileOperator } from "./operator.ts";
import type { CiliumBGPAdvertisement } from "./schema/advertisement.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumBGPClusterConfig } from "./schema/cluster-config.ts";
import type { CiliumBGPNodeConfig } from "./schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";
import { ServiceTable } from "./service/service-table.ts";
import { validateResource } from "./schema/validate.ts";

const file = new URL(
  "../../test/data/leaf-spine-lab/cilium-bgp-peering-policies.yaml",
  import.meta.url,
);

/** The manifests as the API server would hold them. */
const manifests = parseAllDocuments(readFileSync(file, "utf8")).map((document) =>
  validateResource(document.toJS() as object),
);
const objects = manifests.map(({ defaulted }, index) => {
  const object = defaulted as CiliumBGPClusterConfig;
  object.metadata.uid = `uid-${index}`;
  return object;
});

function ofKind<Kind extends { kind: string }>(kind: Kind["kind"]): Kind[] {
  return objects.filter((one) => (one.kind as string) === kind) as unknown as Kind[];
}

const nodes: CiliumNode[] = [
  ["kind-control-plane", "rack0", "10.0.1.2", "10.1.0.0/24"],
  ["kind-worker", "rack0", "10.0.2.2", "10.1.3.0/24"],
  ["kind-worker2", "rack1", "10.0.3.2", "10.1.2.0/24"],
  ["kind-worker3", "rack1", "10.0.4.2", "10.1.1.0/24"],
].map(([name, rack, ip, podCidr]) => ({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNode",
  metadata: { name: name!, labels: { rack: rack! } },
  spec: { addresses: [{ type: "InternalIP", ip: ip! }], ipam: { podCIDRs: [podCidr!] } },
}));

test("the manifests are valid", () => {
  expect(manifests.map(({ problems }) => problems)).toEqual([[], [], [], []]);
});

test("the manifests make every node peer with the ToR of its rack and advertise its podCIDR", () => {
  const { actions, errors } = reconcileOperator({
    clusterConfigs: ofKind<CiliumBGPClusterConfig>("CiliumBGPClusterConfig"),
    peerConfigs: ofKind<CiliumBGPPeerConfig>("CiliumBGPPeerConfig"),
    nodeConfigOverrides: [],
    nodes,
    nodeConfigs: [],
    secretNames: new Set(),
    statusReport: true,
    now: "2026-08-08T12:00:00Z",
  });
  expect(errors).toEqual([]);
  const conditions = actions.flatMap((one) => ("conditions" in one ? one.conditions : []));
  expect(conditions).toHaveLength(7);
  expect(conditions.filter(({ status }) => status !== "False")).toEqual([]);

  const nodeConfigs = new Map<string, CiliumBGPNodeConfig>();
  for (const one of actions) {
    if (one.action !== "createNodeConfig") continue;
    expect(validateResource(one.nodeConfig).problems).toEqual([]);
    nodeConfigs.set(one.nodeConfig.metadata.name, one.nodeConfig);
  }
  const compiled = nodes.map((node) =>
    compileNode({
      nodeConfig: nodeConfigs.get(node.metadata.name)!,
      peerConfigs: ofKind<CiliumBGPPeerConfig>("CiliumBGPPeerConfig"),
      advertisements: ofKind<CiliumBGPAdvertisement>("CiliumBGPAdvertisement"),
      node,
      services: new ServiceTable({ node: node.metadata.name, noEndpointsRoutable: true }),
      podIpPools: [],
      egressIps: [],
      ipam: "kubernetes",
      network: { interfaces: [], defaultRoutes: [] },
      secrets: new Map(),
      hostname: node.metadata.name,
    }),
  );
  expect(compiled).toEqual([
    expected("kind-control-plane", "10.0.1.2", "10.1.0.0/24", 65010, "rack0", "10.0.0.1"),
    expected("kind-worker", "10.0.2.2", "10.1.3.0/24", 65010, "rack0", "10.0.0.1"),
    expected("kind-worker2", "10.0.3.2", "10.1.2.0/24", 65011, "rack1", "10.0.0.2"),
    expected("kind-worker3", "10.0.4.2", "10.1.1.0/24", 65011, "rack1", "10.0.0.2"),
  ]);
});

function expected(
  hostname: string,
  routerId: string,
  podCidr: string,
  asn: number,
  rack: string,
  tor: string,
) {
  return {
    instances: [
      {
        name: `instance-${asn}`,
        peers: [
          {
            name: `peer-${asn}-${rack}`,
            peerASN: asn,
            peerAddress: tor,
            peerConfigRef: { name: "peer-config-generic" },
          },
        ],
        config: {
          localAsn: asn,
          routerId,
          hostname,
          originate: [podCidr],
          peers: [
            {
              name: `peer-${asn}-${rack}`,
              address: tor,
              asn,
              port: 179,
              passive: false,
              linkLocalNextHop: false,
              holdTimeSeconds: 90,
              keepaliveTimeSeconds: 30,
              connectRetryTimeSeconds: 120,
              families: [{ afi: "ipv4", safi: "unicast" }],
              exportPolicy: [{ name: "PodCIDR-ipv4", prefixes: [podCidr], action: "accept" }],
              importPolicy: "reject",
            },
          ],
        },
      },
    ],
    errors: [],
    warnings: [],
  };
}
