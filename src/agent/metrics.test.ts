import { expect, test } from "vitest";
import type { PeerStatus } from "../bgp/speaker/views.ts";
import { address } from "../net/address.ts";
import { Histogram } from "./histogram.ts";
import { bgpMetrics, operatorMetrics } from "./metrics.ts";

const peer: PeerStatus = {
  name: "tor0",
  address: address("10.0.0.1"),
  port: 179,
  asn: 65010,
  localAsn: 65001,
  state: "Established",
  updates: { received: 5, sent: 2 },
  families: [
    {
      family: { afi: "ipv4", safi: "unicast" },
      received: 5,
      accepted: 0,
      advertised: 2,
      announced: 7,
    },
    {
      family: { afi: "ipv6", safi: "unicast" },
      received: 0,
      accepted: 0,
      advertised: 1,
      announced: 1,
    },
  ],
};

test("Cilium's metrics with its labels, and those that guides name", () => {
  const down: PeerStatus = { ...peer, name: "tor1", address: address("fd00::2"), state: "Active" };
  const instances = [{ instance: "i", localAsn: 65001, peers: [peer, down] }];
  const durations = new Histogram();
  for (const seconds of [0.005, 0.02, 20]) durations.observe(seconds);
  const counts = { errors: new Map([["i", 3]]), durations: new Map([["i", durations]]) };
  const lines = bgpMetrics(instances, counts).split("\n");
  const instance = 'instance_name="i",local_asn="65001",vrouter="65001"';
  const labels = `${instance},neighbor="10.0.0.1:179",neighbor_asn="65010"`;
  const labelsDown = `${instance},neighbor="[fd00::2]:179",neighbor_asn="65010"`;
  expect(lines).toEqual(
    expect.arrayContaining([
      "# TYPE cilium_bgp_control_plane_session_state gauge",
      `cilium_bgp_control_plane_session_state{${labels}} 1`,
      `cilium_bgp_control_plane_session_state{${labelsDown}} 0`,
      `cilium_bgp_control_plane_advertised_routes{${labels},afi="ipv4",safi="unicast"} 2`,
      `cilium_bgp_control_plane_received_routes{${labels},afi="ipv4",safi="unicast"} 5`,
      `cilium_bgp_control_plane_reconcile_errors_total{${instance}} 3`,
      "# TYPE cilium_bgp_control_plane_reconcile_run_duration_seconds histogram",
      `cilium_bgp_control_plane_reconcile_run_duration_seconds_bucket{${instance},le="0.005"} 1`,
      `cilium_bgp_control_plane_reconcile_run_duration_seconds_bucket{${instance},le="0.025"} 2`,
      `cilium_bgp_control_plane_reconcile_run_duration_seconds_bucket{${instance},le="10"} 2`,
      `cilium_bgp_control_plane_reconcile_run_duration_seconds_bucket{${instance},le="+Inf"} 3`,
      `cilium_bgp_control_plane_reconcile_run_duration_seconds_sum{${instance}} 20.025`,
      `cilium_bgp_control_plane_reconcile_run_duration_seconds_count{${instance}} 3`,
      'cilium_bgp_peers{state="established"} 1',
      'cilium_bgp_peers{state="active"} 1',
      `cilium_bgp_session_state{${labels}} 1`,
      "# TYPE cilium_bgp_route_advertisements_total counter",
      `cilium_bgp_route_advertisements_total{${labels},afi="ipv4",safi="unicast"} 7`,
      `cilium_bgp_route_advertisements_total{${labelsDown},afi="ipv4",safi="unicast"} 7`,
    ]),
  );
  expect(lines).not.toContainEqual(
    expect.stringMatching(/control_plane_(advertised|received)_routes.*fd00::2/),
  );
});

test("the operator's metrics", () => {
  const lbIpam = {
    conflictingPools: 1,
    pools: [{ pool: 'a"b', available: 3n, used: 1n }],
    servicesMatching: 4,
    servicesUnsatisfied: 2,
  };
  const durations = new Histogram();
  durations.observe(0.5);
  const text = operatorMetrics({
    ...{ errors: new Map([["rack0", 2]]), durations, lbIpam },
    lbIpamDurations: new Map([["upsert service", durations]]),
  });
  expect(text).toContain(
    'cilium_lbipam_event_processing_time_seconds_bucket{event="upsert",resource="service",le="0.5"} 1',
  );
  const lbIpamLines = (prefix: string) => [
    `${prefix}_conflicting_pools 1`,
    `${prefix}_ips_available{pool="a\\"b"} 3`,
    `${prefix}_ips_used{pool="a\\"b"} 1`,
    `${prefix}_services_matching 4`,
    `${prefix}_services_unsatisfied 2`,
    `${prefix}_event_processing_time_seconds_sum{event="upsert",resource="service"} 0.5`,
    `${prefix}_event_processing_time_seconds_count{event="upsert",resource="service"} 1`,
  ];
  expect(text.split("\n").filter((line) => !/^#|_bucket/.test(line))).toEqual([
    'cilium_operator_bgp_control_plane_reconcile_errors_total{resource_kind="CiliumBGPClusterConfig",resource_name="rack0"} 2',
    "cilium_bgp_control_plane_reconcile_run_duration_seconds_sum 0.5",
    "cilium_bgp_control_plane_reconcile_run_duration_seconds_count 1",
    ...lbIpamLines("cilium_lbipam"),
    ...lbIpamLines("cilium_operator_lbipam"),
    "",
  ]);
});
