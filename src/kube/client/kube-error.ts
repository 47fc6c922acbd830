/** An answer of the API server that is no success: its Status, or what is known of it. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  /** HTTP status: 404, 409, 410, 422, … client-node's informer reads it under this name. */
  readonly statusCode: number;
  /** Status.reason: `NotFound`, `Conflict`, `Expired`, `Invalid`, … */
  readonly reason: string;
  readonly causes: readonly { field?: string; message?: string }[];

  constructor(statusCode: number, body: string) {
    const status = statusOf(body);
    super(status?.message ?? `the API server answered ${statusCode}: ${body.slice(0, 200)}`);
    this.statusCode = statusCode;
    this.reason = status?.reason ?? "";
    this.causes = status?.details?.causes ?? [];
  }
}

/** Of the API's own list of its kinds. */
export class UnknownKindError extends Error {
  override readonly name = "UnknownKindError";
  constructor(kind: string) {
    super(`the API server knows no kind ${kind}`);
  }
}

type StatusBody = {
  message?: string;
  reason?: string;
  details?: { causes?: { field?: string; message?: string }[] };
};

function statusOf(body: string): StatusBody | undefined {
  try {
    const parsed = JSON.parse(body) as StatusBody & { kind?: string };
    return parsed.kind === "Status" ? parsed : undefined;
  } catch {
    return undefined;
  }
}
