/**
 * Services in numbers: from pools to addresses to routes on N nodes, and from the change of one
 * Service to its UPDATE. API server, operator, agents and their BGP peer all run in this one process,
 * over loopback: `node bench/services.ts [COUNT…]`, by default 10, 500 and 5000 on 4 nodes. Ends with status 1
 * where a change took longer than it may, the time left out that the process waited for a CPU of the machine.
 */
import { readFileSync } from "node:fs";
import { Agent } from "../src/agent/agent.ts";
import { Operator } from "../src/agent/operator.ts";
import { SpeakerHost } from "../src/agent/speaker-host.ts";
import { systemEdges, systemNodeEdges } from "../src/agent/system-edges.ts";
import type { PeerConfig } from "../src/bgp/speaker/config.ts";
import { KubeClient } from "../src/kube/client/kube-client.ts";
import { systemClock } from "../src/kube/clock.ts";
import { startControllers } from "../src/kube/controllers/controllers.ts";
import { nodeObject } from "../src/kube/controllers/nodes.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { startApiServer } from "../src/kube/server/api-server.ts";
import { builtInResources } from "../src/kube/server/built-in-resources.ts";
import { ciliumResources } from "../src/kube/server/cilium-resources.ts";
import { KubeApi } from "../src/kube/server/kube-api.ts";
import { address } from "../src/net/address.ts";
import { prefix } from "../src/net/prefix.ts";

const nodes = 4;
const samples = 50;
/** Between changes, so that each is one by itself. */
const pauseMs = 50;
const torPort = 11_790;
const counts = process.argv.slice(2).map(Number);
const log = (level: string, ...rest: unknown[]): void => {
  if (level === "error") process.stderr.write(`${JSON.stringify(rest)}\n`);
};
/** Of a change, median and 95 %. */
const changeLimitMs = (count: number) => (count <= 10 ? 20 : 50);
/** Told of every change of what the peer received. */
let look = (): void => {};

let isKept = true;
for (const count of counts.length > 0 ? counts : [10, 500, 5000]) {
  const { allocated, advertised, change, memoryMiB } = await measure(count);
  const own = quantiles(change.map(({ tookMs, waitedMs }) => tookMs - waitedMs));
  const limitMs = changeLimitMs(count);
  isKept &&= own.p95 <= limitMs;
  process.stdout.write(
    `${count} services on ${nodes} nodes: addresses in ${allocated.toFixed(0)} ms, routes at the peer in ` +
      `${advertised.toFixed(0)} ms; change of one to its UPDATE: ${textOf(quantiles(change.map(({ tookMs }) => tookMs)))}; ` +
      `without waiting for a CPU: ${textOf(own)} (limit ${limitMs} ms); heap ${memoryMiB.toFixed(0)} MiB\n`,
  );
}
process.exit(isKept ? 0 : 1);

function quantiles(values: number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { median: at(0.5), p95: at(0.95), most: at(1) };
}

function textOf({ median, p95, most }: ReturnType<typeof quantiles>): string {
  return `median ${median.toFixed(1)} ms, 95% ${p95.toFixed(1)} ms, most ${most.toFixed(1)} ms`;
}

/** How long this thread could have run and had no CPU (Documentation/scheduler/sched-stats.rst). */
function waitedForCpuMs(): number {
  return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[1]) / 1e6;
}

