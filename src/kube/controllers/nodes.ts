import { availableParallelism, release, totalmem } from "node:os";
import type { Address } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { timestamp } from "../clock.ts";
import type { NodeObject, Taint } from "../kinds.ts";

/** A machine as Kubernetes is to know it. */
export type NodeInput = {
  name: string;
  role: "control-plane" | "worker";
  labels: Record<string, string>;
  taints: Taint[];
  /** One per family. */
  podCidrs: Prefix[];
  /** Its InternalIPs. */
  addresses: Address[];
};

/** The Node object of a machine that is up. Labels that kubelet and kubeadm set come of themselves. */
export function nodeObject(input: NodeInput, nowMs: number): NodeObject {
  const { name, role, labels, taints, podCidrs, addresses } = input;
  const resources = {
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: "110",
  };
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        ...(role === "control-plane" && { "node-role.kubernetes.io/control-plane": "" }),
        ...labels,
      },
    },
    spec: {
      ...(podCidrs.length > 0 && { podCIDR: podCidrs[0]!, podCIDRs: podCidrs }),
      ...(taints.length > 0 && { taints }),
    },
    status: {
      capacity: resources,
      allocatable: resources,
      addresses: [
        ...addresses.map((address) => ({ type: "InternalIP", address })),
        { type: "Hostname", address: name },
      ],
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "KubeletReady",
          message: "the node's namespaces are up",
          lastHeartbeatTime: timestamp(nowMs),
          lastTransitionTime: timestamp(nowMs),
        },
      ],
      nodeInfo: {
        architecture,
        operatingSystem: "linux",
        kernelVersion: release(),
        osImage: "Spinelab",
        containerRuntimeVersion: "spinelab://0.1.0",
        kubeletVersion: "v1.32.0",
      },
    },
  };
}
