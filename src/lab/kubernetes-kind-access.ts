import { writeFileSync } from "node:fs";
import { loadKubeconfig } from "../kube/client/cluster-access.ts";
import { KubeClient } from "../kube/client/kube-client.ts";
import type { KindCluster } from "../runtime/docker/kind.ts";

type Access = {
  /** Where the kubeconfig goes. */
  file: string;
  /** Leads from a port of the engine's machine to one of this machine. */
  forwardPort?: ((port: number) => Promise<number>) | undefined;
  signal: AbortSignal;
};

/** kubeadm itself gives the control plane four minutes. */
const answersWithinMs = 240_000;
const lookAgainMs = 250;

/**
 * A client of the cluster's API, as soon as its server says that it is ready. While kind makes the
 * cluster that is long before its nodes have joined.
 */
export async function reachCluster(
  kind: Pick<KindCluster, "kubeconfig">,
  { file, forwardPort, signal }: Access,
): Promise<KubeClient> {
  const deadlineMs = performance.now() + answersWithinMs;
  const until = async <T>(attempt: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        signal.throwIfAborted();
        if (performance.now() > deadlineMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
      }
    }
  };
  // kubeadm writes it early.
  let text = await until(() => kind.kubeconfig());
  const [published, port] = /https:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? [];
  if (forwardPort && published !== undefined) {
    text = text.replace(published, `https://127.0.0.1:${await forwardPort(Number(port))}`);
  }
  writeFileSync(file, text, { mode: 0o600 });
  const client = new KubeClient(await loadKubeconfig(file));
  try {
    await until(() => client.ready());
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Where containers of kind's network reach the API server, by the kubeconfig that they would use. */
export function apiServerOf(internalKubeconfig: string): { host: string; port: string } {
  const { hostname, port } = new URL(/server: (\S+)/.exec(internalKubeconfig)![1]!);
  return { host: hostname, port };
}
