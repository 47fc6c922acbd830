import type { z } from "zod";
import { advertisementResourceV2, advertisementResourceV2alpha1 } from "./advertisement.ts";
import { ciliumNodeV2 } from "./cilium-node.ts";
import { clusterConfigV2, clusterConfigV2alpha1 } from "./cluster-config.ts";
import { egressGatewayPolicyV2, egressGatewayPolicyV2alpha1 } from "./egress-gateway-policy.ts";
import { loadBalancerIpPoolV2, loadBalancerIpPoolV2alpha1 } from "./load-balancer-ip-pool.ts";
import { nodeConfigOverrideV2, nodeConfigOverrideV2alpha1 } from "./node-config-override.ts";
import { nodeConfigV2, nodeConfigV2alpha1 } from "./node-config.ts";
import { peerConfigV2, peerConfigV2alpha1 } from "./peer-config.ts";
import { peeringPolicy, peerPolicy } from "./peering-policy.ts";
import {
  type Immutable,
  podIpPoolImmutable,
  podIpPoolV2,
  podIpPoolV2alpha1,
} from "./pod-ip-pool.ts";

/** A custom resource as an API server registers, validates and shows it. */
export type CiliumResource = {
  group: "cilium.io";
  versions: {
    name: string;
    served: boolean;
    /** What is stored, under whichever version it was written: exactly one version of each resource. */
    storage: boolean;
    deprecated: boolean;
    /** What a client is told that uses it, in place of Kubernetes' own words. */
    deprecationWarning?: string;
    schema: z.ZodType;
  }[];
  plural: string;
  singular: string;
  kind: string;
  shortNames: string[];
  categories: string[];
  scope: "Cluster";
  statusSubresource: boolean;
  /** Columns that `kubectl get` shows after NAME. */
  printerColumns: { name: string; type: "string" | "boolean" | "date"; jsonPath: string }[];
  /** Fields that an update may not change. */
  immutable?: readonly Immutable[];
};

const age = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" } as const;

/** v2 is stored; v2alpha1 is deprecated but still served. */
function v2AndV2alpha1(v2: z.ZodType, v2alpha1: z.ZodType): CiliumResource["versions"] {
  return [
    { name: "v2", served: true, storage: true, deprecated: false, schema: v2 },
    { name: "v2alpha1", served: true, storage: false, deprecated: true, schema: v2alpha1 },
  ];
}

