import { createServer, type Server } from "node:http";
import type { LbIpamCounts } from "../cilium/lb-ipam/lb-ipam.ts";
import type { PeerStatus } from "../bgp/speaker/views.ts";
import type { Agent, ReconcileCounts } from "./agent.ts";
import { listen } from "../sys/listen.ts";
import { hostAndPort } from "./health.ts";
import type { Histogram } from "./histogram.ts";
import type { Log } from "./log.ts";

type Labels = Readonly<Record<string, string | number>>;
type Metric = {
  name: string;
  type: "gauge" | "counter" | "histogram";
  help: string;
  /** `suffix`: of a histogram's name, `_bucket`, `_sum` or `_count`. */
  samples: readonly { suffix?: string; labels?: Labels; value: number | bigint }[];
};

/** One instance with its peers. */
export type InstancePeers = { instance: string; localAsn: number; peers: readonly PeerStatus[] };

/** Cilium's BGP metrics, and the three names that guides alert on. */
export function bgpMetrics(instances: readonly InstancePeers[], counts: ReconcileCounts): string {
  const all = instances.flatMap(({ instance, localAsn, peers }) =>
    peers.map((peer) => ({
      peer,
      labels: {
        ...instanceLabels(instance, localAsn),
        neighbor: addressAndPort(peer),
        neighbor_asn: peer.asn,
      },
    })),
  );
  const isUp = ({ state }: PeerStatus) => (state === "Established" ? 1 : 0);
  const sessions = all.map(({ peer, labels }) => ({ labels, value: isUp(peer) }));
  const routes = (field: "advertised" | "received" | "announced", of = all) =>
    of.flatMap(({ peer, labels }) =>
      peer.families.map(({ family, ...count }) => ({
        labels: { ...labels, afi: family.afi, safi: family.safi },
        value: count[field],
      })),
    );
  // Without a session Cilium tells no number of routes.
  const up = all.filter(({ peer }) => isUp(peer));
  const errors = instances.map(({ instance, localAsn }) => ({
    labels: instanceLabels(instance, localAsn),
    value: counts.errors.get(instance) ?? 0,
  }));
  return exposition([
    gauge("cilium_bgp_control_plane_session_state", "Session to the peer: 1 up, 0 down", sessions),
    gauge(
      "cilium_bgp_control_plane_advertised_routes",
      "Routes advertised to the peer",
      routes("advertised", up),
    ),
    gauge(
      "cilium_bgp_control_plane_received_routes",
      "Routes received of the peer",
      routes("received", up),
    ),
    counter(
      "cilium_bgp_control_plane_reconcile_errors_total",
      "Reconciliations that failed",
      errors,
    ),
    histogram(
      "cilium_bgp_control_plane_reconcile_run_duration_seconds",
      "Time that a reconciliation took",
      instances.flatMap(({ instance, localAsn }) => {
        const durations = counts.durations.get(instance);
        return durations ? [{ labels: instanceLabels(instance, localAsn), durations }] : [];
      }),
    ),
    gauge(
      "cilium_bgp_peers",
      "Configured peers by the state of their session",
      [...new Set(all.map(({ peer }) => peer.state))].map((state) => ({
        labels: { state: state.toLowerCase() },
        value: all.filter(({ peer }) => peer.state === state).length,
      })),
    ),
    gauge("cilium_bgp_session_state", "Session to the peer: 1 up, 0 down", sessions),
    counter(
      "cilium_bgp_route_advertisements_total",
      "Routes announced to the peer since the agent began, each as often as it was",
      routes("announced"),
    ),
  ]);
}

/** Cilium's labels; `vrouter` is what earlier releases call `local_asn`. */
function instanceLabels(instance: string, localAsn: number): Labels {
  return { instance_name: instance, local_asn: localAsn, vrouter: localAsn };
}

function addressAndPort({ address, port }: PeerStatus): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Of a node's agent. */
export function agentMetrics(agent: Pick<Agent, "speakers" | "counts" | "nowMs">): string {
  const instances = Array.from(agent.speakers, ([instance, { speaker }]) => ({
    ...{ instance, localAsn: speaker.config.localAsn },
    peers: speaker.peers(agent.nowMs()),
  }));
  return bgpMetrics(instances, agent.counts);
}

