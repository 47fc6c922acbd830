import type { AvailableRoute } from "../../bgp/speaker/views.ts";
import type { FrrRouter } from "./router.ts";

export type ShownRoute = AvailableRoute & { stale: boolean; valid: boolean };

/** What was chosen from, and what has a next hop that nothing reaches: bgpd shows that as not valid. */
export function shownRoutes({ host }: FrrRouter): ShownRoute[] {
  const received = host?.speaker.routesReceived() ?? [];
  const keyOf = ({ prefix, peer = "" }: { prefix: string; peer?: string }) => `${prefix} ${peer}`;
  const stale = new Set(received.filter((route) => route.stale).map(keyOf));
  const available = host?.speaker.routesAvailable() ?? [];
  const chosenFrom = new Set(available.map(keyOf));
  const unreachable = received.filter(
    (route) => route.notUsed?.startsWith("its next hop") === true && !chosenFrom.has(keyOf(route)),
  );
  return [
    ...available.map((route) => ({ ...route, valid: true, stale: stale.has(keyOf(route)) })),
    ...unreachable.map((route) => ({ ...route, valid: false })),
  ];
}
