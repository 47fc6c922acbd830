import type { Prefix } from "../net/prefix.ts";
import { type DesiredCondition, withConditions, withoutConditions } from "./conditions.ts";
import { compareText } from "./compare-text.ts";
import { gatewayChoiceAnnotation } from "./default-gateway.ts";
import { jsonEqual } from "./json-equal.ts";
import { LabelSelectorError, matchesLabels } from "./labels.ts";
import {
  clusterConfigConditions,
  operatorConditionTypes,
  peerConfigConditions,
} from "./operator-conditions.ts";
import { RouterIdPool } from "./router-id-pool.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumBGPClusterConfig } from "./schema/cluster-config.ts";
import type { Condition } from "./schema/condition.ts";
import type { OwnerReference } from "./schema/metadata.ts";
import type { CiliumBGPNodeConfigOverride } from "./schema/node-config-override.ts";
import type { CiliumBGPNodeConfig, NodeInstance, NodePeer } from "./schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";

/**
 * Cilium's BGP operator: CiliumBGPClusterConfigs select nodes, and each selected node gets a
 * CiliumBGPNodeConfig of its own name. Pure: the state comes in, what is to be done goes out.
 */
export type OperatorState = {
  clusterConfigs: readonly CiliumBGPClusterConfig[];
  peerConfigs: readonly CiliumBGPPeerConfig[];
  nodeConfigOverrides: readonly CiliumBGPNodeConfigOverride[];
  nodes: readonly CiliumNode[];
  /** As they are now. */
  nodeConfigs: readonly CiliumBGPNodeConfig[];
  /** Names of the Secrets in the BGP secrets namespace; undefined: there is no such namespace, and no condition about them. */
  secretNames: ReadonlySet<string> | undefined;
  /**
   * `bgp-router-id-allocation-mode: ip-pool`: every instance gets a router ID out of this IPv4 prefix.
   * Undefined: the agents choose.
   */
  routerIdPool?: Prefix;
  /** `enable-bgp-control-plane-status-report`: if false, the operator's conditions are removed. */
  statusReport: boolean;
  /** RFC 3339: when conditions that change now last changed. */
  now: string;
};

export type OperatorAction =
  | { action: "createNodeConfig"; nodeConfig: CiliumBGPNodeConfig }
  /** `nodeConfig` is the existing object with its new spec: resourceVersion and all else are kept. */
  | { action: "updateNodeConfig"; nodeConfig: CiliumBGPNodeConfig }
  | { action: "deleteNodeConfig"; name: string }
  /** Replaces `status.conditions`, by the status subresource. */
  | {
      action: "setConditions";
      kind: "CiliumBGPClusterConfig" | "CiliumBGPPeerConfig";
      name: string;
      conditions: Condition[];
    };

export type OperatorResult = {
  /** What differs from the state, in the order to do it. Done completely, the next result is empty. */
  actions: OperatorAction[];
  /** CiliumBGPClusterConfigs that cannot be carried out. They do not hold up the others. */
  errors: { clusterConfig: string; message: string }[];
};

type ClusterInstance = CiliumBGPClusterConfig["spec"]["bgpInstances"][number];
type ClusterPeer = NonNullable<ClusterInstance["peers"]>[number];
type InstanceOverride = CiliumBGPNodeConfigOverride["spec"]["bgpInstances"][number];

