import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import Docker from "dockerode";
import { until } from "../system/spinelab.ts";

/**
 * An engine that a test may kill, starve and cut off: in network and mount namespaces of its own,
 * with nothing in its network but loopback, without rules or a bridge of its own.
 */
export type OwnEngine = AsyncDisposable & {
  docker: Docker;
  /** For DOCKER_HOST and --docker. */
  host: string;
  start(): Promise<void>;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** A process in the engine's network. */
  beside(...argv: string[]): ChildProcess;
};

/** Not started yet. `diskMiB`: it gets a disk of that size for all that it keeps, in memory. */
export async function ownEngine(folder: string, diskMiB?: number): Promise<OwnEngine> {
  const socket = path.join(folder, "docker.sock");
  const docker = new Docker({ socketPath: socket });
  const data = path.join(folder, "data");
  mkdirSync(data, { recursive: true });
  const disk = diskMiB === undefined ? "" : `mount -t tmpfs -o size=${diskMiB}m none '${data}' && `;
  /** Holds the namespaces; the engine comes and goes in them. */
  const script = `ip link set lo up && ${disk}exec sleep infinity`;
  const holder = spawn("unshare", ["-n", "-m", "sh", "-c", script]);
  await until("the namespaces", () =>
    execFileSync("readlink", [`/proc/${holder.pid}/exe`], { encoding: "utf8" }).includes("sleep"),
  );
  const inside = ["-t", String(holder.pid), "-n", "-m"];
  let engine: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    // Of a killed one, whose containerd went with it, the next would wait for.
    for (const name of ["pid", "exec/containerd/containerd.pid"])
      rmSync(path.join(folder, name), { force: true });
    const roots = ["--data-root", data, "--exec-root", `${folder}/exec`];
    const apart = ["--bridge", "none", "--iptables=false", "--ip6tables=false", "--group", "root"];
    const where = ["--pidfile", `${folder}/pid`, "--host", `unix://${socket}`];
    const argv = [...inside, "dockerd", ...roots, ...apart, ...where];
    engine = spawn("nsenter", argv, { stdio: "ignore" });
    const answers = async () => existsSync(socket) && (await docker.ping()) !== undefined;
    await until("the engine answers", answers, 60_000);
  };
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    if (!engine) return;
    const ended = once(engine, "close");
    engine.kill(signal);
    await ended;
    engine = undefined;
    rmSync(socket, { force: true });
  };
  return {
    docker,
    host: `unix://${socket}`,
    start,
    end,
    beside: (...argv) => spawn("nsenter", [...inside, ...argv]),
    async [Symbol.asyncDispose]() {
      await end("SIGTERM");
      const gone = once(holder, "close");
      holder.kill("SIGKILL");
      await gone;
      const mounted = readFileSync("/proc/mounts", "utf8")
        .split("\n")
        .map((line) => line.split(" ")[1] ?? "")
        .filter((each) => each.startsWith(`${folder}/`))
        .sort()
        .toReversed();
      for (const each of mounted) execFileSync("umount", [each]);
    },
  };
}
