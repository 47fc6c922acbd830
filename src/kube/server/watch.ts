import type { ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import type { KubeObject } from "../object.ts";
import { expired } from "./api-error.ts";
import type { KubeApi } from "./kube-api.ts";
import type { StoreEvent } from "./object-store.ts";
import type { Representation } from "./representation.ts";
import { type ResourceKey } from "./resource.ts";

/** A watcher that does not read is cut off when so much waits for it; it lists again. */
const unsentBytesMax = 16 * 1024 * 1024;
const bookmarkEveryMs = 60_000;

export type WatchOptions = {
  resource: ResourceKey;
  matches: (object: KubeObject) => boolean;
  representation: Representation;
  /** Undefined or 0: the state as it is comes first, as ADDED events. */
  from: number | undefined;
  bookmarks: boolean;
  /** The WatchList feature: the state first, ended by a marked bookmark. */
  sendInitialEvents: boolean;
  timeoutSeconds: number | undefined;
};

/**
 * Streams changes as lines of JSON until the client goes, its time is up or `end` is called.
 * Throws 410 Expired, before anything is sent, where `from` is too old.
 */
export function serveWatch(
  api: KubeApi,
  response: ServerResponse,
  options: WatchOptions,
  clock: Clock,
): { end: () => void } {
  const { resource, matches, representation, from } = options;
  const stateFirst = options.sendInitialEvents || from === undefined || from === 0;
  if (!stateFirst && from > api.version) {
    // A version of another life of this server.
    throw expired(`too large resource version: ${from}, current: ${api.version}`);
  }
  const missed = stateFirst ? [] : api.since(resource, from);
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  const send = (type: string, object: object) => {
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > unsentBytesMax) response.destroy();
  };
  const tell = (event: StoreEvent) => {
    if (event.resource !== resource) return;
    const told = seenThrough(event, matches);
    if (told) send(told.type, representation.event(told.object));
  };

  if (stateFirst) {
    for (const object of api.list(resource)) {
      if (matches(object)) send("ADDED", representation.event(object));
    }
  }
  if (options.sendInitialEvents && options.bookmarks) {
    const end = { "k8s.io/initial-events-end": "true" };
    send("BOOKMARK", representation.bookmark(api.version, end));
  }
  for (const event of missed) tell(event);

  const cancels = [api.subscribe(tell)];
  const stop = () => {
    for (const cancel of cancels.splice(0)) cancel();
  };
  const end = () => {
    stop();
    response.end();
  };
  if (options.timeoutSeconds !== undefined) {
    cancels.push(clock.setTimer(options.timeoutSeconds * 1000, end));
  }
  if (options.bookmarks) {
    let cancel: () => void;
    const bookmark = () => {
      send("BOOKMARK", representation.bookmark(api.version));
      cancel = clock.setTimer(bookmarkEveryMs, bookmark);
    };
    cancel = clock.setTimer(bookmarkEveryMs, bookmark);
    cancels.push(() => cancel());
  }
  response.on("close", stop);
  return { end };
}

/** A change as a selector sees it: coming to match is ADDED, ceasing to match is DELETED. */
function seenThrough(
  { type, object, previous }: StoreEvent,
  matches: (object: KubeObject) => boolean,
): { type: string; object: KubeObject } | undefined {
  const before = previous !== undefined && matches(previous);
  const now = type !== "DELETED" && matches(object);
  if (now) return { type: before ? "MODIFIED" : "ADDED", object };
  if (!before) return undefined;
  if (type === "DELETED") return { type: "DELETED", object };
  // As it last matched, at the version at which it ceased to.
  const { resourceVersion } = object.metadata;
  const metadata = { ...previous.metadata, ...(resourceVersion && { resourceVersion }) };
  return { type: "DELETED", object: { ...previous, metadata } };
}
