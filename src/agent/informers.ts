import { type Informer, informer } from "../kube/client/informer.ts";
import type { KubeClient, ListOptions, Resource } from "../kube/client/kube-client.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Log } from "./log.ts";

/** The namespace Cilium reads BGP passwords from (`bgp-secrets-namespace`). */
export const secretsNamespace = "kube-system";

const cilium = (plural: string): Resource => ({
  apiVersion: "cilium.io/v2",
  plural,
  namespaced: false,
});

export const resources = {
  nodes: { apiVersion: "v1", plural: "nodes", namespaced: false },
  secrets: { apiVersion: "v1", plural: "secrets", namespaced: true },
  ciliumNodes: cilium("ciliumnodes"),
  clusterConfigs: cilium("ciliumbgpclusterconfigs"),
  peerConfigs: cilium("ciliumbgppeerconfigs"),
  advertisements: cilium("ciliumbgpadvertisements"),
  nodeConfigs: cilium("ciliumbgpnodeconfigs"),
  nodeConfigOverrides: cilium("ciliumbgpnodeconfigoverrides"),
} as const satisfies Record<string, Resource>;

export type ResourceName = keyof typeof resources;

/** The informers of a process: one callback for any change, once all of them have their first list. */
export class InformerSet {
  readonly #informers = new Map<ResourceName, Informer<KubeObject>>();
  readonly #client: KubeClient;
  readonly #log: Log;
  readonly #onChange: () => void;
  #synced = false;

  constructor(client: KubeClient, log: Log, onChange: () => void) {
    this.#client = client;
    this.#log = log;
    this.#onChange = onChange;
  }

  add(name: ResourceName, options: ListOptions = {}): void {
    const added = informer<KubeObject>(this.#client, resources[name], options);
    for (const event of ["add", "update", "delete"] as const) {
      added.on(event, () => {
        if (this.#synced) this.#onChange();
      });
    }
    added.on("error", (error) => {
      this.#log("warn", `watch failed, trying again: ${(error as Error).message}`, {
        resource: resources[name].plural,
      });
    });
    this.#informers.set(name, added);
  }

  /** Resolves when every cache has its first list; the first callback follows. */
  async start(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((each) => each.start()));
    this.#synced = true;
    this.#onChange();
  }

  /** Whether every cache has had its first list. */
  get synced(): boolean {
    return this.#synced;
  }

  stop(): void {
    for (const each of this.#informers.values()) each.stop();
  }

  list<T = KubeObject>(name: ResourceName): T[] {
    return [...this.#informers.get(name)!.list()] as T[];
  }
}
