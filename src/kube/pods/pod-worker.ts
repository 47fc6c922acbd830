import { isDeepStrictEqual } from "node:util";
import type { Address } from "../../net/address.ts";
import { parsePrefix, type Prefix } from "../../net/prefix.ts";
import { timestamp } from "../clock.ts";
import { recordEvent } from "../events.ts";
import type { ContainerState, NodeObject, Pod } from "../kinds.ts";
import type { PodSandboxes, PodToRun } from "../pod-sandbox.ts";
import type { KubeApi } from "../server/kube-api.ts";
import type { PodPools } from "./pod-pools.ts";
import { containerProcess } from "./pod-environment.ts";
import { type ContainerRun, internalAddresses, podStatus } from "./pod-status.ts";

export type WorkerContext = {
  api: KubeApi;
  sandboxes: PodSandboxes;
  pools: PodPools;
  onError: (what: string, error: unknown) => void;
  /** Whether a node is without power. */
  isStopped: (node: string) => boolean;
};

/** A container's first restart comes at once, the next after a second, doubling (KEP-4603). */
const restartFirstMs = 1_000;
const restartMostMs = 60_000;
/** One that ran so long begins anew. */
const restartForgetMs = 600_000;
const component = "kubelet";

/**
 * One pod's life on its node. Its starts and stops run one after another in `#chain`; timers and
 * exits only add to it.
 */
export class PodWorker {
  readonly uid: string;
  readonly node: string;
  readonly #context: WorkerContext;
  readonly #runs: Map<string, ContainerRun>;
  #pod: Pod;
  #node: NodeObject | undefined;
  #addresses: Address[] = [];
  /** Of the pools that the addresses are of, where they are not the node's own. */
  #poolCidrs: Prefix[] = [];
  #chain: Promise<void>;
  #cancelTimer = () => {};
  #retryMs = 0;
  #ending = false;
  #abandoned = false;
  #wake = () => {};
  /** Containers that ended and are to run again. */
  readonly #toRestart = new Set<string>();
  /** Counts starts: an exit told by an earlier start means nothing any more. */
  #start = 0;

