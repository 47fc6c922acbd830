import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentError } from "../../src/input/diagnostic.ts";
import { address } from "../../src/net/address.ts";
import { prefix } from "../../src/net/prefix.ts";
import { DockerRuntime } from "../../src/runtime/docker/docker-runtime.ts";
import { labsOnEngine, sweepLab } from "../../src/runtime/docker/sweep.ts";
import type { Fabric, FabricNode } from "../../src/topology/fabric.ts";
import { frrImage, speakerImage, testEngine } from "./engine.ts";
import { rackSpineRouters } from "./rack-spine-routers.ts";

const docker = testEngine();
const lab = `docker-${process.pid}`;
const quiet = () => {};

let runtime: DockerRuntime;
let before: Awaited<ReturnType<typeof everything>>;

beforeEach(async () => {
  const image = await speakerImage(docker);
  before = await everything();
  runtime = new DockerRuntime({ docker, speakerImage: image });
});

/** Whatever happened in the test, nothing is left of it. */
afterEach(async () => {
  await runtime.down();
  expect(await everything()).toEqual(before);
});

test("rack-spine's routers: their exec lines run unchanged, their sessions come up", async () => {
  const fabric = rackSpineRouters(lab);
  await runtime.up(fabric, quiet);
  for (const node of fabric.nodes) {
    for (const { argv, command } of node.exec) {
      const { exitCode, stderr } = await runtime.exec({ node: node.name }, argv);
      expect({ node: node.name, command, exitCode, stderr }).toMatchObject({ exitCode: 0 });
    }
  }
  await until("two sessions", async () => {
    const argv = ["vtysh", "-c", "show bgp ipv4 unicast summary json"];
    const { stdout } = await runtime.exec({ node: "router0" }, argv);
    const { peers = {} } = JSON.parse(stdout) as { peers?: Record<string, { state: string }> };
    const states = Object.values(peers).map((peer) => peer.state);
    return states.length === 2 && states.every((state) => state === "Established");
  });
  expect(runtime.containers()).toMatchObject({ router0: `clab-${lab}-router0` });
  const { Config, HostConfig } = await docker.getContainer(`clab-${lab}-tor0`).inspect();
  expect(HostConfig).toMatchObject({ Privileged: false, Init: true });
  expect(HostConfig.CapAdd).toEqual(["NET_ADMIN", "NET_RAW", "SYS_ADMIN"]);
  expect(Config.Labels).toMatchObject({
    containerlab: lab,
    "clab-node-name": "tor0",
    app: "frr",
    "spinelab.lab": lab,
  });
});

test("a container may write below /proc/sys/net and nowhere else in /proc/sys", async () => {
  await runtime.up(oneNode(), quiet);
  const write = async (path: string) =>
    (await runtime.exec({ node: "n1" }, ["sh", "-c", `cat ${path} >/tmp/v && cat /tmp/v >${path}`]))
      .exitCode;
  expect(await write("/proc/sys/net/ipv4/ip_forward")).toBe(0);
  expect(await write("/proc/sys/kernel/panic")).not.toBe(0);
  expect(await write("/proc/sys/vm/swappiness")).not.toBe(0);
});

test("publishes ports, checks health, takes the topology's command, user and capabilities", async () => {
  const fabric = oneNode({
    container: {
      command: ["sh", "-c", "echo $0 begun; exec sleep infinity", "this"],
      user: "nobody",
      ports: ["8080/udp", "9090"],
      capabilities: ["SYS_TIME"],
      health: {
        test: ["CMD", "true"],
        intervalSeconds: 1,
        timeoutSeconds: 2,
        retries: 3,
        startPeriodSeconds: 4,
      },
    },
  });
  await runtime.up(fabric, quiet);
  const { Config, HostConfig, NetworkSettings } = await docker
    .getContainer(`clab-${lab}-n1`)
    .inspect();
  expect(Object.keys(NetworkSettings.Ports).sort()).toEqual(["8080/udp", "9090/tcp"]);
  expect(Config.User).toBe("nobody");
  expect(Config.Healthcheck).toMatchObject({ Test: ["CMD", "true"], Interval: 1e9, Retries: 3 });
  expect(HostConfig.CapAdd).toContain("SYS_TIME");
});

