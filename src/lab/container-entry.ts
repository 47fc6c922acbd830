import type Docker from "dockerode";
import { connectEngine, type Engine } from "../runtime/docker/engine.ts";
import { execIn, type ExecPlace, spawnIn } from "../runtime/docker/exec.ts";
import { Helper } from "../runtime/docker/helper-container.ts";
import { Demultiplexer } from "../runtime/docker/multiplexed.ts";
import { PodProcesses } from "../runtime/docker/pod-process.ts";
import type { Entry } from "./backend.ts";

/** A node or pod of a lab on Docker, as another command of this machine reaches it. */
export type ContainerEntry = Extract<Entry, { container: string }>;

/** One source of a log, and what it holds. */
export type LogPart = { source: string; text: string };

/**
 * Runs a command in a node or pod, joined to this process's own input, output and terminal, over the
 * lab's own connection to its engine: no docker command is needed, here or there. Where there is no
 * terminal to send Ctrl-C through, the signals of this process are passed on. Resolves to its status.
 */
export async function runInContainer(
  lab: string,
  entry: ContainerEntry,
  argv: readonly string[],
): Promise<number> {
  await using engine = await engineOf(entry);
  const place = placeOf(lab, entry, engine.docker);
  // A terminal turns the ends of lines into two bytes: what goes into a file or a pipe has none.
  const terminal = process.stdin.isTTY && process.stdout.isTTY;
  const command = spawnIn(place, insideOf(place, entry, argv), {
    terminal,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
    env: terminal ? { TERM: process.env["TERM"] ?? "xterm" } : {},
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => command.kill(signal));
  }
  // Whoever reads has enough, as `head` does.
  process.stdout.on("error", () => command.kill("SIGTERM"));
  return (await command.ended).exitCode;
}

/** What the engine has of a container's output, and the routing daemons' logs in it; or a pod's containers'. */
export async function containerLogs(lab: string, entry: ContainerEntry): Promise<LogPart[]> {
  await using engine = await engineOf(entry);
  const place = placeOf(lab, entry, engine.docker);
  if (entry.pod) return await podLogs(place, entry.pod);
  const container = engine.docker.getContainer(entry.container);
  const { State, Config } = await container.inspect();
  const printed = await container.logs({ stdout: true, stderr: true });
  const own = {
    source: `container ${entry.container}`,
    text: Config.Tty ? printed.toString("utf8") : textOf(printed),
  };
  return State.Running ? [own, ...(await routerLogs(place))] : [own];
}

async function routerLogs(place: ExecPlace): Promise<LogPart[]> {
  const listed = await execIn(place, ["sh", "-c", "ls /var/log/frr/* 2>/dev/null; true"]);
  const files = listed.stdout.split("\n").filter((file) => file !== "");
  return await Promise.all(
    files.map(async (source) => ({ source, text: (await execIn(place, ["cat", source])).stdout })),
  );
}

/** By crictl, which every kind node has. Containers that ended are among them: they say why. */
async function podLogs(
  node: ExecPlace,
  { namespace, name }: { namespace: string; name: string },
): Promise<LogPart[]> {
  const labels = [
    `io.kubernetes.pod.namespace=${namespace}`,
    `io.kubernetes.pod.name=${name}`,
  ].flatMap((label) => ["--label", label]);
  const listed = await execIn(node, ["crictl", "ps", "--all", "--quiet", ...labels]);
  if (listed.exitCode !== 0) throw new Error(`crictl ps: ${listed.stderr.trim()}`);
  const containers = listed.stdout.split("\n").filter((id) => id !== "");
  return await Promise.all(
    containers.map(async (id) => {
      const { stdout, stderr } = await execIn(node, ["crictl", "logs", id]);
      return { source: `${namespace}/${name} ${id.slice(0, 12)}`, text: stdout + stderr };
    }),
  );
}

/** The environment names the socket that the lab's own process leads to a remote engine. */
function engineOf(entry: ContainerEntry): Promise<Engine> {
  return connectEngine({}, { ...process.env, ...entry.environment }, () => {});
}

function placeOf(lab: string, { container, pod }: ContainerEntry, docker: Docker): ExecPlace {
  return {
    docker,
    container,
    name: pod === undefined ? container : `${pod.namespace}/${pod.name}`,
    signal: (pid, signal, whole) => {
      const target = pod === undefined ? (whole ? "session" : "process") : "child";
      return Helper.of(docker, lab).signal(pid, signal, target);
    },
  };
}

async function insideOf(
  place: ExecPlace,
  { container, pod }: ContainerEntry,
  argv: readonly string[],
): Promise<readonly string[]> {
  if (pod === undefined) return argv;
  const processes = new PodProcesses((_node, line) => execIn(place, line));
  return await processes.enter(container, pod, argv);
}

function textOf(multiplexed: Buffer): string {
  const parts: Buffer[] = [];
  new Demultiplexer((_output, bytes) => parts.push(bytes)).push(multiplexed);
  return Buffer.concat(parts).toString("utf8");
}
