import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import type { EgressPlan } from "../cilium/egress-plan.ts";
import type { Informer, InformerOptions } from "../kube/client/informer.ts";
import type { KubeClient, Resource } from "../kube/client/kube-client.ts";
import type { Clock } from "../kube/clock.ts";
import type { KubeObject } from "../kube/object.ts";
import type { NetworkState } from "../net/network-state.ts";
import type { Address } from "../net/address.ts";
import type { Log } from "./log.ts";
import type { SpeakerHost, SpeakerHostOptions } from "./speaker-host.ts";

/**
 * What agent and operator have of the world, handed in: a process has the system's (system-edges.ts), a
 * simulated node has its world's.
 */
export type Edges = {
  clock: AgentClock;
  /** Uniform in [0, 1). */
  random: () => number;
  client: Pick<KubeClient, "create" | "update" | "patch" | "delete" | "version">;
  informer: (resource: Resource, options: InformerOptions) => Informer<KubeObject>;
};

/** `nowMs` may be set, by people and by NTP; `monotonicMs` only goes forward, from its `unixAtZeroMs` on. */
export type AgentClock = Clock & { monotonicMs: () => number; readonly unixAtZeroMs: number };

/** What an agent has of its node besides. */
export type NodeEdges = Edges & {
  network: () => NetworkState;
  /** Of any change of links, addresses and default routes. */
  watchNetwork: (onChange: () => void) => { close: () => void };
  newSpeaker: (
    config: SpeakerConfig,
    options: Omit<SpeakerHostOptions, "kernel">,
  ) => RunningSpeaker;
  newEgress: (log: Log) => EgressEdge;
};

/** What of a node carries out an EgressPlan; a new one takes the place of the one before. */
export type EgressEdge = {
  apply: (order: EgressOrder) => Promise<void>;
  /** Takes all of it away, also what an earlier agent of the node left. */
  remove: () => Promise<void>;
  /** Leaves it as it is. */
  close: () => void;
};

export type EgressOrder = {
  plan: EgressPlan;
  node: string;
  /** The node's InternalIP, and those of all nodes by name: the ends of the tunnel between them. */
  self: Address;
  addresses: Record<string, Address>;
  /** Nodes other than this one that are gateways of a policy. */
  gateways: string[];
  /** Of those that the plan names. */
  interfaceIndexes: Record<string, number>;
};

/** A speaker with its sockets and timers. */
export type RunningSpeaker = Pick<
  SpeakerHost,
  "speaker" | "start" | "configure" | "reset" | "stop"
>;
