import type { z } from "zod";
import { advertisementResourceV2, advertisementResourceV2alpha1 } from "./advertisement.ts";
import { ciliumNodeV2 } from "./cilium-node.ts";
import { clusterConfigV2, clusterConfigV2alpha1 } from "./cluster-config.ts";
import { nodeConfigOverrideV2, nodeConfigOverrideV2alpha1 } from "./node-config-override.ts";
import { nodeConfigV2, nodeConfigV2alpha1 } from "./node-config.ts";
import { peerConfigV2, peerConfigV2alpha1 } from "./peer-config.ts";

/** A custom resource as an API server registers, validates and shows it. */
export type CiliumResource = {
  group: "cilium.io";
  versions: {
    name: string;
    served: boolean;
    /** What is stored, under whichever version it was written: exactly one version of each resource. */
    storage: boolean;
    deprecated: boolean;
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
  printerColumns: { name: string; type: "string" | "date"; jsonPath: string }[];
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
];
