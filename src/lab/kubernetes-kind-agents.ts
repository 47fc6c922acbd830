import type { KubeClient, Resource } from "../kube/client/kube-client.ts";
import { isReady, type Pod } from "../kube/kinds.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Runtime } from "../runtime/port.ts";
import type { AgentPort } from "../scenario/context.ts";
import { whyNotReady } from "./workloads.ts";
import { installed } from "./kubernetes-kind-install.ts";
import type { ClusterWatch } from "./kubernetes-kind-watch.ts";

const pods: Resource = { apiVersion: "v1", plural: "pods", namespaced: true };
const nodes: Resource = { apiVersion: "v1", plural: "nodes", namespaced: false };
const daemonSets: Resource = { apiVersion: "apps/v1", plural: "daemonsets", namespaced: true };

/**
 * Ends the agent as kubelet does: the signal, and SIGKILL after the pod's five seconds of grace. The
 * command line within the node's own processes: nothing else there has it.
 */
const endScript = String.raw`
pids=$(pgrep -f 'agent\.mjs agent --node=') || { echo none; exit; }
kill -"$1" $pids 2>/dev/null
for _ in $(seq 100); do kill -0 $pids 2>/dev/null || exit 0; sleep 0.05; done
kill -KILL $pids 2>/dev/null; true`;

/** kubelet looks at its pods once a second; a container is made anew in a second or two. */
const limitMs = 30_000;

export type DaemonSetAgentsOptions = {
  client: KubeClient;
  watch: ClusterWatch;
  runtime: Pick<Runtime, "exec">;
  /** Image of the sources as they are now, which every node has when this resolves. */
  currentImage: () => Promise<string>;
  /** A process ended that nobody asked to end. `last`: the end of its log. */
  onDeath: (node: string, what: string, exitCode: number, last: string) => void;
};

/**
 * The agents of a DaemonSet, one pod a node. A node's label takes the node out of the DaemonSet and
 * back into it: its process ends and comes again, and the DaemonSet stays as it is.
 */
export class DaemonSetAgents implements AgentPort {
  readonly #options: DaemonSetAgentsOptions;
  /** Restarts of a pod's container that are known of, by the pod's uid. */
  readonly #restarts = new Map<string, number>();
  /** Nodes whose agent is being ended on purpose. */
  readonly #asked = new Set<string>();
  readonly #restartsBefore = new Map<string, number>();
  #allAsked = false;

  constructor(options: DaemonSetAgentsOptions) {
    this.#options = options;
    options.watch.subscribe(() => {
      for (const pod of this.#pods()) this.#notice(pod);
    });
  }

  /** Resolves when the agent's pod is ready. Fine where it is. */
  async start(node: string): Promise<void> {
    await this.#label(node, null);
    await this.#ready(node);
  }

  async stop(node: string): Promise<void> {
    await this.#asking(node, () => this.#takeOut(node));
  }

  /** Ends the process itself, before Kubernetes knows; only then is the pod taken away. */
  async kill(node: string): Promise<void> {
    if (!this.#podOf(node)) throw new Error(`the agent of ${node} is not running`);
    await this.#asking(node, async () => {
      if (!(await this.#end(node, "KILL"))) throw new Error(`the agent of ${node} is not running`);
      await this.#takeOut(node);
    });
  }

  /**
   * SIGTERM to the process; when it has ended its pod is forgotten, and the DaemonSet makes a new one,
   * without the back-off that kubelet has for a container that it restarts.
   */
  async restart(node: string): Promise<void> {
    const pod = this.#podOf(node);
    if (!pod) return this.start(node);
    await this.#asking(node, async () => {
      await this.#end(node, "TERM");
      await this.#forget(pod.metadata);
      await this.#ready(node, pod.metadata.uid);
    });
  }

