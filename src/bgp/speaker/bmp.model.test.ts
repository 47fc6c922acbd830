import * as fc from "fast-check";
import { expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { type Prefix, prefix } from "../../net/prefix.ts";
import { decodeMessage } from "../wire/decode.ts";
import { decodeBmp, type HeardPeer } from "../wire/decode-bmp.ts";
import type { PathAttributes, UpdateMessage } from "../wire/message.ts";
import { ipv4Unicast, WellKnownCommunity } from "../wire/registry.ts";
import { scriptedPeer } from "./scripted-peer.testkit.ts";

/** A BMP station that has heard everything: what it takes the Adj-RIB-In of the only peer to be. */
class Station {
  /** By "before" or "after" policy, prefix and Path Identifier: the attributes. */
  readonly routes = new Map<string, string>();
  isUp = false;
  /** Withdrawn before policy though it had no such route. */
  unknownWithdrawn = 0;
  #isNumbered = false;

  hear(messages: readonly Uint8Array[]): this {
    for (const bytes of messages) {
      const message = decodeBmp(bytes);
      if (message.type === "peerUp") {
        expect(this.isUp, "Peer Up of a peer that is up").toBe(false);
        this.isUp = true;
        const open = decodeMessage(message.receivedOpen, codec).message;
        this.#isNumbered =
          open.type === "OPEN" && open.capabilities.some((one) => one.capability === "addPath");
      } else if (message.type === "peerDown") {
        expect(this.isUp, "Peer Down of a peer that is down").toBe(true);
        this.isUp = false;
        this.routes.clear();
      } else if (message.type === "routeMonitoring") {
        expect(this.isUp, "routes of a peer that is down").toBe(true);
        this.#hearRoutes(message.peer, message.update);
      }
    }
    return this;
  }

  #hearRoutes({ rib }: HeardPeer, bytes: Uint8Array): void {
    const at = rib === "pre-policy" ? "before" : "after";
    const pathIdsIn = this.#isNumbered ? [ipv4Unicast] : [];
    const { message } = decodeMessage(bytes, { ...codec, pathIdsIn });
    if (message.type !== "UPDATE") throw new Error(message.type);
    for (const { prefixes, pathIds } of message.withdrawn) {
      for (const [i, to] of prefixes.entries()) {
        const isKnown = this.routes.delete(`${at} ${to} ${pathIds?.[i]}`);
        if (!isKnown && at === "before") this.unknownWithdrawn++;
      }
    }
    for (const { prefixes, pathIds } of message.announced) {
      for (const [i, to] of prefixes.entries()) {
        this.routes.set(`${at} ${to} ${pathIds?.[i]}`, text(message.attributes!));
      }
    }
  }
}

const codec = { fourOctetAs: true, extendedMessage: true };

function text({ med, communities }: Readonly<PathAttributes>): string {
  return JSON.stringify([med, communities]);
}

const prefixes = [1, 2, 3].map((n) => prefix(`10.${n}.0.0/16`));
const rejecting = [
  { name: "no", prefixes: [prefixes[0]!], action: "reject" as const },
  { name: "all", action: "accept" as const },
];

const routes = {
  to: fc.subarray(prefixes, { minLength: 1 }),
  pathId: fc.nat(1),
};

const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("announce" as const),
      ...routes,
      med: fc.nat(2),
      noLlgr: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("withdraw" as const), ...routes }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("endOfRib", "BoRR", "EoRR") }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("close", "notification") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("open" as const),
      numbers: fc.boolean(),
      restarts: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("timer" as const),
      name: fc.constantFrom("sweepStale", "staleLimit", "longLived/ipv4/unicast", "maximumPrefix"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("configure" as const),
      rejects: fc.boolean(),
      isLimited: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("reset", "replace") }) },
);

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

function nlri(to: Prefix[], pathId: number, isNumbered: boolean) {
  const pathIds = isNumbered && { pathIds: to.map(() => pathId) };
  return { family: ipv4Unicast, prefixes: to, ...pathIds };
}

const nothing: UpdateMessage = {
  ...{ type: "UPDATE", withdrawn: [], announced: [] },
  attributes: undefined,
};

