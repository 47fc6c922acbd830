import type { Informer, InformerOptions } from "../../kube/client/informer.ts";
import type { KubeObject } from "../../kube/object.ts";
import {
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
} from "../../kube/selector.ts";
import type { KubeApi } from "../../kube/server/kube-api.ts";
import type { ResourceKey } from "../../kube/server/resource.ts";
import type { World } from "../world.ts";
import type { ApiPlace } from "./local-api.ts";

/** From a change in the API to whoever watches it. */
const watchDelayMs = 1;
/** A watch that was refused is tried again. */
const retryMs = 1_000;

type Change = "add" | "update" | "delete";

/** An informer beside the store: it hears of changes a moment later, in their order. */
export class LocalInformer implements Informer<KubeObject> {
  readonly #world: World;
  readonly #api: KubeApi;
  readonly #isUp: () => boolean;
  readonly #run: (what: () => void) => void;
  readonly #key: ResourceKey;
  readonly #namespace: string | undefined;
  readonly #matches: (object: KubeObject) => boolean;
  readonly #known = new Map<string, KubeObject>();
  readonly #listeners: Record<Change, ((object: KubeObject) => void)[]> = {
    ...{ add: [], update: [], delete: [] },
  };
  /** What has happened and is not heard of yet. */
  #coming: (() => void)[] = [];
  #stop = () => {};

  constructor({ world, api, isUp, run }: ApiPlace, key: ResourceKey, options: InformerOptions) {
    this.#world = world;
    this.#api = api;
    this.#isUp = isUp;
    this.#run = run;
    this.#key = key;
    this.#namespace = options.namespace;
    const { namespace, fieldSelector = "", labelSelector = "" } = options;
    const fields = parseFieldSelector(fieldSelector);
    const labels = parseLabelSelector(labelSelector);
    this.#matches = (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      matchesFields(fields, object) &&
      matchesLabels(labels, object.metadata.labels);
  }

  list(namespace?: string): readonly KubeObject[] {
    const all = [...this.#known.values()];
    return namespace === undefined
      ? all
      : all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  get(name: string, namespace?: string): KubeObject | undefined {
    return this.#known.get(nameOf({ name, namespace }));
  }

  on(event: Change | "error", listener: (value: never) => void): void {
    // Nothing stands between that could fail.
    if (event !== "error") this.#listeners[event].push(listener as (object: KubeObject) => void);
  }

  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#stop = this.#api.subscribe(({ resource, object, previous, type }) => {
        if (resource !== this.#key) return;
        // What it neither knows nor wants: a thousand nodes each ask for one object of each kind.
        if (!this.#matches(object) && (previous === undefined || !this.#matches(previous))) return;
        this.#soon(() => this.#take(object, type === "DELETED"));
      });
      const all = this.#api.list(
        this.#key,
        this.#namespace === undefined ? {} : { namespace: this.#namespace },
      );
      this.#soon(() => {
        for (const object of all) this.#take(object, false);
        resolve();
      });
    });
  }

  stop(): void {
    this.#stop();
    for (const listeners of Object.values(this.#listeners)) listeners.length = 0;
  }

  #soon(then: () => void): void {
    this.#coming.push(then);
    if (this.#coming.length === 1) this.#hearAfter(watchDelayMs);
  }

  #hearAfter(ms: number): void {
    this.#world.clock.setTimer(ms, () => {
      if (!this.#isUp()) return this.#hearAfter(retryMs);
      this.#world.wake();
      const coming = this.#coming;
      this.#coming = [];
      this.#run(() => coming.forEach((each) => each()));
    });
  }

  #take(object: KubeObject, isGone: boolean): void {
    const name = nameOf(object.metadata);
    const isKnown = this.#known.has(name);
    if (!isGone && this.#matches(object)) {
      this.#known.set(name, object);
      this.#tell(isKnown ? "update" : "add", object);
    } else if (isKnown) {
      this.#known.delete(name);
      this.#tell("delete", object);
    }
  }

  #tell(change: Change, object: KubeObject): void {
    for (const listener of this.#listeners[change]) listener(object);
  }
}

function nameOf({
  name,
  namespace = "",
}: {
  name: string;
  namespace?: string | undefined;
}): string {
  return `${namespace}/${name}`;
}
