import type { EventHandler } from "../event.ts";
import { familyText, referenceText } from "../resolve.ts";
import type { EventOf } from "../schema/types.ts";
import { setBgpMetric } from "./bgp-metric.ts";
import { setRouteMetric } from "./kernel-route.ts";
import { setOspfCost } from "./ospf-cost.ts";

/** What a way costs: BGP attributes on a router, or the metric of a kernel route. */
export const metric: EventHandler<"metric"> = {
  text(event) {
    if (event.of === "ospf") return `OSPF cost of ${referenceText(event.on)}: ${event.cost}`;
    return event.of === "bgp"
      ? `metric on ${event.on}${towardsText(event)}: ${bgpText(event)}`
      : `metric of ${destinationText(event)} on ${event.on}: ${event.metric}`;
  },

  run(context, event) {
    if (event.of === "ospf") return setOspfCost(context, event);
    return event.of === "bgp" ? setBgpMetric(context, event) : setRouteMetric(context, event);
  },
};

type BgpMetric = Extract<EventOf<"metric">, { of: "bgp" }>;
type RouteMetric = Extract<EventOf<"metric">, { of: "route" }>;

function towardsText({ neighbor, prefix }: BgpMetric): string {
  const towards = neighbor === undefined ? "" : ` towards ${referenceText(neighbor)}`;
  return `${towards}${prefix === undefined ? "" : ` for ${referenceText(prefix)}`}`;
}

function bgpText({ asPathPrepend, med, localPreference }: BgpMetric): string {
  return [
    ...(asPathPrepend === undefined ? [] : [`AS path prepend ${asPathPrepend}`]),
    ...(med === undefined ? [] : [`MED ${med}`]),
    ...(localPreference === undefined ? [] : [`local preference ${localPreference}`]),
  ].join(", ");
}

function destinationText({ route, family, via }: RouteMetric): string {
  const over = via === undefined ? "" : ` via ${referenceText(via)}`;
  const text = route === "default" ? "default" : referenceText(route);
  return `${text}${familyText(family)}${over}`;
}
