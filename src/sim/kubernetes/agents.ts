import { adminHandler } from "../../agent/admin.ts";
import { Agent } from "../../agent/agent.ts";
import type { AgentClock, Edges, NodeEdges } from "../../agent/edges.ts";
import { EgressDatapath } from "../../agent/egress-datapath.ts";
import { agentMetrics } from "../../agent/metrics.ts";
import { type Log, logLine } from "../../agent/log.ts";
import { Operator } from "../../agent/operator.ts";
import type { NetworkState } from "../../net/network-state.ts";
import { defaultRoutes } from "../../net/prefix.ts";
import type { SimNode } from "../network.ts";
import type { Server } from "../programs.ts";
import type { SimRuntime } from "../runtime.ts";
import { egressEdge } from "./egress-chains.ts";
import { answeringSocket } from "../socket-pair.ts";
import { SimSpeakerHost } from "../speaker-host.ts";

const adminSocket = "/run/spinelab/agent.sock";
/** Where Cilium's agent has its metrics. */
const metricsPort = 9962;
/** A process of Node on a small machine, from its start to its first request. */
const startMs = 150;

export type SimAgentsOptions = {
  runtime: SimRuntime;
  /** Of a client whose process does what it does by `run`. */
  api: (run: (what: () => void) => void) => Pick<Edges, "client" | "informer">;
  version: string;
  installRoutes: boolean;
};

type Running = { agent: Agent; hosts: Set<SimSpeakerHost>; stops: (() => void)[] };

/** The agents of a cluster's nodes, and its operator, each as it is in a process of its own. */
export class SimAgents {
  readonly #options: SimAgentsOptions;
  readonly #running = new Map<string, Running>();
  /** Processes that do nothing yet: they end as others do. */
  readonly #starting = new Map<string, { hasEnded: boolean }>();
  readonly #logs = new Map<string, string[]>();
  #operator: Operator | undefined;
  #operatorNode: string | undefined;

  constructor(options: SimAgentsOptions) {
    this.#options = options;
  }