/** A speaker with one peer, and a station that has heard of both from the beginning. */
function watched() {
  const says: Parameters<typeof scriptedPeer>[0] = { refreshes: true, numbers: false };
  const limit = { count: 4, warningThresholdPercent: 100, action: "teardown" as const };
  const peer = { addPath: { receive: true } };
  const of = scriptedPeer(
    says,
    {},
    { bmp: { stations: [], ribs: ["pre-policy", "post-policy"] }, peer },
  );
  const station = new Station();
  let config: { importPolicy: "accept" | typeof rejecting } = { importPolicy: "accept" };
  let isNumbered = false;
  const say = (message: Parameters<typeof of.say>[0]) => {
    if (of.speaker.peers(0)[0]?.state === "Established") of.say(message);
  };
  const refresh = (subtype: number) => say({ type: "ROUTE-REFRESH", family: ipv4Unicast, subtype });

  const act = (one: Event) => {
    switch (one.do) {
      case "announce": {
        const { med, noLlgr, to, pathId } = one;
        const attributes: PathAttributes = {
          ...{ origin: "igp", asPath: [{ kind: "sequence", asns: [65001] }], med },
          ...(noLlgr && { communities: [WellKnownCommunity.noLlgr] }),
        };
        const announced = { ...nlri(to, pathId, isNumbered), nextHop: address("10.0.0.1") };
        say({ ...nothing, attributes, announced: [announced] });
        break;
      }
      case "withdraw":
        say({ ...nothing, withdrawn: [nlri(one.to, one.pathId, isNumbered)] });
        break;
      case "endOfRib":
        say({ ...nothing, endOfRib: ipv4Unicast });
        break;
      case "BoRR":
        refresh(1);
        break;
      case "EoRR":
        refresh(2);
        break;
      case "close":
        of.close();
        break;
      case "notification":
        say({ type: "NOTIFICATION", code: 6, subcode: 4, data: new Uint8Array() });
        break;
      case "open":
        if (of.speaker.peers(0)[0]?.state === "Established") break;
        isNumbered = says.numbers = one.numbers;
        delete says.restarts;
        delete says.longLived;
        if (one.restarts) says.restarts = says.longLived = [ipv4Unicast];
        of.open();
        break;
      case "timer": {
        const timer = [...of.timers.keys()].find((id) => id.endsWith(`:${one.name}`));
        if (timer !== undefined) of.fire(timer);
        break;
      }
      case "configure": {
        config = { importPolicy: one.rejects ? rejecting : "accept" };
        const maximumPrefix = one.isLimited && { maximumPrefix: { "ipv4/unicast": limit } };
        of.configure({ ...peer, ...config, ...maximumPrefix });
        break;
      }
      case "reset":
        of.reset();
        break;
      case "replace":
        of.withoutPeer();
        of.configure({ ...peer, ...config });
        break;
    }
  };

  /** The speaker's Adj-RIB-In as far as a station is to have it. */
  const table = () => {
    const wanted = new Map<string, string>();
    if (of.speaker.peers(0)[0]?.state !== "Established") return wanted;
    for (const { prefix: to, pathId, attributes } of of.speaker.routesReceived()) {
      // One that is stale from a session that numbered its paths otherwise: Peer Down was the last of it.
      if ((pathId !== undefined) !== isNumbered) continue;
      wanted.set(`before ${to} ${pathId}`, text(attributes));
      if (config.importPolicy !== "accept" && to === prefixes[0]) continue;
      wanted.set(`after ${to} ${pathId}`, text(attributes));
    }
    return wanted;
  };

  return { of, station, act, table };
}

it("whatever happens, a station that heard all of it, and one that comes late, have what is in Adj-RIB-In", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 25, size: "max" }), (events) => {
      const { of, station, act, table } = watched();
      for (const one of events) {
        act(one);
        station.unknownWithdrawn = 0;
        station.hear(of.bmp.splice(0));
        const wanted = [...table()].toSorted();
        expect([...station.routes].toSorted()).toEqual(wanted);
        // What the peer itself withdraws is told as it came.
        const isAsItCame = one.do === "withdraw";
        expect(isAsItCame ? 0 : station.unknownWithdrawn).toBe(0);
        const late = new Station().hear(of.speaker.bmpBegin(0));
        expect([...late.routes].toSorted()).toEqual(wanted);
        expect(late.isUp).toBe(station.isUp);
      }
    }),
    { numRuns: 250 },
  );
});