async function measure(count: number) {
  const api = new KubeApi({
    resources: [...builtInResources, ...ciliumResources],
    clock: systemClock,
  });
  const token = "bench";
  const onError = (error: unknown) => process.stderr.write(`${String(error)}\n`);
  const server = await startApiServer({
    api,
    listeners: [{ host: "127.0.0.1", port: 0, token }],
    onError,
  });
  const controllers = startControllers(api, onError);
  const client = () =>
    new KubeClient({ server: server.urls[0]!, token: () => token, namespace: "default" });

  const tor = new SpeakerHost(
    {
      localAsn: 65000,
      routerId: address("192.0.2.1"),
      listenPort: torPort,
      hostname: "tor",
      originate: [],
      peers: Array.from({ length: nodes }, (_, n) => torPeer(n)),
    },
    { restarting: false, softwareVersion: "bench", log, onChanged: () => look() },
  );
  tor.start();

  for (let n = 0; n < nodes; n++) {
    const podCidrs = [prefix(`10.1.${n}.0/24`)];
    const addresses = [address(`127.0.0.${10 + n}`)];
    const node = {
      name: `n${n}`,
      role: "worker" as const,
      labels: {},
      taints: [],
      podCidrs,
      addresses,
    };
    api.create("nodes", nodeObject(node, Date.now()));
  }
  for (const object of manifests()) api.create(keyOf(object), object);
  const operator = new Operator({
    edges: systemEdges(client()),
    log,
    routerIdPool: undefined,
    statusReport: true,
  });
  await operator.start();
  const agents = Array.from(
    { length: nodes },
    (_, n) =>
      new Agent({
        node: `n${n}`,
        ipam: "kubernetes",
        noEndpointsRoutable: true,
        statusReport: true,
        installRoutes: false,
        bmpStations: [],
        edges: systemNodeEdges(client(), log),
        softwareVersion: "bench",
        log,
      }),
  );
  await Promise.all(agents.map((agent) => agent.start()));
  await until(() =>
    tor.speaker.peers(performance.now()).every((peer) => peer.state === "Established"),
  );

  const startedMs = performance.now();
  let allocated = 0;
  for (let n = 0; n < count; n++) api.create("services", service(n));
  await until(() => {
    if (allocated === 0 && operator.counts.lbIpam.pools[0]!.used >= BigInt(count)) {
      allocated = performance.now() - startedMs;
    }
    return received().every((each) => each === count);
  });
  const advertised = performance.now() - startedMs;

  const change: { tookMs: number; waitedMs: number }[] = [];
  for (let n = 0; n < samples; n++) {
    const name = `s${Math.floor((n / samples) * count)}`;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const found = api.get("services", { namespace: "default", name });
    const waitedMs = waitedForCpuMs();
    const changedMs = performance.now();
    api.update("services", {
      ...found,
      spec: { ...(found.spec as object), externalTrafficPolicy: "Local" },
    } as KubeObject);
    await until(() => received().every((each) => each === count - 1));
    change.push({
      tookMs: performance.now() - changedMs,
      waitedMs: waitedForCpuMs() - waitedMs,
    });
    const again = api.get("services", { namespace: "default", name });
    api.update("services", {
      ...again,
      spec: { ...(again.spec as object), externalTrafficPolicy: "Cluster" },
    } as KubeObject);
    await until(() => received().every((each) => each === count));
  }
  const memoryMiB = process.memoryUsage().heapUsed / 2 ** 20;
  await Promise.all(agents.map((agent) => agent.stop()));
  operator.stop();
  await tor.stop("cease", 1000);
  controllers.stop();
  await server.close();
  return { allocated, advertised, change, memoryMiB };

  function received(): number[] {
    return tor.speaker
      .peers(performance.now())
      .map((peer) => peer.families.find(({ family }) => family.afi === "ipv4")?.received ?? 0);
  }
}

function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    look = () => {
      if (!holds()) return;
      look = () => {};
      resolve();
    };
    look();
  });
}

function torPeer(n: number): PeerConfig {
  return {
    name: `n${n}`,
    address: address(`127.0.0.${10 + n}`),
    asn: 65001,
    port: 179,
    passive: true,
    holdTimeSeconds: 90,
    keepaliveTimeSeconds: 30,
    connectRetryTimeSeconds: 5,
    families: [{ afi: "ipv4", safi: "unicast" }],
    exportPolicy: [],
    importPolicy: "reject",
  };
}

function service(n: number): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `s${n}` },
    spec: { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] },
  };
}

function manifests(): KubeObject[] {
  const apiVersion = "cilium.io/v2";
  return [
    {
      apiVersion,
      kind: "CiliumLoadBalancerIPPool",
      metadata: { name: "pool" },
      spec: { blocks: [{ cidr: "10.200.0.0/16" }] },
    },
    {
      apiVersion,
      kind: "CiliumBGPPeerConfig",
      metadata: { name: "peer" },
      spec: {
        transport: { peerPort: torPort },
        families: [{ afi: "ipv4", safi: "unicast", advertisements: {} }],
      },
    },
    {
      apiVersion,
      kind: "CiliumBGPAdvertisement",
      metadata: { name: "services" },
      spec: {
        advertisements: [
          {
            advertisementType: "Service",
            service: { addresses: ["LoadBalancerIP"] },
            selector: {},
          },
        ],
      },
    },
    {
      apiVersion,
      kind: "CiliumBGPClusterConfig",
      metadata: { name: "all" },
      spec: {
        bgpInstances: [
          {
            name: "i",
            localASN: 65001,
            peers: [
              {
                name: "tor",
                peerAddress: "127.0.0.1",
                peerASN: 65000,
                peerConfigRef: { name: "peer" },
              },
            ],
          },
        ],
      },
    },
    ...Array.from({ length: nodes }, (_, n) => ({
      apiVersion,
      kind: "CiliumBGPNodeConfigOverride",
      metadata: { name: `n${n}` },
      spec: {
        bgpInstances: [{ name: "i", peers: [{ name: "tor", localAddress: `127.0.0.${10 + n}` }] }],
      },
    })),
  ];
}

function keyOf({ kind }: KubeObject): string {
  return `${kind.toLowerCase()}s.cilium.io`;
}
