import { describe, expect, test } from "vitest";
import type { CiliumBGPNodeConfig, NodePeer } from "./schema/node-config.ts";
import { validateResource } from "./schema/validate.ts";
import { nodeConfigStatus, type PeerState } from "./status.ts";

const now = "2026-08-08T12:00:00Z";
const ipv4 = { afi: "ipv4", safi: "unicast" } as const;

function nodeConfig(peers: NodePeer[], generation = 1): CiliumBGPNodeConfig {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumBGPNodeConfig",
    metadata: { name: "kind-worker", generation },
    spec: { bgpInstances: [{ name: "instance-65010", localASN: 65010, peers }] },
  };
}

const tor: NodePeer = { name: "tor0", peerASN: 65010, peerAddress: "10.0.0.1" };
const idle: PeerState = { name: "tor0", state: "Idle", asn: 65010, families: [] };

function peersStatus(peer: NodePeer, ...states: PeerState[]) {
  const running = new Map([["instance-65010", states]]);
  return nodeConfigStatus(nodeConfig([peer]), running, [], now).bgpInstances![0]!.peers;
}

test("an established session", () => {
  const config = nodeConfig([tor]);
  const running = new Map([
    [
      "instance-65010",
      [
        {
          name: "tor0",
          state: "Established" as const,
          asn: 65010,
          establishedTime: "2026-08-08T11:59:00Z",
          appliedHoldTimeSeconds: 9,
          appliedKeepaliveSeconds: 3,
          families: [{ family: ipv4, received: 11, advertised: 1 }],
        },
      ],
    ],
  ]);
  const status = nodeConfigStatus(config, running, [], now);
  expect(status).toEqual({
    bgpInstances: [
      {
        name: "instance-65010",
        localASN: 65010,
        peers: [
          {
            name: "tor0",
            peerAddress: "10.0.0.1",
            peerASN: 65010,
            peeringState: "established",
            establishedTime: "2026-08-08T11:59:00Z",
            timers: { appliedHoldTimeSeconds: 9, appliedKeepaliveSeconds: 3 },
            routeCount: [{ ...ipv4, advertised: 1, received: 11 }],
          },
        ],
      },
    ],
    conditions: [
      {
        type: "cilium.io/BGPReconcileError",
        status: "False",
        reason: "ReconcileSucceeded",
        message: "",
        observedGeneration: 1,
        lastTransitionTime: now,
      },
    ],
  });
  expect(validateResource({ ...config, status }).problems).toEqual([]);
});

describe("peers", () => {
  test.each([
    ["Idle", "idle"],
    ["Connect", "connect"],
    ["Active", "active"],
    ["OpenSent", "open_sent"],
    ["OpenConfirm", "open_confirm"],
    ["Established", "established"],
  ] as const)("%s is %s", (state, peeringState) => {
    expect(peersStatus(tor, { ...idle, state })![0]!.peeringState).toBe(peeringState);
  });
  test("without a session timers are 0 and there is no establishedTime", () => {
    expect(peersStatus(tor, idle)).toEqual([
      {
        name: "tor0",
        peerAddress: "10.0.0.1",
        peerASN: 65010,
        peeringState: "idle",
        timers: { appliedHoldTimeSeconds: 0, appliedKeepaliveSeconds: 0 },
      },
    ]);
  });
  test("peerASN 0 shows the AS number of the peer", () => {
    expect(peersStatus({ ...tor, peerASN: 0 }, { ...idle, asn: 65000 })![0]!.peerASN).toBe(65000);
    expect(peersStatus(tor, { ...idle, asn: 65000 })![0]!.peerASN).toBe(65010);
  });
  test("a skipped peer is there without a state; one without address or ASN is not", () => {
    expect(peersStatus(tor)).toEqual([{ name: "tor0", peerAddress: "10.0.0.1", peerASN: 65010 }]);
    expect(peersStatus({ name: "tor0", peerASN: 65010 })).toBeUndefined();
    expect(peersStatus({ name: "tor0", peerAddress: "10.0.0.1" })).toBeUndefined();
  });
  test("an instance that does not run is not in the status", () => {
    expect(nodeConfigStatus(nodeConfig([tor]), new Map(), [], now)).not.toHaveProperty(
      "bgpInstances",
    );
  });
});

function condition(
  errors: { instance: string; message: string }[],
  existing?: CiliumBGPNodeConfig["status"],
) {
  const config = { ...nodeConfig([]), ...(existing && { status: existing }) };
  return nodeConfigStatus(config, new Map(), errors, "2026-08-08T13:00:00Z").conditions![0]!;
}

describe("BGPReconcileError", () => {
  test("True with every error, by instance", () => {
    const errors = [
      { instance: "b", message: "second" },
      { instance: "a", message: "first" },
      { instance: "b", message: "third" },
    ];
    expect(condition(errors)).toMatchObject({
      status: "True",
      reason: "ReconcileFailed",
      message: "a: first\nb: second\nb: third\n",
    });
  });
  test("at most 32 KiB, whole lines only", () => {
    const errors = Array.from({ length: 3 }, () => ({ instance: "a", message: "é".repeat(8000) }));
    const { message } = condition(errors);
    expect(message.split("\n")).toHaveLength(3);
    expect(new TextEncoder().encode(message).length).toBeLessThan(32 * 1024);
  });
  test("lastTransitionTime changes with the status only", () => {
    const before = nodeConfigStatus(nodeConfig([]), new Map(), [], now);
    expect(condition([], before).lastTransitionTime).toBe(now);
    expect(condition([{ instance: "a", message: "x" }], before).lastTransitionTime).toBe(
      "2026-08-08T13:00:00Z",
    );
  });
});
