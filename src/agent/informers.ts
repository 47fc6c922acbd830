import type { Informer } from "../kube/client/informer.ts";
import { KubeError } from "../kube/client/kube-error.ts";
import type { ListOptions, Resource } from "../kube/client/kube-client.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Edges } from "./edges.ts";
import type { Log } from "./log.ts";

/** The namespace Cilium reads BGP passwords from (`bgp-secrets-namespace`). */
export const secretsNamespace = "kube-system";

const cilium = (plural: string, version = "v2"): Resource => ({
  apiVersion: `cilium.io/${version}`,
  plural,
  namespaced: false,
});

export const resources = {
  nodes: { apiVersion: "v1", plural: "nodes", namespaced: false },
  pods: { apiVersion: "v1", plural: "pods", namespaced: true },
  namespaces: { apiVersion: "v1", plural: "namespaces", namespaced: false },
  secrets: { apiVersion: "v1", plural: "secrets", namespaced: true },
  services: { apiVersion: "v1", plural: "services", namespaced: true },
  endpointSlices: {
    apiVersion: "discovery.k8s.io/v1",
    plural: "endpointslices",
    namespaced: true,
  },
  /** Of servers before Kubernetes 1.21. */
  endpointSlicesBeta: {
    apiVersion: "discovery.k8s.io/v1beta1",
    plural: "endpointslices",
    namespaced: true,
  },
  ciliumNodes: cilium("ciliumnodes"),
  clusterConfigs: cilium("ciliumbgpclusterconfigs"),
  peerConfigs: cilium("ciliumbgppeerconfigs"),
  advertisements: cilium("ciliumbgpadvertisements"),
  nodeConfigs: cilium("ciliumbgpnodeconfigs"),
  nodeConfigOverrides: cilium("ciliumbgpnodeconfigoverrides"),
  loadBalancerIpPools: cilium("ciliumloadbalancerippools"),
  podIpPools: cilium("ciliumpodippools", "v2alpha1"),
  egressGatewayPolicies: cilium("ciliumegressgatewaypolicies"),
  peeringPolicies: cilium("ciliumbgppeeringpolicies", "v2alpha1"),
  peerPolicies: cilium("ciliumbgppeerpolicies", "v2alpha1"),
} as const satisfies Record<string, Resource>;

export type ResourceName = keyof typeof resources;

export type InformerChange = "put" | "delete";

type AddOptions<T> = ListOptions & {
  /** A cluster may do without the resource: where it is not served, nobody waits for it. */
  optional?: boolean;
  /** Every change of an object, before the set's own callback; from the first list on. */
  onObject?: (change: InformerChange, object: T) => void;
};

/** The informers of a process: one callback for any change, once all of them have their first list. */
export class InformerSet {
  readonly #informers = new Map<string, Informer<KubeObject>>();
  readonly #started = new Map<string, Promise<void>>();
  readonly #newInformer: Edges["informer"];
  readonly #log: Log;
  readonly #onChange: () => void;
  #synced = false;

  constructor({ informer }: Pick<Edges, "informer">, log: Log, onChange: () => void) {
    this.#newInformer = informer;
    this.#log = log;
    this.#onChange = onChange;
  }

  /** `as`: another name to list it by, where a resource is watched twice. */
  add<T = KubeObject>(name: ResourceName, options: AddOptions<T> = {}, as: string = name): void {
    const { optional = false, onObject, ...selection } = options;
    const resource = resources[name];
    const added = this.#newInformer(resource, selection);
    const changed = (change: InformerChange) => (object: KubeObject) => {
      onObject?.(change, object as T);
      if (this.#synced) this.#onChange();
    };
    added.on("add", changed("put"));
    added.on("update", changed("put"));
    added.on("delete", changed("delete"));
    const { promise: isNotServed, resolve } = Promise.withResolvers<void>();
    let isTold = false;
    added.on("error", (error) => {
      const isMissing = optional && error instanceof KubeError && error.statusCode === 404;
      if (isMissing) resolve();
      if (isMissing && isTold) return;
      isTold = isMissing;
      this.#log("warn", `watch failed, trying again: ${(error as Error).message}`, {
        resource: resource.plural,
      });
    });
    this.#informers.set(as, added);
    this.#started.set(as, Promise.race([added.start(), isNotServed]));
  }

  has(as: string): boolean {
    return this.#informers.has(as);
  }

  /** Resolves when every cache has its first list; the first callback follows. */
  async start(): Promise<void> {
    await Promise.all(this.#started.values());
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

  list<T = KubeObject>(as: string): T[] {
    return [...(this.#informers.get(as)?.list() ?? [])] as T[];
  }
}