/** What the operator has counted since it began. */
export type OperatorCounts = {
  /** By CiliumBGPClusterConfig. */
  errors: ReadonlyMap<string, number>;
  /** Of the reconciliations. */
  durations: Histogram;
  lbIpam: LbIpamCounts;
  /** LB-IPAM's, by event and resource: `upsert service`. */
  lbIpamDurations: ReadonlyMap<string, Histogram>;
};

export function operatorMetrics(counts: OperatorCounts): string {
  return exposition([
    counter(
      "cilium_operator_bgp_control_plane_reconcile_errors_total",
      "What could not be done of a BGP resource",
      Array.from(counts.errors, ([name, value]) => ({
        labels: { resource_kind: "CiliumBGPClusterConfig", resource_name: name },
        value,
      })),
    ),
    histogram(
      "cilium_bgp_control_plane_reconcile_run_duration_seconds",
      "Time that a reconciliation took",
      [{ labels: {}, durations: counts.durations }],
    ),
    // Cilium's main branch has the first name, and its releases up to 1.19 the second.
    ...["cilium_lbipam", "cilium_operator_lbipam"].flatMap((prefix) =>
      lbIpamMetrics(prefix, counts),
    ),
  ]);
}

function lbIpamMetrics(prefix: string, { lbIpam, lbIpamDurations }: OperatorCounts): Metric[] {
  const perPool = (field: "available" | "used") =>
    lbIpam.pools.map((pool) => ({ labels: { pool: pool.pool }, value: pool[field] }));
  return [
    gauge(`${prefix}_conflicting_pools`, "Pools in conflict", [{ value: lbIpam.conflictingPools }]),
    gauge(`${prefix}_ips_available`, "Addresses of the pool that are free", perPool("available")),
    gauge(`${prefix}_ips_used`, "Addresses of the pool that are taken", perPool("used")),
    gauge(`${prefix}_services_matching`, "Services that LB-IPAM is responsible for", [
      { value: lbIpam.servicesMatching },
    ]),
    gauge(`${prefix}_services_unsatisfied`, "Of these, Services without all they ask for", [
      { value: lbIpam.servicesUnsatisfied },
    ]),
    histogram(
      `${prefix}_event_processing_time_seconds`,
      "Time that an event took",
      Array.from(lbIpamDurations, ([key, durations]) => {
        const [event = "", resource = ""] = key.split(" ");
        return { labels: { event, resource }, durations };
      }),
    ),
  ];
}

function gauge(name: string, help: string, samples: Metric["samples"]): Metric {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, samples: Metric["samples"]): Metric {
  return { name, type: "counter", help, samples };
}

function histogram(
  name: string,
  help: string,
  all: readonly { labels: Labels; durations: Histogram }[],
): Metric {
  const samples = all.flatMap(({ labels, durations }) => [
    ...durations.buckets().map(({ le, count }) => ({
      suffix: "_bucket",
      labels: { ...labels, le },
      value: count,
    })),
    { suffix: "_sum", labels, value: durations.sumSeconds },
    { suffix: "_count", labels, value: durations.count },
  ]);
  return { name, type: "histogram", help, samples };
}

/** Prometheus' text format, version 0.0.4. */
function exposition(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, type, help, samples }) =>
      [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...samples.map(
          ({ suffix = "", labels = {}, value }) => `${name}${suffix}${labelText(labels)} ${value}`,
        ),
      ].join("\n"),
    )
    .join("\n")
    .concat("\n");
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => {
    const text = String(value)
      .replaceAll("\\", "\\\\")
      .replaceAll('"', '\\"')
      .replaceAll("\n", "\\n");
    return `${name}="${text}"`;
  });
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

/** Answers `/metrics`. */
export async function serveMetrics(at: string, metrics: () => string, log: Log): Promise<Server> {
  const { host, port } = hostAndPort(at);
  const server = createServer((request, response) => {
    const isAsked = request.url?.replace(/\?.*$/, "") === "/metrics";
    response.writeHead(isAsked ? 200 : 404, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    });
    response.end(isAsked ? metrics() : "/metrics\n");
  });
  await listen(server, { host, port }, (error) => log("warn", `metrics: ${error.message}`));
  return server;
}
