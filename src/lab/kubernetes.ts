import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { KubeClient } from "../kube/client/kube-client.ts";
import { systemClock } from "../kube/clock.ts";
import { kubeconfigText } from "../kube/kubeconfig.ts";
import { startApiServer } from "../kube/server/api-server.ts";
import { selfSignedCertificate } from "../kube/server/self-signed.ts";
import type { ForwardingPlan } from "../kube/services/forwarding.ts";
import { forwardingRules } from "../kube/services/forwarding-rules.ts";
import type { NetnsRuntime } from "../runtime/netns/netns-runtime.ts";
import { type Cluster, type Fabric, findNode } from "../topology/fabric.ts";
import { agentBundle, bundleInNode } from "./agent-bundle.ts";
import { Agents } from "./agents.ts";
import type { BuildOptions, LabCluster } from "./backend.ts";
import { errorRecorder } from "./cluster-objects.ts";
import { ControlPlane } from "./control-plane.ts";
import { DeployError } from "./exec-lines.ts";
import { kubePort } from "./kube-port.ts";
import { clusterApi, ServedCluster } from "./served-cluster.ts";
import { kubeconfigFile } from "./state-folder.ts";
import { untilNothing } from "./until-nothing.ts";
import { version } from "./version.ts";

const apiPort = 6443;
const kubeconfigInNode = "/etc/spinelab/kubeconfig";

/**
 * A Kubernetes cluster whose nodes are sandboxes: operator and agents are processes of their own in them. Its API
 * is served to the host on loopback with TLS, and to the nodes on their management network.
 */
export async function kubernetesInNamespaces(
  options: BuildOptions & { cluster: Cluster; runtime: NetnsRuntime },
): Promise<LabCluster> {
  const { lab, fabric, cluster, runtime } = options;
  const network = managementNetworkOf(fabric, cluster);
  const tls = selfSignedCertificate(["127.0.0.1", "localhost"], Date.now());
  const token = randomBytes(24).toString("base64url");
  const api = clusterApi({ clock: systemClock, serviceSubnets: cluster.serviceSubnets });
  const onError = errorRecorder(options.record);
  const server = await startApiServer({
    api,
    listeners: [
      { host: "127.0.0.1", port: 0, tls, token },
      { fd: () => runtime.listenInManagement(network.ipv4Gateway, apiPort), token },
    ],
    sandboxes: runtime.pods,
    onError: (error) => onError("API server", error),
  });
  const [url] = server.urls as [string, string];
  const first = fabric.clusters[0] === cluster;
  const access = { name: cluster.name, server: url, token, certificateAuthority: tls.cert };
  writeFileSync(
    kubeconfigFile(lab, first ? undefined : cluster.name),
    kubeconfigText({ ...access, name: `spinelab-${lab}` }),
    { mode: 0o600 },
  );
  const nodeKubeconfig = kubeconfigText({
    name: cluster.name,
    server: `http://${network.ipv4Gateway}:${apiPort}`,
    token,
  });
  const client = new KubeClient({
    server: url,
    token: () => token,
    certificateAuthority: tls.cert,
    namespace: "default",
  });
  // The running pods are in the state folder, for commands that enter them.
  const stopWatching = api.subscribe(({ resource }) => {
    if (resource === "pods") options.onPodsChanged();
  });
  return new ServedCluster({
    ...{ build: options, api, sandboxes: runtime.pods },
    controlPlane: new ControlPlane({
      ...{ api, fabric, cluster, onError },
      // Connections are reset before this returns; `resume` waits for the rest.
      suspend: () => void server.suspend(),
      resume: () => server.resume(),
    }),
    port: kubePort(client, runtime.pods, (callback) => api.subscribe(callback)),
    agents: new Agents({
      ...{ lab, runtime, kubeconfigInNode, version: `spinelab ${version}` },
      installRoutes: options.installRoutes,
      bmpStation: options.bmpStation,
      currentProgram: async () => bundleInNode(await agentBundle()),
      onDeath: options.onDeath,
    }),
    forward: (node, plan) => applyRules(runtime, node, plan),
    prepareNode: (node) => runtime.writeFile(node, kubeconfigInNode, nodeKubeconfig, 0o600),
    untilNothing: (missing, limit) =>
      untilNothing(missing, { ...limit, subscribe: (look) => api.subscribe(look) }),
    onClose: async () => {
      stopWatching();
      client.close();
      await server.close();
    },
  });
}

async function applyRules(runtime: NetnsRuntime, node: string, plan: ForwardingPlan) {
  const stdin = forwardingRules(plan);
  const { exitCode, stderr } = await runtime.exec({ node }, ["nft", "-f", "-"], { stdin });
  if (exitCode !== 0) throw new Error(`nft: ${stderr.trim()}`);
}

function managementNetworkOf(fabric: Fabric, cluster: Cluster) {
  const name = findNode(fabric, cluster.nodes[0]!)?.managementNetwork;
  const network = fabric.management.find((each) => each.name === name);
  if (!network) throw new DeployError(`cluster ${cluster.name} has no management network`);
  return network;
}
