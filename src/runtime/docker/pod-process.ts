import type { ExecResult, Place } from "../port.ts";

/**
 * Pods of a kind cluster: containers of the containerd inside the node's container. crictl, which
 * every kind node has, names the process that holds a pod's namespaces, as the node numbers it.
 */
export class PodProcesses {
  readonly #exec: (node: string, argv: readonly string[]) => Promise<ExecResult>;
  readonly #pids = new Map<string, number>();

  constructor(exec: (node: string, argv: readonly string[]) => Promise<ExecResult>) {
    this.#exec = exec;
  }

  /** The command line that runs `argv` in the pod's first container, from inside the node. */
  async enter(
    node: string,
    pod: NonNullable<Place["pod"]>,
    argv: readonly string[],
  ): Promise<string[]> {
    const pid = await this.#pid(node, pod);
    return ["nsenter", "-t", String(pid), "-m", "-u", "-i", "-n", "-p", "--", ...argv];
  }

  async #pid(node: string, pod: NonNullable<Place["pod"]>): Promise<number> {
    const key = `${node} ${pod.namespace}/${pod.name}`;
    const known = this.#pids.get(key);
    if (known !== undefined && (await this.#isAlive(node, known))) return known;
    const labels = [
      `io.kubernetes.pod.namespace=${pod.namespace}`,
      `io.kubernetes.pod.name=${pod.name}`,
    ].flatMap((label) => ["--label", label]);
    const listed = await this.#ask(node, ["crictl", "ps", "--quiet", ...labels]);
    const [container] = listed.trim().split("\n");
    if (!container) throw new Error(`pod ${pod.namespace}/${pod.name} does not run on ${node}`);
    const format = ["--output", "go-template", "--template", "{{.info.pid}}"];
    const pid = Number(await this.#ask(node, ["crictl", "inspect", ...format, container]));
    if (!(pid > 0)) throw new Error(`pod ${pod.namespace}/${pod.name}: no process on ${node}`);
    this.#pids.set(key, pid);
    return pid;
  }

  async #isAlive(node: string, pid: number): Promise<boolean> {
    return (await this.#exec(node, ["test", "-d", `/proc/${pid}`])).exitCode === 0;
  }

  async #ask(node: string, argv: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#exec(node, argv);
    if (exitCode !== 0) throw new Error(`${node}: ${argv.slice(0, 2).join(" ")}: ${stderr.trim()}`);
    return stdout;
  }
}
