import type { Runtime } from "../../runtime/port.ts";
import { placeText } from "../kernel.ts";
import type { Place } from "../../runtime/port.ts";
import type { NextHop } from "../rib-view.ts";

/** What a node's kernel does with packets to an address. */
export type Way =
  | { to: "nowhere"; why: string }
  /** It is the node's own. */
  | { to: "itself" }
  | { to: "link"; interface: string; gateway?: NextHop; carrier: boolean };

const limitMs = 10_000;

type RouteGet = {
  type?: string;
  gateway?: string;
  via?: { host: string };
  dev?: string;
};

/** Asks the kernel, as it would for a packet of the node's own. */
export async function wayTo(runtime: Runtime, place: Place, address: string): Promise<Way> {
  const argv = ["ip", "-j", "route", "get", address];
  const asked = await runtime.exec(place, argv, { timeoutMs: limitMs });
  if (asked.exitCode !== 0) {
    return { to: "nowhere", why: (asked.stderr + asked.stdout).trim() || "no answer" };
  }
  const [route] = JSON.parse(asked.stdout) as [RouteGet];
  if (route.type === "local") return { to: "itself" };
  // Of IPv6 such a route has a device: lo.
  const leads = route.dev !== undefined && (route.type ?? "unicast") === "unicast";
  if (!leads || route.dev === undefined) {
    return { to: "nowhere", why: `${placeText(place)}: a ${route.type ?? "strange"} route` };
  }
  const gateway = route.gateway ?? route.via?.host;
  return {
    to: "link",
    interface: route.dev,
    carrier: await hasCarrier(runtime, place, route.dev),
    ...(gateway !== undefined && {
      gateway: { address: gateway as NextHop["address"], interface: route.dev },
    }),
  };
}

/** Whether the interface is up and its other end is. */
export async function hasCarrier(runtime: Runtime, place: Place, name: string): Promise<boolean> {
  const asked = await runtime.exec(place, ["ip", "-j", "link", "show", "dev", name], {
    timeoutMs: limitMs,
  });
  if (asked.exitCode !== 0) return false;
  const [link] = JSON.parse(asked.stdout) as [{ flags?: string[] }];
  return link.flags?.includes("LOWER_UP") === true && link.flags.includes("UP");
}
