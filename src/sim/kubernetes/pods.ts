import { EnvironmentError } from "../../input/diagnostic.ts";
import type { PodExec, PodName, PodSandboxes, PodToRun } from "../../kube/pod-sandbox.ts";
import { addressAfter, familyOf } from "../../net/address.ts";
import {
  addressBits,
  defaultRoutes,
  type Prefix,
  prefixBase,
  prefixFamily,
} from "../../net/prefix.ts";
import { hostPrefix } from "../fib.ts";
import type { SimNode } from "../network.ts";
import { podNode } from "../runtime.ts";
import { startProgram } from "../shell/programs.ts";
import type { World } from "../world.ts";

/** One way over the pod's veth pair. */
const vethDelayMs = 0.005;

type RunningPod = { pod: PodToRun; link: string; programs: (() => void)[] };

/** Pods as nodes of their own, each on a cable to its node. */
export class SimPods implements PodSandboxes {
  readonly #world: World;
  readonly #running = new Map<string, RunningPod>();
  #serial = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async start(pod: PodToRun): Promise<void> {
    const { network } = this.#world;
    const name = podNode(pod);
    const link = `lxc${this.#serial++}`;
    const node = network.node(pod.node);
    const sandbox = pod.hostNetwork ? node : network.addNode(name);
    const programs = pod.containers
      .filter(({ argv }) => argv.length > 0)
      .map(({ argv }) => this.#start(pod, sandbox, argv));
    this.#running.set(name, { pod, link, programs });
    if (pod.hostNetwork) return;
    network.connect(
      { node: pod.node, interface: link },
      { node: name, interface: "eth0" },
      vethDelayMs,
    );
    for (const prefix of pod.poolCidrs) {
      const metric = prefixFamily(prefix) === "ipv4" ? 0 : 1024;
      node.fib.replace({
        ...{ prefix, metric, kind: "unreachable", protocol: "boot", nextHops: [] },
      });
    }
    for (const address of pod.addresses) {
      // Also where the address is of a pool: the gateway is the node's.
      const family = familyOf(address);
      const podCidr = pod.podCidrs.find((each) => prefixFamily(each) === family);
      if (podCidr === undefined) throw new Error(`node ${pod.node} has no ${family} podCIDR`);
      const gateway = addressAfter(prefixBase(podCidr), 1);
      const metric = family === "ipv4" ? 0 : 1024;
      const onLink = { kind: "unicast", protocol: "boot", metric } as const;
      node.fib.replace({
        ...{ prefix: hostPrefix(address), ...onLink, source: gateway },
        nextHops: [{ interface: link }],
      });
      sandbox.addAddress("eth0", { address, prefixLength: addressBits(familyOf(address)) });
      sandbox.fib.replace({
        prefix: hostPrefix(gateway),
        ...onLink,
        nextHops: [{ interface: "eth0" }],
      });
      sandbox.fib.replace({
        prefix: defaultRoutes[familyOf(address)],
        ...onLink,
        nextHops: [{ address: gateway, interface: "eth0" }],
      });
    }
  }

  async stop(pod: PodName): Promise<void> {
    const name = podNode(pod);
    const running = this.#running.get(name);
    if (running === undefined) return;
    this.#running.delete(name);
    for (const end of running.programs) end();
    if (running.pod.hostNetwork) return;
    const { network } = this.#world;
    network.node(running.pod.node).removeInterface(running.link);
    network.removeNode(name);
  }

  /** Those that run. */
  list(): (PodName & { node: string })[] {
    return [...this.#running.values()].map(({ pod: { namespace, name, node } }) => ({
      ...{ namespace, name, node },
    }));
  }

  async releaseCidrs(node: string, cidrs: readonly Prefix[]): Promise<void> {
    const { fib } = this.#world.network.node(node);
    for (const cidr of cidrs) fib.remove(cidr, ({ kind }) => kind === "unreachable");
  }

  #start(pod: PodToRun, node: SimNode, argv: readonly string[]): () => void {
    const hostname = pod.hostNetwork ? pod.node : pod.name;
    // Of what is in its image nothing is known.
    return startProgram({ world: this.#world, node, hostname, readFile: () => undefined }, argv);
  }

  exec(pod: PodName, argv: readonly string[]): PodExec {
    throw new EnvironmentError(
      `the simulation starts no process: '${argv.join(" ")}' in ${podNode(pod)}`,
      "run the lab with --runtime netns",
    );
  }

  /** Nothing runs in it that could write. */
  async logs(): Promise<string> {
    return "";
  }
}
