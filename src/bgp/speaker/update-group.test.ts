import * as fc from "fast-check";
import { expect, it } from "vitest";
import { prefix } from "../../net/prefix.ts";
import type { PathAttributes } from "../wire/message.ts";
import type { PeerConfig, PolicyStatement, SpeakerConfig } from "./config.ts";
import { peerConfig, speakerConfig, TestNet } from "./two-speakers.testkit.ts";

const pool = [1, 2].map((n) => `10.${n}.0.0/16`);
const hubNumber = 1;
const hubAsn = 65001;
const spokeNumbers = [2, 3, 4, 5];
const addressOf = (n: number) => `10.0.0.${n}`;

const all: PolicyStatement = { name: "all", action: "accept" };
const marking: PolicyStatement = { ...all, set: { communities: [7] } };
const first = prefix(pool[0]!);
const withholding: PolicyStatement = { name: "not", action: "reject", prefixes: [first] };
/** Few, so that spokes often share one, and the hub's groups part and meet. */
const policies = [[all], [marking], [withholding, all]];

const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      event: fc.constant("originate" as const),
      node: fc.constantFrom(hubNumber, ...spokeNumbers),
      prefixes: fc.subarray(pool),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      event: fc.constant("policies" as const),
      chosen: fc.tuple(...spokeNumbers.map(() => fc.constantFrom(...policies))),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      event: fc.constantFrom("flap" as const, "flap" as const, "die" as const),
      node: fc.constantFrom(...spokeNumbers),
    }),
  },
  { weight: 3, arbitrary: fc.record({ event: fc.constant("wait" as const), ms: fc.nat(300) }) },
);

type Spokes = { asnOf: (n: number) => number; peer: Partial<Omit<PeerConfig, "address">> };

/** A route without what the hub does to it: its AS in front, its mark. */
function route(prefixText: string, { asPath }: PathAttributes, isMarked: boolean): string {
  const asns = asPath.flatMap((segment) => segment.asns).filter((asn) => asn !== hubAsn);
  return `${prefixText} [${asns.join(" ")}]${isMarked ? " marked" : ""}`;
}

it.each<[string, Spokes]>([
  ["external peers", { asnOf: (n) => 65000 + n, peer: {} }],
  // What one announces reads as what another does.
  ["external peers of one AS", { asnOf: () => 65002, peer: {} }],
  ["clients of a reflector", { asnOf: () => hubAsn, peer: { routeReflectorClient: true } }],
  [
    "external peers that keep routes",
    { asnOf: (n) => 65000 + n, peer: { gracefulRestart: { restartTimeSeconds: 2 } } },
  ],
])("%s: each holds the best routes, but what came from it", (_, { asnOf, peer }) => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 4, maxLength: 16 }), (events) => {
      const net = new TestNet();
      const originated = new Map<number, string[]>();
      let chosen = spokeNumbers.map(() => [all]);
      const hubConfig = (): SpeakerConfig => ({
        ...speakerConfig({ localAsn: hubAsn, routerId: "1.1.1.1" }),
        originate: (originated.get(hubNumber) ?? []).map(prefix),
        peers: spokeNumbers.map((n, i) =>
          peerConfig({ ...peer, address: addressOf(n), exportPolicy: chosen[i]! }),
        ),
      });
      const spokeConfig = (n: number): SpeakerConfig => {
        const { routeReflectorClient: __, ...rest } = peer;
        return speakerConfig({
          localAsn: asnOf(n),
          routerId: `${n}.${n}.${n}.${n}`,
          originate: originated.get(n) ?? [],
          peers: [peerConfig({ ...rest, address: addressOf(hubNumber) })],
        });
      };
      const hub = net.add(hubConfig(), addressOf(hubNumber));
      const spokes = new Map(spokeNumbers.map((n) => [n, net.add(spokeConfig(n), addressOf(n))]));
      for (const of of events) {
        switch (of.event) {
          case "originate": {
            originated.set(of.node, of.prefixes);
            const node = spokes.get(of.node);
            if (of.node === hubNumber) net.configure(hub, hubConfig());
            else if (node?.isUp) net.configure(node, spokeConfig(of.node));
            break;
          }
          case "policies":
            ({ chosen } = of);
            net.configure(hub, hubConfig());
            break;
          case "flap":
          case "die": {
            const node = spokes.get(of.node)!;
            if (node.isUp) net.crash(node);
            if (of.event === "flap") net.restart(node, spokeConfig(of.node), false);
            break;
          }
          case "wait":
            net.run(of.ms);
            break;
        }
      }
      net.run(60_000);
      const best = hub.speaker.routesAvailable().filter((each) => each.best);
      for (const [i, n] of spokeNumbers.entries()) {
        const { isUp, speaker } = spokes.get(n)!;
        if (!isUp) continue;
        const wanted = best
          .filter((each) => each.peer !== addressOf(n))
          .filter((each) => chosen[i]![0] !== withholding || each.prefix !== first)
          .map((each) => route(each.prefix, each.attributes, chosen[i]![0] === marking));
        const held = speaker
          .routesReceived()
          .map((each) =>
            route(each.prefix, each.attributes, each.attributes.communities?.includes(7) === true),
          );
        expect(held.sort(), `spoke ${n}`).toEqual(wanted.sort());
        const counts = hub.speaker.routesAdvertised(addressOf(n));
        expect(counts).toHaveLength(wanted.length);
      }
    }),
    { numRuns: 60 },
  );
});