  async startOperator(node: string): Promise<void> {
    this.#operatorNode = node;
    await this.#options.runtime.world.sleep(startMs);
    this.#operator = new Operator({
      edges: this.#edges(this.#options.runtime.world.network.node(node)),
      log: this.#logOf("operator", "bgp-cp-operator"),
      routerIdPool: undefined,
      statusReport: true,
    });
    await this.#options.runtime.world.during(this.#operator.start());
  }

  async start(node: string): Promise<void> {
    if (this.#running.has(node) || this.#starting.has(node)) return;
    const { runtime, version, installRoutes } = this.#options;
    const starting = { hasEnded: false };
    this.#starting.set(node, starting);
    await runtime.world.sleep(startMs);
    if (starting.hasEnded) return;
    this.#starting.delete(node);
    const { world } = runtime;
    const simulated = world.network.node(node);
    const hosts = new Set<SimSpeakerHost>();
    const edges = this.#nodeEdges(simulated, hosts);
    const agent = new Agent({
      ...{ node, edges },
      ...{ ipam: "kubernetes", noEndpointsRoutable: true, bmpStations: [] },
      softwareVersion: version,
      log: this.#logOf(node, "bgp-control-plane"),
      installRoutes,
      statusReport: true,
    });
    const answer = adminHandler(agent);
    const egress = new EgressDatapath(node, edges, this.#logOf(node, "egressgateway"));
    const running: Running = {
      ...{ agent, hosts },
      stops: [
        runtime.listenUnix(node, adminSocket, () =>
          answeringSocket("\n", (request) => `${JSON.stringify(answered(answer, request))}\n`),
        ),
        world.programs.serve(simulated, metricsServer(agent)),
        () => egress.stop(),
      ],
    };
    this.#running.set(node, running);
    void this.#run(node, running, egress);
  }

  /** As a process goes on by itself: without the API it waits for that. */
  async #run(node: string, running: Running, egress: EgressDatapath): Promise<void> {
    await running.agent.start();
    if (this.#running.get(node) === running) await egress.start();
  }

  async stop(node: string): Promise<void> {
    const running = this.#take(node);
    if (running !== undefined) await this.#options.runtime.world.during(running.agent.stop());
  }

  async kill(node: string): Promise<void> {
    const wasStarting = this.#starting.has(node);
    const running = this.#take(node);
    if (wasStarting) return;
    if (running === undefined) throw new Error(`the agent of ${node} is not running`);
    for (const host of running.hosts) void host.stop("killed");
    await this.#options.runtime.world.during(running.agent.stop());
  }

  /** The node loses its power: nobody hears a word of it. */
  nodeStopping(node: string): void {
    const { world } = this.#options.runtime;
    world.tcp.forget(world.network.node(node));
    const running = this.#take(node);
    for (const host of running?.hosts ?? []) void host.stop("killed");
    void running?.agent.stop();
    if (node !== this.#operatorNode) return;
    this.#operator?.stop();
    this.#operator = undefined;
  }

  /** The node is up again: its agent, and the operator if it was there. */
  async nodeStarted(node: string): Promise<void> {
    if (node === this.#operatorNode) await this.startOperator(node);
    await this.start(node);
  }

  async restart(node: string): Promise<void> {
    await this.stop(node);
    await this.start(node);
  }

  async log(node: string): Promise<string> {
    return (this.#logs.get(node) ?? []).join("");
  }

  /** To what runs already: the sources as they were when this process began. */
  upgrade(node: string): Promise<void> {
    return this.restart(node);
  }

  expectAllToEnd(): void {}

  async close(): Promise<void> {
    this.#operator?.stop();
    await Promise.all([...this.#running.keys()].map((node) => this.stop(node)));
  }

  #take(node: string): Running | undefined {
    const starting = this.#starting.get(node);
    if (starting !== undefined) starting.hasEnded = true;
    this.#starting.delete(node);
    const running = this.#running.get(node);
    this.#running.delete(node);
    for (const stop of running?.stops ?? []) stop();
    return running;
  }

  #edges({ processes }: SimNode): Edges {
    const { runtime, api } = this.#options;
    const clock = agentClock(runtime, (afterMs, callback) =>
      processes.setTimer(runtime.world.clock, afterMs, callback),
    );
    return { ...api((what) => processes.run(what)), clock, random: runtime.world.random };
  }

  #nodeEdges(node: SimNode, hosts: Set<SimSpeakerHost>): NodeEdges {
    const { world } = this.#options.runtime;
    return {
      ...this.#edges(node),
      network: () => networkState(node),
      watchNetwork: (onChange) => {
        const close = node.onChange((change) => {
          const matters = change.change === "interfaces" || change.route.prefix.endsWith("/0");
          if (!matters) return;
          world.wake();
          onChange();
        });
        return { close };
      },
      newEgress: () => egressEdge(node),
      newSpeaker: (config, options) => {
        const host = new SimSpeakerHost(world, node, config, {
          ...options,
          onRoutesChanged: () => {},
          installDelayMs: 1,
          resolveViaDefault: true,
          keeper: "agent",
          endsWithLink: false,
        });
        hosts.add(host);
        return host;
      },
    };
  }

  #logOf(process: string, subsystem: string): Log {
    const lines = this.#logs.get(process) ?? [];
    this.#logs.set(process, lines);
    const { runtime } = this.#options;
    return (level, message, fields = {}) => {
      if (level === "debug") return;
      const time = new Date(runtime.unixAtZeroMs + runtime.world.clock.nowMs);
      lines.push(logLine(time, level, message, { subsys: subsystem, ...fields }));
    };
  }
}

function metricsServer(agent: Agent): Server {
  return {
    port: metricsPort,
    families: ["ipv4"],
    answer: ({ path }) =>
      path === "/metrics"
        ? `HTTP/1.1 200 OK\r\n\r\n${agentMetrics(agent)}`
        : "HTTP/1.1 404 Not Found\r\n\r\n/metrics\n",
  };
}

function answered(answer: (request: Record<string, unknown>) => unknown, line: string): object {
  try {
    return { ok: answer(JSON.parse(line) as Record<string, unknown>) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** `setTimer`: of the process whose clock it is; undefined: the world's, which nobody pauses. */
export function agentClock(
  { world, unixAtZeroMs }: SimRuntime,
  setTimer: AgentClock["setTimer"] = (afterMs, callback) => world.clock.setTimer(afterMs, callback),
): AgentClock {
  const { clock } = world;
  return {
    unixAtZeroMs,
    monotonicMs: () => clock.nowMs,
    nowMs: () => unixAtZeroMs + clock.nowMs,
    setTimer: (afterMs, callback) =>
      setTimer(afterMs, () => {
        world.wake();
        callback();
      }),
  };
}

/** As the kernel would tell it by netlink. */
function networkState(node: SimNode): NetworkState {
  const interfaces = [...node.interfaces.values()];
  const families = ["ipv4", "ipv6"] as const;
  return {
    interfaces: interfaces.map((each) => ({
      ...{ index: each.index, name: each.name, isUp: each.isUp },
      hasCarrier: each.hasCarrier,
      operState: each.isLoopback ? "unknown" : each.hasCarrier ? "up" : "down",
      ...(!each.isLoopback && { mac: each.mac }),
      addresses: [
        ...each.addresses.map((one) => ({ ...one, isTentative: false })),
        ...(each.isLoopback || !each.isUp || each.linkLocal === undefined
          ? []
          : [{ address: each.linkLocal, prefixLength: 64, isTentative: false }]),
      ],
    })),
    defaultRoutes: families.flatMap((family) =>
      node.fib.at(defaultRoutes[family]).map(({ metric, nextHops }) => ({
        ...{ family, metric },
        nextHops: nextHops.map(({ address, interface: link }) => ({
          ...(address !== undefined && { gateway: address }),
          interfaceIndex: node.interfaces.get(link)?.index ?? 0,
        })),
      })),
    ),
  };
}