test("a published port leads to the container, a bound folder is there, read-only where it says so", async () => {
  const folder = mkdtempSync(join(tmpdir(), "spinelab-bind-"));
  writeFileSync(join(folder, "page"), "bound\n");
  const serve = "while true; do nc -N -l 8080 </page/page; done";
  const fabric = oneNode({
    image: "spinelab/netshoot",
    binds: [
      { source: folder, destination: "/page", readOnly: true },
      { source: folder, destination: "/rw", readOnly: false },
    ],
    container: { command: ["sh", "-c", serve], ports: ["127.0.0.1::8080"], capabilities: [] },
  });
  try {
    await runtime.up(fabric, quiet);
    const { NetworkSettings } = await docker.getContainer(`clab-${lab}-n1`).inspect();
    const [published] = NetworkSettings.Ports["8080/tcp"]!;
    expect(published!.HostIp).toBe("127.0.0.1");
    await until("the page", async () => (await read(Number(published!.HostPort))) === "bound\n");
    const touch = async (path: string) =>
      (await runtime.exec({ node: "n1" }, ["touch", path])).exitCode;
    expect(await touch("/page/new")).not.toBe(0);
    expect(await touch("/rw/new")).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(["new", "page"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a management network of both families: eth0 has the fabric's addresses, and they answer", async () => {
  const fabric = oneNode({ managementIpv6Address: address("3fff:172:29:78::2") });
  Object.assign(fabric.management[0]!, {
    ipv6Subnet: prefix("3fff:172:29:78::/64"),
    ipv6Gateway: address("3fff:172:29:78::1"),
  });
  fabric.nodes.push({
    ...fabric.nodes[0]!,
    ...{ name: "n2", hostname: "n2" },
    managementAddress: address("172.29.78.3"),
    managementIpv6Address: address("3fff:172:29:78::3"),
  });
  await runtime.up(fabric, quiet);
  const ping = ["ping", "-6", "-c", "1", "-W", "5", "3fff:172:29:78::3"];
  expect(await runtime.exec({ node: "n1" }, ping)).toMatchObject({ exitCode: 0 });
});

test("a bridge of the fabric joins its ports", async () => {
  const ends = ["n1", "n2"].map((node, n) => ({
    endpoints: [
      { node, interface: "net0" },
      { node: "br0", interface: `p${n}` },
    ] as Fabric["links"][number]["endpoints"],
    mtu: 1500,
    source: "test",
  }));
  const fabric = oneNode();
  fabric.nodes.push(
    { ...fabric.nodes[0]!, name: "n2", hostname: "n2", managementAddress: address("172.29.78.3") },
    bridge("br0"),
  );
  fabric.links.push(...ends);
  await runtime.up(fabric, quiet);
  for (const [n, node] of ["n1", "n2"].entries()) {
    const argv = ["ip", "addr", "add", `10.8.0.${n + 1}/24`, "dev", "net0"];
    expect(await runtime.exec({ node }, argv)).toMatchObject({ exitCode: 0 });
  }
  const ping = await runtime.exec({ node: "n1" }, ["ping", "-c", "1", "-W", "2", "10.8.0.2"]);
  expect(ping.exitCode).toBe(0);
});

test("a container that ends at once: its status and its log are in the error", async () => {
  const command = ["sh", "-c", "echo no such licence; exit 5"];
  const fabric = oneNode({ container: { command, ports: [], capabilities: [] } });
  const error = await failure(runtime.up(fabric, quiet));
  expect(error.message).toContain("node n1: its container ended with status 5");
  expect(error.message).toContain("no such licence");
});

test("a container that ends later: whoever runs a command in it is told why", async () => {
  await runtime.up(oneNode(), quiet);
  await docker.getContainer(`clab-${lab}-n1`).kill();
  const error = await failure(runtime.exec({ node: "n1" }, ["true"]));
  expect(error.message).toContain("node n1: its container ended with status 137");
});

test("an image that is nowhere to be had", async () => {
  const error = await failure(runtime.up(oneNode({ image: "localhost:1/nobody/here:1" }), quiet));
  expect(error).toBeInstanceOf(EnvironmentError);
  expect(error.message).toContain("localhost:1/nobody/here:1");
  expect((error as EnvironmentError).remedy).not.toBe("");
});

test("nodes without an image are named, all of them", async () => {
  const fabric = oneNode();
  delete fabric.nodes[0]!.image;
  const error = await failure(runtime.up(fabric, quiet));
  expect(error.message).toContain("n1 has none");
});

test("a link that cannot be made is named", async () => {
  const fabric = oneNode();
  const ends = ["net0", "net0"].map((name) => ({ node: "n1", interface: name }));
  fabric.links.push({ endpoints: [ends[0]!, ends[1]!], mtu: 1500, source: "test" });
  const error = await failure(runtime.up(fabric, quiet));
  expect(error.message).toMatch(/^links: ip link add name net0 .*File exists/s);
});

test("a network of the same name and another subnet is named", async () => {
  const network = await docker.createNetwork({
    Name: "docker-test",
    IPAM: { Driver: "default", Config: [{ Subnet: "172.29.99.0/24" }] },
  });
  try {
    const error = await failure(runtime.up(oneNode(), quiet));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error.message).toContain("docker-test");
    expect(error.message).toContain("172.29.99.0/24");
  } finally {
    await network.remove();
  }
});

test("a network in the way of the management subnet is named", async () => {
  const network = await docker.createNetwork({
    Name: "in-the-way",
    IPAM: { Driver: "default", Config: [{ Subnet: "172.29.0.0/16" }] },
  });
  try {
    const error = await failure(runtime.up(oneNode(), quiet));
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error.message).toContain("overlaps with the Docker network in-the-way (172.29.0.0/16)");
  } finally {
    await network.remove();
  }
});

test("what a run left that was killed is in nobody's way, and the sweep finds it", async () => {
  await runtime.up(oneNode(), quiet);
  const next = new DockerRuntime({ docker, speakerImage: await speakerImage(docker) });
  await next.up(oneNode(), quiet);
  expect(await next.exec({ node: "n1" }, ["true"])).toMatchObject({ exitCode: 0 });
  expect(await labsOnEngine(docker)).toContain(lab);
  await sweepLab(docker, lab);
  expect(await labsOnEngine(docker)).not.toContain(lab);
  await next.down();
});

test("labs that come up and go at one moment share a network without harm", async () => {
  const image = await speakerImage(docker);
  const labs = Array.from({ length: 4 }, (_, n) => ({
    fabric: { ...oneNode(), name: `${lab}-${n}`, prefix: `clab-${lab}-${n}` },
    runtime: new DockerRuntime({ docker, speakerImage: image }),
  }));
  const addresses = new Set<string>();
  await Promise.all(
    labs.map(async ({ fabric, runtime: each }, n) => {
      await each.up(fabric, quiet);
      const { NetworkSettings } = await docker.getContainer(each.containers()["n1"]!).inspect();
      addresses.add(NetworkSettings.Networks["docker-test"]!.IPAddress);
      if (n % 2 === 0) return;
      await each.down();
      await each.up(fabric, quiet);
    }),
  ).finally(() => Promise.all(labs.map(({ runtime: each }) => each.down())));
  expect(addresses.size).toBeGreaterThan(1);
});

test("taken down while it comes up: nothing is left", async () => {
  const up = runtime.up(rackSpineRouters(lab), quiet);
  const outcome = failure(up);
  await until("the first container", async () => (await labsOnEngine(docker)).includes(lab));
  await runtime.down();
  expect((await outcome).message).toContain("taken down");
});

/** What a server on this machine's loopback sends; empty where there is none. */
function read(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1");
    socket.setEncoding("utf8").on("data", (more: string) => {
      text += more;
      socket.end();
    });
    socket.on("error", () => {}); // Not yet.
    socket.on("close", () => resolve(text));
  });
}

