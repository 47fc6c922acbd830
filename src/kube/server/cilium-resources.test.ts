import { expect, test } from "vitest";
import { systemClock } from "../clock.ts";
import { builtInResources } from "./built-in-resources.ts";
import { ciliumResources } from "./cilium-resources.ts";
import { KubeApi } from "./kube-api.ts";

const of = (kind: string, spec: object) => ({
  apiVersion: "cilium.io/v2alpha1",
  kind,
  metadata: { name: "one" },
  spec,
});

test("what is immutable is refused with its rule, as the API server says it", () => {
  const api = new KubeApi({
    resources: [...builtInResources, ...ciliumResources],
    clock: systemClock,
  });
  const key = "ciliumpodippools.cilium.io";
  const object = of("CiliumPodIPPool", { ipv4: { cidrs: ["10.0.0.0/16"], maskSize: 24 } });
  api.create(key, object);
  const wider = structuredClone(object);
  Object.assign(wider.spec, { ipv4: { cidrs: ["10.0.0.0/16", "10.1.0.0/16"], maskSize: 24 } });
  api.update(key, wider);
  Object.assign(wider.spec, {
    allowLastIP: true,
    ipv4: { cidrs: ["10.0.0.0/16"], maskSize: 25 },
  });
  expect(() => api.update(key, wider)).toThrow(
    /spec\.allowLastIP: Invalid value: true: allowLastIP is immutable, spec\.ipv4\.maskSize: Invalid value: 25: maskSize is immutable/,
  );
});
test("CiliumBGPPeerPolicy is taken with a warning that names the right resources", () => {
  const api = new KubeApi({
    resources: [...builtInResources, ...ciliumResources],
    clock: systemClock,
  });
  const warnings: string[] = [];
  const peers = [{ peerAddress: "192.168.1.1", peerASN: 65001, localASN: 64512 }];
  const object = of("CiliumBGPPeerPolicy", { peers });
  api.create("ciliumbgppeerpolicies.cilium.io", object, { warn: (text) => warnings.push(text) });
  expect(warnings).toEqual([
    "cilium.io/v2alpha1 CiliumBGPPeerPolicy is no resource of Cilium: it is read as a CiliumBGPPeeringPolicy; use cilium.io/v2 CiliumBGPClusterConfig, CiliumBGPPeerConfig and CiliumBGPAdvertisement",
  ]);
});
