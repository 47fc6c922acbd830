import { readFileSync } from "node:fs";
import type { KubeObject } from "../../kube/object.ts";
import { prefix } from "../../net/prefix.ts";
import type { BmpTold } from "../../observe/bmp.ts";
import { Names } from "../../observe/names.ts";
import type { Echo, ExecOptions, Place, RouteChange, Runtime } from "../../runtime/port.ts";
import type { RecordBody } from "../../timeline/record.ts";
import type { Fabric, FabricNode } from "../../topology/fabric.ts";
import type {
  AgentPort,
  BmpPort,
  KubePort,
  LabContext,
  NodePort,
  ScenarioContext,
} from "../context.ts";
import { VirtualClock } from "./virtual-clock.ts";

const data = new URL("../../../test/data/", import.meta.url);

export function recorded(path: string): string {
  return readFileSync(new URL(path, data), "utf8");
}

/** router0 and router1 above tor0 and tor1, a Kubernetes node below each: the fabric of test/data. */
export const fabric: Fabric = {
  name: "fake",
  prefix: "clab-fake",
  management: [],
  nodes: [
    router("router0"),
    router("router1"),
    router("tor0"),
    router("tor1"),
    worker("kind-worker"),
    worker("kind-worker3"),
  ],
  links: [
    link("router0", "net0", "tor0", "net0"),
    link("router0", "net1", "tor1", "net0"),
    link("router1", "net0", "tor0", "net3"),
    link("router1", "net1", "tor1", "net3"),
    link("tor0", "net2", "kind-worker", "net0"),
    link("tor1", "net2", "kind-worker3", "net0"),
  ],
  clusters: [],
};

function router(name: string): FabricNode {
  return {
    name,
    aliases: [],
    kind: "linux",
    hostname: name,
    exec: [],
    env: {},
    sysctls: {},
    binds: [],
    labels: {},
  };
}

function worker(name: string): FabricNode {
  const kubernetes = {
    cluster: "kind",
    role: "worker" as const,
    labels: {},
    nodeAddresses: [],
    podCidrs: [prefix(name === "kind-worker" ? "10.1.1.0/24" : "10.1.3.0/24")],
    taints: [],
  };
  return { ...router(name), kind: "kubernetes", kubernetes };
}

function link(a: string, aInterface: string, b: string, bInterface: string) {
  const endpoints: Fabric["links"][number]["endpoints"] = [
    { node: a, interface: aInterface },
    { node: b, interface: bInterface },
  ];
  return { endpoints, mtu: 1500, source: "fake.clab.yaml:1" };
}

type Answer = { exitCode?: number; stdout?: string; stderr?: string };

/**
 * A lab that answers from recordings. A command without an answer is not found, so a test that asks
 * for the wrong thing fails.
 */
export class FakeLab {
  readonly clock = new VirtualClock();
  readonly records: (RecordBody & { atMs: number })[] = [];
  readonly commands: string[] = [];
  readonly agentActions: string[] = [];
  readonly objects: KubeObject[] = [];
  readonly abort = new AbortController();
  readonly #answers = new Map<string, () => Answer>();
  readonly #watchers = new Set<(change: RouteChange) => void>();
  /** Called for each link set: a test lets it change answers. */
  onLink: (state: "up" | "down") => void = () => undefined;
  /** Tells the probe that runs of an echo. */
  onEcho: ((echo: Echo) => void) | undefined;

  constructor() {
    for (const { name } of fabric.nodes) {
      this.answer(name, "ip -j addr show", recorded(`iproute2/${name}-addr.json`));
    }
    for (const [command, file] of Object.entries(frrRecordings)) {
      this.answer("tor0", `vtysh -c ${command} json`, recorded(`frr/8.4.4/${file}.json`));
    }
  }

  /** What a command prints in a node, or in a pod where `node` is `NAMESPACE/POD@NODE`. */
  answer(node: string, command: string, answer: string | Answer | (() => Answer)): void {
    const make = typeof answer === "function" ? answer : () => asAnswer(answer);
    this.#answers.set(`${node} ${command}`, make);
  }

