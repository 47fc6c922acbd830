import { parseArgs } from "node:util";
import { parsePrefix, type Prefix, prefixFamily } from "../net/prefix.ts";
import { type IpamMode, ipamModes } from "../cilium/node-input.ts";
import { inClusterAccess, loadKubeconfig } from "../kube/client/cluster-access.ts";
import { KubeClient } from "../kube/client/kube-client.ts";
import { serveAdminSocket } from "./admin-socket.ts";
import { adminHandler } from "./admin.ts";
import { Agent } from "./agent.ts";
import { giveBackAfterStart } from "./give-back.ts";
import { type Health, serveHealth } from "./health.ts";
import { type Log, processLog } from "./log.ts";
import { agentMetrics, operatorMetrics, serveMetrics } from "./metrics.ts";
import type { Operator } from "./operator.ts";
import { bmpStation } from "./instance-config.ts";
import { systemEdges, systemNodeEdges } from "./system-edges.ts";
import { relay } from "./relay.ts";
import { watchRoutes } from "./watch-routes.ts";

/**
 * The process on each Kubernetes node, and the operator's: `agent --kubeconfig FILE --node NAME` and
 * `operator --kubeconfig FILE`; without --kubeconfig as a pod does, by its service account. One file
 * holds both, since they share most of their code.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kubeconfig: { type: "string" },
    node: { type: "string" },
    socket: { type: "string", default: "/run/spinelab/agent.sock" },
    version: { type: "string", default: "spinelab" },
    health: { type: "string" },
    "install-routes": { type: "boolean", default: false },
    "enable-egress-gateway": { type: "boolean", default: false },
    ipam: { type: "string", default: "kubernetes" },
    "enable-no-service-endpoints-routable": { type: "string", default: "true" },
    "enable-bgp-control-plane-status-report": { type: "string", default: "true" },
    prometheus: { type: "string" },
    "bgp-router-id-allocation-ip-pool": { type: "string" },
    bmp: { type: "string", multiple: true, default: [] },
  },
});
const [role, ...operands] = positionals;
const statusReport = values["enable-bgp-control-plane-status-report"] !== "false";
if (role === "relay") {
  relay();
} else if (role === "watch-routes") {
  watchRoutes(operands.map(Number));
} else if (role === "operator") {
  await runOperator();
} else if (role === "agent") {
  await runAgent();
} else {
  throw new Error("usage: agent --node NAME [--kubeconfig FILE] | operator [--kubeconfig FILE]");
}

async function runOperator(): Promise<void> {
  const { Operator: OperatorProcess } = await import("./operator.ts");
  const log = processLog("bgp-cp-operator");
  const operator = new OperatorProcess({
    edges: systemEdges(await kubeClient()),
    log,
    routerIdPool: routerIdPool(values["bgp-router-id-allocation-ip-pool"]),
    statusReport,
  });
  await probed(operator, log);
  await metered(log, () => operatorMetrics(operator.counts));
  onTermination(() => operator.stop());
  await operator.start();
}

async function runAgent(): Promise<void> {
  if (values.node === undefined) throw new Error("usage: agent needs --node NAME");
  const log = processLog("bgp-control-plane");
  const { node } = values;
  const edges = systemNodeEdges(await kubeClient(), log);
  const agent = new Agent({
    node,
    ipam: ipamMode(values.ipam),
    noEndpointsRoutable: values["enable-no-service-endpoints-routable"] !== "false",
    edges,
    softwareVersion: values.version,
    log,
    installRoutes: values["install-routes"],
    statusReport,
    bmpStations: values.bmp.map(bmpStation),
  });
  await serveAdminSocket(values.socket, adminHandler(agent), log);
  await probed(agent, log);
  await metered(log, () => agentMetrics(agent));
  onTermination(() => agent.stop());
  await agent.start();
  if (values["enable-egress-gateway"]) {
    const { EgressDatapath } = await import("./egress-datapath.ts");
    await new EgressDatapath(node, edges, processLog("egressgateway")).start();
  }
  giveBackAfterStart();
}

function routerIdPool(text: string | undefined): Prefix | undefined {
  const pool = text === undefined ? undefined : parsePrefix(text);
  if (text !== undefined && (pool === undefined || prefixFamily(pool) !== "ipv4")) {
    throw new Error(`--bgp-router-id-allocation-ip-pool is an IPv4 prefix, not ${text}`);
  }
  return pool;
}

function ipamMode(text: string): IpamMode {
  const mode = ipamModes.find((each) => each === text);
  if (mode === undefined) throw new Error(`--ipam is one of ${ipamModes.join(", ")}, not ${text}`);
  return mode;
}

async function kubeClient(): Promise<KubeClient> {
  const { kubeconfig } = values;
  return new KubeClient(
    kubeconfig === undefined ? inClusterAccess() : await loadKubeconfig(kubeconfig),
  );
}

/** Answers the probes of its pod, where `--health ADDRESS:PORT` says so. */
async function probed(process: Agent | Operator, log: Log): Promise<void> {
  const health: Health = { ready: () => process.ready };
  if (values.health !== undefined) await serveHealth(values.health, health, log);
}

/** Prometheus' metrics, where `--prometheus ADDRESS:PORT` says so; Cilium's agent has them on port 9962. */
async function metered(log: Log, metrics: () => string): Promise<void> {
  if (values.prometheus !== undefined) await serveMetrics(values.prometheus, metrics, log);
}

function onTermination(stop: () => Promise<void> | void): void {
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      void Promise.resolve(stop()).then(() => process.exit(0));
    });
  }
}
