import { createHash } from "node:crypto";
import { timestamp } from "./clock.ts";
import type { KubeObject } from "./object.ts";
import type { KubeApi } from "./server/kube-api.ts";

/** A real cluster forgets events after an hour; here the oldest make room. */
const eventsMax = 1000;

/**
 * Writes a v1 Event about an object; one that says the same again is counted up. In a namespace that
 * is going, events go unwritten.
 */
export function recordEvent(
  api: KubeApi,
  about: KubeObject,
  event: { type: "Normal" | "Warning"; reason: string; message: string; component: string },
): void {
  const { type, reason, message, component } = event;
  const { name, namespace = "default", uid = "" } = about.metadata;
  const home = api.find("namespaces", { name: namespace });
  if (!home || home.metadata.deletionTimestamp !== undefined) return;
  const now = timestamp(api.clock.nowMs());
  const hash = createHash("sha1")
    .update(JSON.stringify([uid, reason, message]))
    .digest("hex");
  const at = {
    namespace,
    name: `${name.slice(0, 200).replace(/[-.]+$/, "")}.${hash.slice(0, 16)}`,
  };
  const before = api.find("events", at);
  if (before) {
    const count = Number(before.count ?? 1) + 1;
    api.patch("events", at, { count, lastTimestamp: now }, "merge");
    return;
  }
  const all = api.list("events");
  if (all.length >= eventsMax) {
    const [oldest] = all.sort((a, b) =>
      String(a.lastTimestamp).localeCompare(String(b.lastTimestamp)),
    );
    api.delete("events", oldest!.metadata);
  }
  api.create("events", {
    apiVersion: "v1",
    kind: "Event",
    metadata: at,
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name,
      ...(about.metadata.namespace !== undefined && { namespace }),
      uid,
    },
    type,
    reason,
    message,
    source: { component },
    reportingComponent: component,
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  });
}
