import type { Pod } from "../kinds.ts";
import type { PodSandboxes } from "../pod-sandbox.ts";
import { recordEvent } from "../events.ts";
import type { KubeApi } from "../server/kube-api.ts";
import type { StoreEvent } from "../server/object-store.ts";
import { PodAddresses } from "./pod-addresses.ts";
import { PodPools } from "./pod-pools.ts";
import { PodWorker } from "./pod-worker.ts";

export type PodRunnerOptions = {
  api: KubeApi;
  sandboxes: PodSandboxes;
  /** Told what could not be done and was given up; failed starts are not among them. */
  onError: (what: string, error: unknown) => void;
};

export type PodRunner = {
  /** The node lost its power, and every pod on it its processes. Nothing is done or told there until it is back. */
  nodeStopped(node: string): void;
  /** The node is back: its kubelet makes the pods that are still to be there anew. */
  nodeStarted(node: string): void;
  /** Its pods went on all the time, but may have been taken for lost. */
  nodeUnpaused(node: string): void;
  /** Stops looking after pods, which go on as they are; resolves when nothing is under way. */
  stop(): Promise<void>;
};

/** What the kubelets of a cluster do, for all nodes at once: makes bound pods real and reports on them. */
export function startPodRunner({ api, sandboxes, onError }: PodRunnerOptions): PodRunner {
  const stopped = new Set<string>();
  const isStopped = (node: string) => stopped.has(node);
  const addresses = new PodAddresses();
  const pools = new PodPools({
    ...{ api, addresses },
    released: async (node, cidrs) => {
      if (isStopped(node)) return; // It comes back without any.
      await sandboxes
        .releaseCidrs(node, cidrs)
        .catch((error: unknown) => onError(`CIDRs of node ${node}`, error));
    },
  });
  const context = { api, sandboxes, onError, pools, isStopped };
  const workers = new Map<string, PodWorker>();
  /** By namespace and name: the end of the last pod of that name. */
  const ends = new Map<string, Promise<void>>();

  const begin = (pod: Pod) => {
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (pod.spec.initContainers?.length) {
      recordEvent(api, pod, {
        type: "Warning",
        reason: "InitContainersSkipped",
        message: "Spinelab's pod runner does not run init containers",
        component: "kubelet",
      });
    }
    workers.set(
      pod.metadata.uid!,
      new PodWorker(context, pod, ends.get(name) ?? Promise.resolve()),
    );
  };
  const end = (worker: PodWorker, pod: Pod) => {
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    const ended = worker.end().then(() => {
      workers.delete(worker.uid);
      if (ends.get(name) === ended) ends.delete(name);
    });
    ends.set(name, ended);
  };

  const react = ({ type, resource, object }: StoreEvent) => {
    if (resource !== "pods") return;
    const pod = object as Pod;
    if (!pod.spec.nodeName) return;
    const worker = workers.get(pod.metadata.uid!);
    const going = type === "DELETED" || pod.metadata.deletionTimestamp !== undefined;
    if (worker) {
      if (going) end(worker, pod);
    } else if (type === "DELETED") return;
    else if (going) {
      // It was to end before it began.
      const now = api.find("pods", pod.metadata);
      if (now?.metadata.uid !== pod.metadata.uid) return;
      api.delete("pods", pod.metadata, { gracePeriodSeconds: 0 });
    } else if (pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed") begin(pod);
  };
  const unsubscribe = api.subscribe(react);
  for (const object of api.list("pods")) {
    react({ type: "ADDED", resource: "pods", object, version: 0 });
  }
  const on = (node: string) => [...workers.values()].filter((worker) => worker.node === node);
  return {
    nodeStopped(node) {
      stopped.add(node);
      for (const worker of on(node)) worker.nodeStopped();
    },
    nodeStarted(node) {
      stopped.delete(node);
      for (const worker of on(node)) worker.nodeStarted();
    },
    nodeUnpaused(node) {
      for (const worker of on(node)) worker.reportAgain();
    },
    async stop() {
      unsubscribe();
      await Promise.all([...workers.values()].map((worker) => worker.abandon()));
    },
  };
}
