import type { AfiSafi } from "../bgp/wire/message.ts";
import { compareText } from "./compare-text.ts";
import { type DesiredCondition, withConditions } from "./conditions.ts";
import type {
  CiliumBGPNodeConfig,
  NodeConfigStatus,
  NodePeerStatus,
} from "./schema/node-config.ts";

/** The states of RFC 4271 §8.2.2 by their names, and as `peeringState` spells them. */
export const peeringStates = {
  Idle: "idle",
  Connect: "connect",
  Active: "active",
  OpenSent: "open_sent",
  OpenConfirm: "open_confirm",
  Established: "established",
} as const;

/** What a speaker knows about one of its peers: its PeerStatus, and a time that people can read. */
export type PeerState = {
  /** PeerConfig.name */
  name: string;
  state: keyof typeof peeringStates;
  /** The AS number of the peer's OPEN; the configured one while there is no session. */
  asn: number;
  /** RFC 3339; only where the session is Established. */
  establishedTime?: string;
  /** As negotiated; only where the session is Established. */
  appliedHoldTimeSeconds?: number;
  appliedKeepaliveSeconds?: number;
  families: readonly { family: AfiSafi; received: number; advertised: number }[];
};

/** Errors of instances as CompileResult has them. */
export type InstanceErrors = readonly { instance: string; message: string }[];

/**
 * `status` of a CiliumBGPNodeConfig. Instances that are not running are left out; of those that run,
 * every configured peer with an address appears, with no state where the speaker does not have it.
 * `now` is RFC 3339.
 */
export function nodeConfigStatus(
  nodeConfig: CiliumBGPNodeConfig,
  running: ReadonlyMap<string, readonly PeerState[]>,
  errors: InstanceErrors,
  now: string,
): NodeConfigStatus {
  const bgpInstances = nodeConfig.spec.bgpInstances.flatMap(({ name, localASN, peers = [] }) => {
    const states = running.get(name);
    if (states === undefined) return [];
    const statuses = peers.flatMap((peer) => {
      const { peerAddress, peerASN } = peer;
      if (peerAddress === undefined || peerASN === undefined) return [];
      const state = states.find((one) => one.name === peer.name);
      return [peerStatus({ name: peer.name, peerAddress, peerASN }, state)];
    });
    return [
      {
        name,
        ...(localASN !== undefined && { localASN }),
        ...(statuses.length > 0 && { peers: statuses }),
      },
    ];
  });
  const existing = nodeConfig.status?.conditions;
  const desired = reconcileErrorCondition(errors, nodeConfig.metadata.generation);
  const conditions = withConditions(existing, [desired], now) ?? existing ?? [];
  return { ...(bgpInstances.length > 0 && { bgpInstances }), conditions };
}

function peerStatus(
  configured: { name: string; peerAddress: string; peerASN: number },
  state: PeerState | undefined,
): NodePeerStatus {
  if (state === undefined) return configured;
  return {
    ...configured,
    // 0 accepts any AS number: then the one the peer came with is shown.
    ...(configured.peerASN === 0 && { peerASN: state.asn }),
    peeringState: peeringStates[state.state],
    ...(state.establishedTime !== undefined && { establishedTime: state.establishedTime }),
    timers: {
      appliedHoldTimeSeconds: state.appliedHoldTimeSeconds ?? 0,
      appliedKeepaliveSeconds: state.appliedKeepaliveSeconds ?? 0,
    },
    ...(state.families.length > 0 && {
      routeCount: state.families.map(({ family, received, advertised }) => ({
        afi: family.afi,
        safi: family.safi,
        advertised,
        received,
      })),
    }),
  };
}

const messageBytesMax = 32 * 1024;

/** All errors in one message, by instance, as many as its 32 KiB hold. */
function reconcileErrorCondition(
  errors: InstanceErrors,
  generation: number | undefined,
): DesiredCondition {
  let message = "";
  let bytes = 0;
  for (const error of [...errors].sort((a, b) => compareText(a.instance, b.instance))) {
    const line = `${error.instance}: ${error.message}\n`;
    const lineBytes = new TextEncoder().encode(line).length;
    if (bytes + lineBytes >= messageBytesMax) break;
    bytes += lineBytes;
    message += line;
  }
  return {
    type: "cilium.io/BGPReconcileError",
    ...(errors.length > 0
      ? { status: "True", reason: "ReconcileFailed" }
      : { status: "False", reason: "ReconcileSucceeded" }),
    message,
    ...(generation !== undefined && { observedGeneration: generation }),
  };
}
