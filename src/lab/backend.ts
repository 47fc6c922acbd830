import type { Duplex } from "node:stream";
import type { EnvironmentError } from "../input/diagnostic.ts";
import type { Address } from "../net/address.ts";
import type { Place, Progress, Runtime } from "../runtime/port.ts";
import type { Clock } from "../scenario/clock.ts";
import type { AgentPort, KubePort } from "../scenario/context.ts";
import type { Recorder } from "../timeline/record.ts";
import type { Fabric } from "../topology/fabric.ts";
import type { KubeObject } from "../kube/object.ts";

/** Virtual time. `isStill`: nothing moved any more at its end. */
export type TimeGone = { goneMs: number; isStill: boolean };

/** What makes a lab on one kind of runtime. The rest of src/lab/ is the same for all. */
export interface Backend {
  readonly runtime: Runtime;
  /** The lab's time, where that is not the machine's. */
  readonly clock?: Clock;
  /** Brings up nodes and links, and the fabric's clusters without anything in them. */
  build(options: BuildOptions): Promise<LabCluster[]>;
  /** How other commands of this machine get into the nodes and pods that run now. */
  entries(): { nodes: Record<string, Entry>; pods: Record<string, PodEntry> };
  /**
   * Listens for TCP connections inside a node until the node is stopped; resolves with the port, which for port 0
   * is one that is free. Absent where the runtime cannot.
   */
  listenIn?(
    node: string,
    address: Address,
    port: number,
    onConnection: (connection: Duplex) => void,
  ): Promise<number>;
  /**
   * Lets virtual time go on, for so long at least, until no route moves any more and nothing waits to be sent again, or
   * two minutes are over. Absent where time goes on by itself.
   */
  untilStill?(atLeastMs: number, signal: AbortSignal): Promise<TimeGone>;
  /** How often it is worth asking for daemons. */
  readonly daemonLookEveryMs: number;
  /** The routing daemons that run on a node now, with something that changes when one is started anew. */
  daemons(node: string): Promise<Map<string, string>>;
  /**
   * Ends everything, whatever state it is in. Throws EnvironmentError where it cannot now; a later
   * command can, as long as the lab's folder is there.
   */
  down(): Promise<void>;
}

export type BuildOptions = {
  lab: string;
  fabric: Fabric;
  /** What will be applied to the clusters. */
  manifests: readonly { object: KubeObject; source: string }[];
  /** The agents put the routes they learn into the kernel's. */
  installRoutes: boolean;
  /** Where a node's agent is to tell of itself by BMP: `127.0.0.1:40000`; undefined: nowhere. */
  bmpStation: (node: string) => Promise<string | undefined>;
  record: Recorder;
  progress: Progress;
  signal: AbortSignal;
  /** Every node but those that clusters bring runs, and every link is there: commands may be run on them. */
  onLinked: () => void;
  /** A process of the lab ended that nobody asked to end. `last`: the end of its log. */
  onDeath: (node: string, what: string, exitCode: number, last: string) => void;
  /** What the lab runs on is lost: nothing of the lab can be trusted, or asked, any more. */
  onLost: (error: EnvironmentError) => void;
  /** A pod came or went: the entries have changed. */
  onPodsChanged: () => void;
};

/** A Kubernetes cluster of a lab. */
export interface LabCluster {
  readonly agents: AgentPort & { expectAllToEnd(): void };
  /** What scenarios use of the API. */
  readonly port: KubePort;
  /** Applies manifests in order, starts operator and agents; resolves when every pod is running. */
  deploy(
    manifests: readonly { object: KubeObject; source: string }[],
    signal: AbortSignal,
  ): Promise<void>;
  /** A node of the cluster is about to lose its power. */
  nodeStopping(node: string): void;
  /** It is up again; resolves when its agent is. */
  nodeStarted(node: string): Promise<void>;
  /** Its processes stand still, or go on. */
  nodePaused(node: string): void;
  nodeUnpaused(node: string): void;
  /** For people: `4 nodes, 3 pods`. */
  summary(): string;
  close(): Promise<void>;
}

/**
 * The way into a node or pod: a process whose namespaces nsenter enters, as the host numbers it; or
 * a container, with what the docker command needs to find its engine, and the pod in it if it is one; or
 * the lab's own process, which simulates it.
 */
export type Entry =
  | { pid: number }
  | { simulated: Place }
  | {
      container: string;
      environment: Readonly<Record<string, string>>;
      pod?: { namespace: string; name: string };
    };

export type PodEntry = Entry & { node: string };
