import { asPathText } from "../../bgp/rib/as-path.ts";
import type { RouteView } from "../../bgp/speaker/views.ts";
import { isEstablished, type SessionEnd, type SessionPair } from "../sessions.ts";
import type { Finding } from "./finding.ts";

/** What one side of each session has sent, the other has, with the same attributes, and nothing else. */
export function notExchanged(sessions: readonly SessionPair[]): Finding[] {
  return sessions.filter(isEstablished).flatMap(([a, b]) => [...compare(a, b), ...compare(b, a)]);
}

function compare(from: SessionEnd, to: SessionEnd): Finding[] {
  const sent = keyed(from.host.speaker.routesAdvertised(from.config.name));
  const had = keyed(to.host.speaker.routesReceived(to.config.name));
  const [a, b] = [from.host.node.name, to.host.node.name];
  const finding = (route: RouteView, text: string, expected: object): Finding => ({
    invariant: "exchange",
    text: `${a} to ${b}: ${route.prefix} ${text}`,
    check: {
      route: { on: b, prefix: route.prefix, ...familyOf(route), ...expected },
    },
  });
  const lost = [...sent].flatMap(([key, route]) => {
    const there = had.get(key);
    if (there === undefined) return finding(route, "was sent and is not there", {});
    const [said, heard] = [attributesText(route), attributesText(there)];
    if (said === heard) return [];
    const asPath = asPathText(route.attributes.asPath);
    return finding(route, `was sent with ${said}, and there it has ${heard}`, { asPath });
  });
  const left = [...had].flatMap(([key, route]) => {
    // Kept for a peer that restarts, until it has sent everything again.
    if (sent.has(key) || route.stale) return [];
    return finding(route, "is there and was not sent, or withdrawn again", { absent: true });
  });
  return [...lost, ...left];
}

function keyed<Route extends RouteView>(routes: readonly Route[]): Map<string, Route> {
  return new Map(
    routes.map((route) => [`${route.family.afi} ${route.prefix} ${route.pathId ?? ""}`, route]),
  );
}

function familyOf({ family }: RouteView): object {
  return family.afi === "ipv6" ? { family: "ipv6-unicast" } : {};
}

function attributesText({ attributes }: RouteView): string {
  const { asPath, origin, med, localPref, communities = [], largeCommunities = [] } = attributes;
  return [
    `AS path '${asPathText(asPath)}'`,
    `origin ${origin}`,
    ...(med === undefined ? [] : [`MED ${med}`]),
    ...(localPref === undefined ? [] : [`local preference ${localPref}`]),
    ...(communities.length === 0 ? [] : [`communities ${communities.toSorted().join(" ")}`]),
    ...(largeCommunities.length === 0
      ? []
      : [`large communities ${largeCommunities.map(String).toSorted().join(" ")}`]),
  ].join(", ");
}
