import { describe, expect, test } from "vitest";
import { reconcileOperator } from "./operator.ts";
import {
  applied,
  clusterConfig,
  conditionOf,
  later,
  node,
  now,
  override,
  peerConfig,
  settled,
  specs,
  state,
} from "./operator.fixture.ts";
import type { Condition } from "./schema/condition.ts";

const nodes = [node("kind-worker", "rack0"), node("kind-worker2", "rack1")];

describe("node selection", () => {
  test("a NodeConfig of the node's name, owned by the ClusterConfig as its controller", () => {
    const peers = [{ name: "tor0", peerASN: 65010, peerAddress: "10.0.0.1" }];
    const before = state({ nodes, clusterConfigs: [clusterConfig("rack0", "rack0", { peers })] });
    const { actions, errors } = reconcileOperator(before);
    expect(errors).toEqual([]);
    expect(actions.filter(({ action }) => action !== "setConditions")).toEqual([
      {
        action: "createNodeConfig",
        nodeConfig: {
          apiVersion: "cilium.io/v2",
          kind: "CiliumBGPNodeConfig",
          metadata: {
            name: "kind-worker",
            ownerReferences: [
              {
                apiVersion: "cilium.io/v2",
                kind: "CiliumBGPClusterConfig",
                name: "rack0",
                uid: "uid-of-rack0",
                controller: true,
              },
            ],
          },
          spec: { bgpInstances: [{ name: "instance-65010", localASN: 65010, peers }] },
        },
      },
    ]);
  });
  test("no nodeSelector selects all nodes, an empty one too", () => {
    const all = clusterConfig("all");
    expect(Object.keys(specs(settled({ nodes, clusterConfigs: [all] })))).toEqual([
      "kind-worker",
      "kind-worker2",
    ]);
    const empty = { ...all, spec: { ...all.spec, nodeSelector: {} } };
    expect(Object.keys(specs(settled({ nodes, clusterConfigs: [empty] })))).toHaveLength(2);
  });
  test("a node that is no longer selected, or is gone, loses its NodeConfig", () => {
    const before = settled({ nodes, clusterConfigs: [clusterConfig("rack0", "rack0")] });
    const moved = { ...before, nodes: [node("kind-worker", "rack1")] };
    const remove = { action: "deleteNodeConfig", name: "kind-worker" };
    expect(reconcileOperator(moved).actions).toContainEqual(remove);
    expect(reconcileOperator({ ...before, nodes: [] }).actions).toContainEqual(remove);
  });
  test("NodeConfigs of others are never deleted or changed", () => {
    const foreign = settled({ nodes, clusterConfigs: [clusterConfig("other")] }).nodeConfigs;
    const before = state({
      nodes,
      nodeConfigs: foreign,
      clusterConfigs: [clusterConfig("rack0", "rack0"), clusterConfig("nowhere", "rack9")],
    });
    expect(specs(applied(before, reconcileOperator(before)))).toEqual(specs(before));
  });
  test("a selector that cannot be used is an error, and holds up no other config", () => {
    const bad = clusterConfig("bad");
    bad.spec.nodeSelector = { matchExpressions: [{ key: "rack", operator: "In" }] };
    const before = state({ nodes, clusterConfigs: [bad, clusterConfig("rack0", "rack0")] });
    const { actions, errors } = reconcileOperator(before);
    expect(errors).toEqual([
      { clusterConfig: "bad", message: 'spec.nodeSelector: In of label "rack" needs values' },
    ]);
    expect(actions.map((one) => "name" in one && one.name)).not.toContain("bad");
    expect(actions.map(({ action }) => action)).toContain("createNodeConfig");
  });
});

