import type { TimelineRecord, TopologyPicture } from "../../timeline/record.ts";
import { formatDuration } from "../duration.ts";
import { fabricChanges, linkKey } from "../fabric-state.ts";
import { ofType, type RunSummary } from "../summary.ts";

/** What the page's script moves through time. Each list is in order of time. */
export type PageData = {
  fromMs: number;
  toMs: number;
  /** States of the picture's elements, by their `id`. */
  changes: { atMs: number; id: string; state: string }[];
  /** What to say of a time: the last of these. */
  moments: { atMs: number; text: string }[];
  /** Nodes whose routes changed, by their `id`. */
  routes: { atMs: number; id: string }[];
  /** Names of the picture's nodes, by their `id`. */
  nodes: Record<string, string>;
};

export function pageData(run: RunSummary, records: readonly TimelineRecord[]): PageData {
  const picture: TopologyPicture = run.started?.topology ?? { nodes: [], links: [] };
  const nodes = new Map(picture.nodes.map((node, index) => [node.name, `node-${index}`]));
  const links = new Map(picture.links.map((link, index) => [linkKey(link), `link-${index}`]));
  const changes = fabricChanges(records).flatMap(({ atMs, change }) => {
    const id = "link" in change ? links.get(linkKey(change.link)) : nodes.get(change.node);
    return id === undefined ? [] : [{ atMs, id, state: change.state }];
  });
  const routes = ofType(records, "routeChange").flatMap(({ atMs, node }) => {
    const id = nodes.get(node);
    return id === undefined ? [] : [{ atMs, id }];
  });
  return {
    fromMs: run.fromMs,
    toMs: run.toMs,
    changes,
    moments: moments(run),
    routes,
    nodes: Object.fromEntries([...nodes].map(([name, id]) => [id, name])),
  };
}

function moments(run: RunSummary): PageData["moments"] {
  const found: PageData["moments"] = [];
  for (const { stage, atMs } of run.stages) found.push({ atMs, text: stage });
  for (const step of run.steps) {
    const name = `step ${step.index + 1}`;
    if (step.beganMs !== undefined)
      found.push({ atMs: step.beganMs, text: `${name}: ${step.name}` });
    for (const event of step.events) found.push({ atMs: event.atMs, text: event.text });
    for (const check of step.checks) {
      const failed = check.verdict === "fail" ? "failed: " : "";
      found.push({ atMs: check.atMs, text: `${name}: ${failed}${check.text}` });
    }
  }
  for (const { probe, outages } of run.probes) {
    for (const outage of outages) {
      const lasted = formatDuration(outage.toMs - outage.fromMs);
      found.push(
        { atMs: outage.fromMs, text: `${probe} gets no answer` },
        { atMs: outage.toMs, text: `${probe} answers again after ${lasted}` },
      );
    }
  }
  for (const { atMs, message } of run.failures) found.push({ atMs, text: message });
  return found.sort((a, b) => a.atMs - b.atMs);
}