  routeChange(change: Omit<RouteChange, "atMs">): void {
    for (const watcher of this.#watchers) watcher({ ...change, atMs: this.clock.nowMs() });
  }

  readonly runtime: Runtime = {
    kind: "netns",
    up: () => Promise.reject(new Error("not faked")),
    down: () => Promise.reject(new Error("not faked")),
    writeFile: () => Promise.reject(new Error("not faked")),
    stopNode: () => Promise.reject(new Error("not faked")),
    startNode: () => Promise.reject(new Error("not faked")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    connectUnix: () => Promise.reject(new Error("not faked")),
    exec: (place, argv, options) => Promise.resolve(this.#exec(place, argv, options)),
    spawn: () => {
      throw new Error("not faked");
    },
    echo: (place, to, everyMs, onEcho) => {
      this.commands.push(`${placeName(place)} echo ${to} every ${everyMs} ms`);
      this.onEcho = onEcho;
      const stop = () => {
        this.onEcho = undefined;
        return Promise.resolve({ lateMs: 1 });
      };
      return { failed: new Promise(() => {}), stop };
    },
    setLink: (a, b, state) => {
      this.commands.push(`link ${a.node}:${a.interface} ${b.node}:${b.interface} ${state}`);
      this.onLink(state);
      return Promise.resolve();
    },
    impairLink: (from, to, impairment) => {
      const what = impairment === undefined ? "as new" : JSON.stringify(impairment);
      this.commands.push(
        `impair ${from.node}:${from.interface} → ${to.node}:${to.interface} ${what}`,
      );
      return Promise.resolve();
    },
    watchRoutes: (_nodes, onChange) => {
      this.#watchers.add(onChange);
      return () => this.#watchers.delete(onChange);
    },
  };

  readonly kube: KubePort = {
    get: ({ kind, name }) =>
      Promise.resolve(this.objects.find((of) => of.kind === kind && of.metadata.name === name)),
    list: (wanted) => Promise.resolve(this.objects.filter(({ kind }) => kind === wanted)),
    listPods: () => Promise.resolve(this.objects.filter(({ kind }) => kind === "Pod")),
    apply: (object) => {
      this.commands.push(`apply ${object.kind} ${object.metadata.name}`);
      return Promise.resolve();
    },
    patch: ({ kind, name }, merge) => {
      this.commands.push(`patch ${kind} ${name} ${JSON.stringify(merge)}`);
      return Promise.resolve();
    },
    delete: ({ kind, name }) => {
      this.commands.push(`delete ${kind} ${name}`);
      return Promise.resolve();
    },
    onChange: () => () => undefined,
    podLog: () => Promise.resolve("pod says hello\n"),
  };

  agentLog = "";
  readonly agents: AgentPort = {
    restart: (node) => this.#agent(`restart ${node}`),
    upgrade: (node) => this.#agent(`upgrade ${node}`),
    kill: (node) => this.#agent(`kill ${node}`),
    stop: (node) => this.#agent(`stop ${node}`),
    start: (node) => this.#agent(`start ${node}`),
    log: () => Promise.resolve(this.agentLog),
  };

  readonly nodeActions: string[] = [];
  readonly nodes: NodePort = {
    stop: (node) => this.#node(`stop ${node}`),
    start: (node) => this.#node(`start ${node}`),
    pause: (node) => this.#node(`pause ${node}`),
    unpause: (node) => this.#node(`unpause ${node}`),
    expectDaemonToEnd: (node, daemon = "all") =>
      void this.nodeActions.push(`expect ${node} ${daemon}`),
  };

  readonly #bmp = new Set<(told: BmpTold) => void>();
  readonly bmp: BmpPort = {
    onTold: (callback) => {
      this.#bmp.add(callback);
      return () => this.#bmp.delete(callback);
    },
  };

  tellByBmp(told: BmpTold): void {
    for (const callback of this.#bmp) callback(told);
  }

  get scenarioContext(): ScenarioContext {
    const { runtime, kube, agents, bmp, nodes, clock } = this;
    const recorder = (body: RecordBody) => {
      this.records.push({ atMs: clock.nowMs(), ...body });
    };
    return {
      fabric,
      runtime,
      kube,
      agents,
      bmp,
      nodes,
      recorder,
      clock,
      seed: 1,
      signal: this.abort.signal,
    };
  }

  get labContext(): LabContext {
    return { ...this.scenarioContext, names: new Names(this.runtime, fabric) };
  }

  /** A running pod `netshoot-N` of a DaemonSet. */
  addPod(node: string, podIP: string, phase = "Running"): void {
    this.objects.push({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `netshoot-${node}`,
        namespace: "default",
        ownerReferences: [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "netshoot", uid: "1" }],
      },
      spec: { nodeName: node },
      status: { phase, podIP },
    });
  }

  #node(action: string): Promise<void> {
    this.nodeActions.push(action);
    return Promise.resolve();
  }

  #agent(action: string): Promise<void> {
    this.agentActions.push(action);
    return Promise.resolve();
  }

  #exec(place: Place, argv: readonly string[], options?: ExecOptions) {
    const command = `${placeName(place)} ${argv.join(" ")}`;
    this.commands.push(options?.stdin === undefined ? command : `${command} <<< ${options.stdin}`);
    const answer = this.#answers.get(command)?.() ?? { exitCode: 127, stderr: "not found" };
    return { exitCode: 0, stdout: "", stderr: "", tookMs: 1, ...answer };
  }
}

function placeName({ node, pod }: Place): string {
  return pod === undefined ? node : `${pod.namespace}/${pod.name}@${node}`;
}

function asAnswer(answer: string | Answer): Answer {
  return typeof answer === "string" ? { stdout: answer } : answer;
}

const frrRecordings = {
  "show bgp ipv4 unicast": "tor0-routes",
  "show bgp ipv4 unicast summary": "tor0-summary-ipv4",
  "show bgp summary": "tor0-summary",
  "show bgp ipv4 unicast 10.1.3.0/24": "tor0-route-ecmp",
  "show bgp ipv4 unicast 10.1.1.0/24": "tor0-route-ibgp",
  "show bgp ipv4 unicast 10.0.2.0/24": "tor0-route-local",
  "show bgp ipv4 unicast 192.0.2.0/24": "tor0-route-absent",
};
