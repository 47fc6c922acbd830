import { expect, test } from "vitest";
import { parse } from "yaml";
import type { KubeObject } from "../kube/object.ts";
import { prefix } from "../net/prefix.ts";
import type { Cluster } from "../topology/fabric.ts";
import { kindConfigOf } from "./kubernetes-kind-config.ts";
import { imagesOf, withLoadedImages } from "./kubernetes-kind-images.ts";
import { deployObjects, withSettings } from "./kubernetes-kind-install.ts";
import { cniConfig } from "./kubernetes-kind-network.ts";

const cluster = (config: string, disableDefaultCni = true): Cluster => ({
  ...{ name: "kind", podSubnets: [], serviceSubnets: [], nodes: [] },
  ...{ config, disableDefaultCni },
});

test("where the lab brings pod networking, kind's controller manager hands out no podCIDRs", () => {
  const config = kindConfigOf(
    cluster(
      "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n# why\nkubeadmConfigPatches:\n- 'kind: InitConfiguration'\n",
    ),
  );
  expect(config).toContain("# why");
  const { kubeadmConfigPatches } = parse(config) as { kubeadmConfigPatches: string[] };
  expect(kubeadmConfigPatches[0]).toBe("kind: InitConfiguration");
  expect(kubeadmConfigPatches.slice(2).map((patch) => parse(patch) as object)).toMatchObject([
    {
      apiVersion: "kubeadm.k8s.io/v1beta2",
      controllerManager: { extraArgs: { "allocate-node-cidrs": "false" } },
    },
    { apiVersion: "kubeadm.k8s.io/v1beta3" },
    {
      apiVersion: "kubeadm.k8s.io/v1beta4",
      controllerManager: { extraArgs: [{ name: "allocate-node-cidrs", value: "false" }] },
    },
  ]);
});

test("Kubernetes up to 1.22 keeps conditions of Services, and every other feature that was asked for", () => {
  const gates = (config: string) => {
    const { kubeadmConfigPatches } = parse(kindConfigOf(cluster(config, false))) as {
      kubeadmConfigPatches: string[];
    };
    expect(kubeadmConfigPatches).toHaveLength(1);
    const patch = parse(kubeadmConfigPatches[0]!) as {
      apiVersion: string;
      apiServer: { extraArgs: object };
    };
    expect(patch.apiVersion).toBe("kubeadm.k8s.io/v1beta2");
    return patch.apiServer.extraArgs;
  };
  expect(gates("kind: Cluster\n")).toEqual({ "feature-gates": "MixedProtocolLBService=true" });
  expect(
    gates("kind: Cluster\nnetworking: { ipFamily: dual }\nfeatureGates: { Some: false }\n"),
  ).toEqual({ "feature-gates": "Some=false,IPv6DualStack=true,MixedProtocolLBService=true" });
});

test("CNI configuration of a node with both families", () => {
  const config = JSON.parse(cniConfig([prefix("10.1.2.0/24"), prefix("fd00:1::/64")])) as {
    plugins: { type: string; ipMasq: boolean; ipam: object }[];
  };
  expect(config.plugins[0]).toMatchObject({
    type: "ptp",
    ipMasq: false,
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: "10.1.2.0/24" }], [{ subnet: "fd00:1::/64" }]],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
    },
  });
});

const pod = (image: string, imagePullPolicy?: string) => ({
  containers: [{ name: "a", image, ...(imagePullPolicy && { imagePullPolicy }) }],
});
const object = (kind: string, spec: object): KubeObject => ({
  ...{ apiVersion: "v1", kind, metadata: { name: "x" }, spec },
});

test("images of whatever makes pods", () => {
  expect(imagesOf(object("Pod", pod("a:1")))).toEqual(["a:1"]);
  expect(imagesOf(object("DaemonSet", { template: { spec: pod("b:1") } }))).toEqual(["b:1"]);
  const job = { template: { spec: { ...pod("d:1"), initContainers: [{ image: "c:1" }] } } };
  expect(imagesOf(object("CronJob", { jobTemplate: { spec: job } }))).toEqual(["c:1", "d:1"]);
  expect(imagesOf(object("ConfigMap", {}))).toEqual([]);
});

test("an image that was loaded is not pulled, unless the manifest says so", () => {
  const loaded = new Set(["a:latest"]);
  const policyOf = (spec: object) =>
    withLoadedImages(object("Pod", spec), loaded).spec as { containers: object[] };
  expect(policyOf(pod("a:latest")).containers[0]).toMatchObject({
    imagePullPolicy: "IfNotPresent",
  });
  expect(policyOf(pod("a:latest", "Always")).containers[0]).toMatchObject({
    imagePullPolicy: "Always",
  });
  expect(policyOf(pod("b:latest")).containers[0]).not.toHaveProperty("imagePullPolicy");
});

test("agent and operator get the lab's settings, everything else stays as deploy/ has it", () => {
  const apiServer = { host: "cp", port: "6443" };
  const settings = { image: "me:2", apiServer, version: "v", egressGateway: true };
  const [agent] = deployObjects("agent.yaml").map((each) => withSettings(each, settings));
  const { containers } = (
    agent!.spec as { template: { spec: { containers: Record<string, unknown>[] } } }
  ).template.spec;
  expect(containers[0]).toMatchObject({ image: "me:2" });
  expect(containers[0]!["args"]).toEqual(
    expect.arrayContaining(["--version=v", "--enable-egress-gateway"]),
  );
  expect(containers[0]!["env"]).toEqual([
    { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
    { name: "KUBERNETES_SERVICE_HOST", value: "cp" },
    { name: "KUBERNETES_SERVICE_PORT", value: "6443" },
  ]);
  for (const each of deployObjects("rbac.yaml")) {
    expect(withSettings(each, settings)).toEqual(each);
  }
});
