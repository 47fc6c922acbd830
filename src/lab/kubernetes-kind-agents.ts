import type { KubeClient, Resource } from "../kube/client/kube-client.ts";
import { isReady, type Pod } from "../kube/kinds.ts";
import type { Informer } from "../kube/client/informer.ts";
import type { Runtime } from "../runtime/port.ts";
import type { AgentPort } from "../scenario/context.ts";
import { installed } from "./kubernetes-kind-install.ts";

const pods: Resource = { apiVersion: "v1", plural: "pods", namespaced: true };
const nodes: Resource = { apiVersion: "v1", plural: "nodes", namespaced: false };

/** kubelet looks at its pods once a second; a container is made anew in a second or two. */
const limitMs = 30_000;

export type DaemonSetAgentsOptions = {
  client: KubeClient;
  /** Pods of Spinelab's namespace. */
  pods: Informer<Pod>;
  runtime: Pick<Runtime, "exec">;
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
  #allAsked = false;

  constructor(options: DaemonSetAgentsOptions) {
    this.#options = options;
    options.pods.on("update", (pod) => this.#notice(pod));
  }

  /** Resolves when the agent's pod is ready. Fine where it is. */
  async start(node: string): Promise<void> {
    await this.#label(node, null);
    await this.#until(`the agent of ${node} is ready`, () => {
      const pod = this.#podOf(node);
      return pod !== undefined && isReady(pod);
    });
  }

  async stop(node: string): Promise<void> {
    await this.#asking(node, async () => {
      await this.#label(node, "off");
      await this.#until(`the agent of ${node} has ended`, () => this.#podsOf(node).length === 0);
    });
  }

  /** Ends the process itself, before Kubernetes knows; only then is the pod taken away. */
  async kill(node: string): Promise<void> {
    if (!this.#podOf(node)) throw new Error(`the agent of ${node} is not running`);
    await this.#asking(node, async () => {
      // The command line within the node's own processes: nothing else there has it.
      const argv = ["pkill", "-KILL", "-f", String.raw`agent\.mjs agent --node=`];
      const result = await this.#options.runtime.exec({ node }, argv);
      if (result.exitCode !== 0) {
        throw new Error(`the agent of ${node} could not be killed: ${result.stderr.trim()}`);
      }
      await this.stop(node);
    });
  }

  /** SIGTERM; the DaemonSet makes a new pod at once, without the back-off of a restarted container. */
  async restart(node: string): Promise<void> {
    const pod = this.#podOf(node);
    if (!pod) return this.start(node);
    await this.#asking(node, async () => {
      const { namespace, name, uid } = pod.metadata;
      await this.#options.client.delete(pods, { namespace, name });
      await this.#until(`a new agent of ${node} is ready`, () => {
        const now = this.#podOf(node);
        return now !== undefined && now.metadata.uid !== uid && isReady(now);
      });
    });
  }

  async log(node: string): Promise<string> {
    const pod = this.#podOf(node);
    if (!pod) throw new Error(`the agent of ${node} is not running`);
    return this.#options.client.podLog(pod.metadata, "agent");
  }

  /** From now on it is no news that they end. */
  expectAllToEnd(): void {
    this.#allAsked = true;
  }

  #podsOf(node: string): Pod[] {
    return this.#options.pods
      .list()
      .filter(
        (pod) =>
          pod.spec.nodeName === node &&
          pod.metadata.labels?.["app.kubernetes.io/name"] === installed.agent,
      );
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
    const [container] = pod.status?.containerStatuses ?? [];
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

  /** Looks at once, then at every change of a pod. */
  #until(what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const { pods: informer } = this.#options;
      const timer = setTimeout(() => {
        finish();
        const seen = informer.list().map(({ metadata, status }) => [metadata.name, status?.phase]);
        reject(new Error(`${what}: not within ${limitMs} ms; last saw ${JSON.stringify(seen)}`));
      }, limitMs);
      const look = () => {
        if (!holds()) return;
        finish();
        resolve();
      };
      const finish = () => {
        clearTimeout(timer);
        for (const event of ["add", "update", "delete"] as const) informer.off(event, look);
      };
      for (const event of ["add", "update", "delete"] as const) informer.on(event, look);
      look();
    });
  }
}
