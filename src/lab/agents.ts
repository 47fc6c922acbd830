import { closeSync, openSync, readFileSync } from "node:fs";
import type { RunningCommand, Runtime } from "../runtime/port.ts";
import { inNode } from "./agent-bundle.ts";
import { logDirectory } from "./state-folder.ts";

/** Small heaps, and what the start left given back: an agent holds little, and there is one on every node. */
const nodeFlags = ["--max-semi-space-size=1", "--v8-pool-size=1"];
/** One heap of malloc for all threads: an agent has little to do in them. */
const nodeEnvironment = { MALLOC_ARENA_MAX: "1" };
const adminSocket = "/run/spinelab/agent.sock";
/** As Cilium's agent and operator have them. */
const metricsListen = { agent: "0.0.0.0:9962", operator: "0.0.0.0:9963" };
const startLimitMs = 20_000;
const stopLimitMs = 5_000;

export type AgentsOptions = {
  lab: string;
  runtime: Runtime;
  /** Path inside a node of the kubeconfig that its agent uses. */
  kubeconfigInNode: string;
  version: string;
  /** They put the routes they learn into the kernel's. */
  installRoutes: boolean;
  /** Where a node's agent tells of itself by BMP; undefined: nowhere. */
  bmpStation?: (node: string) => Promise<string | undefined>;
  /** Where the program made of the sources as they are now is, inside this node. */
  currentProgram: (node: string) => Promise<string>;
  /** A process ended that nobody asked to end. `last`: the end of its log. */
  onDeath: (node: string, what: string, exitCode: number, last: string) => void;
};

/** The BGP processes of the Kubernetes nodes, and the operator's on the control plane. */
export class Agents {
  readonly #options: AgentsOptions;
  readonly #running = new Map<string, RunningCommand>();
  readonly #asked = new Set<RunningCommand>();
  /** By node: of agents that were upgraded. */
  readonly #programs = new Map<string, string>();
  #operatorNode: string | undefined;

  constructor(options: AgentsOptions) {
    this.#options = options;
  }

  /** Resolves when the agent answers on its admin socket. */
  async start(node: string): Promise<void> {
    const { bmpStation, kubeconfigInNode, version, installRoutes } = this.#options;
    const station = await bmpStation?.(node);
    if (this.#running.has(node)) return;
    const args = ["agent", "--kubeconfig", kubeconfigInNode, "--node", node, "--version", version];
    args.push("--prometheus", metricsListen.agent, "--enable-egress-gateway");
    if (installRoutes) args.push("--install-routes");
    if (station !== undefined) args.push("--bmp", station);
    const command = this.#spawn(node, "agent", args);
    this.#running.set(node, command);
    await this.#answering(node, command);
  }

  startOperator(node: string): void {
    this.#operatorNode = node;
    const args = ["operator", "--kubeconfig", this.#options.kubeconfigInNode];
    args.push("--prometheus", metricsListen.operator);
    this.#running.set("operator", this.#spawn(node, "operator", args));
  }

  async stop(node: string): Promise<void> {
    const command = this.#running.get(node);
    if (!command) return;
    await this.#end(node, command, "SIGTERM");
  }

  async kill(node: string): Promise<void> {
    const command = this.#running.get(node);
    if (!command) throw new Error(`the agent of ${node} is not running`);
    await this.#end(node, command, "SIGKILL");
  }

  async restart(node: string): Promise<void> {
    await this.stop(node);
    await this.start(node);
  }

  /** As `restart`, and what starts is the program of this moment's sources. */
  async upgrade(node: string): Promise<void> {
    const program = await this.#options.currentProgram(node);
    await this.stop(node);
    this.#programs.set(node, program);
    await this.start(node);
  }

  async log(node: string): Promise<string> {
    return readFileSync(this.#logFile(node, "agent"), "utf8");
  }

  /** The node is about to lose its power: it is no news that what runs there ends. */
  nodeStopping(node: string): void {
    const command = this.#running.get(node);
    this.#running.delete(node);
    if (command) this.#asked.add(command);
    const operator = this.#running.get("operator");
    if (node !== this.#operatorNode || !operator) return;
    this.#running.delete("operator");
    this.#asked.add(operator);
  }

  /** The node is up again: its agent, and the operator if it was there. */
  async nodeStarted(node: string): Promise<void> {
    if (node === this.#operatorNode) this.startOperator(node);
    await this.start(node);
  }

  /** From now on it is no news that they end. */
  expectAllToEnd(): void {
    for (const command of this.#running.values()) this.#asked.add(command);
  }

  #spawn(node: string, what: string, args: string[]): RunningCommand {
    const file = this.#logFile(node, what);
    const log = openSync(file, "a", 0o600);
    const command = this.#options.runtime.spawn(
      { node },
      [inNode.node, ...nodeFlags, this.#programs.get(node) ?? inNode.agent, ...args],
      {
        stdout: log,
        stderr: log,
        env: { NODE_COMPILE_CACHE: inNode.compileCache, ...nodeEnvironment },
      },
    );
    closeSync(log);
    void command.ended
      .catch(() => ({ exitCode: 127 }))
      .then(({ exitCode }) => {
        const key = what === "operator" ? "operator" : node;
        if (this.#running.get(key) === command) this.#running.delete(key);
        if (!this.#asked.has(command)) {
          const last = readFileSync(file, "utf8").trimEnd().split("\n").slice(-20).join("\n");
          this.#options.onDeath(node, what, exitCode, last);
        }
      });
    return command;
  }

  async #end(node: string, command: RunningCommand, signal: NodeJS.Signals): Promise<void> {
    this.#asked.add(command);
    this.#running.delete(node);
    command.kill(signal);
    const timer = setTimeout(() => command.kill("SIGKILL"), stopLimitMs);
    await command.ended;
    clearTimeout(timer);
  }

  /** Waits on the socket itself: a line in a log would come before the first request is answered. */
  async #answering(node: string, command: RunningCommand): Promise<void> {
    let ended = false;
    void command.ended.then(() => (ended = true));
    const deadlineMs = performance.now() + startLimitMs;
    let last = "nothing";
    while (performance.now() < deadlineMs) {
      if (ended) throw new Error(`the agent of ${node} ended at once: spinelab logs ${node}`);
      try {
        const socket = await this.#options.runtime.connectUnix(node, adminSocket);
        socket.destroy();
        return;
      } catch (error) {
        last = (error as Error).message;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`the agent of ${node} does not answer after ${startLimitMs} ms: ${last}`);
  }

  #logFile(node: string, what: string): string {
    return `${logDirectory(this.#options.lab)}/${node}.${what}.log`;
  }
}