describe("updates", () => {
  test("a NodeConfig is updated only where its spec differs, and keeps all else", () => {
    const before = settled({ nodes, clusterConfigs: [clusterConfig("rack0", "rack0")] });
    const existing = {
      ...before.nodeConfigs[0]!,
      metadata: { ...before.nodeConfigs[0]!.metadata, resourceVersion: "7" },
      status: { conditions: [] },
    };
    const same = { ...before, nodeConfigs: [existing] };
    expect(reconcileOperator(same).actions).toEqual([]);
    const changed = clusterConfig("rack0", "rack0", { instance: { localASN: 65020 } });
    const { actions } = reconcileOperator({ ...same, clusterConfigs: [changed] });
    expect(actions[0]).toEqual({
      action: "updateNodeConfig",
      nodeConfig: {
        ...existing,
        spec: { bgpInstances: [{ name: "instance-65010", localASN: 65020 }] },
      },
    });
  });
  test("of peerConfigRef only the name is taken, not what v2alpha1 had beside it", () => {
    const written = { name: "generic", group: "cilium.io", kind: "CiliumBGPPeerConfig" };
    const peers = [{ name: "tor0", peerASN: 0, peerConfigRef: written }];
    const after = settled({ nodes, clusterConfigs: [clusterConfig("rack0", "rack0", { peers })] });
    expect(specs(after)["kind-worker"]![0]!.peers![0]!.peerConfigRef).toEqual({ name: "generic" });
  });
  test("an instance whose list of peers is empty is as one without the list", () => {
    const without = settled({ nodes, clusterConfigs: [clusterConfig("rack0", "rack0")] });
    const empty = clusterConfig("rack0", "rack0", { peers: [] });
    const { actions } = reconcileOperator({ ...without, clusterConfigs: [empty] });
    expect(actions.map(({ action }) => action)).not.toContain("updateNodeConfig");
  });
});

describe("overrides", () => {
  const peers = [
    { name: "tor0", peerASN: 65010, peerAddress: "10.0.0.1" },
    { name: "tor1", peerASN: 65010, peerAddress: "10.0.0.2" },
  ];
  const clusterConfigs = [clusterConfig("all", undefined, { peers, instance: { localPort: 179 } })];
  test("routerID, localPort, localASN by instance name; localAddress by peer name", () => {
    const nodeConfigOverrides = [
      override("kind-worker", [
        {
          name: "instance-65010",
          routerID: "10.9.9.9",
          localASN: 65099,
          localPort: 1790,
          peers: [{ name: "tor1", localAddress: "10.0.2.2" }],
        },
        { name: "another", localASN: 1 },
      ]),
    ];
    expect(specs(settled({ nodes, clusterConfigs, nodeConfigOverrides }))).toEqual({
      "kind-worker": [
        {
          name: "instance-65010",
          localASN: 65099,
          localPort: 1790,
          routerID: "10.9.9.9",
          peers: [peers[0], { ...peers[1], localAddress: "10.0.2.2" }],
        },
      ],
      "kind-worker2": [{ name: "instance-65010", localASN: 65010, localPort: 179, peers }],
    });
  });
  test("peers[].localPort is in the CRD but not applied", () => {
    const nodeConfigOverrides = [
      override("kind-worker", [
        { name: "instance-65010", peers: [{ name: "tor0", localPort: 1790 }] },
      ]),
    ];
    const all = specs(settled({ nodes, clusterConfigs, nodeConfigOverrides }));
    expect(all["kind-worker"]).toEqual(all["kind-worker2"]);
  });
});

