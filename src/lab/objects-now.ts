import type { KubeObject } from "../kube/object.ts";
import type { KubePort } from "../scenario/context.ts";
import { lookedUpKinds } from "../scenario/schema/check-scenario.ts";

export type NamedObject = { object: KubeObject; source: string };

/**
 * What a scenario can name in a lab that is up: what the lab was made of, and what its API has now, made by
 * kubectl or by an earlier scenario. Of an object no more than names, labels and what it asks for.
 */
export async function objectsNow(
  kube: Pick<KubePort, "list">,
  manifests: readonly NamedObject[],
): Promise<NamedObject[]> {
  // An API that does not answer, as that of a lab whose control plane an event has stopped, tells of nothing.
  const listed = await Promise.all(lookedUpKinds.map((kind) => kube.list(kind))).catch(() => []);
  const inApi = listed.flat().map(({ apiVersion, kind, metadata, spec }) => {
    const { name, namespace, labels } = metadata;
    const named = {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels }),
    };
    return { object: { apiVersion, kind, metadata: named, spec }, source: "in the API" };
  });
  return [...manifests, ...inApi];
}
