import { parseArgs } from "node:util";
import { loadKubeconfig } from "../kube/client/cluster-access.ts";
import { KubeClient } from "../kube/client/kube-client.ts";
import { serveAdminSocket } from "./admin-socket.ts";
import { adminHandler } from "./admin.ts";
import { Agent } from "./agent.ts";
import { processLog } from "./log.ts";
import { Operator } from "./operator.ts";

/**
 * The process on each Kubernetes node, and the operator's: `agent --kubeconfig FILE --node NAME` and
 * `operator --kubeconfig FILE`. One file holds both, since they share most of their code.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    kubeconfig: { type: "string" },
    node: { type: "string" },
    socket: { type: "string", default: "/run/spinelab/agent.sock" },
    version: { type: "string", default: "spinelab" },
  },
});
const [role] = positionals;
if ((role !== "agent" && role !== "operator") || values.kubeconfig === undefined) {
  throw new Error("usage: agent --kubeconfig FILE --node NAME | operator --kubeconfig FILE");
}
const client = new KubeClient(await loadKubeconfig(values.kubeconfig));

if (role === "operator") {
  const operator = new Operator({ client, log: processLog("operator") });
  onTermination(() => operator.stop());
  await operator.start();
} else {
  if (values.node === undefined) throw new Error("usage: agent needs --node NAME");
  const agent = new Agent({
    node: values.node,
    client,
    softwareVersion: values.version,
    log: processLog("bgp-control-plane"),
  });
  await serveAdminSocket(values.socket, adminHandler(agent));
  onTermination(() => agent.stop());
  await agent.start();
}

function onTermination(stop: () => Promise<void> | void): void {
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      void Promise.resolve(stop()).finally(() => process.exit(0));
    });
  }
}
