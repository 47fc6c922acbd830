import { ListWatch } from "@kubernetes/client-node/dist/cache.js";
import type { KubernetesObject } from "@kubernetes/client-node/dist/types.js";
import type { Watch } from "@kubernetes/client-node/dist/watch.js";
import { type Clock, systemClock } from "../clock.ts";
import type { KubeObject } from "../object.ts";
import type { KubeClient, ListOptions, Resource } from "./kube-client.ts";

export type Informer<T extends KubeObject> = {
  /** What is known, also while the API server is away. Empty until the first list. */
  list(namespace?: string): readonly T[];
  get(name: string, namespace?: string): T | undefined;
  on(event: "add" | "update" | "delete", listener: (object: T) => void): void;
  /** A list or watch failed; the informer tries again by itself. */
  on(event: "error", listener: (error: unknown) => void): void;
  /** Resolves when the first list is in the cache; waits for an API server that is not there yet. */
  start(): Promise<void>;
  stop(): void;
};

export type InformerOptions = ListOptions & { clock?: Clock };

const retryFirstMs = 200;
const retryMostMs = 2_000;

/**
 * client-node's informer (its ListWatch) over the small client. client-node stops at an error; this
 * lists or watches again, later each time, and the cache stays as it was meanwhile.
 */
export function informer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  options: InformerOptions = {},
): Informer<T> {
  const { clock = systemClock, ...selection } = options;
  const { namespace, labelSelector, fieldSelector } = selection;
  let stopped = true;
  let retryMs = retryFirstMs;
  let cancelRetry = () => {};
  let synced: () => void;
  const firstList = new Promise<void>((resolve) => (synced = resolve));

  // The shape of client-node's Watch, without its dependencies.
  const watch = {
    watch(
      path: string,
      query: Record<string, string>,
      onEvent: (type: string, object: KubeObject) => void,
      done: (error: unknown) => void,
    ): Promise<AbortController> {
      // client-node goes on to watch where it was stopped during its list.
      if (stopped) return Promise.resolve(new AbortController());
      synced();
      const all = new URLSearchParams({ ...query, watch: "true", allowWatchBookmarks: "true" });
      const seen = (type: string, object: KubeObject) => {
        retryMs = retryFirstMs;
        onEvent(type, object);
      };
      return Promise.resolve(client.watch(`${path}?${all}`, seen, (error) => done(error ?? null)));
    },
  };

  // client-node's types have Dates in metadata; its cache passes on whatever the list returned.
  const cache = new ListWatch<KubernetesObject>(
    client.listPath(resource, namespace === undefined ? {} : { namespace }),
    watch as unknown as Watch,
    () => client.list<T>(resource, selection) as never,
    false,
    labelSelector,
    fieldSelector,
    { delayFn: (ms) => new Promise<void>((resolve) => void clock.setTimer(ms, resolve)) },
  );

  cache.on("error", () => {
    if (stopped) return;
    cancelRetry();
    cancelRetry = clock.setTimer(retryMs, () => void cache.start());
    retryMs = Math.min(retryMs * 2, retryMostMs);
  });

  return {
    list: (inNamespace) => cache.list(inNamespace) as unknown as readonly T[],
    get: (name, inNamespace) => cache.get(name, inNamespace) as unknown as T | undefined,
    on: (event: string, listener: (value: never) => void) =>
      cache.on(event as "add", listener as (object: KubernetesObject) => void),
    start() {
      if (stopped) {
        stopped = false;
        void cache.start();
      }
      return firstList;
    },
    stop() {
      stopped = true;
      cancelRetry();
      void cache.stop();
    },
  };
}
