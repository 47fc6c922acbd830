import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { PodExec, PodName, PodSandboxes, PodToRun } from "../../kube/pod-sandbox.ts";
import { familyOf } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { ContainerLog, readContainerLog } from "./container-log.ts";
import { podGatewayAddress } from "./links.ts";
import { ipBatch } from "./ip.ts";
import { Sandbox } from "./sandbox.ts";
import type { RunningCommand } from "../port.ts";

export type NetnsPodsOptions = {
  directory: string;
  nodeSandbox: (node: string) => Sandbox;
};

type RunningPod = {
  node: string;
  sandbox: Sandbox;
  /** False with hostNetwork: the sandbox is the node's. */
  own: boolean;
  containers: Map<string, RunningCommand>;
};

/**
 * Pods as sandboxes: nested in their node's PID namespace, so that they end with it, and joined to
 * its network by a veth pair as Cilium does it. There are no images: every pod sees the host's
 * programs, and those of src/runtime/netns/image where an image's program behaves differently.
 */
export class NetnsPods implements PodSandboxes {
  readonly #options: NetnsPodsOptions;
  readonly #running = new Map<string, RunningPod>();

  constructor(options: NetnsPodsOptions) {
    this.#options = options;
  }

  async start(pod: PodToRun): Promise<void> {
    const node = this.#options.nodeSandbox(pod.node);
    const sandbox = pod.hostNetwork ? node : await this.#createSandbox(pod, node);
    const own = !pod.hostNetwork;
    this.#running.set(keyOf(pod), { node: pod.node, sandbox, own, containers: new Map() });
    for (const container of pod.containers) this.#startContainer(pod, container, sandbox);
  }

