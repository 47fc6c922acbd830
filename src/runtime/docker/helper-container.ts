import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import type { ExecResult } from "../port.ts";
import { labLabel } from "./containers.ts";
import { engineError } from "./engine-error.ts";
import { EngineCommand, execIn, type ExecPlace } from "./exec.ts";
import { SocketRelay } from "./socket-relay.ts";

/** Paths inside the project's image: see images/speaker. */
const node = "/usr/local/bin/node";
const agent = "/app/agent.mjs";

/** Node starts in a tenth of a second, and on a busy machine in seconds. */
const beginsWithinMs = 20_000;

export type RouteLine = { pid: number; change: "add" | "delete"; prefix: string; via?: string };

/**
 * One container a lab, in the process and network namespaces of the engine's machine: it makes the
 * links, looks into the nodes and signals their processes, so that the user needs no root of his own,
 * and the same way where the engine runs in a virtual machine or on another host.
 */
export class Helper {
  readonly #place: ExecPlace;
  /** Starting a process for each connection would cost more than what is asked there. */
  #relay: SocketRelay | undefined;

  /** The helper of a lab that another process has started. */
  static of(docker: Docker, lab: string): Helper {
    return new Helper(docker, helperName(lab));
  }

  private constructor(docker: Docker, container: string) {
    this.#place = {
      docker,
      container,
      name: "helper",
      signal: (pid, signal, whole) => this.signal(pid, signal, whole ? "session" : "process"),
    };
  }

  static async start(docker: Docker, lab: string, image: string): Promise<Helper> {
    try {
      const container = await docker.createContainer({
        name: helperName(lab),
        Image: image,
        Entrypoint: ["sleep", "infinity"],
        Cmd: [],
        Labels: { [labLabel]: lab },
        HostConfig: {
          NetworkMode: "host",
          PidMode: "host",
          CapDrop: ["ALL"],
          CapAdd: [
            "NET_ADMIN", // links and routes
            "SYS_ADMIN", // entering namespaces
            "SYS_PTRACE", // /proc/PID/ns and /proc/PID/root of containers with more rights than this one
            "DAC_OVERRIDE", // sockets of daemons that run under a user of their own
            "KILL", // the processes of nodes
          ],
          // Its profile forbids looking into containers that run under another, such as kind's.
          SecurityOpt: ["apparmor=unconfined"],
          ReadonlyRootfs: true,
        },
      });
      await container.start();
      return new Helper(docker, container.id);
    } catch (error) {
      throw engineError(docker, error, "the helper container");
    }
  }

  exec(argv: readonly string[], stdin?: string): Promise<ExecResult> {
    return execIn(this.#place, argv, stdin === undefined ? {} : { stdin });
  }

  /** Runs a shell script; its standard input is the script itself. */
  script(text: string): Promise<ExecResult> {
    return this.exec(["sh", "-s"], text);
  }

  /**
   * Signals a process, all processes of the session it leads, or the child of an `nsenter` that waits
   * for it outside the namespace. Fine where it is gone already.
   */
  async signal(
    pid: number,
    signal: NodeJS.Signals,
    target: "process" | "session" | "child",
  ): Promise<void> {
    const to = {
      process: `${pid}`,
      session: `-${pid}`,
      child: `$(cat /proc/${pid}/task/${pid}/children)`,
    }[target];
    const script = `kill -s ${signal.slice(3)} -- ${to} || [ ! -d /proc/${pid} ]`;
    const { exitCode, stderr } = await this.exec(["sh", "-c", script]);
    if (exitCode !== 0) throw new Error(`${signal} to process ${pid}: ${stderr.trim()}`);
  }

  /**
   * Connects to a Unix socket of the machine's file system, such as one below /proc/PID/root. Where
   * nobody listens the error has the system's `code`.
   */
  connectUnix(path: string): Promise<Duplex> {
    if (this.#relay === undefined || this.#relay.hasEnded) {
      this.#relay = new SocketRelay(this.#place, [node, agent, "relay"]);
    }
    return this.#relay.connect(path);
  }

  /** Route changes of network namespaces, by the processes that hold them. */
  watchRoutes(
    pids: readonly number[],
    onRoute: (route: RouteLine) => void,
  ): { ready: Promise<void>; ended: Promise<unknown>; stop: () => void } {
    const ready = Promise.withResolvers<void>();
    let stderr = "";
    let rest = "";
    const command = new EngineCommand(
      this.#place,
      [node, agent, "watch-routes", ...pids.map(String)],
      {
        stdin: true,
        terminal: false,
        env: {},
        onOutput: (name, bytes) => {
          if (name === "stderr") stderr += bytes.toString("utf8");
          else rest += bytes.toString("utf8");
          const lines = rest.split("\n");
          rest = lines.pop()!;
          for (const line of lines) {
            if (line === "ready") ready.resolve();
            else onRoute(JSON.parse(line) as RouteLine);
          }
          return undefined;
        },
      },
    );
    const failed = command.ended.then(({ exitCode }) => {
      throw new Error(`route watch ended with status ${exitCode}: ${stderr.trim()}`);
    });
    failed.catch((error: unknown) => ready.reject(error));
    const late = new Error(`the route watch does not begin within ${beginsWithinMs / 1000} s`);
    const timer = setTimeout(() => ready.reject(late), beginsWithinMs);
    void ready.promise.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
    ready.promise.catch(() => {}); // Whoever waits for it is told.
    return {
      ready: ready.promise,
      ended: command.ended,
      stop: () => void command.opened.then((stream) => stream.end()).catch(() => undefined),
    };
  }
}

function helperName(lab: string): string {
  return `spinelab-helper-${lab}`;
}
