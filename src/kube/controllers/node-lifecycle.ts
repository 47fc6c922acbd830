import { timestamp } from "../clock.ts";
import { recordEvent } from "../events.ts";
import type { Condition, NodeObject, Pod, Taint, Toleration } from "../kinds.ts";
import type { KubeApi } from "../server/kube-api.ts";
import { tolerates } from "./placement.ts";

/** `--node-monitor-grace-period` of kube-controller-manager 1.31; 1.32 waits 50 s. */
const defaultGraceMs = 40_000;
/** What the admission plugin DefaultTolerationSeconds gives a pod that says nothing. */
const defaultTolerationMs = 300_000;

const unreachable = "node.kubernetes.io/unreachable";
const taints: Taint[] = [
  { key: unreachable, effect: "NoSchedule" },
  { key: unreachable, effect: "NoExecute" },
];

/**
 * What kube-controller-manager does about nodes whose kubelet falls silent: after the grace period
 * they are NotReady and tainted, their pods count as not ready, so that endpoints go, and those that
 * do not tolerate it for longer are evicted. And what kubelet does about it when it is back.
 */
export class NodeLifecycle {
  readonly #api: KubeApi;
  readonly #onError: (what: string, error: unknown) => void;
  readonly #graceMs: number;
  /** By node: stops what is due. */
  readonly #silent = new Map<string, Set<() => void>>();
  readonly #unsubscribe: () => void;

  constructor(
    api: KubeApi,
    onError: (what: string, error: unknown) => void,
    graceMs = defaultGraceMs,
  ) {
    this.#api = api;
    this.#graceMs = graceMs;
    this.#onError = onError;
    this.#unsubscribe = api.subscribe(({ type, resource, object }) => {
      if (resource === "nodes" && type === "DELETED") this.#collectPods(object.metadata.name);
    });
  }

  /** From now on nothing is heard of the kubelet of this node. */
  silent(node: string): void {
    if (this.#silent.has(node)) return;
    this.#silent.set(node, new Set());
    this.#after(node, this.#graceMs, () => this.#notReady(node));
  }

  /** The kubelet is back. */
  heard(node: string): void {
    for (const cancel of this.#silent.get(node) ?? []) cancel();
    this.#silent.delete(node);
    const object = this.#node(node);
    if (object === undefined || isReady(object)) return;
    const untainted = (object.spec.taints ?? []).filter(({ key }) => key !== unreachable);
    this.#api.patch("nodes", { name: node }, { spec: { taints: untainted } }, "merge");
    this.#setReady(node, {
      status: "True",
      reason: "KubeletReady",
      message: "the node's namespaces are up",
    });
  }

  stop(): void {
    this.#unsubscribe();
    for (const cancels of this.#silent.values()) for (const cancel of cancels) cancel();
  }

  #notReady(node: string): void {
    const object = this.#node(node);
    if (object === undefined) return;
    this.#setReady(node, {
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
    });
    const others = (object.spec.taints ?? []).filter(({ key }) => key !== unreachable);
    const patch = { spec: { taints: [...others, ...taints] } };
    this.#api.patch("nodes", { name: node }, patch, "merge");
    for (const pod of this.#podsOn(node)) {
      this.#podNotReady(pod);
      const afterMs = toleratedMs(pod.spec.tolerations ?? []);
      if (afterMs !== undefined) this.#after(node, afterMs, () => this.#evict(pod));
    }
  }

  #setReady(node: string, ready: Omit<Condition, "type">): void {
    const object = this.#node(node)!;
    const conditions = withCondition(object.status?.conditions ?? [], {
      ...{ type: "Ready", ...ready },
      lastTransitionTime: timestamp(this.#api.clock.nowMs()),
    });
    const status = { ...object.status, conditions };
    this.#api.update("nodes", { ...object, status }, { subresource: "status" });
    const event = ready.status === "True" ? "NodeReady" : "NodeNotReady";
    const message = `Node ${node} status is now: ${event}`;
    const component = "node-controller";
    recordEvent(this.#api, object, { type: "Normal", reason: event, message, component });
  }

  #podNotReady({ metadata }: Pod): void {
    const pod = this.#api.find("pods", metadata) as Pod | undefined;
    if (pod?.status === undefined) return;
    const before = pod.status.conditions ?? [];
    if (!before.some(({ type, status }) => type === "Ready" && status === "True")) return;
    const conditions = withCondition(before, {
      type: "Ready",
      status: "False",
      lastTransitionTime: timestamp(this.#api.clock.nowMs()),
    });
    const status = { ...pod.status, conditions };
    this.#api.update("pods", { ...pod, status }, { subresource: "status" });
  }

  /** It stays, terminating, until its kubelet says that it has ended. */
  #evict({ metadata, spec }: Pod): void {
    const pod = this.#api.find("pods", metadata) as Pod | undefined;
    if (pod?.metadata.uid !== metadata.uid) return;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const message = `Marking for deletion Pod ${metadata.namespace}/${metadata.name}`;
    const component = "taint-eviction-controller";
    const reason = "TaintManagerEviction";
    recordEvent(this.#api, pod, { type: "Normal", reason, message, component });
    this.#api.delete("pods", metadata, {
      gracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    });
  }

  /** Pods of a node that is no more are removed at once: nobody else would (PodGC). */
  #collectPods(node: string): void {
    for (const { metadata } of this.#podsOn(node)) {
      this.#api.delete("pods", metadata, { gracePeriodSeconds: 0 });
    }
  }

  #podsOn(node: string): Pod[] {
    return (this.#api.list("pods") as Pod[]).filter(({ spec }) => spec.nodeName === node);
  }

  #node(name: string): NodeObject | undefined {
    return this.#api.find("nodes", { name }) as NodeObject | undefined;
  }

  #after(node: string, afterMs: number, act: () => void): void {
    const cancels = this.#silent.get(node)!;
    const cancel = this.#api.clock.setTimer(afterMs, () => {
      cancels.delete(cancel);
      try {
        act();
      } catch (error) {
        this.#onError(`node ${node}`, error);
      }
    });
    cancels.add(cancel);
  }
}

/** For how long; undefined: for ever. */
function toleratedMs(tolerations: readonly Toleration[]): number | undefined {
  const matching = tolerations.filter((each) => tolerates(each, taints[1]!));
  if (matching.length === 0) return defaultTolerationMs;
  const limits = matching.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  return limits.length === 0 ? undefined : Math.min(...limits) * 1000;
}

function isReady({ status }: NodeObject): boolean {
  return status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
}

function withCondition(before: readonly Condition[], condition: Condition): Condition[] {
  return [...before.filter(({ type }) => type !== condition.type), condition];
}
