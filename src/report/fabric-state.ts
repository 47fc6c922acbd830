import type { FabricChange, TimelineRecord, TopologyPicture } from "../timeline/record.ts";

export type LinkState = "up" | "down" | "impaired";
export type NodeState = "up" | "down" | "paused" | "degraded";
export type PictureLink = TopologyPicture["links"][number];
export type PictureNode = TopologyPicture["nodes"][number];

/** Links by `linkKey`, nodes by name. What is not in it is up. */
export type FabricState = {
  links: ReadonlyMap<string, LinkState>;
  nodes: ReadonlyMap<string, NodeState>;
};

/** What an event or a failure did, and when. */
export type TimedChange = { atMs: number; change: FabricChange };

/** `router0:net1 tor1:net0`: the same from either end. */
export function linkKey(link: PictureLink): string {
  const [a, b] = [link.a, link.b].map((end) => `${end.node}:${end.interface}`).sort();
  return `${a} ${b}`;
}

/** Every change of a link or node, in order. A node that failed outside a check is `degraded`. */
export function fabricChanges(records: readonly TimelineRecord[]): TimedChange[] {
  const changes: TimedChange[] = [];
  for (const record of records) {
    if (record.type === "event" && record.error === undefined) {
      for (const change of record.changes ?? []) changes.push({ atMs: record.atMs, change });
    } else if (record.type === "failure" && record.node !== undefined) {
      changes.push({ atMs: record.atMs, change: { node: record.node, state: "degraded" } });
    }
  }
  return changes;
}

/** The state after the changes up to and including `atMs`. */
export function fabricStateAt(changes: readonly TimedChange[], atMs = Infinity): FabricState {
  const links = new Map<string, LinkState>();
  const nodes = new Map<string, NodeState>();
  for (const { atMs: changedMs, change } of changes) {
    if (changedMs > atMs) break;
    if ("link" in change) links.set(linkKey(change.link), change.state);
    else nodes.set(change.node, change.state);
  }
  return { links, nodes };
}
