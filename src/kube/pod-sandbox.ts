import type { Duplex } from "node:stream";
import type { Address } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";

/**
 * How the pod runner makes pods real on a runtime that has no kubelet. A runtime with namespaces
 * implements it; kube/ knows nothing of namespaces.
 */
export interface PodSandboxes {
  /** Makes the pod's namespaces and address and starts its containers' commands. */
  start(pod: PodToRun): Promise<void>;
  /** Ends the pod. Fine where it is gone already. */
  stop(pod: PodName): Promise<void>;
  /** The node has these CIDRs of pools no more: they may be another node's now. */
  releaseCidrs(node: string, cidrs: readonly Prefix[]): Promise<void>;
  /** Runs a command in the pod, its streams joined to the caller's. */
  exec(pod: PodName, argv: readonly string[], options: { terminal: boolean }): PodExec;
  /** What the container wrote so far to stdout and stderr; of much the end. */
  logs(pod: PodName, container: string): Promise<string>;
}

export type PodName = { namespace: string; name: string };

export type PodToRun = PodName & {
  node: string;
  uid: string;
  hostNetwork: boolean;
  /** Addresses of the pod, one per family, out of the node's podCIDRs or a pool. */
  addresses: Address[];
  podCidrs: Prefix[];
  /** Of the pools that addresses are of instead; what no pod has of them is unreachable. */
  poolCidrs: Prefix[];
  containers: {
    name: string;
    image: string;
    /** `command` + `args`; empty: the image's own, which a runtime without images replaces by a pause. */
    argv: string[];
    env: Record<string, string>;
  }[];
  /** A container's command ended or could not start. */
  onExit: (container: string, exitCode: number, reason: string) => void;
};

export type PodExec = {
  stdin: Duplex | NodeJS.WritableStream;
  stdout: NodeJS.ReadableStream;
  /** Undefined with a terminal: both come on stdout. */
  stderr: NodeJS.ReadableStream | undefined;
  resize(columns: number, rows: number): void;
  ended: Promise<{ exitCode: number }>;
};
