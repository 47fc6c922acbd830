import type { KubeObject } from "../../kube/object.ts";
import { resourceText } from "../checks/resource.ts";
import type { KubePort } from "../context.ts";
import type { EventHandler } from "../event.ts";
import type { ResourceReference } from "../schema/types.ts";

/** Events that change objects of the Kubernetes API. */

export const apply: EventHandler<"apply"> = {
  text: ({ manifests }) =>
    `apply ${manifests.map(({ object }) => resourceText(referenceOf(object))).join(", ")}`,

  async run({ kube }, { manifests }) {
    const undos: (() => Promise<void>)[] = [];
    for (const { object } of manifests) {
      const reference = referenceOf(object);
      const before = await kube.get(reference);
      await kube.apply(object as KubeObject);
      undos.unshift(() =>
        before === undefined ? kube.delete(reference) : kube.apply(asWritten(before)),
      );
    }
    return async () => {
      for (const undo of undos) await undo();
    };
  },
};

export const patch: EventHandler<"patch"> = {
  text: ({ resource, merge }) => `patch ${resourceText(resource)} ${JSON.stringify(merge)}`,

  async run({ kube }, { resource, merge }) {
    const before = await existing(kube, resource);
    await kube.patch(resource, merge);
    return () => kube.patch(resource, inversePatch(merge, before));
  },
};

export const remove: EventHandler<"delete"> = {
  text: ({ resource }) => `delete ${resourceText(resource)}`,

  async run({ kube }, { resource }) {
    const before = await existing(kube, resource);
    await kube.delete(resource);
    return () => kube.apply(asWritten(before));
  },
};

export const scale: EventHandler<"scale"> = {
  text: ({ resource, replicas }) => `scale ${resourceText(resource)} to ${replicas}`,

  async run({ kube }, { resource, replicas }) {
    const { spec } = await existing(kube, resource);
    await kube.patch(resource, { spec: { replicas } });
    const before = (spec as { replicas?: number } | undefined)?.replicas ?? 1;
    return () => kube.patch(resource, { spec: { replicas: before } });
  },
};

async function existing(kube: KubePort, reference: ResourceReference): Promise<KubeObject> {
  const object = await kube.get(reference);
  if (object === undefined) throw new Error(`no ${resourceText(reference)}`);
  return object;
}

function referenceOf({
  apiVersion,
  kind,
  metadata,
}: {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}): ResourceReference {
  const { name, namespace } = metadata;
  return { apiVersion, kind, name, ...(namespace !== undefined && { namespace }) };
}

/** The object without what the API server adds. */
function asWritten(object: KubeObject): KubeObject {
  const { name, namespace, labels, annotations } = object.metadata;
  const metadata = {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(labels !== undefined && { labels }),
    ...(annotations !== undefined && { annotations }),
  };
  const fields = Object.entries(object).filter(([field]) => field !== "status");
  return { ...Object.fromEntries(fields), metadata } as KubeObject;
}

/** The RFC 7386 merge patch that takes `merge` back from an object that was `before`. */
export function inversePatch(
  merge: Record<string, unknown>,
  before: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(merge).map(([key, value]) => {
      const old = before[key];
      if (isObject(value) && isObject(old)) return [key, inversePatch(value, old)];
      return [key, old ?? null];
    }),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