export const ciliumResources: readonly CiliumResource[] = [
  {
    group: "cilium.io",
    versions: v2AndV2alpha1(clusterConfigV2, clusterConfigV2alpha1),
    plural: "ciliumbgpclusterconfigs",
    singular: "ciliumbgpclusterconfig",
    kind: "CiliumBGPClusterConfig",
    shortNames: ["cbgpcluster"],
    categories: ["cilium", "ciliumbgp"],
    scope: "Cluster",
    statusSubresource: true,
    printerColumns: [age],
  },
  {
    group: "cilium.io",
    versions: v2AndV2alpha1(peerConfigV2, peerConfigV2alpha1),
    plural: "ciliumbgppeerconfigs",
    singular: "ciliumbgppeerconfig",
    kind: "CiliumBGPPeerConfig",
    shortNames: ["cbgppeer"],
    categories: ["cilium", "ciliumbgp"],
    scope: "Cluster",
    statusSubresource: true,
    printerColumns: [age],
  },
  {
    group: "cilium.io",
    versions: v2AndV2alpha1(advertisementResourceV2, advertisementResourceV2alpha1),
    plural: "ciliumbgpadvertisements",
    singular: "ciliumbgpadvertisement",
    kind: "CiliumBGPAdvertisement",
    shortNames: ["cbgpadvert"],
    categories: ["cilium", "ciliumbgp"],
    scope: "Cluster",
    statusSubresource: false,
    printerColumns: [age],
  },
  {
    group: "cilium.io",
    versions: v2AndV2alpha1(nodeConfigV2, nodeConfigV2alpha1),
    plural: "ciliumbgpnodeconfigs",
    singular: "ciliumbgpnodeconfig",
    kind: "CiliumBGPNodeConfig",
    shortNames: ["cbgpnode"],
    categories: ["cilium", "ciliumbgp"],
    scope: "Cluster",
    statusSubresource: true,
    printerColumns: [age],
  },
  {
    group: "cilium.io",
    versions: v2AndV2alpha1(nodeConfigOverrideV2, nodeConfigOverrideV2alpha1),
    plural: "ciliumbgpnodeconfigoverrides",
    singular: "ciliumbgpnodeconfigoverride",
    kind: "CiliumBGPNodeConfigOverride",
    shortNames: ["cbgpnodeoverride"],
    categories: ["cilium", "ciliumbgp"],
    scope: "Cluster",
    statusSubresource: false,
    printerColumns: [age],
  },
  {
    group: "cilium.io",
    versions: [
      { name: "v2", served: true, storage: true, deprecated: false, schema: ciliumNodeV2 },
    ],
    plural: "ciliumnodes",
    singular: "ciliumnode",
    kind: "CiliumNode",
    shortNames: ["cn", "ciliumn"],
    categories: ["cilium"],
    scope: "Cluster",
    statusSubresource: true,
    printerColumns: [
      {
        name: "CiliumInternalIP",
        type: "string",
        jsonPath: '.spec.addresses[?(@.type=="CiliumInternalIP")].ip',
      },
      {
        name: "InternalIP",
        type: "string",
        jsonPath: '.spec.addresses[?(@.type=="InternalIP")].ip',
      },
      age,
    ],
  },
  {
    group: "cilium.io",
    versions: v2AndV2alpha1(loadBalancerIpPoolV2, loadBalancerIpPoolV2alpha1),
    plural: "ciliumloadbalancerippools",
    singular: "ciliumloadbalancerippool",
    kind: "CiliumLoadBalancerIPPool",
    shortNames: ["ippools", "ippool", "lbippool", "lbippools"],
    categories: ["cilium"],
    scope: "Cluster",
    statusSubresource: true,
    printerColumns: [
      { name: "Disabled", type: "boolean", jsonPath: ".spec.disabled" },
      {
        name: "Conflicting",
        type: "string",
        jsonPath: '.status.conditions[?(@.type=="cilium.io/PoolConflict")].status',
      },
      {
        name: "IPs Available",
        type: "string",
        jsonPath: '.status.conditions[?(@.type=="cilium.io/IPsAvailable")].message',
      },
      age,
    ],
  },
  {
    group: "cilium.io",
    versions: [
      {
        name: "v2alpha1",
        served: true,
        storage: true,
        deprecated: false,
        schema: podIpPoolV2alpha1,
      },
      { name: "v2", served: false, storage: false, deprecated: false, schema: podIpPoolV2 },
    ],
    plural: "ciliumpodippools",
    singular: "ciliumpodippool",
    kind: "CiliumPodIPPool",
    shortNames: ["cpip"],
    categories: ["cilium"],
    scope: "Cluster",
    statusSubresource: false,
    printerColumns: [],
    immutable: podIpPoolImmutable,
  },
  {
    group: "cilium.io",
    versions: [
      { name: "v2", served: true, storage: true, deprecated: false, schema: egressGatewayPolicyV2 },
      {
        name: "v2alpha1",
        served: true,
        storage: false,
        deprecated: true,
        deprecationWarning:
          "cilium.io/v2alpha1 CiliumEgressGatewayPolicy is no version that Cilium has; use cilium.io/v2 CiliumEgressGatewayPolicy with spec.destinationCIDRs",
        schema: egressGatewayPolicyV2alpha1,
      },
    ],
    plural: "ciliumegressgatewaypolicies",
    singular: "ciliumegressgatewaypolicy",
    kind: "CiliumEgressGatewayPolicy",
    shortNames: ["cegp"],
    categories: ["cilium", "ciliumpolicy"],
    scope: "Cluster",
    statusSubresource: false,
    printerColumns: [age],
  },
  {
    group: "cilium.io",
    versions: [
      {
        name: "v2alpha1",
        served: true,
        storage: true,
        deprecated: true,
        deprecationWarning:
          "cilium.io/v2alpha1 CiliumBGPPeeringPolicy is deprecated; use cilium.io/v2 CiliumBGPClusterConfig, CiliumBGPPeerConfig and CiliumBGPAdvertisement",
        schema: peeringPolicy,
      },
    ],
    plural: "ciliumbgppeeringpolicies",
    singular: "ciliumbgppeeringpolicy",
    kind: "CiliumBGPPeeringPolicy",
    shortNames: ["bgpp"],
    categories: ["cilium", "ciliumbgp"],
    scope: "Cluster",
    statusSubresource: false,
    printerColumns: [age],
  },
  {
    group: "cilium.io",
    versions: [
      {
        name: "v2alpha1",
        served: true,
        storage: true,
        deprecated: true,
        deprecationWarning:
          "cilium.io/v2alpha1 CiliumBGPPeerPolicy is no resource of Cilium: it is read as a CiliumBGPPeeringPolicy; use cilium.io/v2 CiliumBGPClusterConfig, CiliumBGPPeerConfig and CiliumBGPAdvertisement",
        schema: peerPolicy,
      },
    ],
    plural: "ciliumbgppeerpolicies",
    singular: "ciliumbgppeerpolicy",
    kind: "CiliumBGPPeerPolicy",
    shortNames: [],
    categories: ["cilium", "ciliumbgp"],
    scope: "Cluster",
    statusSubresource: false,
    printerColumns: [age],
  },
];
