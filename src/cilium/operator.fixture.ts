/** Objects and a little API server for the tests of the operator. */
import { type OperatorResult, type OperatorState, reconcileOperator } from "./operator.ts";
import type { CiliumNode } from "./schema/cilium-node.ts";
import type { CiliumBGPClusterConfig } from "./schema/cluster-config.ts";
import type { Condition } from "./schema/condition.ts";
import type { CiliumBGPNodeConfigOverride } from "./schema/node-config-override.ts";
import type { CiliumBGPNodeConfig } from "./schema/node-config.ts";
import type { CiliumBGPPeerConfig } from "./schema/peer-config.ts";

export const now = "2026-08-08T12:00:00Z";
export const later = "2026-08-08T13:00:00Z";

export function clusterConfig(
  name: string,
  rack?: string,
  more: { peers?: NonNullable<Instance["peers"]>; instance?: Partial<Instance> } = {},
): CiliumBGPClusterConfig {
  const { peers, instance } = more;
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPClusterConfig",
    metadata: { name, uid: `uid-of-${name}`, generation: 1, creationTimestamp: now },
    spec: {
      ...(rack !== undefined && { nodeSelector: { matchLabels: { rack } } }),
      bgpInstances: [
        { name: "instance-65010", localASN: 65010, ...(peers && { peers }), ...instance },
      ],
    },
  };
}
type Instance = CiliumBGPClusterConfig["spec"]["bgpInstances"][number];

export function node(name: string, rack: string): CiliumNode {
  const metadata = { name, labels: { rack } };
  return { apiVersion: "cilium.io/v2", kind: "CiliumNode", metadata, spec: {} };
}

export function peerConfig(name: string, authSecretRef?: string): CiliumBGPPeerConfig {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPPeerConfig",
    metadata: { name, generation: 1 },
    spec: { ebgpMultihop: 1, ...(authSecretRef !== undefined && { authSecretRef }) },
  };
}

export function override(
  name: string,
  bgpInstances: CiliumBGPNodeConfigOverride["spec"]["bgpInstances"],
): CiliumBGPNodeConfigOverride {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPNodeConfigOverride",
    metadata: { name },
    spec: { bgpInstances },
  };
}

export function state(of: Partial<OperatorState>): OperatorState {
  return {
    clusterConfigs: [],
    peerConfigs: [],
    nodeConfigOverrides: [],
    nodes: [],
    nodeConfigs: [],
    secretNames: new Set(),
    statusReport: true,
    now,
    ...of,
  };
}

/** What an API server makes of the actions; throws where it would refuse one. */
export function applied(before: OperatorState, { actions }: OperatorResult): OperatorState {
  const nodeConfigs = new Map(before.nodeConfigs.map((one) => [one.metadata.name, one]));
  const conditions = new Map<string, Condition[]>();
  for (const one of actions) {
    switch (one.action) {
      case "createNodeConfig":
        must(!nodeConfigs.has(one.nodeConfig.metadata.name), "created twice");
        nodeConfigs.set(one.nodeConfig.metadata.name, one.nodeConfig);
        break;
      case "updateNodeConfig":
        must(nodeConfigs.has(one.nodeConfig.metadata.name), "updated but not there");
        nodeConfigs.set(one.nodeConfig.metadata.name, one.nodeConfig);
        break;
      case "deleteNodeConfig":
        must(nodeConfigs.delete(one.name), "deleted but not there");
        break;
      case "setConditions":
        conditions.set(`${one.kind}/${one.name}`, one.conditions);
        break;
    }
  }
  const withStatus = <Kind extends CiliumBGPClusterConfig | CiliumBGPPeerConfig>(
    one: Kind,
  ): Kind => {
    const set = conditions.get(`${one.kind}/${one.metadata.name}`);
    return set === undefined ? one : { ...one, status: { conditions: set } };
  };
  return {
    ...before,
    nodeConfigs: [...nodeConfigs.values()],
    clusterConfigs: before.clusterConfigs.map(withStatus),
    peerConfigs: before.peerConfigs.map(withStatus),
  };
}

export function settled(of: Partial<OperatorState>): OperatorState {
  const before = state(of);
  return applied(before, reconcileOperator(before));
}

export function specs(
  of: OperatorState,
): Record<string, CiliumBGPNodeConfig["spec"]["bgpInstances"]> {
  const entries = of.nodeConfigs.map(({ metadata, spec }) => [metadata.name, spec.bgpInstances]);
  return Object.fromEntries(entries);
}

export function conditionOf(
  of: OperatorState,
  name: string,
  type: string,
): Omit<Condition, "type"> | undefined {
  const all = [...of.clusterConfigs, ...of.peerConfigs];
  const { status } = all.find(({ metadata }) => metadata.name === name)!;
  const found = status?.conditions?.find((one) => one.type === `cilium.io/${type}`);
  if (found === undefined) return undefined;
  const { type: _, ...rest } = found;
  return rest;
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(`an API server would refuse this action: ${otherwise}`);
}
