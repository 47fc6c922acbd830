import type { KubeObject } from "../kube/object.ts";

type Container = { image?: string; imagePullPolicy?: string };
type PodSpec = { containers?: Container[]; initContainers?: Container[] };

/** The images that pods of these objects run and the engine has: the cluster gets them from there. */
export async function imagesOfEngine(
  objects: readonly KubeObject[],
  hasImage: (image: string) => Promise<boolean>,
): Promise<string[]> {
  const wanted = [...new Set(objects.flatMap(imagesOf))];
  const present = await Promise.all(wanted.map((image) => hasImage(image)));
  return wanted.filter((_, index) => present[index]);
}

/** Every image that pods of the object run. */
export function imagesOf(object: KubeObject): string[] {
  return containersOf(object).flatMap(({ image }) => image ?? []);
}

/**
 * The object, with `imagePullPolicy: IfNotPresent` on the containers whose image is one of these and
 * that say nothing of their own. Kubernetes pulls `:latest` always, even where the image is loaded.
 */
export function withLoadedImages(object: KubeObject, loaded: ReadonlySet<string>): KubeObject {
  const copy = structuredClone(object);
  for (const container of containersOf(copy)) {
    if (container.image !== undefined && loaded.has(container.image)) {
      container.imagePullPolicy ??= "IfNotPresent";
    }
  }
  return copy;
}

/** Of a pod, or of whatever has a pod template: DaemonSet, Deployment, Job, … and CronJob. */
function containersOf(object: KubeObject): Container[] {
  const spec = (object.spec ?? {}) as {
    template?: { spec?: PodSpec };
    jobTemplate?: { spec?: { template?: { spec?: PodSpec } } };
  };
  const pod =
    object.kind === "Pod"
      ? (spec as PodSpec)
      : (spec.template?.spec ?? spec.jobTemplate?.spec?.template?.spec ?? {});
  return [...(pod.initContainers ?? []), ...(pod.containers ?? [])];
}
