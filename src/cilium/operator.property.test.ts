import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type OperatorState, reconcileOperator } from "./operator.ts";
import {
  applied,
  clusterConfig,
  later,
  node,
  now,
  override,
  peerConfig,
  settled,
  specs,
  state,
} from "./operator.fixture.ts";

describe("any state", () => {
  const racks = ["rack0", "rack1", "rack2"];
  const rack = fc.constantFrom(...racks);
  const clusterConfigs = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom("a", "b", "c", "d"),
      rack: fc.option(rack, { nil: undefined }),
      localASN: fc.constantFrom(65010, 65011),
      ref: fc.option(fc.constantFrom("generic", "missing"), { nil: undefined }),
      old: fc.boolean(),
    }),
    { selector: ({ name }) => name },
  );
  const anyState = fc
    .record({
      configs: clusterConfigs,
      former: clusterConfigs,
      nodes: fc.uniqueArray(fc.record({ name: fc.constantFrom("n0", "n1", "n2"), rack }), {
        selector: ({ name }) => name,
      }),
      formerNodes: fc.uniqueArray(fc.record({ name: fc.constantFrom("n0", "n1", "n2"), rack }), {
        selector: ({ name }) => name,
      }),
      secret: fc.boolean(),
      overridden: fc.boolean(),
    })
    .map((drawn): OperatorState => {
      const made = (list: typeof drawn.configs) =>
        list.map(({ name, rack: selected, localASN, ref, old }) => {
          const peers =
            ref === undefined ? [] : [{ name: "p", peerASN: 0, peerConfigRef: { name: ref } }];
          const config = clusterConfig(name, selected, { peers, instance: { localASN } });
          config.metadata.creationTimestamp = old ? now : later;
          return config;
        });
      const before = settled({
        clusterConfigs: made(drawn.former),
        nodes: drawn.formerNodes.map((one) => node(one.name, one.rack)),
      });
      return state({
        clusterConfigs: made(drawn.configs),
        nodes: drawn.nodes.map((one) => node(one.name, one.rack)),
        nodeConfigs: before.nodeConfigs,
        peerConfigs: [peerConfig("generic", "key")],
        secretNames: new Set(drawn.secret ? ["key"] : []),
        nodeConfigOverrides: drawn.overridden
          ? [override("n0", [{ name: "instance-65010", routerID: "10.9.9.9" }])]
          : [],
      });
    });

  test("the operator has nothing to do after its own work, even at a later time", () => {
    fc.assert(
      fc.property(anyState, (before) => {
        const after = applied(before, reconcileOperator(before));
        expect(reconcileOperator({ ...after, now: later }).actions).toEqual([]);
      }),
    );
  });
  test("the order in which objects are listed makes no difference", () => {
    fc.assert(
      fc.property(anyState, (before) => {
        const turned = {
          ...before,
          clusterConfigs: before.clusterConfigs.toReversed(),
          nodes: before.nodes.toReversed(),
          nodeConfigs: before.nodeConfigs.toReversed(),
        };
        const one = applied(before, reconcileOperator(before));
        const other = applied(turned, reconcileOperator(turned));
        expect(specs(other)).toEqual(specs(one));
        expect(other.clusterConfigs.toReversed()).toEqual(one.clusterConfigs);
      }),
    );
  });
});