function oneNode(more: Partial<FabricNode> = {}): Fabric {
  return {
    name: lab,
    prefix: `clab-${lab}`,
    management: [
      {
        name: "docker-test",
        ipv4Subnet: prefix("172.29.78.0/24"),
        ipv4Gateway: address("172.29.78.1"),
      },
    ],
    nodes: [
      {
        ...bridge("n1"),
        kind: "linux",
        image: frrImage,
        managementNetwork: "docker-test",
        managementAddress: address("172.29.78.2"),
        ...more,
      },
    ],
    links: [],
    clusters: [],
  };
}

function bridge(name: string): FabricNode {
  const nothing = { exec: [], env: {}, sysctls: {}, binds: [], labels: {}, aliases: [] };
  return { name, kind: "bridge", hostname: name, ...nothing };
}

async function failure(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not fail");
}

async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!(await look())) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** All that a lab could leave: on the engine, and on the machine that the engine runs on. */
async function everything() {
  const run = (...argv: [string, ...string[]]) =>
    execFileSync(argv[0], argv.slice(1), { encoding: "utf8" }).split("\n");
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters: { label: ["spinelab.lab"] } }),
    docker.listNetworks(),
    docker.listVolumes(),
  ]);
  return {
    containers: containers.flatMap(({ Names }) => Names),
    networks: networks.map(({ Name }) => Name).sort(),
    volumes: (Volumes ?? []).map(({ Name }) => Name).sort(),
    links: run("ip", "-brief", "link").filter((line) => /^(?:veth|br-|net|eth)/.test(line)),
  };
}
