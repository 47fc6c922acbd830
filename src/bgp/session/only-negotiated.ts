import type { ReceivedUpdate } from "../wire/decode-update.ts";
import type { AfiSafi, RouteRefreshMessage } from "../wire/message.ts";
import { sameFamily } from "../wire/registry.ts";
import type { Negotiated } from "./io.ts";

/** The UPDATE without the families that were not negotiated (RFC 4760 §7): itself where it has none. */
export function onlyNegotiated(message: ReceivedUpdate, { families }: Negotiated): ReceivedUpdate {
  const known = ({ family }: { family: AfiSafi }): boolean => isAmong(families, family);
  const endKnown = message.endOfRib === undefined || known({ family: message.endOfRib });
  if (endKnown && message.withdrawn.every(known) && message.announced.every(known)) return message;
  const { endOfRib: _, ...rest } = message;
  const announced = message.announced.filter(known);
  return {
    ...rest,
    announced,
    attributes: announced.length > 0 ? message.attributes : undefined,
    withdrawn: message.withdrawn.filter(known),
  };
}

function isAmong(families: readonly AfiSafi[], family: AfiSafi): boolean {
  for (const one of families) if (sameFamily(one, family)) return true;
  return false;
}

/** Whether a ROUTE-REFRESH is to be followed; what was not negotiated is ignored (RFC 2918 §4, RFC 7313 §4). */
export function refreshNegotiated(
  { family, subtype }: RouteRefreshMessage,
  { families, routeRefresh, enhancedRouteRefresh }: Negotiated,
): boolean {
  const wanted = subtype === 0 ? routeRefresh : enhancedRouteRefresh && subtype <= 2;
  return wanted && family !== undefined && families.some((one) => sameFamily(one, family));
}
