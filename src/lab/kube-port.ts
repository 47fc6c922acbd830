import type { KubeClient, Resource } from "../kube/client/kube-client.ts";
import { KubeError, UnknownKindError } from "../kube/client/kube-error.ts";
import type { KubeObject } from "../kube/object.ts";
import type { PodSandboxes } from "../kube/pod-sandbox.ts";
import type { KubePort } from "../scenario/context.ts";
import type { ResourceReference } from "../scenario/schema/types.ts";

/** Where a kind without apiVersion is looked for, in this order. */
const apiVersions = [
  "v1",
  "apps/v1",
  "cilium.io/v2",
  "cilium.io/v2alpha1", // CiliumBGPPeeringPolicy, CiliumPodIPPool
  "discovery.k8s.io/v1",
  "discovery.k8s.io/v1beta1", // before Kubernetes 1.21
];
const pods: Resource = { apiVersion: "v1", plural: "pods", namespaced: true };

/** The API as scenarios see it, over any cluster's client. */
export function kubePort(
  client: KubeClient,
  sandboxes: Pick<PodSandboxes, "logs">,
  onChange: KubePort["onChange"],
): KubePort {
  return {
    onChange,
    get: async (reference) => client.find(await resourceOf(client, reference), reference),
    async list(kind) {
      const resource = await findResource(client, { kind });
      if (resource === undefined) return [];
      // An item of a list does not say what it is: the list does.
      const { apiVersion } = resource;
      const { items } = await client.list<KubeObject>(resource);
      return items.map((item) => ({ ...item, apiVersion, kind }));
    },
    listPods: async (namespace) =>
      (await client.list<KubeObject>(pods, namespace === undefined ? {} : { namespace })).items,
    async apply(object) {
      await client.apply(object);
    },
    async patch(reference, merge) {
      await client.patch(await resourceOf(client, reference), reference, merge);
    },
    async delete(reference) {
      const resource = await resourceOf(client, reference);
      await client.get(resource, reference); // rejects where there is none
      await client.delete(resource, reference);
    },
    async podLog(namespace, name, container) {
      const pod = await client.get<KubeObject>(pods, { namespace, name });
      const { containers } = pod.spec as { containers: { name: string }[] };
      return sandboxes.logs({ namespace, name }, container ?? containers[0]!.name);
    },
  };
}

async function resourceOf(client: KubeClient, reference: ResourceReference): Promise<Resource> {
  const found = await findResource(client, reference);
  if (found !== undefined) return found;
  throw new UnknownKindError(reference.kind);
}

async function findResource(
  client: KubeClient,
  { apiVersion, kind }: Pick<ResourceReference, "apiVersion" | "kind">,
): Promise<Resource | undefined> {
  if (apiVersion !== undefined) return client.resourceOf(apiVersion, kind);
  for (const candidate of apiVersions) {
    try {
      return await client.resourceOf(candidate, kind);
    } catch (error) {
      const isUnknown =
        error instanceof UnknownKindError ||
        (error instanceof KubeError && error.statusCode === 404);
      if (!isUnknown) throw error;
    }
  }
  return undefined;
}
