import { type Address, type Family, familyOf, parseAddress } from "../net/address.ts";
import { addressBits, parsePrefix, type Prefix } from "../net/prefix.ts";
import type { Place, Runtime } from "../runtime/port.ts";
import type { NextHop } from "./rib-view.ts";
import { UnreadableError } from "./unreadable.ts";

const ipTimeoutMs = 10_000;

/** One route of the kernel. A default route has prefix `0.0.0.0/0` or `::/0`. */
export type FibRoute = {
  prefix: Prefix;
  /** `unicast`, `blackhole`, `local`, … as rtnetlink names route types. */
  type: string;
  /** `main`, `local` or a number. */
  table: string;
  /** `bgp`, `kernel`, `static`, `boot`, … */
  protocol: string;
  /** The route's priority; 0 where it has none. */
  metric: number;
  /** Several for ECMP. A directly connected route has one hop without an address. */
  nextHops: FibNextHop[];
};

export type FibNextHop = {
  address?: Address;
  interface?: string;
  /** As the kernel flags it: `linkdown`, `dead`, `onlink`. */
  flags: string[];
};

export type InterfaceAddress = {
  interface: string;
  address: Address;
  prefixLength: number;
  /** `global`, `link`, `host`. */
  scope: string;
};

/** The routes of one family, all tables. */
export async function kernelRoutes(
  runtime: Runtime,
  place: Place,
  family: Family,
): Promise<FibRoute[]> {
  const which = family === "ipv4" ? "-4" : "-6";
  const json = await ipJson(runtime, place, [which, "route", "show", "table", "all"]);
  return parseKernelRoutes(json, family);
}

/** Every address of every interface. */
export async function kernelAddresses(runtime: Runtime, place: Place): Promise<InterfaceAddress[]> {
  return parseKernelAddresses(await ipJson(runtime, place, ["addr", "show"]));
}

async function ipJson(runtime: Runtime, place: Place, words: string[]): Promise<unknown> {
  const argv = ["ip", "-j", ...words];
  const result = await runtime.exec(place, argv, { timeoutMs: ipTimeoutMs });
  const where = placeText(place);
  if (result.exitCode !== 0) {
    throw new UnreadableError(where, argv.join(" "), result.stderr + result.stdout);
  }
  // iproute2 prints nothing at all where a table is empty.
  if (result.stdout.trim() === "") return [];
  try {
    return JSON.parse(result.stdout);
  } catch (error) {
    throw new UnreadableError(where, argv.join(" "), result.stdout, { cause: error });
  }
}

export function placeText(place: Place): string {
  return place.pod === undefined ? place.node : `${place.pod.name}@${place.node}`;
}

/** A gateway of the route's own family is `gateway`, one of the other family `via` (RFC 8950 next hops). */
type IpHop = {
  gateway?: string;
  via?: { host: string };
  dev?: string;
  flags?: string[];
};

type IpRoute = IpHop & {
  dst: string;
  type?: string;
  table?: string;
  protocol?: string;
  metric?: number;
  nexthops?: IpHop[];
};

/** Of `ip -j -4|-6 route show table all`. */
export function parseKernelRoutes(json: unknown, family: Family): FibRoute[] {
  return (json as IpRoute[]).map((route) => ({
    prefix: destination(route.dst, family),
    type: route.type ?? "unicast",
    table: route.table ?? "main",
    protocol: route.protocol ?? "boot",
    metric: route.metric ?? 0,
    nextHops: (route.nexthops ?? [route])
      .filter((hop) => hop.dev !== undefined || hop.gateway !== undefined || hop.via !== undefined)
      .map(nextHop),
  }));
}

function nextHop(hop: IpHop): FibNextHop {
  const address = parseAddress(hop.gateway ?? hop.via?.host ?? "");
  return {
    flags: hop.flags ?? [],
    ...(address !== undefined && { address }),
    ...(hop.dev !== undefined && { interface: hop.dev }),
  };
}

function destination(dst: string, family: Family): Prefix {
  if (dst === "default") return (family === "ipv4" ? "0.0.0.0/0" : "::/0") as Prefix;
  const text = dst.includes("/") ? dst : `${dst}/${addressBits(family)}`;
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new TypeError(`not a destination of ip route: ${dst}`);
  return parsed;
}

type IpInterface = {
  ifname?: string;
  addr_info?: { local?: string; prefixlen?: number; scope?: string; temporary?: boolean }[];
};

/** Of `ip -j addr show`. */
export function parseKernelAddresses(json: unknown): InterfaceAddress[] {
  return (json as IpInterface[]).flatMap((link) =>
    (link.addr_info ?? []).flatMap((info) => {
      const address = parseAddress(info.local ?? "");
      if (address === undefined || link.ifname === undefined) return [];
      return {
        interface: link.ifname,
        address,
        prefixLength: info.prefixlen ?? addressBits(familyOf(address)),
        scope: info.scope ?? "global",
      };
    }),
  );
}

/** The hops of a FIB route as next hops; those without an address are left out. */
export function gatewaysOf(route: FibRoute): NextHop[] {
  return route.nextHops.flatMap((hop) =>
    hop.address === undefined
      ? []
      : {
          address: hop.address,
          ...(hop.interface !== undefined && { interface: hop.interface }),
        },
  );
}
