import type { Prefix } from "../../net/prefix.ts";
import { podCidr } from "../../topology/leaf-spine/address-plan.ts";
import type { LeafSpine } from "../../topology/leaf-spine/parameters.ts";
import type { SimFabric } from "./fabric-build.ts";
import type { Host } from "./host.ts";

/** Packets from the pods of one node to those of another, all of one ECMP hash. */
export type Flow = { from: number; to: number; hash: number };

/** What became of flows while a router went or came. Times in milliseconds. */
export type FlowOutcome = {
  flows: number;
  /** Whose packets were lost for a while. */
  interrupted: number;
  /** Of these: the time without a way. */
  outageMs: { median: number; longest: number };
  /** Without a way at the end. */
  lost: number;
  /** That go another way now. */
  rerouted: number;
  /** Routers on the way, on average, before and after. */
  hopsBefore: number;
  hopsAfter: number;
  /** One of those that were interrupted, or that go another way: its routers. */
  example?: { from: string; to: string; before: string[]; after: string[] };
};

const hopsMax = 16;

/** Between nodes drawn by chance. Destinations repeat, since each costs every router a look at its table. */
export function drawFlows(
  { racks, nodesPerRack }: LeafSpine,
  of: { flows: number; destinations: number; random: () => number },
): Flow[] {
  const nodes = racks * nodesPerRack;
  const drawn = (n: number) => Math.floor(of.random() * n);
  const destinations = Array.from({ length: Math.min(of.destinations, nodes) }, () => drawn(nodes));
  return Array.from({ length: nodes < 2 ? 0 : of.flows }, () => {
    const to = destinations[drawn(destinations.length)]!;
    const other = drawn(nodes - 1);
    return { from: other < to ? other : other + 1, to, hash: drawn(2 ** 30) };
  });
}

type Watched = Flow & {
  before: readonly Host[] | undefined;
  now: readonly Host[] | undefined;
  downSinceMs: number | undefined;
  outageMs: number;
};

/**
 * Follows flows hop by hop. A router forwards by the routes that it last carried out, which are kept for the
 * destinations that are watched.
 */
export class FlowWatch {
  readonly #fabric: SimFabric;
  readonly #nodesPerRack: number;
  readonly #tors: readonly Host[];
  readonly #destinations: readonly Prefix[];
  readonly #flows: Watched[];
  /** By router: the routers that the destinations are reached by; none: the ToR's own rack. */
  readonly #fibs = new Map<Host, Map<Prefix, readonly Host[]>>();

  constructor(fabric: SimFabric, of: LeafSpine, flows: readonly Flow[]) {
    this.#fabric = fabric;
    this.#nodesPerRack = of.nodesPerRack;
    this.#tors = fabric.routers.filter(({ rackAddress }) => rackAddress !== undefined);
    this.#destinations = [...new Set(flows.map(({ to }) => podCidr(to)))];
    this.#flows = flows.map((flow) => ({
      ...{ ...flow, before: undefined, now: undefined },
      ...{ downSinceMs: undefined, outageMs: 0 },
    }));
  }

  begin(): void {
    const { routers, world } = this.#fabric;
    // Those that were followed before forward as they did at the end of that.
    for (const router of routers) {
      if (router.speaker === undefined || !this.#fibs.has(router)) this.#carryOut(router);
    }
    for (const flow of this.#flows) {
      flow.before = this.#walk(flow);
      flow.now = flow.before;
      flow.downSinceMs = undefined;
      flow.outageMs = 0;
    }
    world.onCarriedOut = (router) => {
      this.#carryOut(router);
      this.look(router);
    };
  }

  /** Where every flow goes now that this router forwards otherwise; undefined: that anything may be otherwise. */
  look(changed?: Host): void {
    const { nowMs } = this.#fabric.world.clock;
    for (const flow of this.#flows) {
      if (changed !== undefined && flow.now?.includes(changed) === false) continue;
      flow.now = this.#walk(flow);
      if (flow.now === undefined) flow.downSinceMs ??= nowMs;
      else if (flow.downSinceMs !== undefined) {
        flow.outageMs += nowMs - flow.downSinceMs;
        flow.downSinceMs = undefined;
      }
    }
  }

  end(): FlowOutcome {
    this.#fabric.world.onCarriedOut = undefined;
    this.look();
    const flows = this.#flows;
    const outages = flows.map(({ outageMs }) => outageMs).filter((ms) => ms > 0);
    outages.sort((a, b) => a - b);
    const rerouted = flows.filter(({ before, now }) => before && now && !isSameWay(before, now));
    const shown = rerouted.find(({ outageMs }) => outageMs > 0) ?? rerouted[0];
    const names = (way: readonly Host[] = []) => way.map(({ name }) => name);
    const { nodes } = this.#fabric;
    return {
      flows: flows.length,
      interrupted: outages.length,
      outageMs: { median: outages[outages.length >> 1] ?? 0, longest: outages.at(-1) ?? 0 },
      lost: flows.filter(({ now }) => now === undefined).length,
      rerouted: rerouted.length,
      hopsBefore: meanLength(flows.map(({ before }) => before)),
      hopsAfter: meanLength(flows.map(({ now }) => now)),
      ...(shown !== undefined && {
        example: {
          from: nodes[shown.from]!.name,
          to: nodes[shown.to]!.name,
          before: names(shown.before),
          after: names(shown.now),
        },
      }),
    };
  }

  /** Takes over what the router's speaker uses. */
  #carryOut(router: Host): void {
    const { speaker } = router;
    const fib = new Map<Prefix, readonly Host[]>();
    if (speaker !== undefined) {
      for (const prefix of this.#destinations) {
        const hops = speaker.nextHops(prefix);
        if (hops.length === 0) continue;
        fib.set(
          prefix,
          hops.flatMap(({ peer }) => router.ports.get(peer)?.to ?? []),
        );
      }
    }
    this.#fibs.set(router, fib);
  }

  #torOf(node: number): Host {
    return this.#tors[Math.floor(node / this.#nodesPerRack)]!;
  }

  /** Undefined: it ends at a router without power or route, or goes in a circle. */
  #walk({ from, to, hash }: Flow): readonly Host[] | undefined {
    const way: Host[] = [];
    const prefix = podCidr(to);
    for (let at = this.#torOf(from); way.length < hopsMax;) {
      if (at.speaker === undefined) return undefined;
      way.push(at);
      const hops = this.#fibs.get(at)?.get(prefix);
      if (hops === undefined) return undefined;
      if (hops.length === 0) return way;
      at = hops[mixed(hash, way.length) % hops.length]!;
    }
    return undefined;
  }
}

/** Another one at each router, as each has a seed of its own. */
function mixed(hash: number, hop: number): number {
  return Math.imul(hash ^ (hop * 0x9e3779b1), 0x735a2d97) >>> 8;
}

function isSameWay(a: readonly Host[], b: readonly Host[]): boolean {
  return a.length === b.length && a.every((router, i) => router === b[i]);
}

function meanLength(ways: readonly (readonly Host[] | undefined)[]): number {
  const lengths = ways.flatMap((way) => (way === undefined ? [] : [way.length]));
  return lengths.reduce((sum, length) => sum + length, 0) / Math.max(lengths.length, 1);
}
