import * as fc from "fast-check";
import { expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import type { PolicyStatement } from "./config.ts";
import { configA, configB, TestNet } from "./two-speakers.testkit.ts";

const pool = [1, 2, 3, 4, 5, 6].map((n) => `10.${n}.0.0/16`);

const statement: fc.Arbitrary<PolicyStatement> = fc.record(
  {
    name: fc.constantFrom("s", "t"),
    action: fc.constantFrom("accept", "accept", "reject"),
    prefixes: fc.subarray(pool.map(prefix)),
    set: fc.record(
      { med: fc.nat(2), localPref: fc.nat(2), communities: fc.subarray([1, 2]) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["name", "action"] },
);

const configure = fc.record({
  event: fc.constant("configure" as const),
  node: fc.constantFrom("a", "b"),
  originate: fc.subarray(pool),
  exportPolicy: fc.array(statement, { maxLength: 3 }),
  importPolicy: fc.oneof(
    fc.constantFrom("accept" as const, "reject" as const),
    fc.array(statement, { maxLength: 2 }),
  ),
  holdTimeSeconds: fc.constantFrom(9, 9, 9, 12),
});

const event = fc.oneof(
  { weight: 5, arbitrary: configure },
  { weight: 1, arbitrary: fc.constant({ event: "reset" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      event: fc.constant("crash" as const),
      node: fc.constantFrom("a", "b"),
      restarting: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.nat(3000).map((ms) => ({ event: "wait" as const, ms })) },
);

/** A set of routes as text that is the same for the same routes. */
function view(
  routes: { prefix: string; pathId?: number; nextHop?: string; attributes: object }[],
): string[] {
  return routes
    .map(({ prefix: of, pathId, nextHop, attributes }) =>
      JSON.stringify([of, pathId, nextHop, Object.entries(attributes).sort()]),
    )
    .sort();
}

it.each([
  ["external peers", 65002, {}],
  ["internal peers", 65001, {}],
  ["external peers that wait between UPDATEs", 65002, { advertisementIntervalSeconds: 2 }],
  ["external peers with graceful restart", 65002, { gracefulRestart: { restartTimeSeconds: 10 } }],
  [
    "internal peers with numbered paths and long-lived stale routes",
    65001,
    {
      gracefulRestart: { restartTimeSeconds: 2, longLivedStaleTimeSeconds: 20 },
      addPath: { receive: true, send: "all" as const },
    },
  ],
])("%s: whatever happened, each holds what the other has sent", (_, asnOfB, peer) => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      const net = new TestNet();
      for (const at of ["10.0.0.1", "10.0.0.2"]) {
        if ("addPath" in peer) net.numbered.add(address(at));
      }
      const configs = { a: configA({ peer }), b: configB({ peer, localAsn: asnOfB }) };
      const nodes = {
        a: net.add(configs.a, "10.0.0.1"),
        b: net.add(configs.b, "10.0.0.2"),
      };
      for (const of of events) {
        switch (of.event) {
          case "configure": {
            const { node, originate, exportPolicy, importPolicy, holdTimeSeconds } = of;
            const changed = { exportPolicy, importPolicy, holdTimeSeconds, ...peer };
            configs[node] =
              node === "a"
                ? configA({ originate, peer: changed })
                : configB({ originate, peer: changed, localAsn: asnOfB });
            net.configure(nodes[node], configs[node]);
            break;
          }
          case "reset":
            net.reset();
            break;
          case "crash":
            net.crash(nodes[of.node]);
            net.restart(nodes[of.node], configs[of.node], of.restarting);
            break;
          case "wait":
            net.run(of.ms);
            break;
        }
      }
      net.run(60_000);
      net.settle();
      for (const [from, to] of [
        [nodes.a.speaker, nodes.b.speaker],
        [nodes.b.speaker, nodes.a.speaker],
      ] as const) {
        expect(view(to.routesReceived())).toEqual(view(from.routesAdvertised()));
        expect(to.routesReceived().filter(({ stale }) => stale)).toEqual([]);
      }
    }),
    { numRuns: 60 },
  );
});