export function reconcileOperator(state: OperatorState): OperatorResult {
  const actions: OperatorAction[] = [];
  const errors: OperatorResult["errors"] = [];
  const nodeConfigs = new Map(state.nodeConfigs.map((config) => [config.metadata.name, config]));

  // 1. Select nodes. Who came first keeps a node, so configs go in order of their age.
  const selections: { config: CiliumBGPClusterConfig; nodeNames: Set<string> }[] = [];
  for (const config of [...state.clusterConfigs].sort(byAge)) {
    try {
      selections.push({ config, nodeNames: selectedNodes(config, state.nodes) });
    } catch (error) {
      if (!(error instanceof LabelSelectorError)) throw error;
      const message = `spec.nodeSelector: ${error.message}`;
      errors.push({ clusterConfig: config.metadata.name, message });
    }
  }

  // 2. Delete what a config owns but no longer selects, so that another may take the node at once.
  for (const { config, nodeNames } of selections) {
    for (const nodeConfig of nodeConfigs.values()) {
      const name = nodeConfig.metadata.name;
      if (nodeNames.has(name) || !isOwner(nodeConfig, config)) continue;
      nodeConfigs.delete(name);
      actions.push({ action: "deleteNodeConfig", name });
    }
  }

  const routerIds =
    state.routerIdPool && new RouterIdPool(state.routerIdPool, [...nodeConfigs.values()]);
  // 3. Create or update the NodeConfig of each selected node, but never one that another config owns.
  for (const { config, nodeNames } of selections) {
    const conflicting = new Set<string>();
    for (const name of nodeNames) {
      const existing = nodeConfigs.get(name);
      if (existing !== undefined && !isOwner(existing, config)) {
        const owner = ownerName(existing);
        if (owner !== undefined) conflicting.add(owner);
        continue;
      }
      const override = state.nodeConfigOverrides.find((one) => one.metadata.name === name);
      const bgpInstances = nodeInstances(config, override);
      if (routerIds !== undefined) {
        const refused = routerIds.assign(name, bgpInstances);
        for (const message of refused)
          errors.push({ clusterConfig: config.metadata.name, message });
      }
      const spec = { bgpInstances };
      if (existing === undefined) {
        const nodeConfig = newNodeConfig(name, config, spec);
        nodeConfigs.set(name, nodeConfig);
        actions.push({ action: "createNodeConfig", nodeConfig });
        continue;
      }
      const metadata = withGatewayChoice(existing.metadata, config);
      if (!jsonEqual(existing.spec, spec) || !jsonEqual(existing.metadata, metadata)) {
        actions.push({ action: "updateNodeConfig", nodeConfig: { ...existing, metadata, spec } });
      }
    }
    // 4. Say how it went.
    const desired = clusterConfigConditions(config, {
      nodeCount: nodeNames.size,
      missingPeerConfigs: missingPeerConfigs(config, state.peerConfigs),
      conflictingClusterConfigs: [...conflicting],
    });
    actions.push(...conditionsAction(config, desired, state));
  }

  for (const config of state.peerConfigs) {
    const desired = peerConfigConditions(config, state.secretNames);
    actions.push(...conditionsAction(config, desired, state));
  }
  return { actions, errors };
}

/** Names of the nodes a config selects; without a selector, all of them. */
function selectedNodes(config: CiliumBGPClusterConfig, nodes: readonly CiliumNode[]): Set<string> {
  const selector = config.spec.nodeSelector;
  const selected = nodes.filter(
    ({ metadata }) => selector === undefined || matchesLabels(selector, metadata.labels),
  );
  return new Set(selected.map(({ metadata }) => metadata.name));
}

/** The config's instances with what the node's override changes, matched by instance name. */
function nodeInstances(
  config: CiliumBGPClusterConfig,
  override: CiliumBGPNodeConfigOverride | undefined,
): NodeInstance[] {
  return config.spec.bgpInstances.map((instance) =>
    nodeInstance(
      instance,
      override?.spec.bgpInstances.find(({ name }) => name === instance.name),
    ),
  );
}

function nodeInstance(
  instance: ClusterInstance,
  override: InstanceOverride | undefined,
): NodeInstance {
  const localASN = override?.localASN ?? instance.localASN;
  const localPort = override?.localPort ?? instance.localPort;
  const peers = (instance.peers ?? []).map((peer) =>
    nodePeer(peer, override?.peers?.find(({ name }) => name === peer.name)?.localAddress),
  );
  return {
    name: instance.name,
    ...(localASN !== undefined && { localASN }),
    ...(localPort !== undefined && { localPort }),
    ...(override?.routerID !== undefined && { routerID: override.routerID }),
    ...(peers.length > 0 && { peers }),
  };
}