  async stop(pod: PodName): Promise<void> {
    const running = this.#running.get(keyOf(pod));
    if (!running) return;
    this.#running.delete(keyOf(pod));
    for (const command of running.containers.values()) command.kill("SIGKILL");
    if (running.own) await running.sandbox.destroy();
    rmSync(this.#directory(pod), { recursive: true, force: true });
  }

  async releaseCidrs(node: string, cidrs: readonly Prefix[]): Promise<void> {
    const lines = cidrs.map((cidr) => `route del ${unreachable(cidr)}`).join("\n");
    const onNode = ["nsenter", "-t", String(this.#options.nodeSandbox(node).pid), "--net", "--"];
    await ipBatch(onNode, lines, `pool CIDRs of node ${node}`);
  }

  exec(pod: PodName, argv: readonly string[], options: { terminal: boolean }): PodExec {
    const command = this.sandbox(pod).spawn(argv, {
      terminal: options.terminal,
      stdin: "pipe",
      stderr: "pipe",
    });
    return {
      stdin: command.stdin as NodeJS.WritableStream,
      stdout: command.stdout!,
      stderr: options.terminal ? undefined : command.stderr!,
      // script(1) owns the pseudo-terminal and takes no size from outside.
      resize: () => {},
      ended: command.ended,
    };
  }

  async logs(pod: PodName, container: string): Promise<string> {
    return readContainerLog(`${this.#directory(pod)}/${container}.log`);
  }

  sandbox(pod: PodName): Sandbox {
    const running = this.#running.get(keyOf(pod));
    if (!running) throw new Error(`pod ${keyOf(pod)} is not running`);
    return running.sandbox;
  }

  /** Running pods as `NAMESPACE/NAME`, with their first processes as the host numbers them. */
  list(): { pod: string; node: string; pid: number }[] {
    return [...this.#running].map(([pod, { node, sandbox }]) => ({ pod, node, pid: sandbox.pid }));
  }

  /** A node is gone, or all of them, and the pods with it. */
  forget(node?: string): void {
    for (const [pod, running] of this.#running) {
      if (node === undefined || running.node === node) this.#running.delete(pod);
    }
  }

  async #createSandbox(pod: PodToRun, node: Sandbox): Promise<Sandbox> {
    const own = pod.addresses.map((address) => `${address} ${pod.name}\n`).join("");
    const sandbox = await Sandbox.create({
      hostname: pod.name,
      directory: `${this.#directory(pod)}/root`,
      hosts: `127.0.0.1 localhost\n::1 localhost\n${own}`,
      binds: [{ source: imagePrograms, destination: "/usr/local/bin", readOnly: true }],
      sysctls: { "net/ipv6/conf/all/accept_dad": "0", "net/ipv6/conf/default/accept_dad": "0" },
      insidePidOf: node.pid,
    });
    try {
      await this.#connect(pod, node, sandbox);
    } catch (error) {
      await sandbox.destroy();
      throw error;
    }
    return sandbox;
  }

  /** The host's end carries the node's gateway address as source, so that it is the first hop seen. */
  async #connect(pod: PodToRun, node: Sandbox, sandbox: Sandbox): Promise<void> {
    const hostEnd = `lxc${pod.uid.replaceAll("-", "").slice(0, 10)}`;
    const inNode = [
      `link add ${hostEnd} type veth peer name eth0 netns ${sandbox.pid}`,
      `link set ${hostEnd} up`,
    ];
    inNode.push(...pod.poolCidrs.map((cidr) => `route replace ${unreachable(cidr)}`));
    const inPod = ["link set lo up", "link set eth0 up"];
    for (const address of pod.addresses) {
      const family = familyOf(address);
      const bits = family === "ipv4" ? 32 : 128;
      const podCidr = pod.podCidrs.find((each) => each.includes(":") === (family === "ipv6"));
      if (podCidr === undefined) throw new Error(`node ${pod.node} has no ${family} podCIDR`);
      const gateway = podGatewayAddress(podCidr);
      // ARP answers for an address of any interface; neighbour discovery for one of its own only.
      if (family === "ipv6") inNode.push(`addr add ${gateway}/${bits} dev ${hostEnd} nodad`);
      inNode.push(`route add ${address}/${bits} dev ${hostEnd} scope link src ${gateway}`);
      inPod.push(
        `addr add ${address}/${bits} dev eth0`,
        `route add ${gateway}/${bits} dev eth0 scope link`,
        `route add default via ${gateway}`,
      );
    }
    // The veth is made from the host, where both process numbers mean what they say.
    const onNode = ["nsenter", "-t", String(node.pid), "--net", "--"];
    await ipBatch(onNode, inNode.join("\n"), `pod ${keyOf(pod)} on node ${pod.node}`);
    await ipBatch(sandbox.enter([]), inPod.join("\n"), `pod ${keyOf(pod)}`);
  }

  #startContainer(
    pod: PodToRun,
    container: PodToRun["containers"][number],
    sandbox: Sandbox,
  ): void {
    mkdirSync(this.#directory(pod), { recursive: true });
    const log = new ContainerLog(`${this.#directory(pod)}/${container.name}.log`);
    const argv = container.argv.length > 0 ? container.argv : ["sleep", "infinity"];
    const command = sandbox.spawn(argv, { env: container.env });
    command.stdout!.pipe(log, { end: false });
    command.stderr!.pipe(log, { end: false });
    const running = this.#running.get(keyOf(pod))!;
    running.containers.set(container.name, command);
    void command.ended
      .then(({ exitCode }) => ({ exitCode, reason: exitCode === 0 ? "Completed" : "Error" }))
      .catch((error: Error) => ({ exitCode: 128, reason: error.message }))
      .then(({ exitCode, reason }) => {
        log.end();
        // A pod that is being stopped reports nothing.
        if (this.#running.get(keyOf(pod))?.containers.get(container.name) === command) {
          pod.onExit(container.name, exitCode, reason);
        }
      });
  }

  #directory(pod: PodName): string {
    return `${this.#options.directory}/pods/${pod.namespace}_${pod.name}`;
  }
}

const imagePrograms = fileURLToPath(new URL("image", import.meta.url));

/** Behind every other route for the CIDR: it may be of one address, a pod's own. */
function unreachable(cidr: Prefix): string {
  return `unreachable ${cidr} metric 65535`;
}

function keyOf(pod: PodName): string {
  return `${pod.namespace}/${pod.name}`;
}
