import type { Pod, PodTemplate } from "../kinds.ts";
import type { KubeObject, OwnerReference } from "../object.ts";

/** A pod of the template, owned by `owner`; its name is the server's to make. */
export function podFrom(
  template: PodTemplate,
  owner: KubeObject,
  extra: {
    labels?: Record<string, string>;
    nodeName?: string;
    tolerations?: Pod["spec"]["tolerations"];
  } = {},
): Pod {
  const { labels, annotations } = template.metadata ?? {};
  const { nodeName = template.spec.nodeName, tolerations = template.spec.tolerations } = extra;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "",
      generateName: `${owner.metadata.name}-`,
      ...(owner.metadata.namespace !== undefined && { namespace: owner.metadata.namespace }),
      labels: { ...labels, ...extra.labels },
      ...(annotations && { annotations }),
      ownerReferences: [ownerReference(owner)],
    },
    spec: {
      ...template.spec,
      ...(nodeName !== undefined && { nodeName }),
      ...(tolerations && { tolerations }),
    },
  };
}

/** `owner` as the controller of what it owns. */
export function ownerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid!,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return (object.metadata.ownerReferences ?? []).some(
    (reference) => reference.controller === true && reference.uid === owner.metadata.uid,
  );
}

/**
 * A short name for a template's content (FNV-1a, as Kubernetes' own): equal hashes for templates that
 * say the same, in whatever order, with fields left empty or left out.
 */
export function templateHash(template: PodTemplate): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(JSON.stringify(canonical(template)))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  // rand.SafeEncodeString: no vowels, so that no word comes out.
  const alphabet = "bcdfghjklmnpqrstvwxz2456789";
  return [...String(hash)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join("");
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]) => [name, canonical(inner)] as const)
      .filter(([, inner]) => !isEmpty(inner))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** maxUnavailable or maxSurge: a number, or a percentage of `total`. */
export function share(value: number | string | undefined, total: number, round: "up" | "down") {
  if (typeof value !== "string") return value ?? 0;
  const exact = (Number.parseFloat(value) / 100) * total;
  return round === "up" ? Math.ceil(exact) : Math.floor(exact);
}