  /** `after`: the end of an earlier pod of the same name. */
  constructor(context: WorkerContext, pod: Pod, after: Promise<void>) {
    this.#context = context;
    this.#pod = pod;
    this.uid = pod.metadata.uid!;
    this.node = pod.spec.nodeName!;
    this.#chain = after;
    const waiting = () => ({ waiting: { reason: "ContainerCreating" } });
    this.#runs = new Map(
      pod.spec.containers.map(({ name }) => [
        name,
        { restartCount: 0, state: waiting(), lastState: {} },
      ]),
    );
    this.#then(() => this.#begin());
  }

  /** Ends the pod and removes its object; resolves when both are done. */
  end(): Promise<void> {
    if (!this.#ending) {
      this.#ending = true;
      this.#cancelTimer();
      this.#then(() => this.#stopForGood());
    }
    this.#wake();
    return this.#chain;
  }

  /** What ran of it is gone, and nobody on the node is left to say so. */
  nodeStopped(): void {
    this.#start++;
    this.#cancelTimer();
  }

  nodeStarted(): void {
    if (this.#ending) this.#wake();
    else this.#again(0);
  }

  /** Writes the pod's status where somebody else did meanwhile: its node was taken for lost. */
  reportAgain(): void {
    this.#then(async () => {
      if (!this.#ending) this.#report();
    });
  }

  /** No more timers or restarts; the pod stays as it is. Resolves when nothing is under way. */
  abandon(): Promise<void> {
    this.#ending = true;
    this.#abandoned = true;
    this.#cancelTimer();
    this.#wake();
    return this.#chain;
  }

  #then(step: () => Promise<void>): void {
    const { name, namespace } = this.#pod.metadata;
    this.#chain = this.#chain.then(step).catch((error: unknown) => {
      this.#context.onError(`pod ${namespace}/${name}`, error);
    });
  }

  /** Makes the sandbox and starts every container that is to run. */
  async #begin(): Promise<void> {
    if (this.#ending || this.#context.isStopped(this.node)) return;
    const start = ++this.#start;
    let podToRun: PodToRun;
    try {
      podToRun = await this.#podToRun(start);
      this.#report();
      await this.#context.sandboxes.start(podToRun);
    } catch (error) {
      await this.#startFailed(error);
      return;
    }
    if (start !== this.#start) return;
    this.#retryMs = this.#retryMs || restartFirstMs;
    for (const { name } of podToRun.containers) {
      const run = this.#runs.get(name)!;
      // It may have ended before the start was through.
      if (run.state.waiting && !this.#toRestart.has(name))
        run.state = { running: { startedAt: this.#now() } };
      this.#event("Normal", "Started", `Started container ${name}`);
    }
    this.#report();
  }

  async #podToRun(start: number): Promise<PodToRun> {
    const { api, pools } = this.#context;
    const { metadata, spec } = this.#pod;
    const hostNetwork = spec.hostNetwork === true;
    this.#node = api.find("nodes", { name: spec.nodeName! }) as NodeObject | undefined;
    if (!this.#node) throw new Error(`node ${spec.nodeName} is not there`);
    const podCidrs = (this.#node.spec.podCIDRs ?? []).map((text) => parsePrefix(text)!);
    if (hostNetwork) this.#addresses = internalAddresses(this.#node);
    else if (this.#addresses.length === 0) {
      const given = await pools.allocate(this.#pod, podCidrs);
      this.#addresses = given.addresses;
      this.#poolCidrs = given.poolCidrs;
    }
    // Fields like status.podIP are known by now; the object has them after the next report only.
    const pod = { ...this.#pod, status: this.#status() };
    return {
      namespace: metadata.namespace!,
      name: metadata.name,
      uid: this.uid,
      node: spec.nodeName!,
      hostNetwork,
      addresses: [...this.#addresses],
      podCidrs,
      poolCidrs: this.#poolCidrs,
      containers: spec.containers
        .filter(({ name }) => !this.#runs.get(name)!.state.terminated)
        .map((container) => ({
          name: container.name,
          image: container.image ?? "",
          ...containerProcess(api, pod, container),
        })),
      onExit: (container, exitCode, reason) => {
        if (start === this.#start && !this.#ending) this.#exited(container, exitCode, reason);
      },
    };
  }

  async #startFailed(error: unknown): Promise<void> {
    if (this.#context.isStopped(this.node)) return;
    const message = error instanceof Error ? error.message : String(error);
    const reason =
      error instanceof Error && error.name === "CreateContainerConfigError"
        ? error.name
        : "CreatePodSandboxError";
    this.#start++;
    for (const run of this.#runs.values()) {
      if (run.state.waiting || run.state.running) run.state = { waiting: { reason, message } };
    }
    const told = reason === "CreatePodSandboxError" ? "FailedCreatePodSandBox" : "Failed";
    this.#event("Warning", told, message);
    this.#report();
    this.#again(this.#backOff());
    // What the attempt left half made.
    await this.#context.sandboxes.stop(this.#name());
  }

  #exited(container: string, exitCode: number, reason: string): void {
    const run = this.#runs.get(container);
    if (!run || run.state.terminated) return;
    const startedAt = run.state.running?.startedAt;
    const terminated: NonNullable<ContainerState["terminated"]> = {
      exitCode,
      reason: exitCode === 0 ? "Completed" : "Error",
      ...(reason !== "" && { message: reason }),
      ...(startedAt !== undefined && { startedAt }),
      finishedAt: this.#now(),
    };
    const { restartPolicy } = this.#pod.spec;
    const restart = restartPolicy === "Always" || (restartPolicy === "OnFailure" && exitCode !== 0);
    run.state = { terminated };
    if (!restart) {
      this.#report();
      return;
    }
    run.lastState = { terminated };
    this.#toRestart.add(container);
    const ranMs =
      startedAt === undefined ? 0 : Date.parse(terminated.finishedAt) - Date.parse(startedAt);
    if (ranMs >= restartForgetMs) this.#retryMs = 0;
    const first = run.restartCount === 0 || this.#retryMs === 0;
    const delayMs = first ? 0 : this.#backOff();
    run.state = {
      waiting: first
        ? { reason: "ContainerCreating" }
        : {
            reason: "CrashLoopBackOff",
            message: `back-off ${delayMs / 1000}s restarting failed container=${container} pod=${this.#pod.metadata.name}_${this.#pod.metadata.namespace}(${this.uid})`,
          },
    };
    if (!first)
      this.#event("Warning", "BackOff", `Back-off restarting failed container ${container}`);
    this.#report();
    this.#again(delayMs);
  }

  /** The sandbox is what restarts: its other containers are restarted with the one that ended. */
  #again(delayMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#context.api.clock.setTimer(delayMs, () => {
      this.#then(async () => {
        if (this.#ending) return;
        this.#start++;
        await this.#context.sandboxes.stop(this.#name());
        for (const run of this.#runs.values()) {
          if (run.state.terminated) continue;
          const { running } = run.state;
          if (running) {
            const { startedAt } = running;
            const killed = { exitCode: 137, reason: "Error", startedAt, finishedAt: this.#now() };
            run.lastState = { terminated: killed };
          }
          if (run.lastState.terminated) run.restartCount++;
          run.state = { waiting: { reason: "ContainerCreating" } };
        }
        this.#toRestart.clear();
        await this.#begin();
      });
    });
  }

  #backOff(): number {
    const delayMs = this.#retryMs || restartFirstMs;
    this.#retryMs = Math.min(delayMs * 2, restartMostMs);
    return delayMs;
  }

  async #stopForGood(): Promise<void> {
    this.#start++;
    // Only its kubelet can say that it has ended; where it is deleted by force nobody asks.
    while (this.#context.isStopped(this.node) && this.#current() !== undefined) {
      await this.#untilWoken();
      if (this.#abandoned) return;
    }
    for (const { name } of this.#pod.spec.containers) {
      this.#event("Normal", "Killing", `Stopping container ${name}`);
    }
    for (;;) {
      try {
        await this.#context.sandboxes.stop(this.#name());
        break;
      } catch (error) {
        this.#context.onError(`stopping pod ${this.#pod.metadata.name}`, error);
        this.#event(
          "Warning",
          "FailedKillPod",
          error instanceof Error ? error.message : String(error),
        );
        await this.#pause(this.#backOff());
        if (this.#abandoned) return;
      }
    }
    await this.#context.pools.free(this.uid, this.node);
    const current = this.#current();
    if (!current) return;
    const options = { gracePeriodSeconds: 0, preconditions: { uid: this.uid } };
    this.#context.api.delete("pods", current.metadata, options);
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** Ends early where the pod is abandoned. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#context.api.clock.setTimer(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  #name() {
    return { namespace: this.#pod.metadata.namespace!, name: this.#pod.metadata.name };
  }

  #now(): string {
    return timestamp(this.#context.api.clock.nowMs());
  }

  /** The stored object, where it is still this pod and not one that took its name. */
  #current(): Pod | undefined {
    const found = this.#context.api.find("pods", this.#pod.metadata) as Pod | undefined;
    return found?.metadata.uid === this.uid ? found : undefined;
  }

  #status() {
    const { api } = this.#context;
    const place = { addresses: this.#addresses, node: this.#node };
    return podStatus(this.#pod, this.#runs, place, api.clock.nowMs());
  }

  #report(): void {
    const current = this.#current();
    if (!current) return;
    this.#pod = current;
    // Copied: what is stored is frozen, what is known here goes on changing.
    const status = structuredClone(this.#status());
    if (isDeepStrictEqual(current.status, status)) return;
    this.#context.api.update("pods", { ...current, status }, { subresource: "status" });
  }

  #event(type: "Normal" | "Warning", reason: string, message: string): void {
    if (this.#current()) {
      recordEvent(this.#context.api, this.#pod, { type, reason, message, component });
    }
  }
}
