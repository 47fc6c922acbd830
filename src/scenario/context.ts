import type { KubeObject } from "../kube/object.ts";
import type { BmpTold } from "../observe/bmp.ts";
import type { Names } from "../observe/names.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Recorder, Verdict } from "../timeline/record.ts";
import type { Fabric } from "../topology/fabric.ts";
import type { Clock } from "./clock.ts";
import type { ResourceReference } from "./schema/types.ts";

/** All that a scenario acts upon. */
export type ScenarioContext = {
  fabric: Fabric;
  runtime: Runtime;
  kube: KubePort;
  agents: AgentPort;
  bmp: BmpPort;
  nodes: NodePort;
  recorder: Recorder;
  clock: Clock;
  /** What is drawn by chance follows from it. */
  seed: number;
  /** Aborted when the run is to end early: runScenario then rejects with its reason. */
  signal: AbortSignal;
  /**
   * Whether the lab goes on after a run that ends early: what has `undoAfter` and is in force is then taken back
   * at once. Absent: it goes with the run.
   */
  staysUp?: () => boolean;
  /** Asked between steps, by those who want to look on the way. */
  betweenSteps?: BetweenSteps;
};

export type BetweenSteps = {
  /** Step `index` begins when this resolves. */
  before?(index: number): Promise<void>;
  /** After step `index`: whether the next one follows. */
  after?(index: number, verdict: Verdict): Promise<"go on" | "stop">;
};

/** What events and checks share: the context, and what is known of the lab. */
export type LabContext = ScenarioContext & { names: Names };

/**
 * The Kubernetes API as far as scenarios need it. A reference without `apiVersion` means the one
 * group that has the kind; without a namespace, `default` where the kind has namespaces.
 */
export interface KubePort {
  /** Undefined where there is no such object. */
  get(reference: ResourceReference): Promise<KubeObject | undefined>;
  /** All objects of a kind, in every namespace; none where the API knows no such kind. */
  list(kind: string): Promise<KubeObject[]>;
  /** All pods of the cluster, or of one namespace. */
  listPods(namespace?: string): Promise<KubeObject[]>;
  /** Creates the object or brings it to what is given (server-side apply). */
  apply(object: KubeObject): Promise<void>;
  /** RFC 7386 merge patch. Rejects where there is no such object. */
  patch(reference: ResourceReference, merge: Record<string, unknown>): Promise<void>;
  /** Rejects where there is no such object. */
  delete(reference: ResourceReference): Promise<void>;
  /** Calls back after each change of an object that is heard of. Returns how to stop. */
  onChange(callback: () => void): () => void;
  /** What the container wrote so far, of much the end; undefined `container`: the first. */
  podLog(namespace: string, name: string, container: string | undefined): Promise<string>;
}

/** What routers tell of themselves, as far as they are configured to. */
export interface BmpPort {
  /** Calls back at each message. Returns how to stop. */
  onTold(callback: (told: BmpTold) => void): () => void;
}

/** The BGP processes of the Kubernetes nodes. Each resolves when it is done: started means running. */
export interface AgentPort {
  /** SIGTERM, then start. */
  restart(node: string): Promise<void>;
  /** As restart, with the program of this moment instead of the one that it was started with. */
  upgrade(node: string): Promise<void>;
  /** SIGKILL. */
  kill(node: string): Promise<void>;
  /** SIGTERM; resolves when the process has ended. */
  stop(node: string): Promise<void>;
  start(node: string): Promise<void>;
  /** What the agent wrote so far. */
  log(node: string): Promise<string>;
}

/** Whole nodes: machines with all that runs on them. Each resolves when it is done. */
export interface NodePort {
  /** A power cut. */
  stop(node: string): Promise<void>;
  /** The links, the exec lines, the agent and the pods are back. A node that had left its cluster joins it. */
  start(node: string): Promise<void>;
  /** Freezes every process; the kernel goes on forwarding, as with `docker pause`. */
  pause(node: string): Promise<void>;
  unpause(node: string): Promise<void>;
  /** A routing daemon, or all of a node's, is about to end, and that is no failure of the lab. */
  expectDaemonToEnd(node: string, daemon: string | undefined): void;
}

/**
 * What a check needs is not there yet: its pod does not run, its router cannot be read. Where that
 * is still so at the end of the waiting, the check is inconclusive rather than failed.
 */
export class PreconditionError extends Error {
  override readonly name = "PreconditionError";
}