  /**
   * As `restart`, with the image of this moment's sources. The DaemonSet has it from then on and
   * restarts nobody by itself: another node's agent comes up with it when it is next started anew.
   */
  async upgrade(node: string): Promise<void> {
    const image = await this.#options.currentImage();
    const { namespace, agent: name } = installed;
    const { metadata } = await this.#options.client.patch<KubeObject>(
      daemonSets,
      { namespace, name },
      {
        spec: {
          updateStrategy: { type: "OnDelete", rollingUpdate: null },
          template: { spec: { containers: [{ name: "agent", image }] } },
        },
      },
      { type: "strategic" },
    );
    // Until its controller has seen this, a new pod would have the image of before.
    const unseen = () =>
      this.#observedGeneration() < metadata.generation! ? [`${name} as before`] : [];
    await this.#options.watch.untilNothing(unseen, { limitMs });
    await this.restart(node);
  }

  async log(node: string): Promise<string> {
    const pod = this.#podOf(node);
    if (!pod) throw new Error(`the agent of ${node} is not running`);
    return this.#options.client.podLog(pod.metadata, "agent");
  }

  /** The node is about to lose its power. */
  nodeStopping(node: string): void {
    this.#asked.add(node);
    this.#restartsBefore.set(node, restartsOf(this.#podOf(node)));
  }

  /** Resolves when kubelet has the agent's pod running again. */
  async nodeStarted(node: string): Promise<void> {
    const before = this.#restartsBefore.get(node) ?? -1;
    try {
      await this.#until(node, (pod) => {
        if (!pod) return "it has no pod";
        // Until kubelet speaks, the pod is told to be as it was.
        if (restartsOf(pod) <= before) return "its container has not been started anew";
        return isReady(pod) ? undefined : `pod ${pod.metadata.name}: ${whyNotReady(pod)}`;
      });
    } finally {
      this.#asked.delete(node);
    }
  }

  /** Those of these nodes that have no agent's pod: the DaemonSet's own count may not know them yet. */
  withoutPod(nodeNames: readonly string[]): string[] {
    return nodeNames.filter((node) => !this.#podOf(node));
  }

  /** From now on it is no news that they end. */
  expectAllToEnd(): void {
    this.#allAsked = true;
  }

  #observedGeneration(): number {
    const all = this.#options.watch.list("daemonsets.apps");
    const own = all.find(
      ({ metadata: { namespace, name } }) =>
        namespace === installed.namespace && name === installed.agent,
    );
    return (own?.status as { observedGeneration?: number } | undefined)?.observedGeneration ?? 0;
  }

  /** Of agents and operator. */
  #pods(): Pod[] {
    const all = this.#options.watch.list("pods") as readonly Pod[];
    return all.filter(({ metadata }) => metadata.namespace === installed.namespace);
  }

  #podsOf(node: string): Pod[] {
    return this.#pods().filter(
      ({ metadata, spec }) =>
        spec.nodeName === node && metadata.labels?.["app.kubernetes.io/name"] === installed.agent,
    );
  }

  /** Waits for a pod that is ready, other than that of this uid. */
  async #ready(node: string, otherThan?: string): Promise<void> {
    await this.#until(node, (pod) => {
      if (!pod)
        return this.#podsOf(node).length > 0 ? "its old pod has not ended" : "it has no pod";
      if (pod.metadata.uid === otherThan) return "it has its old pod";
      return isReady(pod) ? undefined : `pod ${pod.metadata.name}: ${whyNotReady(pod)}`;
    });
  }

  /** Waits until nothing is missing of the node's pod. */
  async #until(node: string, missing: (pod: Pod | undefined) => string | undefined): Promise<void> {
    const look = () => {
      const what = missing(this.#podOf(node));
      return what === undefined ? [] : [`the agent of ${node}: ${what}`];
    };
    await this.#options.watch.untilNothing(look, { limitMs });
  }

  /** Resolves when the node is out of the DaemonSet, and its process has ended. */
  async #takeOut(node: string): Promise<void> {
    await this.#label(node, "off");
    await this.#until(node, (pod) => pod && `the DaemonSet keeps pod ${pod.metadata.name}`);
    await this.#end(node, "TERM");
    for (const { metadata } of this.#podsOf(node)) await this.#forget(metadata);
  }

  /** kubelet by itself would take seconds to tidy up after a pod that has ended. */
  async #forget({ namespace, name }: KubeObject["metadata"]): Promise<void> {
    await this.#options.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 });
  }

  /** Resolves when the process has ended; with false where there was none. */
  async #end(node: string, signal: "TERM" | "KILL"): Promise<boolean> {
    const argv = ["sh", "-c", endScript, "sh", signal];
    const { exitCode, stdout, stderr } = await this.#options.runtime.exec({ node }, argv);
    if (exitCode === 0) return stdout.trim() !== "none";
    throw new Error(`the agent of ${node} cannot be ended: ${stderr.trim()}`);
  }

  /** The one that is not on its way out. */
  #podOf(node: string): Pod | undefined {
    return this.#podsOf(node).find((pod) => pod.metadata.deletionTimestamp === undefined);
  }

  async #label(node: string, value: "off" | null): Promise<void> {
    const labels = { [installed.nodeLabel]: value };
    await this.#options.client.patch(nodes, { name: node }, { metadata: { labels } });
  }

  async #asking(node: string, work: () => Promise<void>): Promise<void> {
    this.#asked.add(node);
    try {
      await work();
    } finally {
      this.#asked.delete(node);
    }
  }

  /** A container that was restarted has died. */
  #notice(pod: Pod): void {
    const container = containerOf(pod);
    const { uid, name } = pod.metadata;
    if (!container || uid === undefined) return;
    const before = this.#restarts.get(uid) ?? 0;
    const now = container.restartCount ?? 0;
    const exitCode = container.lastState?.terminated?.exitCode;
    if (now <= before) return;
    this.#restarts.set(uid, now);
    const node = pod.spec.nodeName ?? "";
    if (this.#allAsked || this.#asked.has(node)) return;
    const what = pod.metadata.labels?.["app.kubernetes.io/name"]?.replace("spinelab-", "") ?? name;
    this.#options.client
      .podLog(pod.metadata, container.name, { previous: true })
      .catch((error: Error) => `no log of it: ${error.message}`)
      .then((log) => log.trimEnd().split("\n").slice(-20).join("\n"))
      .then((last) => this.#options.onDeath(node, what, exitCode ?? 1, last));
  }
}

function restartsOf(pod: Pod | undefined): number {
  return (pod && containerOf(pod)?.restartCount) ?? -1;
}

function containerOf({ status }: Pod) {
  return status?.containerStatuses?.[0];
}
