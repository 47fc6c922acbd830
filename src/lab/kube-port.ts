import type { KubeClient, Resource } from "../kube/client/kube-client.ts";
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
  const { apiVersion, kind } = reference;
  if (apiVersion !== undefined) return client.resourceOf(apiVersion, kind);
  let last: unknown;
  for (const candidate of apiVersions) {
    try {
      return await client.resourceOf(candidate, kind);
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`the API server knows no kind ${kind}`, { cause: last });
}
