import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "../object.ts";
import type { KubeApi } from "./kube-api.ts";
import type { StoreEvent } from "./object-store.ts";
import { type ResourceKey, resourceKey } from "./resource.ts";

/** A line of the journal: an object as it is from now on, or one that went. */
type Line = { resource: ResourceKey } & (
  | { put: KubeObject }
  | { removed: { namespace?: string; name: string } }
);

/** The journal is written anew once it has so many lines more than twice its first ones. */
const linesMore = 10_000;

/** What clients are let in with. */
export type Secrets = { token: string; tls: { key: string; cert: string } };

/**
 * A folder in which an API server keeps its objects from one start to the next: a journal, a line of JSON for
 * each change. What was answered is with the kernel, so it outlives the process, however that ends; a power
 * cut may take the last moments. One process at a time: who opens it holds its lock.
 */
export class DataFolder {
  readonly #folder: string;
  readonly #journal: string;
  #file: number | undefined;
  #lines = 0;
  #linesMax = 0;

  /** Made where it is not there, for its owner alone: it holds secrets. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    this.#journal = join(folder, "objects.jsonl");
  }

  /** What was there at the end, for KubeApi's `kept`. Throws at a damaged line, except the last: a crash cuts it off. */
  objects(): Map<ResourceKey, KubeObject[]> {
    const lines = (textIfThere(this.#journal) ?? "").split("\n").slice(0, -1);
    const byKey = new Map<ResourceKey, Map<string, KubeObject>>();
    for (const [n, text] of lines.entries()) {
      const line = readLine(text, `${this.#journal}:${n + 1}`);
      const objects = byKey.get(line.resource) ?? new Map<string, KubeObject>();
      byKey.set(line.resource, objects);
      const { namespace = "", name } = "put" in line ? line.put.metadata : line.removed;
      if ("put" in line) objects.set(`${namespace}/${name}`, line.put);
      else objects.delete(`${namespace}/${name}`);
    }
    return new Map([...byKey].map(([key, objects]) => [key, [...objects.values()]]));
  }

  /** Those of the first start, which `make` made: a kubeconfig stays good. */
  secrets(make: () => Secrets): Secrets {
    const file = join(this.#folder, "secrets.json");
    const kept = textIfThere(file);
    if (kept !== undefined) return JSON.parse(kept) as Secrets;
    const secrets = make();
    writeWhole(file, JSON.stringify(secrets));
    return secrets;
  }

  /** Keeps every change from now on. `onError`: one could not be kept, and none is from then on. */
  follow(api: KubeApi, onError: (error: Error) => void): void {
    this.#writeAnew(api);
    const stop = api.subscribe((event) => {
      try {
        appendFileSync(this.#file!, textOf(event));
        if (++this.#lines > this.#linesMax) this.#writeAnew(api);
      } catch (error) {
        stop();
        onError(error as Error);
      }
    });
  }

  /** Nothing but what is there now. */
  #writeAnew(api: KubeApi): void {
    const lines = api.resources.flatMap((one) => {
      const resource = resourceKey(one);
      return api.list(resource).map((object) => textOf({ type: "ADDED", resource, object }));
    });
    writeWhole(this.#journal, lines.join(""));
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = openSync(this.#journal, "a");
    this.#lines = lines.length;
    this.#linesMax = 2 * lines.length + linesMore;
  }
}

function textOf({ type, resource, object }: Pick<StoreEvent, "type" | "resource" | "object">) {
  const { namespace, name } = object.metadata;
  const removed = { name, ...(namespace !== undefined && { namespace }) };
  const line: Line = type === "DELETED" ? { resource, removed } : { resource, put: object };
  return `${JSON.stringify(line)}\n`;
}

function readLine(text: string, where: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch (error) {
    throw new Error(`${where}: damaged (${(error as Error).message})`, { cause: error });
  }
}

function textIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whole or not at all, and for its owner alone. */
function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
