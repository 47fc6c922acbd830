import { type Informer, informer } from "../kube/client/informer.ts";
import type { KubeClient, Resource } from "../kube/client/kube-client.ts";
import type { KubeObject } from "../kube/object.ts";
import { type UntilNothing, untilNothing } from "./until-nothing.ts";

const resources = {
  pods: { apiVersion: "v1", plural: "pods", namespaced: true },
  "daemonsets.apps": { apiVersion: "apps/v1", plural: "daemonsets", namespaced: true },
  "deployments.apps": { apiVersion: "apps/v1", plural: "deployments", namespaced: true },
} as const satisfies Record<string, Resource>;

type Watched = keyof typeof resources;

/** What runs in a cluster, kept up to date: pods and the workloads that make them. */
export class ClusterWatch {
  readonly #informers: Record<Watched, Informer<KubeObject>>;
  readonly #listeners = new Set<() => void>();
  #started: Promise<unknown> | undefined;

  constructor(client: KubeClient) {
    const follow = (resource: Resource) => {
      const followed = informer<KubeObject>(client, resource);
      for (const event of ["add", "update", "delete"] as const) {
        followed.on(event, () => {
          for (const listener of this.#listeners) listener();
        });
      }
      // It tries again by itself; whoever waits for a change says at the end what was seen last.
      followed.on("error", () => {});
      return followed;
    };
    this.#informers = {
      pods: follow(resources.pods),
      "daemonsets.apps": follow(resources["daemonsets.apps"]),
      "deployments.apps": follow(resources["deployments.apps"]),
    };
  }

  /** Resolves when the first lists are there. */
  start(): Promise<unknown> {
    this.#started ??= Promise.all(Object.values(this.#informers).map((each) => each.start()));
    return this.#started;
  }

  stop(): void {
    for (const each of Object.values(this.#informers)) each.stop();
  }

  list(resource: Watched): readonly KubeObject[] {
    return this.#informers[resource].list();
  }

  /** Called at every change. Returns how to stop. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks at once, then at every change; else as until-nothing.ts has it. */
  untilNothing(
    missing: () => readonly string[],
    limit: Omit<UntilNothing, "subscribe">,
  ): Promise<void> {
    return untilNothing(missing, { ...limit, subscribe: (look) => this.subscribe(look) });
  }
}
