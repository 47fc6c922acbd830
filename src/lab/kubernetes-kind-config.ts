import { isMap, isSeq, parseDocument, YAMLSeq } from "yaml";
import type { Cluster } from "../topology/fabric.ts";

/**
 * kubeadm's two ways to write an argument: a map up to v1beta3, a list in v1beta4. kind applies a
 * patch to documents of its own apiVersion only, so that one of them has no effect.
 */
const argument = { name: "allocate-node-cidrs", value: "false" };
const patches = [
  ...["kubeadm.k8s.io/v1beta2", "kubeadm.k8s.io/v1beta3"].map((apiVersion) => ({
    apiVersion,
    controllerManager: { extraArgs: { [argument.name]: argument.value } },
  })),
  { apiVersion: "kubeadm.k8s.io/v1beta4", controllerManager: { extraArgs: [argument] } },
].map((patch) => JSON.stringify({ kind: "ClusterConfiguration", ...patch }));

/**
 * What kind is given: the cluster's own file. Where pod networking is the lab's to bring, the
 * controller manager hands out no podCIDRs: workers join in no fixed order, and the lab gives each
 * node the one that the fabric says (see `givePodCidrs`).
 */
export function kindConfigOf(cluster: Cluster): string {
  const { config, disableDefaultCni } = cluster;
  if (config === undefined) throw new Error(`cluster ${cluster.name} has no kind configuration`);
  if (!disableDefaultCni) return config;
  const document = parseDocument(config);
  if (!isMap(document.contents)) throw new Error(`cluster ${cluster.name}: no kind configuration`);
  const existing = document.get("kubeadmConfigPatches");
  const all = isSeq(existing) ? existing : new YAMLSeq();
  for (const patch of patches) all.add(patch);
  document.set("kubeadmConfigPatches", all);
  return document.toString();
}
