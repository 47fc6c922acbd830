import { compareText } from "./compare-text.ts";
import type { DesiredCondition } from "./conditions.ts";
import type { CiliumBGPClusterConfig } from "./schema/cluster-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";

/** Every condition type that the operator writes. */
export const operatorConditionTypes = [
  "cilium.io/NoMatchingNode",
  "cilium.io/MissingPeerConfigs",
  "cilium.io/ConflictingClusterConfig",
  "cilium.io/MissingAuthSecret",
] as const;

/** What the operator reports on a CiliumBGPClusterConfig, with Cilium's reasons and messages. */
export function clusterConfigConditions(
  { metadata: { generation } }: CiliumBGPClusterConfig,
  found: {
    nodeCount: number;
    missingPeerConfigs: readonly string[];
    conflictingClusterConfigs: readonly string[];
  },
): DesiredCondition[] {
  const { nodeCount, missingPeerConfigs, conflictingClusterConfigs } = found;
  return [
    {
      type: "cilium.io/NoMatchingNode",
      ...(nodeCount === 0
        ? wrong("MatchingNodeUnavailable", "No node matches spec.nodeSelector")
        : right("MatchingNodeSelected")),
      ...observed(generation),
    },
    {
      type: "cilium.io/MissingPeerConfigs",
      ...(missingPeerConfigs.length > 0
        ? wrong(
            "PeerConfigsMissing",
            `Referenced CiliumBGPPeerConfig(s) are missing: ${listed(missingPeerConfigs)}`,
          )
        : right("PeerConfigsResolved")),
      ...observed(generation),
    },
    {
      type: "cilium.io/ConflictingClusterConfig",
      ...(conflictingClusterConfigs.length > 0
        ? wrong(
            "ClusterConfigConflict",
            `Selecting the same node(s) with ClusterConfig(s): ${listed(conflictingClusterConfigs)}`,
          )
        : right("ClusterConfigValidated")),
      ...observed(generation),
    },
  ];
}

/** What the operator reports on a CiliumBGPPeerConfig; nothing where there is no namespace for secrets. */
export function peerConfigConditions(
  { metadata: { generation }, spec: { authSecretRef } }: CiliumBGPPeerConfig,
  secretNames: ReadonlySet<string> | undefined,
): DesiredCondition[] {
  if (secretNames === undefined) return [];
  return [
    {
      type: "cilium.io/MissingAuthSecret",
      ...missingAuthSecret(authSecretRef, secretNames),
      ...observed(generation),
    },
  ];
}

function missingAuthSecret(authSecretRef: string | undefined, secretNames: ReadonlySet<string>) {
  if (authSecretRef === undefined) {
    return right("AuthSecretNotConfigured", "Auth Secret is not configured");
  }
  if (secretNames.has(authSecretRef)) return right("AuthSecretValidated");
  return wrong(
    "AuthSecretMissing",
    `Referenced Auth Secret ${JSON.stringify(authSecretRef)} is missing`,
  );
}

/** These conditions name troubles: True is bad. */
function wrong(reason: string, message: string) {
  return { status: "True", reason, message } as const;
}

function right(reason: string, message = "") {
  return { status: "False", reason, message } as const;
}

function observed(generation: number | undefined) {
  return generation === undefined ? {} : { observedGeneration: generation };
}

/** `[a b]`: sorted, each once, as Go prints a list. */
function listed(names: readonly string[]): string {
  return `[${[...new Set(names)].sort(compareText).join(" ")}]`;
}
