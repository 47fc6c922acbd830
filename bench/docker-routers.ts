/**
 * rack-spine's three routers on Docker, from nothing to both of the spine's sessions Established:
 * the docker runtime against a script on dockerode that does only that, in turns on the same engine.
 * The servers' ends of the racks' links are on one container more, for both. And the speaker's image,
 * compressed as a registry has it. Root, since the script makes its links on this machine; DOCKER_HOST
 * names the engine's socket. Ends with status 1 where a limit is not kept; where there is no engine it
 * says so and measures nothing.
 *
 *   node bench/docker-routers.ts [rounds]
 */
import { execFileSync } from "node:child_process";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import Docker from "dockerode";
import { address } from "../src/net/address.ts";
import { prefix } from "../src/net/prefix.ts";
import { ensureSpeakerImage } from "../src/lab/speaker-image.ts";
import { DockerRuntime } from "../src/runtime/docker/docker-runtime.ts";
import { hasImage } from "../src/runtime/docker/images.ts";
import type { Fabric } from "../src/topology/fabric.ts";
import { rackSpineRouters } from "../test/docker/rack-spine-routers.ts";

const ratioMax = 1.2;
const imageMbMax = 60;
const rounds = Number(process.argv[2] ?? 5);
const socketPath = process.env["DOCKER_HOST"]?.replace(/^unix:\/\//, "") ?? "/var/run/docker.sock";
const docker = new Docker({ socketPath });
const fabric = onOwnNetwork(rackSpineRouters("bench"));
const missing = await whatIsMissing();
if (missing !== undefined) {
  console.log(`routers on Docker: not measured: ${missing}`);
  console.log(
    "  setup/test-engine.sh start && setup/test-engine.sh images, and DOCKER_HOST as it says",
  );
  process.exit(0);
}

/** Milliseconds since the begin, at the end of each part. */
type Times = { containersAndLinks: number; execLines: number; established: number; down: number };
const parts = ["containersAndLinks", "execLines", "established", "down"] as const;

const speakerImage = await ensureSpeakerImage(docker, () => {});
const byScript: Times[] = [];
const byRuntime: Times[] = [];
await viaScript(); // unmeasured: fills the caches
for (let round = 0; round < rounds; round++) {
  byScript.push(await viaScript());
  byRuntime.push(await viaRuntime());
}
console.log("milliseconds, median of each     script   runtime   ratio");
for (const part of parts) {
  const [script, runtime] = [byScript, byRuntime].map((each) => median(each, part)) as [
    number,
    number,
  ];
  const columns = [script, runtime].map((each) => String(Math.round(each)).padStart(9)).join(" ");
  console.log(`${part.padEnd(29)} ${columns}   ${(runtime / script).toFixed(2)}`);
}
const ratio = median(byRuntime, "established") / median(byScript, "established");
console.log(`start to Established: ratio ${ratio.toFixed(2)}, at most ${ratioMax}`);
const imageMb = await compressedMb(speakerImage);
console.log(`speaker image, compressed: ${imageMb.toFixed(1)} MB, at most ${imageMbMax} MB`);
if (ratio > ratioMax || imageMb > imageMbMax) process.exitCode = 1;

/** Labs that are up have containerlab's. */
function onOwnNetwork(lab: Fabric): Fabric {
  const name = "spinelab-bench";
  const subnet = { ipv4Subnet: prefix("172.29.77.0/24"), ipv4Gateway: address("172.29.77.1") };
  return {
    ...lab,
    management: [{ name, ...subnet }],
    nodes: lab.nodes.map((node, n) =>
      node.managementNetwork === undefined
        ? node
        : { ...node, managementNetwork: name, managementAddress: address(`172.29.77.${n + 2}`) },
    ),
  };
}

async function whatIsMissing(): Promise<string | undefined> {
  try {
    await docker.ping();
  } catch {
    return `no Docker engine answers at ${socketPath}`;
  }
  for (const image of new Set(fabric.nodes.map((node) => node.image!))) {
    if (!(await hasImage(docker, image))) return `the engine has no image ${image}`;
  }
  return undefined;
}

/** All layers in one, with gzip's usual level: a registry's sum of layers differs by little. */
async function compressedMb(image: string): Promise<number> {
  let bytes = 0;
  const tar = await docker.getImage(image).get();
  await pipeline(tar, createGzip(), async (compressed) => {
    for await (const part of compressed) bytes += (part as Buffer).length;
  });
  return bytes / 1e6;
}

async function viaRuntime(): Promise<Times> {
  const began = performance.now();
  const since = () => performance.now() - began;
  await using runtime = new DockerRuntime({ docker, speakerImage });
  await runtime.up(fabric, () => {});
  const containersAndLinks = since();
  await Promise.all(
    fabric.nodes.map(async (node) => {
      for (const { argv, command } of node.exec) {
        const { exitCode, stderr } = await runtime.exec({ node: node.name }, argv);
        if (exitCode !== 0) throw new Error(`${node.name}: ${command}: ${stderr}`);
      }
    }),
  );
  const execLines = since();
  await established(async (argv) => (await runtime.exec({ node: "router0" }, argv)).stdout);
  const up = since();
  await runtime.down();
  return { containersAndLinks, execLines, established: up, down: since() - up };
}

/** What anybody would write who wants only this. */
async function viaScript(): Promise<Times> {
  const began = performance.now();
  const since = () => performance.now() - began;
  const { name, ipv4Subnet } = fabric.management[0]!;
  const network = await docker.createNetwork({
    Name: name,
    IPAM: { Driver: "default", Config: [{ Subnet: ipv4Subnet }] },
  });
  const containers = new Map<string, Docker.Container>();
  const pids = new Map<string, number>();
  try {
    await Promise.all(
      fabric.nodes.map(async (node) => {
        const container = await docker.createContainer({
          name: `script-${node.name}`,
          Hostname: node.hostname,
          Image: node.image!,
          Cmd: ["sleep", "infinity"],
          HostConfig: {
            Init: true,
            NetworkMode: name,
            CapAdd: ["NET_ADMIN", "SYS_ADMIN", "NET_RAW"],
            Sysctls: { "net.ipv4.ip_forward": "1", "net.ipv6.conf.all.disable_ipv6": "0" },
          },
        });
        containers.set(node.name, container);
        await container.start();
        pids.set(node.name, (await container.inspect()).State.Pid);
      }),
    );
    for (const { endpoints } of fabric.links) {
      const [a, b] = endpoints;
      const end = (of: typeof a) => [of.interface, "netns", String(pids.get(of.node))];
      execFileSync("ip", ["link", "add", ...end(a), "type", "veth", "peer", "name", ...end(b)]);
      for (const { node, interface: each } of endpoints) {
        const enter = ["-t", String(pids.get(node)), "-n", "ip", "link", "set", each, "up"];
        execFileSync("nsenter", enter);
      }
    }
    const containersAndLinks = since();
    await Promise.all(
      fabric.nodes.map(async (node) => {
        for (const line of node.exec) await execute(containers.get(node.name)!, line.argv);
      }),
    );
    const execLines = since();
    await established((argv) => execute(containers.get("router0")!, argv));
    const up = since();
    await Promise.all([...containers.values()].map((each) => each.remove({ force: true })));
    containers.clear();
    await network.remove();
    return { containersAndLinks, execLines, established: up, down: since() - up };
  } finally {
    await Promise.all([...containers.values()].map((each) => each.remove({ force: true })));
    if (containers.size > 0) await network.remove();
  }
}

async function execute(container: Docker.Container, argv: readonly string[]): Promise<string> {
  const exec = await container.exec({ Cmd: [...argv], AttachStdout: true, Tty: true });
  const stream = await exec.start({ hijack: true, stdin: false, Tty: true });
  let output = "";
  for await (const bytes of stream) output += String(bytes);
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0) throw new Error(`${argv.join(" ")}: status ${ExitCode}: ${output}`);
  return output;
}

type Summary = { ipv4Unicast?: { peers?: Record<string, { state: string }> } };

async function established(run: (argv: string[]) => Promise<string>): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  for (;;) {
    const printed = await run(["vtysh", "-c", "show bgp summary json"]);
    const { ipv4Unicast } = JSON.parse(printed) as Summary;
    const states = Object.values(ipv4Unicast?.peers ?? {}).map((peer) => peer.state);
    if (states.length === 2 && states.every((state) => state === "Established")) return;
    if (performance.now() > deadlineMs) throw new Error(`not Established: ${printed}`);
  }
}

function median(times: readonly Times[], part: keyof Times): number {
  const sorted = times.map((each) => each[part]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
