import { readdirSync, readFileSync } from "node:fs";
import { NetnsRuntime } from "../runtime/netns/netns-runtime.ts";
import { agentBundle, agentTools } from "./agent-bundle.ts";
import type { Backend, BuildOptions, Entry, LabCluster, PodEntry } from "./backend.ts";
import { kubernetesInNamespaces } from "./kubernetes.ts";
import { labDirectory } from "./state-folder.ts";

/** Nodes and pods as namespaces of this machine. */
export class NetnsBackend implements Backend {
  readonly runtime: NetnsRuntime;
  readonly daemonLookEveryMs = 250;

  private constructor(runtime: NetnsRuntime) {
    this.runtime = runtime;
  }

  static async create(lab: string): Promise<NetnsBackend> {
    const tools = agentTools(await agentBundle());
    return new NetnsBackend(new NetnsRuntime({ directory: labDirectory(lab), tools }));
  }

  async build(options: BuildOptions): Promise<LabCluster[]> {
    const { fabric, progress } = options;
    await this.runtime.up(fabric, progress);
    options.onLinked();
    return Promise.all(
      fabric.clusters.map((cluster) =>
        kubernetesInNamespaces({ ...options, cluster, runtime: this.runtime }),
      ),
    );
  }

  entries(): { nodes: Record<string, Entry>; pods: Record<string, PodEntry> } {
    const nodes = Object.entries(this.runtime.pids()).map(([node, pid]) => [node, { pid }]);
    const pods = this.runtime.pods.list().map(({ pod, node, pid }) => [pod, { pid, node }]);
    return { nodes: Object.fromEntries(nodes), pods: Object.fromEntries(pods) };
  }

  readonly listenIn: NetnsRuntime["listenIn"] = (...where) => this.runtime.listenIn(...where);

  /** By the pid files in /run/frr; the number is the sandbox's own, looked up in its own /proc. */
  async daemons(node: string): Promise<Map<string, string>> {
    const root = this.runtime.root(node);
    const running = new Map<string, string>();
    for (const file of list(`${root}/run/frr`)) {
      if (!file.endsWith(".pid")) continue;
      const pid = read(`${root}/run/frr/${file}`)?.trim();
      if (pid && read(`${root}/proc/${pid}/comm`) !== undefined)
        running.set(file.slice(0, -4), pid);
    }
    return running;
  }

  down(): Promise<void> {
    return this.runtime.down();
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // No FRR on this node, or the node is gone.
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
