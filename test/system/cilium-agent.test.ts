/** Operator, agent and API server with a BGP peer, all in this process, over loopback. */
import { afterEach, expect, test } from "vitest";
import { Agent } from "../../src/agent/agent.ts";
import { Operator } from "../../src/agent/operator.ts";
import { SpeakerHost } from "../../src/agent/speaker-host.ts";
import { systemEdges, systemNodeEdges } from "../../src/agent/system-edges.ts";
import { systemClock } from "../../src/kube/clock.ts";
import { KubeClient } from "../../src/kube/client/kube-client.ts";
import { startControllers } from "../../src/kube/controllers/controllers.ts";
import { nodeObject } from "../../src/kube/controllers/nodes.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import { startApiServer } from "../../src/kube/server/api-server.ts";
import { builtInResources } from "../../src/kube/server/built-in-resources.ts";
import { ciliumResources } from "../../src/kube/server/cilium-resources.ts";
import { KubeApi } from "../../src/kube/server/kube-api.ts";
import { address } from "../../src/net/address.ts";
import { prefix } from "../../src/net/prefix.ts";

const torPort = 11_791;
const token = "test";
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each();
});

/** Looks at once and then often; on failure says what it saw last. */
async function until<T>(what: string, look: () => T, holds: (seen: T) => boolean): Promise<T> {
  const deadlineMs = performance.now() + 20_000;
  for (;;) {
    const seen = look();
    if (holds(seen)) return seen;
    if (performance.now() > deadlineMs) {
      throw new Error(`${what}: not in time; last saw ${JSON.stringify(seen)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const cilium = (kind: string, name: string, spec: object, version = "v2"): KubeObject => ({
  apiVersion: `cilium.io/${version}`,
  kind,
  metadata: { name },
  spec,
});

async function world() {
  const api = new KubeApi({
    resources: [...builtInResources, ...ciliumResources],
    clock: systemClock,
  });
  const serve = (port: number) =>
    startApiServer({ api, listeners: [{ host: "127.0.0.1", port, token }], onError: () => {} });
  let server = await serve(0);
  const url = server.urls[0]!;
  const controllers = startControllers(api, () => {});
  const logged: string[] = [];
  const log = (_level: string, message: string) => void logged.push(message);
  const client = () => new KubeClient({ server: url, token: () => token, namespace: "default" });
  const tor = new SpeakerHost(
    {
      localAsn: 65000,
      routerId: address("192.0.2.1"),
      listenPort: torPort,
      hostname: "tor",
      originate: [],
      peers: [
        {
          name: "node",
          address: address("127.0.0.1"),
          asn: 65001,
          port: 179,
          passive: true,
          holdTimeSeconds: 90,
          keepaliveTimeSeconds: 30,
          connectRetryTimeSeconds: 5,
          families: [{ afi: "ipv4", safi: "unicast" }],
          exportPolicy: [],
          importPolicy: "reject",
        },
      ],
    },
    { restarting: false, softwareVersion: "test", log: () => {}, onChanged: () => {} },
  );
  tor.start();
  const node = {
    name: "n0",
    role: "worker" as const,
    labels: {},
    taints: [],
    podCidrs: [prefix("10.1.0.0/24")],
    addresses: [address("127.0.0.1")],
  };
  api.create("nodes", nodeObject(node, Date.now()));
  const apply = (object: KubeObject) => api.create(keyOf(object), object);
  apply(cilium("CiliumLoadBalancerIPPool", "pool", { blocks: [{ cidr: "10.200.0.0/24" }] }));
  apply(
    cilium("CiliumBGPPeerConfig", "peer", {
      transport: { peerPort: torPort },
      families: [{ afi: "ipv4", safi: "unicast", advertisements: {} }],
    }),
  );
  const service = { addresses: ["LoadBalancerIP"] };
  apply(
    cilium("CiliumBGPAdvertisement", "all", {
      advertisements: [
        { advertisementType: "PodCIDR" },
        { advertisementType: "Service", service, selector: {} },
      ],
    }),
  );
  const operator = new Operator({
    edges: systemEdges(client()),
    log,
    routerIdPool: undefined,
    statusReport: true,
  });
  await operator.start();
  const startAgent = async (statusReport = true) => {
    const started = new Agent({
      node: "n0",
      ipam: "kubernetes",
      noEndpointsRoutable: true,
      statusReport,
      installRoutes: false,
      bmpStations: [],
      edges: systemNodeEdges(client(), log),
      softwareVersion: "test",
      log,
    });
    await started.start();
    return started;
  };
  const agent = await startAgent();
  undo.push(
    () => server.close(),
    () => controllers.stop(),
    () => tor.stop("cease", 500),
    () => operator.stop(),
    () => agent.stop(),
  );
  return {
    api,
    tor,
    agent,
    logged,
    apply,
    startAgent,
    received: () =>
      tor.speaker
        .routesReceived()
        .map((route) => String(route.prefix))
        .toSorted(),
    stopApi: () => server.close(),
    startApi: async () => (server = await serve(Number(new URL(url).port))),
  };
}

function keyOf({ kind, apiVersion }: KubeObject): string {
  const plural = kind.toLowerCase().replace(/y$/, "ie");
  return apiVersion === "v1" ? `${plural}s` : `${plural}s.cilium.io`;
}

const clusterConfig = () =>
  cilium("CiliumBGPClusterConfig", "all", {
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
  });

const loadBalancer = (name: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
});

test("a Service gets an address from the pool, the peer its route; the status says how many", async () => {
  const { api, apply, received } = await world();
  apply(clusterConfig());
  apply(loadBalancer("web"));
  await until("both routes", received, (seen) => seen.length === 2);
  expect(received()).toEqual(["10.1.0.0/24", "10.200.0.0/32"]);
  const web = api.get("services", { namespace: "default", name: "web" });
  expect(web.status).toMatchObject({
    loadBalancer: { ingress: [{ ip: "10.200.0.0" }] },
    conditions: [{ type: "cilium.io/IPAMRequestSatisfied", status: "True", reason: "satisfied" }],
  });
  await until(
    "the node's status",
    () => JSON.stringify(api.find("ciliumbgpnodeconfigs.cilium.io", { name: "n0" })?.status ?? {}),
    (text) => text.includes('"advertised":2') && text.includes('"peeringState":"established"'),
  );
  api.delete("services", { namespace: "default", name: "web" });
  await until("the route is gone", received, (seen) => seen.length === 1);
});

test("the API server is gone: sessions and routes stay, and all catches up when it is back", async () => {
  const { api, apply, received, tor, logged, stopApi, startApi } = await world();
  apply(clusterConfig());
  apply(loadBalancer("web"));
  await until("both routes", received, (seen) => seen.length === 2);
  const since = tor.speaker.peers(performance.now())[0]!.establishedAtMs;
  await stopApi();
  await until(
    "the watches fail",
    () => logged.filter((line) => line.startsWith("watch failed")).length,
    (count) => count >= 10,
  );
  expect(received()).toHaveLength(2);
  // Meanwhile the world goes on behind its back.
  apply(loadBalancer("other"));
  api.delete("services", { namespace: "default", name: "web" });
  await startApi();
  const other = () => {
    const { status } = api.get("services", { namespace: "default", name: "other" });
    const given = (status ?? {}) as { loadBalancer?: { ingress?: { ip: string }[] } };
    return given.loadBalancer?.ingress?.[0]?.ip;
  };
  await until(
    "the podCIDR and the route of the Service that came meanwhile, alone",
    () => [other(), ...received()],
    ([ip, ...routes]) => ip !== undefined && routes.join() === `10.1.0.0/24,${ip}/32`,
  );
  expect(tor.speaker.peers(performance.now())[0]!.establishedAtMs).toBe(since);
});

test("thousands of changes at once end in what the last of them says", async () => {
  const { api, apply, received } = await world();
  apply(clusterConfig());
  for (let n = 0; n < 200; n++) apply(loadBalancer(`s${n}`));
  for (let n = 0; n < 2000; n++) {
    const at = { namespace: "default", name: `s${n % 200}` };
    api.patch("services", at, { metadata: { labels: { turn: String(n) } } }, "merge");
  }
  for (let n = 0; n < 100; n++) api.delete("services", { namespace: "default", name: `s${n}` });
  await until(
    "a hundred and the podCIDR",
    () => received().length,
    (count) => count === 101,
  );
});

test("a legacy policy comes before the CiliumBGPNodeConfig, and two of them take every session down", async () => {
  const { api, apply, received, tor, agent } = await world();
  apply(clusterConfig());
  await until("the podCIDR", received, (seen) => seen.length === 1);
  const neighbors = [{ peerAddress: "127.0.0.1/32", peerASN: 65000, peerPort: torPort }];
  const virtualRouters = [{ localASN: 65001, neighbors }];
  apply(cilium("CiliumBGPPeeringPolicy", "one", { virtualRouters }, "v2alpha1"));
  await until(
    "its instance",
    () => [...agent.speakers.keys()],
    (names) => names.join() === "65001",
  );
  await until(
    "a session that advertises nothing",
    () => [tor.speaker.peers(performance.now())[0]!.state, received().length],
    ([state, count]) => state === "Established" && count === 0,
  );
  apply(cilium("CiliumBGPPeeringPolicy", "two", { virtualRouters }, "v2alpha1"));
  await until(
    "no instance",
    () => agent.speakers.size,
    (count) => count === 0,
  );
  for (const name of ["one", "two"]) api.delete("ciliumbgppeeringpolicies.cilium.io", { name });
  await until("the CiliumBGPNodeConfig counts again", received, (seen) => seen.length === 1);
});

test("a legacy policy that lost the node while its agent was down is not followed any more", async () => {
  const { api, apply, agent, startAgent, logged, received } = await world();
  const label = (value: string | null) => {
    api.patch("nodes", { name: "n0" }, { metadata: { labels: { bgp: value } } }, "merge");
  };
  label("v1");
  const neighbors = [{ peerAddress: "127.0.0.1/32", peerASN: 65000, peerPort: torPort }];
  const virtualRouters = [{ localASN: 65001, exportPodCIDR: true, neighbors }];
  const spec = { nodeSelector: { matchLabels: { bgp: "v1" } }, virtualRouters };
  apply(cilium("CiliumBGPPeeringPolicy", "one", spec, "v2alpha1"));
  await until("the podCIDR", received, (seen) => seen.length === 1);
  await agent.stop();
  label(null);
  apply(clusterConfig());
  logged.length = 0;
  const again = await startAgent();
  undo.push(() => again.stop());
  await until("the podCIDR again", received, (seen) => seen.length === 1);
  expect([...again.speakers.keys()]).toEqual(["i"]);
  expect(logged.filter((line) => line.includes("BGP instance"))).toEqual([
    "registering BGP instance",
  ]);
});

test("an agent without status reports takes away what one with them said", async () => {
  const { api, apply, agent, startAgent, received } = await world();
  apply(clusterConfig());
  const status = (): object =>
    api.find("ciliumbgpnodeconfigs.cilium.io", { name: "n0" })?.status ?? {};
  await until("the status", status, (told) => "bgpInstances" in told);
  await agent.stop();
  const silent = await startAgent(false);
  undo.push(() => silent.stop());
  await until("no status", status, (told) => Object.keys(told).length === 0);
  await until("the podCIDR", received, (seen) => seen.length === 1);
  expect(status()).toEqual({});
});

test("a password that changes: the session comes again with the new one", async () => {
  const { api, apply, agent, logged } = await world();
  api.update("ciliumbgppeerconfigs.cilium.io", {
    ...api.get("ciliumbgppeerconfigs.cilium.io", { name: "peer" }),
    spec: { authSecretRef: "bgp", transport: { peerPort: torPort } },
  } as KubeObject);
  const secret = (data: Record<string, string>) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "bgp", namespace: "kube-system" },
    data,
  });
  api.create("secrets", secret({ wrong: "eA==" }));
  apply(clusterConfig());
  await until(
    "the error",
    () => logged.join("\n"),
    (text) => text.includes('failed to fetch secret "bgp": missing password key'),
  );
  const password = () => agent.speakers.get("i")?.speaker.config.peers[0]?.password;
  for (const word of ["first", "second"]) {
    api.update("secrets", secret({ password: Buffer.from(word).toString("base64") }));
    await until("the password", password, (seen) => seen === word);
  }
  api.delete("secrets", { namespace: "kube-system", name: "bgp" });
  await until("no password where the secret is gone", password, (seen) => seen === undefined);
});
