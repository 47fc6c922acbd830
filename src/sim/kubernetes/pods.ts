import { EnvironmentError } from "../../input/diagnostic.ts";
import type { PodExec, PodName, PodSandboxes, PodToRun } from "../../kube/pod-sandbox.ts";
import { addressAfter, familyOf } from "../../net/address.ts";
import { addressBits, prefixBase, prefixFamily } from "../../net/prefix.ts";
import { defaultPrefix, hostPrefix } from "../fib.ts";
import { podNode } from "../runtime.ts";
import type { World } from "../world.ts";

/** One way over the pod's veth pair. */
const vethDelayMs = 0.005;

/** Pods as nodes of their own, each on a cable to its node. */
export class SimPods implements PodSandboxes {
  readonly #world: World;
  readonly #running = new Map<string, { pod: PodToRun; link: string }>();
  #serial = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async start(pod: PodToRun): Promise<void> {
    const { network } = this.#world;
    const name = podNode(pod);
    const link = `lxc${this.#serial++}`;
    this.#running.set(name, { pod, link });
    if (pod.hostNetwork) return;
    const node = network.node(pod.node);
    const sandbox = network.addNode(name);
    network.connect(
      { node: pod.node, interface: link },
      { node: name, interface: "eth0" },
      vethDelayMs,
    );
    for (const address of pod.addresses) {
      // Also where the address is of a pool: the gateway is the node's.
      const podCidr = pod.podCidrs.find((each) => prefixFamily(each) === familyOf(address));
      if (podCidr === undefined) throw new Error(`node ${pod.node} has no podCIDR for ${address}`);
      const gateway = addressAfter(prefixBase(podCidr), 1);
      const metric = familyOf(address) === "ipv4" ? 0 : 1024;
      const onLink = { kind: "unicast", protocol: "boot", metric } as const;
      node.fib.replace({ prefix: hostPrefix(address), ...onLink, nextHops: [{ interface: link }] });
      sandbox.addAddress("eth0", { address, prefixLength: addressBits(familyOf(address)) });
      sandbox.fib.replace({
        prefix: hostPrefix(gateway),
        ...onLink,
        nextHops: [{ interface: "eth0" }],
      });
      sandbox.fib.replace({
        prefix: defaultPrefix(familyOf(address)),
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
    if (running.pod.hostNetwork) return;
    const { network } = this.#world;
    network.node(running.pod.node).removeInterface(running.link);
    network.removeNode(name);
  }

  /** Nodes have no route for a pool's CIDR, only for their pods' addresses. */
  async releaseCidrs(): Promise<void> {}

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