describe("conflicts: the first owner wins", () => {
  const first = clusterConfig("first", "rack0");
  const second = {
    ...clusterConfig("a-second", "rack0", { instance: { localASN: 65020 } }),
  };
  second.metadata = { ...second.metadata, creationTimestamp: later };
  test("the later config is skipped and alone says so; its nodes count as matching", () => {
    const after = settled({ nodes, clusterConfigs: [second, first] });
    expect(specs(after)["kind-worker"]![0]!.localASN).toBe(65010);
    expect(conditionOf(after, "a-second", "ConflictingClusterConfig")).toEqual({
      status: "True",
      reason: "ClusterConfigConflict",
      message: "Selecting the same node(s) with ClusterConfig(s): [first]",
      observedGeneration: 1,
      lastTransitionTime: now,
    });
    expect(conditionOf(after, "a-second", "NoMatchingNode")!.status).toBe("False");
    expect(conditionOf(after, "first", "ConflictingClusterConfig")).toMatchObject({
      status: "False",
      reason: "ClusterConfigValidated",
      message: "",
    });
  });
  test("whoever owns the node keeps it, also against an older config", () => {
    const owned = settled({ nodes, clusterConfigs: [second] });
    const after = { ...owned, clusterConfigs: [...owned.clusterConfigs, first] };
    const then = applied(after, reconcileOperator(after));
    expect(specs(then)["kind-worker"]![0]!.localASN).toBe(65020);
    expect(conditionOf(then, "first", "ConflictingClusterConfig")!.status).toBe("True");
  });
  test("ownership is by UID: a config made anew under its name owns nothing", () => {
    const before = settled({ nodes, clusterConfigs: [first] });
    const anew = { ...first, metadata: { ...first.metadata, uid: "another" } };
    const after = { ...before, clusterConfigs: [anew] };
    const then = applied(after, reconcileOperator(after));
    expect(then.nodeConfigs).toEqual(before.nodeConfigs);
    expect(conditionOf(then, "first", "ConflictingClusterConfig")!.message).toContain("[first]");
  });
  test("a NodeConfig that nobody owns is left alone without a conflict", () => {
    const [owned] = settled({ nodes, clusterConfigs: [first] }).nodeConfigs;
    const free = { ...owned!, metadata: { name: "kind-worker" } };
    const before = state({ nodes, clusterConfigs: [first], nodeConfigs: [free] });
    const after = applied(before, reconcileOperator(before));
    expect(after.nodeConfigs).toEqual([free]);
    expect(conditionOf(after, "first", "ConflictingClusterConfig")!.status).toBe("False");
  });
  test("a node that the first lets go is the second's in the same pass", () => {
    const before = settled({ nodes, clusterConfigs: [first, second] });
    const gone = clusterConfig("first", "rack9");
    const moved = { ...before, clusterConfigs: [gone, before.clusterConfigs[1]!] };
    const after = applied(moved, reconcileOperator(moved));
    expect(specs(after)["kind-worker"]![0]!.localASN).toBe(65020);
  });
});