function nodePeer(peer: ClusterPeer, localAddress: string | undefined): NodePeer {
  const { name, peerAddress, peerASN, autoDiscovery, peerConfigRef } = peer;
  return {
    name,
    ...(peerAddress !== undefined && { peerAddress }),
    peerASN,
    ...(autoDiscovery !== undefined && { autoDiscovery }),
    ...(peerConfigRef !== undefined && { peerConfigRef: { name: peerConfigRef.name } }),
    ...(localAddress !== undefined && { localAddress }),
  };
}

function newNodeConfig(
  name: string,
  owner: CiliumBGPClusterConfig,
  spec: CiliumBGPNodeConfig["spec"],
): CiliumBGPNodeConfig {
  const ownerReference: OwnerReference = {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPClusterConfig",
    name: owner.metadata.name,
    uid: uidOf(owner),
    controller: true,
  };
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPNodeConfig",
    metadata: withGatewayChoice({ name, ownerReferences: [ownerReference] }, owner),
    spec,
  };
}

/** The one annotation that a CiliumBGPClusterConfig passes on to its nodes. */
function withGatewayChoice(
  metadata: CiliumBGPNodeConfig["metadata"],
  owner: CiliumBGPClusterConfig,
): CiliumBGPNodeConfig["metadata"] {
  const choice = owner.metadata.annotations?.[gatewayChoiceAnnotation];
  const { [gatewayChoiceAnnotation]: _, ...others } = metadata.annotations ?? {};
  const { annotations: __, ...rest } = metadata;
  const annotations = {
    ...others,
    ...(choice !== undefined && { [gatewayChoiceAnnotation]: choice }),
  };
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** Names of the CiliumBGPPeerConfigs that the config refers to and that do not exist. */
function missingPeerConfigs(
  config: CiliumBGPClusterConfig,
  peerConfigs: readonly CiliumBGPPeerConfig[],
): string[] {
  const existing = new Set(peerConfigs.map(({ metadata }) => metadata.name));
  return config.spec.bgpInstances
    .flatMap(({ peers }) => peers ?? [])
    .flatMap(({ peerConfigRef }) => peerConfigRef?.name ?? [])
    .filter((name) => !existing.has(name));
}

/** The action that brings the operator's conditions of `config` to the desired ones, if any is needed. */
function conditionsAction(
  config: CiliumBGPClusterConfig | CiliumBGPPeerConfig,
  desired: readonly DesiredCondition[],
  { statusReport, now }: OperatorState,
): OperatorAction[] {
  const existing = config.status?.conditions;
  const conditions = statusReport
    ? withConditions(existing, desired, now)
    : withoutConditions(existing, operatorConditionTypes);
  if (conditions === undefined) return [];
  return [{ action: "setConditions", kind: config.kind, name: config.metadata.name, conditions }];
}

/** By UID: a config deleted and made anew under its old name owns nothing. */
function isOwner(nodeConfig: CiliumBGPNodeConfig, config: CiliumBGPClusterConfig): boolean {
  const uid = uidOf(config);
  return (nodeConfig.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid);
}

function ownerName(nodeConfig: CiliumBGPNodeConfig): string | undefined {
  return nodeConfig.metadata.ownerReferences?.find(
    ({ apiVersion, kind }) => apiVersion === "cilium.io/v2" && kind === "CiliumBGPClusterConfig",
  )?.name;
}

function uidOf({ kind, metadata }: CiliumBGPClusterConfig): string {
  if (metadata.uid !== undefined) return metadata.uid;
  throw new TypeError(`${kind} ${metadata.name} has no uid: it does not come from an API server`);
}

/** Oldest first, by name among those of one second. */
function byAge(a: CiliumBGPClusterConfig, b: CiliumBGPClusterConfig): number {
  return (
    compareText(a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? "") ||
    compareText(a.metadata.name, b.metadata.name)
  );
}
