import { type Document, isMap, isSeq, parseDocument, YAMLSeq } from "yaml";
import type { Cluster } from "../topology/fabric.ts";

/**
 * kubeadm's two ways to write an argument: a map up to v1beta3, a list in v1beta4. kind applies a
 * patch to documents of its own apiVersion only, so that one of them has no effect.
 */
const argument = { name: "allocate-node-cidrs", value: "false" };
const givesNoCidrs = [
  ...["kubeadm.k8s.io/v1beta2", "kubeadm.k8s.io/v1beta3"].map((apiVersion) => ({
    apiVersion,
    controllerManager: { extraArgs: { [argument.name]: argument.value } },
  })),
  { apiVersion: "kubeadm.k8s.io/v1beta4", controllerManager: { extraArgs: [argument] } },
].map((patch) => JSON.stringify({ kind: "ClusterConfiguration", ...patch }));

/**
 * Conditions of a Service, by which LB-IPAM says what became of a request: Kubernetes 1.20 to 1.22 store
 * them with a feature only, and kind writes v1beta2 for those. The API server's argument is one for all
 * features, so the others that it would have had are said again: the file's, and kubeadm's for dual stack.
 */
function keepsConditions(document: Document): string {
  const features = {
    ...(document.toJS() as { featureGates?: Record<string, boolean> }).featureGates,
    ...(document.getIn(["networking", "ipFamily"]) === "dual" && { IPv6DualStack: true }),
    MixedProtocolLBService: true,
  };
  const written = Object.entries(features).map(([name, value]) => `${name}=${value}`);
  return JSON.stringify({
    apiVersion: "kubeadm.k8s.io/v1beta2",
    kind: "ClusterConfiguration",
    apiServer: { extraArgs: { "feature-gates": written.join(",") } },
  });
}

/**
 * What kind is given: the cluster's own file, with what LB-IPAM needs of the API server. Where pod networking is the lab's to bring, the
 * controller manager hands out no podCIDRs: workers join in no fixed order, and the lab gives each
 * node the one that the fabric says (see `givePodCidrs`).
 */
export function kindConfigOf(cluster: Cluster): string {
  const { config, disableDefaultCni } = cluster;
  if (config === undefined) throw new Error(`cluster ${cluster.name} has no kind configuration`);
  const document = parseDocument(config);
  if (!isMap(document.contents)) throw new Error(`cluster ${cluster.name}: no kind configuration`);
  const existing = document.get("kubeadmConfigPatches");
  const all = isSeq(existing) ? existing : new YAMLSeq();
  all.add(keepsConditions(document));
  if (disableDefaultCni) for (const patch of givesNoCidrs) all.add(patch);
  document.set("kubeadmConfigPatches", all);
  return document.toString();
}