describe("conditions", () => {
  test("NoMatchingNode", () => {
    const nowhere = settled({ nodes, clusterConfigs: [clusterConfig("rack9", "rack9")] });
    expect(conditionOf(nowhere, "rack9", "NoMatchingNode")).toEqual({
      status: "True",
      reason: "MatchingNodeUnavailable",
      message: "No node matches spec.nodeSelector",
      observedGeneration: 1,
      lastTransitionTime: now,
    });
    const somewhere = { ...nowhere, nodes: [node("new", "rack9")], now: later };
    expect(
      conditionOf(applied(somewhere, reconcileOperator(somewhere)), "rack9", "NoMatchingNode"),
    ).toEqual({
      status: "False",
      reason: "MatchingNodeSelected",
      message: "",
      observedGeneration: 1,
      lastTransitionTime: later,
    });
  });
  test("MissingPeerConfigs lists each missing one once, sorted", () => {
    const peers = ["b", "a", "b", "there"].map((name, index) => ({
      name: `peer-${index}`,
      peerASN: 0,
      peerConfigRef: { name },
    }));
    const clusterConfigs = [clusterConfig("one", undefined, { peers })];
    const after = settled({ clusterConfigs, peerConfigs: [peerConfig("there")] });
    expect(conditionOf(after, "one", "MissingPeerConfigs")).toMatchObject({
      status: "True",
      reason: "PeerConfigsMissing",
      message: "Referenced CiliumBGPPeerConfig(s) are missing: [a b]",
    });
    const noneThere = { ...after, peerConfigs: [] };
    const more = applied(noneThere, reconcileOperator(noneThere));
    expect(conditionOf(more, "one", "MissingPeerConfigs")!.message).toBe(
      "Referenced CiliumBGPPeerConfig(s) are missing: [a b there]",
    );
    const resolved = settled({
      clusterConfigs,
      peerConfigs: [peerConfig("a"), peerConfig("b"), peerConfig("there")],
    });
    expect(conditionOf(resolved, "one", "MissingPeerConfigs")).toMatchObject({
      status: "False",
      reason: "PeerConfigsResolved",
      message: "",
    });
  });
  test("MissingAuthSecret of a CiliumBGPPeerConfig", () => {
    const peerConfigs = [peerConfig("none"), peerConfig("has", "key"), peerConfig("lacks", "x")];
    const after = settled({ peerConfigs, secretNames: new Set(["key"]) });
    expect(conditionOf(after, "none", "MissingAuthSecret")).toMatchObject({
      status: "False",
      reason: "AuthSecretNotConfigured",
      message: "Auth Secret is not configured",
    });
    expect(conditionOf(after, "has", "MissingAuthSecret")).toMatchObject({
      status: "False",
      reason: "AuthSecretValidated",
      message: "",
    });
    expect(conditionOf(after, "lacks", "MissingAuthSecret")).toMatchObject({
      status: "True",
      reason: "AuthSecretMissing",
      message: 'Referenced Auth Secret "x" is missing',
    });
    const without = state({ peerConfigs, secretNames: undefined });
    expect(reconcileOperator(without).actions).toEqual([]);
  });
  test("are sorted by type, and others' conditions stay", () => {
    const other: Condition = {
      type: "example.com/Checked",
      status: "True",
      lastTransitionTime: now,
      reason: "Ok",
      message: "",
    };
    const config = { ...clusterConfig("one"), status: { conditions: [other] } };
    const after = settled({ clusterConfigs: [config] });
    expect(after.clusterConfigs[0]!.status!.conditions!.map(({ type }) => type)).toEqual([
      "cilium.io/ConflictingClusterConfig",
      "cilium.io/MissingPeerConfigs",
      "cilium.io/NoMatchingNode",
      "example.com/Checked",
    ]);
    const silent = { ...after, statusReport: false };
    expect(reconcileOperator(silent).actions).toEqual([
      {
        action: "setConditions",
        kind: "CiliumBGPClusterConfig",
        name: "one",
        conditions: [other],
      },
    ]);
  });
  test("observedGeneration follows the config; lastTransitionTime stays while the status does", () => {
    const before = settled({ nodes, clusterConfigs: [clusterConfig("one")] });
    const [config] = before.clusterConfigs;
    const edited = { ...config!, metadata: { ...config!.metadata, generation: 2 } };
    const after = { ...before, clusterConfigs: [edited], now: later };
    expect(conditionOf(applied(after, reconcileOperator(after)), "one", "NoMatchingNode")).toEqual({
      status: "False",
      reason: "MatchingNodeSelected",
      message: "",
      observedGeneration: 2,
      lastTransitionTime: now,
    });
  });
  test("a config without uid did not come from an API server", () => {
    const config = clusterConfig("one");
    delete config.metadata.uid;
    expect(() => reconcileOperator(state({ nodes, clusterConfigs: [config] }))).toThrow(/no uid/);
  });
});

test("the annotation for auto-discovered gateways is passed on to the nodes, and taken back", () => {
  const config = clusterConfig("all");
  const key = "spinelab.io/auto-discovery-gateways";
  config.metadata.annotations = { [key]: "all" };
  const first = settled({ clusterConfigs: [config], nodes: [node("a", "rack0")] });
  expect(first.nodeConfigs[0]!.metadata.annotations).toEqual({ [key]: "all" });
  const without = { ...config, metadata: { ...config.metadata, annotations: {} } };
  const second = settled({ ...first, clusterConfigs: [without] });
  expect(second.nodeConfigs[0]!.metadata).not.toHaveProperty("annotations");
});
