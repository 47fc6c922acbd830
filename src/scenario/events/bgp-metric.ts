import { prefixFamily, type Prefix } from "../../net/prefix.ts";
import { frrText, readFrrSummary } from "../../observe/frr.ts";
import type { LabContext } from "../context.ts";
import { EventError, type Undo } from "../event.ts";
import { configureRouter } from "../node-command.ts";
import { isPeer, nodeNamed, resolveDestination } from "../resolve.ts";
import type { EventOf } from "../schema/types.ts";

type BgpMetric = Extract<EventOf<"metric">, { of: "bgp" }>;
type Direction = "in" | "out";

/** Route-maps of this name are this event's; others are the lab's and are left alone. */
const ownPrefix = "SPINELAB";

/**
 * Puts a route-map on the way to or from a router's neighbors. Attaching a route-map takes effect at
 * once (changing an attached one waits for FRR's delay-timer), so each event attaches a new one.
 * `asPathPrepend: 0` alone takes the route-map away again.
 */
export async function setBgpMetric(context: LabContext, event: BgpMetric): Promise<Undo> {
  const node = nodeNamed(context, event.on).name;
  const prefix = event.prefix && (await resolveDestination(context, event.prefix));
  const { asn, peers } = await neighbors(context, node, event);
  const running = await frrText(context.runtime, node, "bgpd", "show running-config");
  const attached = attachedMaps(running);
  const family = prefix !== undefined && prefixFamily(prefix) === "ipv6" ? "ipv6" : "ipv4";

  const change: string[] = [];
  const back: string[] = [];
  for (const { direction, sets } of directions(event, asn)) {
    for (const peer of peers) {
      const old = attached.get(`${peer} ${direction}`);
      if (old !== undefined && !old.startsWith(ownPrefix)) {
        const line = `neighbor ${peer} route-map ${old} ${direction}`;
        throw new EventError(node, line, "the router has a route-map there: change it by `config`");
      }
      const name = nextName(running, peer, direction);
      const attach = inBgp(asn, family, `neighbor ${peer} route-map ${name} ${direction}`);
      const detach = inBgp(asn, family, `no neighbor ${peer} route-map ${name} ${direction}`);
      const attachOld = old && inBgp(asn, family, `neighbor ${peer} route-map ${old} ${direction}`);
      if (sets.length > 0) {
        change.push(...routeMap(name, sets, prefix), ...attach);
        back.push(...(attachOld ?? detach), ...removal(name, prefix));
      } else if (old !== undefined) {
        change.push(...inBgp(asn, family, `no neighbor ${peer} route-map ${old} ${direction}`));
        back.push(...attachOld!);
      }
    }
  }
  if (change.length > 0) await configureRouter(context, node, change);
  return async () => {
    if (back.length > 0) await configureRouter(context, node, back);
  };
}

/** The peers of the router as its configuration names them: by address or by interface. */
async function neighbors(
  context: LabContext,
  node: string,
  { neighbor }: BgpMetric,
): Promise<{ asn: number; peers: string[] }> {
  await context.names.ready();
  const { localAsn, sessions } = await readFrrSummary(context.runtime, node, "ipv4-unicast");
  const found = sessions.filter(
    (session) => neighbor === undefined || isPeer(context, node, session, neighbor),
  );
  if (found.length === 0) {
    throw new EventError(node, "show bgp ipv4 unicast summary", "the router has no such neighbor");
  }
  return { asn: localAsn, peers: found.map(({ peer }) => peer) };
}

function directions(
  { asPathPrepend, med, localPreference }: BgpMetric,
  asn: number,
): { direction: Direction; sets: string[] }[] {
  const out = [
    ...(asPathPrepend === undefined || asPathPrepend === 0
      ? []
      : [`set as-path prepend ${Array(asPathPrepend).fill(asn).join(" ")}`]),
    ...(med === undefined ? [] : [`set metric ${med}`]),
  ];
  return [
    ...(asPathPrepend === undefined && med === undefined
      ? []
      : [{ direction: "out" as const, sets: out }]),
    ...(localPreference === undefined
      ? []
      : [{ direction: "in" as const, sets: [`set local-preference ${localPreference}`] }]),
  ];
}

/** Other routes than those meant pass unchanged: a route-map denies what no entry permits. */
function routeMap(name: string, sets: string[], prefix: Prefix | undefined): string[] {
  const ip = prefix !== undefined && prefixFamily(prefix) === "ipv6" ? "ipv6" : "ip";
  return [
    ...(prefix === undefined ? [] : [`${ip} prefix-list ${name} seq 5 permit ${prefix}`]),
    `route-map ${name} permit 10`,
    ...(prefix === undefined ? [] : [`match ${ip} address prefix-list ${name}`]),
    ...sets,
    "exit",
    ...(prefix === undefined ? [] : [`route-map ${name} permit 20`, "exit"]),
  ];
}

function removal(name: string, prefix: Prefix | undefined): string[] {
  const ip = prefix !== undefined && prefixFamily(prefix) === "ipv6" ? "ipv6" : "ip";
  const list = prefix === undefined ? [] : [`no ${ip} prefix-list ${name}`];
  return [`no route-map ${name}`, ...list];
}

function inBgp(asn: number, family: "ipv4" | "ipv6", line: string): string[] {
  return [`router bgp ${asn}`, `address-family ${family} unicast`, line, "exit", "exit"];
}

/**
 * SPINELAB-net0-out-1, -2, …: one that is not there yet. Earlier ones stay, unattached, since the
 * undo of a later event attaches them again.
 */
function nextName(runningConfig: string, peer: string, direction: Direction): string {
  const stem = `${ownPrefix}-${peer}-${direction}-`;
  const names = runningConfig.matchAll(/^route-map (\S+) /gm);
  const numbers = Array.from(names, ([, name]) =>
    name!.startsWith(stem) ? Number(name!.slice(stem.length)) : 0,
  );
  return `${stem}${Math.max(0, ...numbers) + 1}`;
}

/** `PEER in|out` → name of the route-map attached there. */
export function attachedMaps(runningConfig: string): Map<string, string> {
  const lines = runningConfig.matchAll(/^ +neighbor (\S+) route-map (\S+) (in|out)$/gm);
  return new Map(Array.from(lines, ([, peer, name, way]) => [`${peer} ${way}`, name!]));
}
