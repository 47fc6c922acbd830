import { execFileSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { EnvironmentError } from "../../src/input/diagnostic.ts";
import { loadKubeconfig } from "../../src/kube/client/cluster-access.ts";
import { KubeClient, type Resource } from "../../src/kube/client/kube-client.ts";
import type { Pod } from "../../src/kube/kinds.ts";
import type { KubeObject } from "../../src/kube/object.ts";
import { runExecLines } from "../../src/lab/exec-lines.ts";
import { kindConfigOf } from "../../src/lab/kubernetes-kind-config.ts";
import { refuseCilium } from "../../src/lab/kubernetes-kind-install.ts";
import { writeCniConfigs } from "../../src/lab/kubernetes-kind-network.ts";
import { KubernetesInKind } from "../../src/lab/kubernetes-kind.ts";
import { DockerRuntime } from "../../src/runtime/docker/docker-runtime.ts";
import { hasImage } from "../../src/runtime/docker/images.ts";
import { KindCluster } from "../../src/runtime/docker/kind.ts";
import { buildFabric } from "../../src/topology/fabric-build.ts";
import { speakerImage, testEngine } from "./engine.ts";

const data = new URL("../data/leaf-spine-lab/", import.meta.url).pathname;
const deploy = new URL("../../deploy/", import.meta.url).pathname;
const docker = testEngine();
const minutes = 60_000;
const wait = () => AbortSignal.timeout(4 * minutes);

function nodeImage(): string {
  const image = process.env["SPINELAB_KIND_IMAGE"];
  if (image === undefined) {
    throw new EnvironmentError("SPINELAB_KIND_IMAGE names no node image", "make test-kind");
  }
  return image;
}

const built = buildFabric({
  topology: `${data}bgp-topo.yaml`,
  clusters: [`${data}cluster.yaml`],
  environment: {},
});
if (!("fabric" in built)) throw new Error(JSON.stringify(built.diagnostics));
const { fabric } = built;
const [cluster] = fabric.clusters;

const folder = mkdtempSync(join(tmpdir(), "spinelab-kind-"));
const kindOptions = { name: cluster!.name, kubeconfig: join(folder, "kind.kubeconfig") };
const deaths: string[] = [];
/** Stands for the image of sources that have changed. */
const upgraded = "spinelab/upgraded-speaker";

let before: Awaited<ReturnType<typeof everything>>;
let kind: KindCluster | undefined;
let runtime: DockerRuntime | undefined;
let kubernetes: KubernetesInKind;
let client: KubeClient;

/** The seed's four files, unchanged, as `--runtime docker` deploys them. */
beforeAll(async () => {
  const image = await speakerImage(docker);
  before = await everything();
  const config = kindConfigOf(cluster!);
  const networkSubnet = fabric.management.find(({ name }) => name === "kind")?.ipv4Subnet;
  kind = await KindCluster.create({ ...kindOptions, config, networkSubnet, image: nodeImage() });
  runtime = new DockerRuntime({ docker, speakerImage: image });
  await runtime.up(fabric, () => {});
  await writeCniConfigs(runtime, fabric);
  // The state folder of a lab, where its kubeconfig goes.
  const state = process.env["SPINELAB_STATE"] ?? "/run/spinelab";
  mkdirSync(`${state}/${fabric.name}`, { recursive: true });
  kubernetes = await KubernetesInKind.create({
    ...{ lab: fabric.name, fabric, cluster: cluster!, runtime, kind },
    ...{ progress: () => {}, signal: wait() },
    onDeath: (node, what, exitCode) => deaths.push(`${what} of ${node}: ${exitCode}`),
    installRoutes: false,
    onPodsChanged: () => {},
    inject: "image",
    speakerImage: image,
    hasImage: (reference) => hasImage(docker, reference),
    currentImage: async () => {
      await docker.getImage(image).tag({ repo: upgraded, tag: "latest" });
      return `${upgraded}:latest`;
    },
  });
  client = new KubeClient(await loadKubeconfig(kindOptions.kubeconfig));
  const manifests = ["cilium-bgp-peering-policies.yaml", "netshoot-ds.yaml"].flatMap((name) =>
    parseAllDocuments(readFileSync(data + name, "utf8"))
      .filter((document) => document.contents !== null)
      .map((document) => ({ object: document.toJS() as KubeObject, source: name })),
  );
  await Promise.all([
    runExecLines(fabric.nodes, runtime, () => {}, wait()),
    kubernetes.deploy(manifests, wait()),
  ]);
}, 6 * minutes);

afterAll(async () => {
  await takeDown();
  const state = process.env["SPINELAB_STATE"] ?? "/run/spinelab";
  rmSync(`${state}/${fabric.name}`, { recursive: true, force: true });
  if (await hasImage(docker, upgraded)) await docker.getImage(upgraded).remove();
  rmSync(folder, { recursive: true, force: true });
}, 2 * minutes);

async function takeDown(): Promise<void> {
  await kubernetes?.close();
  client?.close();
  await runtime?.down();
  await kind?.delete();
}

async function vtysh(node: string, command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await runtime!.exec({ node }, ["vtysh", "-c", command]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout;
}

type Summary = { peers?: Record<string, { state: string; pfxRcd: number; pfxSnt: number }> };
async function sessions(node: string): Promise<Record<string, string>> {
  const text = await vtysh(node, "show bgp ipv4 unicast summary json");
  const { peers = {} } = JSON.parse(text) as Summary;
  return Object.fromEntries(
    Object.entries(peers).map(([peer, { state, pfxRcd, pfxSnt }]) => [
      peer,
      state === "Established" ? `${pfxRcd}/${pfxSnt}` : state,
    ]),
  );
}

/** The name of the netshoot pod of a node. */
async function podOn(node: string): Promise<string> {
  const pods = await kubernetes.port.listPods("default");
  const found = pods.find(({ metadata, spec }) => {
    return (
      metadata.labels?.["app"] === "netshoot" && (spec as { nodeName?: string }).nodeName === node
    );
  });
  return found!.metadata.name;
}

describe("the seed's lab on kind", () => {
  test("sessions and counts are the seed's", async () => {
    await expect
      .poll(() => sessions("router0"), { timeout: minutes })
      .toEqual({ net0: "5/13", net1: "5/13" });
    await expect
      .poll(() => sessions("tor0"))
      .toEqual({ net0: "8/13", "10.0.1.2": "1/11", "10.0.2.2": "1/11" });
    await expect
      .poll(() => sessions("tor1"))
      .toEqual({ net0: "8/13", "10.0.3.2": "1/11", "10.0.4.2": "1/11" });
    const table = JSON.parse(await vtysh("router0", "show bgp ipv4 unicast json")) as Summary & {
      routes: object;
    };
    expect(Object.keys(table.routes)).toHaveLength(12);
    expect(await vtysh("tor0", "show bgp summary")).toContain("kind-worker(10.0.2.2)");
  });

  test("node and podCIDR belong together as the fabric says", async () => {
    const nodes: Resource = { apiVersion: "v1", plural: "nodes", namespaced: false };
    const { items } = await client.list<KubeObject>(nodes);
    const given = items.map(({ metadata, spec }) => [
      metadata.name,
      (spec as { podCIDRs: string[] }).podCIDRs,
    ]);
    expect(Object.fromEntries(given)).toEqual({
      "kind-control-plane": ["10.1.0.0/24"],
      "kind-worker": ["10.1.1.0/24"],
      "kind-worker2": ["10.1.2.0/24"],
      "kind-worker3": ["10.1.3.0/24"],
    });
  });

  test("a pod reaches a pod of the other rack, by the seed's hops", async () => {
    const pods = await kubernetes.port.listPods("default");
    const on = (node: string) =>
      pods.find(({ spec }) => (spec as { nodeName: string }).nodeName === node)!;
    const target = (on("kind-worker3").status as { podIP: string }).podIP;
    const pod = { namespace: "default", name: await podOn("kind-worker") };
    const inPod = (...argv: string[]) => runtime!.exec({ node: "kind-worker", pod }, argv);
    expect(await inPod("ping", "-c", "3", "-i", "0.2", target)).toMatchObject({ exitCode: 0 });
    const { stdout } = await inPod("traceroute", "-n", "-w", "1", "-q", "1", target);
    const hops = [...stdout.matchAll(/^ *\d+ +(\S+)/gm)].map(([, hop]) => hop);
    expect(hops).toEqual(["10.1.1.1", "10.0.2.1", "10.0.0.0", "10.0.0.2", "10.0.4.2", target]);
  });

  test("kubectl and docker exec as the walk-through prints them", async () => {
    const lines = `
      POD=$(kubectl get pods -o wide | grep "kind-worker " | awk '{ print($1); }')
      IP=$(kubectl get pods -o wide | grep worker3 | awk '{ print($6); }')
      kubectl exec -it $POD -- ping -c 2 -i 0.2 $IP
      docker exec -it clab-bgp-topo-router0 vtysh -c "show bgp ipv4 unicast summary"`;
    const env = { ...process.env, KUBECONFIG: kindOptions.kubeconfig };
    // script gives them a terminal.
    const text = execFileSync("script", ["-qec", lines, "/dev/null"], { env }).toString();
    expect(text).toContain(" 0% packet loss");
    expect(text).toMatch(/^tor0\(net0\) .* 5 +13 /m);
  });

  test("services reach the other rack by kube-proxy and the fabric", async () => {
    const labels = { app: "web" };
    const hello = [
      "sh",
      "-c",
      "echo hello >/tmp/index.html; exec busybox httpd -f -p 8080 -h /tmp",
    ];
    const container = { name: "web", image: "nicolaka/netshoot:latest", command: hello };
    await kubernetes.port.apply({
      ...{ apiVersion: "apps/v1", kind: "Deployment" },
      metadata: { name: "web", namespace: "default" },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            nodeName: "kind-worker3",
            containers: [{ ...container, imagePullPolicy: "IfNotPresent" }],
          },
        },
      },
    });
    await kubernetes.port.apply({
      ...{ apiVersion: "v1", kind: "Service" },
      metadata: { name: "web", namespace: "default" },
      spec: { type: "NodePort", selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    });
    const service = await kubernetes.port.get({
      ...{ kind: "Service", namespace: "default", name: "web" },
    });
    const { clusterIP, ports } = service!.spec as {
      clusterIP: string;
      ports: { nodePort: number }[];
    };
    const name = await podOn("kind-worker");
    const get = async (host: string) => {
      const place = { node: "kind-worker", pod: { namespace: "default", name } };
      const argv = ["curl", "-sS", "--max-time", "2", `http://${host}/`];
      const { stdout, stderr } = await runtime!.exec(place, argv);
      return stdout + stderr;
    };
    await expect.poll(() => get(clusterIP), { timeout: minutes }).toBe("hello\n");
    // By the other rack's node that has no pod of it.
    expect(await get(`10.0.3.2:${ports[0]!.nodePort}`)).toBe("hello\n");
    await kubernetes.port.delete({ kind: "Service", namespace: "default", name: "web" });
    await kubernetes.port.delete({ kind: "Deployment", namespace: "default", name: "web" });
  });

  test("a kind is found in the version that this server has", async () => {
    const slice = { kind: "EndpointSlice", namespace: "default", name: "kubernetes" };
    const { minor } = await client.version();
    const { apiVersion } = (await kubernetes.port.get(slice))!;
    expect(apiVersion).toBe(`discovery.k8s.io/${minor < 21 ? "v1beta1" : "v1"}`);
  });

  test("the node's agent says on its admin socket and in its status what the router says", async () => {
    const reference = { apiVersion: "cilium.io/v2", kind: "CiliumBGPNodeConfig" };
    const peers = async () => {
      const config = await kubernetes.port.get({ ...reference, name: "kind-worker" });
      const status = config?.status as
        | { bgpInstances?: { peers?: { peeringState?: string }[] }[] }
        | undefined;
      return status?.bgpInstances?.[0]?.peers?.[0]?.peeringState;
    };
    await expect.poll(peers, { timeout: 20_000 }).toBe("established");
    const socket = await runtime!.connectUnix("kind-worker", "/run/spinelab/agent.sock");
    socket.write('{"get":"peers"}\n');
    const answer = await new Promise<string>((resolve) =>
      socket.once("data", (chunk: Buffer) => resolve(chunk.toString())),
    );
    socket.destroy();
    expect(answer).toContain('"Established"');
  });

  test(
    "an agent stops, starts, is killed and restarts while the DaemonSet stays",
    async () => {
      const { agents } = kubernetes;
      const up = async () => (await sessions("tor0"))["10.0.2.2"];
      await agents.stop("kind-worker");
      await expect.poll(up, { timeout: 20_000 }).not.toBe("1/11");
      await agents.start("kind-worker");
      await expect.poll(up, { timeout: 30_000 }).toBe("1/11");
      await agents.kill("kind-worker");
      await expect.poll(up, { timeout: 20_000 }).not.toBe("1/11");
      await expect(agents.kill("kind-worker")).rejects.toThrow("is not running");
      await agents.start("kind-worker");
      await agents.restart("kind-worker");
      await expect.poll(up, { timeout: 30_000 }).toBe("1/11");
      expect(await agents.log("kind-worker")).toContain("agent is running");
      expect(deaths).toEqual([]);
    },
    3 * minutes,
  );

  test(
    "an agent is upgraded by another image, and the other nodes' go on",
    { timeout: 2 * minutes },
    async () => {
      const podOf = async (node: string) => {
        const selector = "app.kubernetes.io/name=spinelab-agent";
        const pods: Resource = { apiVersion: "v1", plural: "pods", namespaced: true };
        const { items } = await client.list<Pod>(pods, { labelSelector: selector });
        return items.find(({ spec }) => spec.nodeName === node)!;
      };
      const other = await podOf("kind-worker2");
      await kubernetes.agents.upgrade("kind-worker");
      const { spec } = await podOf("kind-worker");
      expect(spec.containers).toMatchObject([{ image: `${upgraded}:latest` }]);
      expect((await podOf("kind-worker2")).metadata.uid).toBe(other.metadata.uid);
      await expect
        .poll(async () => (await sessions("tor0"))["10.0.2.2"], { timeout: 30_000 })
        .toBe("1/11");
      expect(deaths).toEqual([]);
    },
  );

  test("an agent that dies unasked is told, with its status", async () => {
    const argv = ["pkill", "-KILL", "-f", String.raw`agent\.mjs agent --node=`];
    expect(await runtime!.exec({ node: "kind-worker2" }, argv)).toMatchObject({ exitCode: 0 });
    await expect.poll(() => deaths, { timeout: 30_000 }).toEqual(["agent of kind-worker2: 137"]);
  });

  test("the agent has three privileges, a read-only root, and no more rights than it uses", async () => {
    const argv = ["pgrep", "-f", String.raw`agent\.mjs agent --node=`];
    const { stdout } = await runtime!.exec({ node: "kind-worker" }, argv);
    const status = await runtime!.exec({ node: "kind-worker" }, [
      ...["grep", "CapEff", `/proc/${stdout.trim()}/status`],
    ]);
    // NET_BIND_SERVICE (10), NET_ADMIN (12), NET_RAW (13).
    expect(status.stdout).toContain("0000000000003400");
    const can = (verb: string, resource: string, ...more: string[]) =>
      tell("kubectl", [
        ...["--kubeconfig", kindOptions.kubeconfig, "auth", "can-i", verb, resource, ...more],
        "--as=system:serviceaccount:spinelab-system:spinelab-agent",
      ]);
    expect(can("list", "nodes")).toBe("yes");
    expect(can("list", "secrets", "-n", "kube-system")).toBe("yes");
    expect(can("list", "secrets", "-n", "default")).toBe("no");
    expect(can("update", "nodes")).toBe("no");
    expect(can("delete", "ciliumnodes.cilium.io")).toBe("no");
  });

  test(
    "the server takes deploy/ and the chart, which say the same",
    async () => {
      expect(tell("helm", ["lint", "--strict", `${deploy}helm/spinelab`])).toContain(
        "0 chart(s) failed",
      );
      const { gitVersion } = await client.version();
      const chart = execFileSync("helm", [
        ...["template", "spinelab", `${deploy}helm/spinelab`, "--namespace", "spinelab-system"],
        ...["--kube-version", gitVersion],
      ]).toString();
      const dryRun = ["--kubeconfig", kindOptions.kubeconfig, "apply", "--dry-run=server"];
      execFileSync("kubectl", [...dryRun, "-f", "-"], { input: chart, stdio: "pipe" });
      // As deploy/README.md has it for this version of Kubernetes, and in this order.
      const names = [
        "00-namespace.yaml",
        "before-1.25",
        "rbac.yaml",
        "operator.yaml",
        "agent.yaml",
      ];
      const files = names.flatMap((name) => ["-f", `${deploy}${name}`]);
      execFileSync("kubectl", [...dryRun, ...files], { stdio: "pipe" });

      const { "Namespace spinelab-system": _namespace, ...written } = byName(
        names
          .map((name) => (name.endsWith(".yaml") ? name : `${name}/crds.yaml`))
          .map((name) => readFileSync(deploy + name, "utf8"))
          .join("\n---\n"),
      );
      expect(byName(chart)).toEqual(written);
    },
    minutes,
  );

  test("a cluster with Cilium's own definitions or agent is refused, and says why", async () => {
    await refuseCilium(client); // Spinelab's own are fine.
    const definitions: Resource = {
      ...{ apiVersion: "apiextensions.k8s.io/v1", plural: "customresourcedefinitions" },
      namespaced: false,
    };
    const at = { name: "ciliumnodes.cilium.io" };
    const label = (version: string | null) =>
      client.patch(definitions, at, {
        metadata: { labels: { "io.cilium.k8s.crd.schema.version": version } },
      });
    await label("1.31.0");
    await expect(refuseCilium(client)).rejects.toThrow(
      "the definition ciliumnodes.cilium.io is Cilium's own (schema version 1.31.0)",
    );
    await label(null);
    await refuseCilium(client);
  });

  test("a disk that is full while an image is loaded: kind's own words, and what to do", async () => {
    const content = "/var/lib/containerd/io.containerd.content.v1.content";
    const inNode = async (...argv: string[]) =>
      expect(await runtime!.exec({ node: "kind-worker" }, argv)).toMatchObject({ exitCode: 0 });
    const load = () => kind!.loadImages(["spinelab/frr:latest"]);
    await inNode("mount", "-t", "tmpfs", "-o", "size=1m", "none", content);
    await inNode("mkdir", "-p", `${content}/ingest`, `${content}/blobs/sha256`);
    const error = await load().catch((reason: unknown) => reason);
    await inNode("umount", content);
    expect(error).toBeInstanceOf(EnvironmentError);
    expect((error as EnvironmentError).message).toMatch(
      /^the engine's disk is full: kind load docker-image spinelab\/frr[^]*no space left on device/,
    );
    expect((error as EnvironmentError).remedy).toContain("docker system prune");
    await load();
  });

  test("a second cluster of this name is refused, and the first is not touched", async () => {
    const again = { ...kindOptions, config: cluster!.config!, image: nodeImage() };
    await expect(KindCluster.create(again)).rejects.toThrow(
      "is there already, and it is not touched",
    );
    expect(await kind!.nodes()).toEqual(cluster!.nodes.toSorted());
  });

  test(
    "a creation that is interrupted leaves nothing",
    async () => {
      const now = await everything();
      const config = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";
      const interrupted = new AbortController();
      const creation = KindCluster.create({
        ...{ name: "interrupted", kubeconfig: join(folder, "other"), config, image: nodeImage() },
        signal: interrupted.signal,
        onProgress: (line) => {
          if (line === "Preparing nodes") interrupted.abort(new Error("Ctrl-C"));
        },
      });
      await expect(creation).rejects.toThrow("Ctrl-C");
      expect(await everything()).toEqual(now);
    },
    minutes,
  );

  test(
    "nothing is left when it is down",
    async () => {
      await takeDown();
      await takeDown(); // A second time finds nothing to do.
      expect(await everything()).toEqual(before);
    },
    2 * minutes,
  );
});

function tell(command: string, args: string[]): string {
  try {
    return execFileSync(command, args, { stdio: ["ignore", "pipe", "pipe"] })
      .toString()
      .trim();
  } catch (error) {
    // `kubectl auth can-i` ends with 1 where the answer is no.
    return (error as { stdout: Buffer }).stdout.toString().trim();
  }
}

/** The objects of a YAML text by kind and name, without the annotations, which are helm's own. */
function byName(text: string): Record<string, KubeObject> {
  const objects = parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
  for (const { metadata } of objects) delete metadata.annotations;
  return Object.fromEntries(objects.map((each) => [`${each.kind} ${each.metadata.name}`, each]));
}

/** What of an engine and its network could be left over. */
async function everything() {
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks(),
    docker.listVolumes(),
  ]);
  return {
    containers: containers.flatMap(({ Names }) => Names).toSorted(),
    networks: networks.map(({ Name }) => Name).toSorted(),
    volumes: volumes.Volumes.map(({ Name }) => Name).toSorted(),
    links: JSON.parse(execFileSync("ip", ["-json", "link"]).toString()).map(
      ({ ifname }: { ifname: string }) => ifname,
    ) as string[],
  };
}
