/** What other resources become in Cilium's terms. */
export type Converted = {
  resources: Resource[];
  /** What the new resources cannot say, or say elsewhere; a sentence each. */
  notes: string[];
};

export type Resource = { apiVersion: string; kind: string; metadata: object; spec?: unknown };

/** One of cilium.io/v2. */
export function resource(kind: string, metadata: object, spec: object): Resource {
  return { apiVersion: "cilium.io/v2", kind, metadata, spec };
}

/** Without what is undefined. */
export function written(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
