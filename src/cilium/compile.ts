import type { PeerConfig, SpeakerConfig } from "../bgp/speaker/config.ts";
import { type Address, parseAddress } from "../net/address.ts";
import { CompileMemory } from "./compile-memory.ts";
import { compilePeer } from "./compile-peer.ts";
import {
  discoveredPeers,
  type GatewayChoice,
  gatewayChoiceAnnotation,
  gatewayChoices,
} from "./default-gateway.ts";
import { InstanceError } from "./instance-error.ts";
import type { NodeInput } from "./node-input.ts";
import { podCidrsOf } from "./pod-cidr.ts";
import { defaultRouterId } from "./router-id.ts";
import type { CiliumBGPNodeConfig, NodeInstance, NodePeer } from "./schema/node-config.ts";

export type CompileResult = {
  /** What each instance should run, in the order of the CiliumBGPNodeConfig. */
  instances: {
    name: string;
    config: SpeakerConfig;
    /** The peers of the resource, with the addresses that auto-discovery found. */
    peers: NodePeer[];
  }[];
  /**
   * What could not be done. An instance that is named here and is not among `instances` keeps running
   * as it does: Cilium's reconcilers stop at such an error before they change anything.
   */
  errors: { instance: string; message: string }[];
  /** What the resources ask for and Spinelab leaves out, or what will surprise. */
  warnings: string[];
};

/**
 * From Cilium's resources to plain speaker configurations, as Cilium's agent reconciles them. This is
 * where the manifest types end. With the memory of the last time, only Services that changed are looked at.
 */
export function compileNode(input: NodeInput, memory = new CompileMemory()): CompileResult {
  const result: CompileResult = { instances: [], errors: [], warnings: [] };
  const warnings = new Set<string>();
  memory.begin(input.services);
  for (const instance of input.nodeConfig.spec.bgpInstances) {
    const { config, peers, errors, warnings: own } = compileInstance(instance, input, memory);
    if (config !== undefined) result.instances.push({ name: instance.name, config, peers });
    for (const message of errors) result.errors.push({ instance: instance.name, message });
    for (const warning of own) warnings.add(`${instance.name}: ${warning}`);
  }
  memory.end();
  result.warnings.push(...warnings);
  return result;
}

type CompiledInstance = {
  config?: SpeakerConfig;
  peers: NodePeer[];
  errors: string[];
  warnings: string[];
};

function compileInstance(
  instance: NodeInstance,
  input: NodeInput,
  memory: CompileMemory,
): CompiledInstance {
  const errors: string[] = [];
  const warnings: string[] = [];
  /** What `compute` gives, or undefined and an error noted. */
  const attempt = <Value>(compute: () => Value): Value | undefined => {
    try {
      return compute();
    } catch (error) {
      if (!(error instanceof InstanceError)) throw error;
      errors.push(error.message);
      return undefined;
    }
  };

  const localAsn = attempt(() => localAsnOf(instance));
  const routerId = attempt(() => routerIdOf(instance, input));
  // With multi-pool the node's addresses are of pools, which are advertised by their own type.
  const podCidrs = attempt(() => (input.ipam === "multi-pool" ? [] : podCidrsOf(input.node)));
  const given = discoveredPeers(
    instance.peers ?? [],
    input.network,
    gatewayChoiceOf(input.nodeConfig, (message) => warnings.push(message)),
    (message) => warnings.push(message),
  );
  if (localAsn === undefined || routerId === undefined || podCidrs === undefined) {
    return { peers: given, errors, warnings };
  }
  const scope = { instance: instance.name, localAsn, podCidrs, input, memory };
  const peers = given.map((peer) => attempt(() => compilePeer(peer, scope)));
  for (const peer of peers) warnings.push(...(peer?.warnings ?? []));
  if (errors.length > 0) return { peers: given, errors, warnings };

  const originate = memory.united(
    instance.name,
    peers.flatMap((peer) => peer?.originate ?? []),
  );
  const { accepted, refused } = onePerAddress(peers.flatMap((peer) => peer?.config ?? []));
  const config: SpeakerConfig = {
    localAsn,
    routerId,
    ...(instance.localPort !== undefined && { listenPort: instance.localPort }),
    hostname: input.hostname,
    peers: accepted,
    originate,
  };
  return { config, peers: given, errors: refused, warnings };
}

function localAsnOf({ name, localASN }: NodeInstance): number {
  if (localASN === undefined) throw new InstanceError(`instance ${name} does not have a LocalASN`);
  return localASN;
}

function routerIdOf({ routerID }: NodeInstance, { node, network }: NodeInput): Address {
  if (routerID !== undefined) {
    const parsed = parseAddress(routerID);
    if (parsed === undefined) throw new InstanceError(`failed to parse router ID ${routerID}`);
    return parsed;
  }
  const mac = network.interfaces.find(({ name }) => name === "cilium_host")?.mac;
  const routerId = defaultRouterId(node, mac);
  if (routerId !== undefined) return routerId;
  throw new InstanceError("failed to get router ID: the node has no IPv4 address");
}

function gatewayChoiceOf(
  { metadata }: CiliumBGPNodeConfig,
  warn: (message: string) => void,
): GatewayChoice {
  const text = metadata.annotations?.[gatewayChoiceAnnotation];
  const choice = gatewayChoices.find((each) => each === text);
  if (text !== undefined && choice === undefined) {
    warn(
      `annotation ${gatewayChoiceAnnotation}: ${text} is not one of ${gatewayChoices.join(", ")}`,
    );
  }
  return choice ?? "one";
}

/** A speaker tells its peers apart by address, so of several with one address the first is kept. */
function onePerAddress(peers: readonly PeerConfig[]): {
  accepted: PeerConfig[];
  refused: string[];
} {
  const byAddress = new Map<string, PeerConfig>();
  const refused: string[] = [];
  for (const peer of peers) {
    const key = `${peer.address}%${peer.interface ?? ""}`;
    const other = byAddress.get(key);
    if (other === undefined) byAddress.set(key, peer);
    else {
      refused.push(
        `failed to add neighbor ${peer.name}: ${peer.address} is already neighbor ${other.name}`,
      );
    }
  }
  return { accepted: [...byAddress.values()], refused };
}
