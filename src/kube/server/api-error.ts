import type { ResourceDefinition } from "./resource.ts";

export type Cause = { reason: string; message: string; field: string };

/** metav1.Status as it goes over the wire. */
export type Status = {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, never>;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: Cause[];
    retryAfterSeconds?: number;
  };
  code: number;
};

/** A request the API server refuses. kubectl prints `message`, and `causes` one a line where Invalid. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;
  readonly reason: string;
  readonly details: NonNullable<Status["details"]>;

  constructor(code: number, reason: string, message: string, details: Status["details"] = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): Status {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      reason: this.reason,
      details: this.details,
      code: this.code,
    };
  }
}

type Named = Pick<ResourceDefinition, "group" | "plural" | "kind">;

const qualified = (name: string, group: string) => (group === "" ? name : `${name}.${group}`);

export function notFound(of: Named, name: string): ApiError {
  return new ApiError(404, "NotFound", `${qualified(of.plural, of.group)} "${name}" not found`, {
    name,
    group: of.group,
    kind: of.plural,
  });
}

export function alreadyExists(of: Named, name: string): ApiError {
  return new ApiError(
    409,
    "AlreadyExists",
    `${qualified(of.plural, of.group)} "${name}" already exists`,
    { name, group: of.group, kind: of.plural },
  );
}

export function conflict(of: Named, name: string, why: string): ApiError {
  return new ApiError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(of.plural, of.group)} "${name}": ${why}`,
    { name, group: of.group, kind: of.plural },
  );
}

/** 422 with one cause a problem, as field.ErrorList.ToAggregate words it. */
export function invalid(of: Named, name: string, causes: Cause[]): ApiError {
  const told = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = told.length === 1 ? told[0]! : `[${told.join(", ")}]`;
  return new ApiError(
    422,
    "Invalid",
    `${qualified(of.kind, of.group)} "${name}" is invalid: ${list}`,
    { name, group: of.group, kind: of.kind, causes },
  );
}

export function forbidden(of: Named, name: string, why: string): ApiError {
  return new ApiError(
    403,
    "Forbidden",
    `${qualified(of.plural, of.group)} "${name}" is forbidden: ${why}`,
    { name, group: of.group, kind: of.plural },
  );
}

export const badRequest = (message: string) => new ApiError(400, "BadRequest", message);

/** 410: the client must list again. */
export const expired = (message: string) => new ApiError(410, "Expired", message);

export const pathNotFound = () =>
  new ApiError(404, "NotFound", "the server could not find the requested resource");

export const methodNotAllowed = (method: string) =>
  new ApiError(
    405,
    "MethodNotAllowed",
    `the server does not allow this method (${method}) on the requested resource`,
  );
