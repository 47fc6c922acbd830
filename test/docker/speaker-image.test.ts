import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  GenericContainer,
  Network,
  type StartedNetwork,
  type StartedTestContainer,
} from "testcontainers";
import { address } from "../../src/net/address.ts";
import { prefix } from "../../src/net/prefix.ts";
import { KubeClient } from "../../src/kube/client/kube-client.ts";
import { systemClock } from "../../src/kube/clock.ts";
import { nodeObject } from "../../src/kube/controllers/nodes.ts";
import { kubeconfigText } from "../../src/kube/kubeconfig.ts";
import { type ApiServer, startApiServer } from "../../src/kube/server/api-server.ts";
import { builtInResources } from "../../src/kube/server/built-in-resources.ts";
import { ciliumResources } from "../../src/kube/server/cilium-resources.ts";
import { KubeApi } from "../../src/kube/server/kube-api.ts";
import { frrImage, speakerImage, testEngine } from "./engine.ts";

const docker = testEngine();
const podCidr = "10.77.1.0/24";
const password = "correct-horse";

/**
 * The project's image as a Kubernetes node runs it, against FRR: a container `node` stands for the
 * machine, whose network the agent's container shares, as with hostNetwork.
 */
describe("the speaker's image against FRR's", () => {
  let network: StartedNetwork;
  let router: StartedTestContainer;
  let node: StartedTestContainer;
  let server: ApiServer;
  let log = "";
  /** Looks until it holds; says what it saw last, and what the speakers printed. */
  const until = async <T>(
    what: string,
    look: () => Promise<T>,
    holds: (seen: T) => boolean,
  ): Promise<T> => {
    const deadlineMs = performance.now() + 30_000;
    for (;;) {
      const seen = await look();
      if (holds(seen)) return seen;
      if (performance.now() > deadlineMs) {
        throw new Error(`${what}: not within 30 s; last saw ${JSON.stringify(seen)}\n${log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const speakers: StartedTestContainer[] = [];
  let start: (role: "agent" | "operator") => Promise<StartedTestContainer>;

  beforeAll(async () => {
    const image = await speakerImage(docker);
    network = await new Network().start();
    const { IPAM } = await docker.getNetwork(network.getId()).inspect();
    const gateway = (IPAM!.Config![0] as { Gateway: string }).Gateway;
    [router, node] = await Promise.all([machine(network), machine(network)]);
    const [routerAddress, nodeAddress] = [router, node].map((each) =>
      each.getIpAddress(network.getName()),
    ) as [string, string];

    const api = new KubeApi({
      resources: [...builtInResources, ...ciliumResources],
      clock: systemClock,
    });
    server = await startApiServer({
      api,
      listeners: [{ host: gateway, port: 0 }],
      onError: (error) => {
        throw error;
      },
    });
    api.create(
      "nodes",
      nodeObject(
        {
          name: "node",
          role: "worker",
          labels: {},
          taints: [],
          podCidrs: [prefix(podCidr)],
          addresses: [address(nodeAddress)],
        },
        Date.now(),
      ),
    );
    const client = new KubeClient({ server: server.urls[0]!, namespace: "default" });
    for (const object of resources(routerAddress)) await client.apply(object);
    client.close();

    const kubeconfig = kubeconfigText({ name: "test", server: server.urls[0]!, token: "unused" });
    start = async (role) => {
      const container = await new GenericContainer(image)
        .withCommand([
          role,
          "--kubeconfig",
          "/kubeconfig",
          ...(role === "agent" ? ["--node", "node"] : []),
        ])
        .withCopyContentToContainer([{ content: kubeconfig, target: "/kubeconfig" }])
        .withNetworkMode(`container:${node.getId()}`)
        .withDroppedCapabilities("ALL")
        .withAddedCapabilities("NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE")
        .withLogConsumer((stream) => stream.on("data", (line: string) => (log += line)))
        .start();
      speakers.push(container);
      return container;
    };

    await succeed(router, ["sed", "-i", "s/bgpd=no/bgpd=yes/", "/etc/frr/daemons"]);
    await succeed(router, ["/usr/lib/frr/frrinit.sh", "start"]);
    const lines = [
      "router bgp 65000",
      "no bgp ebgp-requires-policy",
      `neighbor ${nodeAddress} remote-as 65010`,
      `neighbor ${nodeAddress} passive`,
      `neighbor ${nodeAddress} password ${password}`,
    ];
    await succeed(router, ["vtysh", "-c", "conf t", ...lines.flatMap((line) => ["-c", line])]);
    await start("operator");
  });

  afterAll(async () => {
    const containers = [...speakers, router, node].filter((each) => each !== undefined);
    await Promise.all(containers.map((each) => each.stop({ timeout: 1 }).catch(() => undefined)));
    await network?.stop();
    await server?.close();
  });

  it("comes up with a password and announces the podCIDR", { timeout: 60_000 }, async () => {
    await start("agent");
    const peer = await until(
      "Established",
      () => peerOf(router),
      (seen) => seen?.state === "Established",
    );
    expect(peer).toMatchObject({ remoteAs: 65010 });
    await until(
      "the podCIDR",
      () => routeOf(router),
      (paths) => paths.length === 1,
    );
    const kernel = await succeed(router, ["ip", "route", "show", podCidr]);
    expect(kernel).toContain(`via ${node.getIpAddress(network.getName())}`);
  });

  it(
    "keeps its routes through a restart: stale, then fresh, never gone",
    { timeout: 60_000 },
    async () => {
      const old = speakers.at(-1)!;
      await docker.getContainer(old.getId()).kill({ signal: "SIGKILL" });
      const stale = await until(
        "stale",
        () => routeOf(router),
        ([path]) => path?.stale === true,
      );
      expect(stale).toHaveLength(1);
      expect(await succeed(router, ["ip", "route", "show", podCidr])).toContain("via");
      await start("agent");
      await until(
        "fresh again",
        () => routeOf(router),
        ([path]) => path !== undefined && !path.stale,
      );
      expect(await peerOf(router)).toMatchObject({ state: "Established" });
    },
  );

  it("needs no more rights than these", async () => {
    const { HostConfig, State } = await docker.getContainer(speakers.at(-1)!.getId()).inspect();
    expect(State.Running).toBe(true);
    expect(HostConfig.Privileged).toBe(false);
    expect(HostConfig.CapDrop).toEqual(["ALL"]);
    expect(HostConfig.CapAdd).toEqual(["NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE"]);
  });
});

function resources(routerAddress: string) {
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "bgp-password", namespace: "kube-system" },
      data: { password: Buffer.from(password).toString("base64") },
    },
    {
      apiVersion: "cilium.io/v2",
      kind: "CiliumBGPClusterConfig",
      metadata: { name: "all" },
      spec: {
        bgpInstances: [
          {
            name: "instance-65010",
            localASN: 65010,
            peers: [
              {
                name: "router",
                peerASN: 65000,
                peerAddress: routerAddress,
                peerConfigRef: { name: "to-router" },
              },
            ],
          },
        ],
      },
    },
    {
      apiVersion: "cilium.io/v2",
      kind: "CiliumBGPPeerConfig",
      metadata: { name: "to-router" },
      spec: {
        authSecretRef: "bgp-password",
        gracefulRestart: { enabled: true, restartTimeSeconds: 60 },
        timers: { connectRetryTimeSeconds: 1 },
        families: [
          {
            afi: "ipv4",
            safi: "unicast",
            advertisements: { matchLabels: { advertise: "pods" } },
          },
        ],
      },
    },
    {
      apiVersion: "cilium.io/v2",
      kind: "CiliumBGPAdvertisement",
      metadata: { name: "pods", labels: { advertise: "pods" } },
      spec: { advertisements: [{ advertisementType: "PodCIDR" }] },
    },
  ];
}

async function machine(network: StartedNetwork): Promise<StartedTestContainer> {
  return await new GenericContainer(frrImage)
    .withCommand(["sleep", "infinity"])
    .withAddedCapabilities("NET_ADMIN", "SYS_ADMIN", "NET_RAW")
    .withNetwork(network)
    .start();
}

async function succeed(container: StartedTestContainer, argv: string[]): Promise<string> {
  const { exitCode, output } = await container.exec(argv);
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: status ${exitCode}: ${output}`);
  return output;
}

type Peer = { state: string; remoteAs: number };

async function peerOf(router: StartedTestContainer): Promise<Peer | undefined> {
  const printed = await succeed(router, ["vtysh", "-c", "show bgp ipv4 unicast summary json"]);
  const { peers = {} } = JSON.parse(printed) as { peers?: Record<string, Peer> };
  return Object.values(peers)[0];
}

async function routeOf(router: StartedTestContainer): Promise<{ stale?: boolean }[]> {
  const printed = await succeed(router, ["vtysh", "-c", `show bgp ipv4 unicast ${podCidr} json`]);
  return (JSON.parse(printed) as { paths?: { stale?: boolean }[] }).paths ?? [];
}
