import type { KubeObject } from "../object.ts";
import { ApiError } from "./api-error.ts";
import { apiVersionOf, type Column, type ResourceDefinition } from "./resource.ts";

/** The forms an answer can take; which one, the Accept header says. */
export type Form = "object" | "table" | "metadata";

/** A client that accepts nothing we can write gets 406. The first acceptable form counts. */
export function negotiate(accept: string | undefined): Form {
  for (const one of (accept ?? "*/*").split(",")) {
    const [type, ...parameters] = one.split(";").map((part) => part.trim().toLowerCase());
    if (type !== "application/json" && type !== "*/*" && type !== "application/*") continue;
    const of = new Map(parameters.map((part) => part.split("=") as [string, string]));
    const as = of.get("as");
    if (as === undefined) return "object";
    if (of.get("g") !== "meta.k8s.io" || !/^v1(beta1)?$/.test(of.get("v") ?? "")) continue;
    if (as === "table") return "table";
    if (as === "partialobjectmetadata" || as === "partialobjectmetadatalist") return "metadata";
  }
  throw new ApiError(
    406,
    "NotAcceptable",
    "only the following media types are accepted: application/json",
  );
}

/** How objects of one resource go out to one request. */
export class Representation {
  readonly #definition: ResourceDefinition;
  readonly #apiVersion: string;
  readonly #form: Form;
  /** Of Table rows: `None`, `Metadata` (default) or `Object`. */
  readonly #includeObject: string;
  readonly #nowMs: () => number;
  #columnsSent = false;

  constructor(options: {
    definition: ResourceDefinition;
    version: string;
    form: Form;
    includeObject: string | null;
    nowMs: () => number;
  }) {
    this.#definition = options.definition;
    this.#apiVersion = apiVersionOf(options.definition, options.version);
    this.#form = options.form;
    this.#includeObject = options.includeObject ?? "Metadata";
    this.#nowMs = options.nowMs;
  }

  one(object: KubeObject): object {
    if (this.#form === "table") return this.#table([object], object.metadata.resourceVersion, true);
    return this.#form === "metadata" ? metadataOf(object) : this.#versioned(object);
  }

  list(objects: KubeObject[], version: number): object {
    const metadata = { resourceVersion: String(version) };
    if (this.#form === "table") return this.#table(objects, metadata.resourceVersion, true);
    if (this.#form === "metadata") {
      const items = objects.map(metadataOf);
      const apiVersion = "meta.k8s.io/v1";
      return { kind: "PartialObjectMetadataList", apiVersion, metadata, items };
    }
    const items = objects.map((object) => this.#versioned(object));
    return { kind: `${this.#definition.kind}List`, apiVersion: this.#apiVersion, metadata, items };
  }

  /** An object of a watch: a table names its columns in the first event only. */
  event(object: KubeObject): object {
    if (this.#form !== "table") return this.one(object);
    const first = !this.#columnsSent;
    this.#columnsSent = true;
    return this.#table([object], object.metadata.resourceVersion, first);
  }

  /** The object of a BOOKMARK: a version and nothing else. */
  bookmark(version: number, annotations?: Record<string, string>): object {
    const metadata = { resourceVersion: String(version), ...(annotations && { annotations }) };
    if (this.#form === "table") {
      const object = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
      return tableOf([], [{ cells: [], object }], metadata.resourceVersion);
    }
    if (this.#form === "metadata") {
      return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
    }
    return { kind: this.#definition.kind, apiVersion: this.#apiVersion, metadata };
  }

  #versioned(object: KubeObject): KubeObject {
    return object.apiVersion === this.#apiVersion
      ? object
      : { ...object, apiVersion: this.#apiVersion };
  }

  #table(objects: KubeObject[], resourceVersion: string | undefined, withColumns: boolean): object {
    const { columns } = this.#definition;
    const nowMs = this.#nowMs();
    const definitions = columns.map(({ name, type, wide, description }) => ({
      name,
      type,
      format: name === "Name" ? "name" : "",
      description: description ?? "",
      priority: wide ? 1 : 0,
    }));
    const rows = objects.map((object) => ({
      cells: columns.map((column) => cellOf(column, object, nowMs)),
      ...(this.#includeObject === "Object" && { object: this.#versioned(object) }),
      ...(this.#includeObject === "Metadata" && { object: metadataOf(object) }),
    }));
    return tableOf(withColumns ? definitions : [], rows, resourceVersion ?? "");
  }
}

/**
 * Not every field of every kind is checked when it is written: one odd object must not take the whole
 * table away. `kubectl get -o yaml` shows what is wrong with it.
 */
function cellOf(column: Column, object: KubeObject, nowMs: number): string | number | boolean {
  try {
    return column.cell(object, nowMs);
  } catch (error) {
    if (error instanceof TypeError) return "<invalid>";
    throw error;
  }
}

function tableOf(columnDefinitions: object[], rows: object[], resourceVersion: string): object {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: { resourceVersion },
    columnDefinitions,
    rows,
  };
}

function metadataOf({ metadata }: KubeObject): object {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
}
