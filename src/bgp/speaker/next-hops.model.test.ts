import * as fc from "fast-check";
import { expect, it } from "vitest";
import { address, type Address } from "../../net/address.ts";
import { type Prefix, prefix } from "../../net/prefix.ts";
import type { UpdateMessage } from "../wire/message.ts";
import { ipv4Unicast } from "../wire/registry.ts";
import type { ImportPolicy } from "./config.ts";
import type { Effect } from "./effect.ts";
import { configA, configB, peerConfig, TestNet } from "./two-speakers.testkit.ts";

const prefixes = [1, 2, 3, 4].map((n) => prefix(`10.${n}.0.0/16`));
const nextHops = [1, 2, 3].map((n) => address(`192.0.2.${n}`));
const far = address("198.51.100.1");
const peers = ["10.0.0.1", "10.0.0.3"] as const;

/** What of a route's next hop the speaker must know by each import policy; undefined: nothing. */
const policies: {
  policy: ImportPolicy;
  needed: (to: string, via: Address) => Address | undefined;
}[] = [
  { policy: "accept", needed: (_, via) => via },
  { policy: "reject", needed: () => undefined },
  {
    policy: [
      { name: "no", prefixes: [prefixes[0]!], action: "reject" },
      { name: "far", prefixes: [prefixes[1]!], action: "accept", set: { nextHop: far } },
      { name: "all", action: "accept" },
    ],
    needed: (to, via) => (to === prefixes[0] ? undefined : to === prefixes[1] ? far : via),
  },
  {
    policy: [{ name: "far", action: "accept", set: { nextHop: far } }],
    needed: () => far,
  },
];

function announcement(via: Address, to: Prefix[]): UpdateMessage {
  return {
    type: "UPDATE",
    withdrawn: [],
    attributes: { origin: "igp", asPath: [{ kind: "sequence", asns: [65001] }] },
    announced: [{ family: ipv4Unicast, prefixes: to, nextHop: via }],
  };
}

function withdrawal(to: Prefix[]): UpdateMessage {
  const withdrawn = [{ family: ipv4Unicast, prefixes: to }];
  return { type: "UPDATE", withdrawn, attributes: undefined, announced: [] };
}

/** Two peers of one speaker that tracks next hops, and those that its edge has been asked to follow. */
function tracking(restarts: boolean) {
  const net = new TestNet();
  const gracefulRestart = { restartTimeSeconds: 10 };
  const of = restarts ? { gracefulRestart } : {};
  const config = (importPolicy: ImportPolicy) => {
    const both = configB({ trackNextHops: true, peer: { importPolicy, ...of } });
    both.peers.push({ ...peerConfig({ name: "c", address: peers[1], ...of }), importPolicy });
    return both;
  };
  const tracked = new Set<Address>();
  const perform = net.perform.bind(net);
  net.perform = (node, effects: Effect[]) => {
    for (const effect of effects) {
      if (effect.do === "trackNextHop") tracked.add(effect.nextHop);
      if (effect.do === "untrackNextHop") tracked.delete(effect.nextHop);
    }
    perform(node, effects);
  };
  const a = net.add(configA({ peer: of }), peers[0]);
  const c = net.add({ ...configA({ peer: of }), localAsn: 65003 }, peers[1]);
  const b = net.add(config("accept"), "10.0.0.2");
  net.settle();
  return { net, tracked, b, config, from: { a, c } };
}

const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("announce" as const),
      from: fc.constantFrom("a" as const, "c" as const),
      via: fc.constantFrom(...nextHops),
      to: fc.subarray(prefixes, { minLength: 1 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("withdraw" as const),
      from: fc.constantFrom("a" as const, "c" as const),
      to: fc.subarray(prefixes, { minLength: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.nat(policies.length - 1).map((to) => ({ do: "policy" as const, to })),
  },
  { weight: 1, arbitrary: fc.constant({ do: "reset" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "wait" as const }) },
);

it.each([
  ["", false],
  [", where routes are kept for a restart", true],
])("followed is the next hop of every route that is let in, and no other%s", (_, restarts) => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 15 }), (events) => {
      const { net, tracked, b, config, from } = tracking(restarts);
      let { needed } = policies[0]!;
      for (const of of events) {
        if (of.do === "announce") net.inject(from[of.from], announcement(of.via, of.to));
        if (of.do === "withdraw") net.inject(from[of.from], withdrawal(of.to));
        if (of.do === "policy") {
          needed = policies[of.to]!.needed;
          net.configure(b, config(policies[of.to]!.policy));
        }
        if (of.do === "reset") net.reset();
        if (of.do === "wait") net.run(15_000);
        if (of.do === "reset" && !restarts) net.settle();
        if (of.do === "reset" && restarts) net.run(1);
        else net.run(5);
        const received = b.speaker.routesReceived();
        const wanted = received.map(({ prefix: to, nextHop }) => needed(to, address(nextHop!)));
        expect([...tracked].toSorted()).toEqual(
          [...new Set(wanted.filter((one) => one !== undefined))].toSorted(),
        );
        if (of.do === "reset") net.settle();
      }
    }),
    { numRuns: 100 },
  );
});

it("however many next hops come and go in a large table, few more are followed than it has", () => {
  const { net, tracked, from } = tracking(false);
  const many = Array.from({ length: 500 }, (_, i) => prefix(`172.16.${i >> 2}.${(i & 3) * 64}/26`));
  net.inject(from.a, announcement(nextHops[0]!, many));
  net.run(5);
  let most = 0;
  for (let i = 0; i < 3_000; i++) {
    net.inject(from.c, announcement(address(`10.${20 + (i >> 8)}.${i & 255}.1`), [prefixes[0]!]));
    net.run(2);
    most = Math.max(most, tracked.size);
  }
  expect(most).toBeLessThan(2 + 500 / 8);
  net.inject(from.c, withdrawal([prefixes[0]!]));
  net.inject(from.a, withdrawal(many));
  net.run(5);
  expect([...tracked]).toEqual([]);
});
