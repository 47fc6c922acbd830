/** Each test is named after the rule of Cilium's that it holds. */
import { describe, expect, test } from "vitest";
import {
  advertisement,
  compiled,
  input,
  ipv4,
  ipv6,
  peer,
  peerConfig,
} from "../compile.fixture.ts";
import { CompileMemory } from "../compile-memory.ts";
import { compileNode } from "../compile.ts";
import type { Advertisement } from "../schema/advertisement.ts";
import type { EndpointSlice, Service } from "./service.ts";

type Addresses = NonNullable<Advertisement["service"]>["addresses"];

function serviceEntry(addresses: Addresses, more: Partial<Advertisement> = {}): Advertisement {
  return { advertisementType: "Service", service: { addresses }, selector: {}, ...more };
}

function service(name: string, more: Service["spec"] = {}, ingress: string[] = []): Service {
  return {
    metadata: { name, namespace: "default", labels: { app: name } },
    spec: { type: "LoadBalancer", clusterIPs: ["10.96.0.10"], ...more },
    status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
  };
}

function slice(
  of: string,
  endpoints: EndpointSlice["endpoints"],
  addressType = "IPv4",
): EndpointSlice {
  const labels = { "kubernetes.io/service-name": of };
  return {
    metadata: { name: `${of}-${addressType}`, namespace: "default", labels },
    addressType,
    endpoints: endpoints ?? [],
  };
}

const here = { addresses: ["10.1.3.7"], nodeName: "kind-worker" };
const elsewhere = { addresses: ["10.1.2.7"], nodeName: "kind-worker2" };
const both = [
  peerConfig({
    families: [
      { ...ipv4, advertisements: {} },
      { ...ipv6, advertisements: {} },
    ],
  }),
];

type Of = Parameters<typeof peer>[0];
/** `NAME PREFIX…` of each statement, in order. */
function statements(entries: Advertisement[], of: Of): string[] {
  const { exportPolicy } = peer({ advertisements: [advertisement("a", ...entries)], ...of });
  return exportPolicy.map(({ name, prefixes }) => [name, ...(prefixes ?? [])].join(" "));
}
const lb = (of: Of) => statements([serviceEntry(["LoadBalancerIP"])], of);
const web = (more: Service["spec"] = {}) => service("web", more, ["192.0.2.1"]);
const advertisedWeb = ["Service-web-default-LoadBalancerIP-ipv4 192.0.2.1/32"];

describe("which addresses", () => {
  test("LoadBalancerIP is status.loadBalancer.ingress, ClusterIP all clusterIPs, ExternalIP spec.externalIPs", () => {
    const services = [
      service("web", { clusterIPs: ["10.96.0.10", "fd00:96::10"], externalIPs: ["198.51.100.1"] }, [
        "192.0.2.1",
        "2001:db8::1",
      ]),
    ];
    const all = serviceEntry(["LoadBalancerIP", "ClusterIP", "ExternalIP"]);
    expect(statements([all], { services, peerConfigs: both })).toEqual([
      "Service-web-default-ClusterIP-ipv4 10.96.0.10/32",
      "Service-web-default-ClusterIP-ipv6 fd00:96::10/128",
      "Service-web-default-ExternalIP-ipv4 198.51.100.1/32",
      "Service-web-default-LoadBalancerIP-ipv4 192.0.2.1/32",
      "Service-web-default-LoadBalancerIP-ipv6 2001:db8::1/128",
    ]);
    expect(statements([serviceEntry(["ExternalIP"])], { services })).toEqual([
      "Service-web-default-ExternalIP-ipv4 198.51.100.1/32",
    ]);
  });
  test.each([
    [undefined, advertisedWeb],
    ["io.cilium/bgp-control-plane", advertisedWeb],
    ["io.cilium/l2-announcer", []],
    ["example.com/other", []],
  ])("load-balancer class %s", (loadBalancerClass, expected) => {
    const spec = loadBalancerClass === undefined ? {} : { loadBalancerClass };
    expect(lb({ services: [web(spec)] })).toEqual(expected);
  });
  test("only a Service of type LoadBalancer has a LoadBalancerIP; a headless one has no ClusterIP", () => {
    expect(lb({ services: [web({ type: "ClusterIP" })] })).toEqual([]);
    const headless = service("db", { type: "ClusterIP", clusterIP: "None", clusterIPs: ["None"] });
    expect(statements([serviceEntry(["ClusterIP"])], { services: [headless] })).toEqual([]);
  });
  test("an ingress that is a host name, or with ipMode Proxy, is not advertised", () => {
    const of = web();
    of.status!.loadBalancer!.ingress = [
      { hostname: "lb.example.com" },
      { ip: "192.0.2.9", ipMode: "Proxy" },
      { ip: "192.0.2.1", ipMode: "VIP" },
    ];
    expect(lb({ services: [of] })).toEqual(advertisedWeb);
  });
  test.each(["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"])(
    "label %s: no frontend is built, so nothing is advertised",
    (label) => {
      const of = web();
      of.metadata.labels = { [label]: "x" };
      expect(lb({ services: [of] })).toEqual([]);
    },
  );
});

describe("selector", () => {
  const services = [web(), service("api", {}, ["192.0.2.2"])];
  const by = (selector: Advertisement["selector"]) =>
    statements([{ ...serviceEntry(["LoadBalancerIP"]), ...(selector && { selector }) }], {
      services,
    });
  test("nil selects nothing, {} everything", () => {
    const { selector: _, ...none } = serviceEntry(["LoadBalancerIP"]);
    expect(statements([none], { services })).toEqual([]);
    expect(by({})).toHaveLength(2);
  });
  test("labels, and the pseudo-labels of name and namespace", () => {
    const web1 = advertisedWeb;
    expect(by({ matchLabels: { app: "web" } })).toEqual(web1);
    expect(by({ matchLabels: { "io.kubernetes.service.name": "web" } })).toEqual(web1);
    const key = "io.kubernetes.service.namespace";
    expect(by({ matchExpressions: [{ key, operator: "In", values: ["default"] }] })).toHaveLength(
      2,
    );
    expect(by({ matchExpressions: [{ key, operator: "NotIn", values: ["default"] }] })).toEqual([]);
  });
});

describe("traffic policies", () => {
  const local = { externalTrafficPolicy: "Local" };
  const onlyHere = [slice("web", [here])];
  const onlyElsewhere = [slice("web", [elsewhere])];
  test("externalTrafficPolicy Local: only with an active backend on this node", () => {
    expect(lb({ services: [web(local)], slices: onlyHere })).toEqual(advertisedWeb);
    expect(lb({ services: [web(local)], slices: onlyElsewhere })).toEqual([]);
    expect(lb({ services: [web(local)] })).toEqual([]);
    const external = service("web", { ...local, externalIPs: ["198.51.100.1"] });
    const entry = serviceEntry(["ExternalIP"]);
    expect(statements([entry], { services: [external], slices: onlyElsewhere })).toEqual([]);
  });
  test("internalTrafficPolicy Local decides about the ClusterIP, and not about the others", () => {
    const services = [web({ internalTrafficPolicy: "Local" })];
    const entry = serviceEntry(["ClusterIP", "LoadBalancerIP"]);
    expect(statements([entry], { services, slices: onlyElsewhere })).toEqual(advertisedWeb);
    expect(statements([entry], { services, slices: onlyHere })).toHaveLength(2);
  });
  test.each([
    [{}, true],
    [{ ready: null }, true],
    [{ ready: true }, true],
    [{ ready: false }, false],
    [{ ready: true, terminating: true }, false],
    [{ ready: false, serving: true, terminating: true }, false],
  ])("active is ready and not terminating: %j", (conditions, isActive) => {
    const slices = [slice("web", [{ ...here, conditions }])];
    expect(lb({ services: [web(local)], slices })).toEqual(isActive ? advertisedWeb : []);
  });
  test("v1beta1 says the node in the topology", () => {
    const topology = { "kubernetes.io/hostname": "kind-worker" };
    const slices = [slice("web", [{ addresses: ["10.1.3.7"], topology }])];
    expect(lb({ services: [web(local)], slices })).toEqual(advertisedWeb);
  });
  test("backends count for the frontends of their own family", () => {
    const services = [service("web", local, ["192.0.2.1", "2001:db8::1"])];
    const slices = [slice("web", [{ ...here, addresses: ["fd00::7"] }], "IPv6")];
    expect(lb({ services, slices, peerConfigs: both })).toEqual([
      "Service-web-default-LoadBalancerIP-ipv6 2001:db8::1/128",
    ]);
  });
  test("externalTrafficPolicy Cluster without backends: advertised unless enable-no-service-endpoints-routable is false", () => {
    expect(lb({ services: [web()] })).toEqual(advertisedWeb);
    expect(lb({ services: [web()], noEndpointsRoutable: false })).toEqual([]);
    const of = { services: [web()], noEndpointsRoutable: false, slices: onlyElsewhere };
    expect(lb(of)).toEqual(advertisedWeb);
  });
  test.each([{ "cilium.io/ingress": "true" }, { "io.cilium.gateway/owning-gateway": "gw" }])(
    "an address that the local Envoy answers for is advertised whatever the endpoints: %j",
    (labels) => {
      const of = web(local);
      of.metadata.labels = labels;
      expect(lb({ services: [of], noEndpointsRoutable: false })).toEqual(advertisedWeb);
    },
  );
});

describe("aggregation", () => {
  const entry = serviceEntry(["LoadBalancerIP"], {
    service: {
      addresses: ["LoadBalancerIP"],
      aggregationLengthIPv4: 24,
      aggregationLengthIPv6: 64,
    },
  });
  const services = [service("web", {}, ["192.0.2.1", "192.0.2.77", "2001:db8::1"])];
  test("the length takes the place of /32 and /128, with priority 41 and the suffix -agg-LENGTH", () => {
    expect(
      statements([entry, serviceEntry(["ClusterIP"])], { services, peerConfigs: both }),
    ).toEqual([
      "Service-web-default-ClusterIP-ipv4 10.96.0.10/32",
      "Service-web-default-LoadBalancerIP-ipv4-agg-24 192.0.2.0/24",
      "Service-web-default-LoadBalancerIP-ipv6-agg-64 2001:db8::/64",
    ]);
  });
  test("ignored where the traffic policy is Local", () => {
    const local = [service("web", { externalTrafficPolicy: "Local" }, ["192.0.2.1"])];
    const of = { services: local, slices: [slice("web", [here])] };
    expect(statements([entry], of)).toEqual(advertisedWeb);
  });
  test("one aggregate of two Services: the first by statement name wins", () => {
    const entries = [
      { ...entry, selector: { matchLabels: { app: "web" } }, attributes: { localPreference: 7 } },
      { ...entry, selector: { matchLabels: { app: "api" } }, attributes: { localPreference: 9 } },
    ];
    const two = [web(), service("api", {}, ["192.0.2.2"])];
    const of = { services: two, advertisements: [advertisement("a", ...entries)] };
    const [first] = peer(of).exportPolicy;
    expect(first).toMatchObject({
      name: "Service-api-default-LoadBalancerIP-ipv4-agg-24",
      prefixes: ["192.0.2.0/24"],
      set: { localPref: 9 },
    });
    expect(compiled(of).originate).toEqual(["192.0.2.0/24"]);
  });
});

describe("overlap", () => {
  test("communities are united and sorted, and the highest local preference counts", () => {
    const advertisements = [
      advertisement(
        "a",
        serviceEntry(["LoadBalancerIP"], {
          attributes: {
            communities: { standard: ["65000:2"], wellKnown: ["no-export"], large: ["1:1:2"] },
            localPreference: 50,
          },
        }),
      ),
      advertisement(
        "b",
        serviceEntry(["LoadBalancerIP", "ClusterIP"], {
          attributes: {
            communities: { standard: ["65000:2", "65000:1"], large: ["1:1:1"] },
            localPreference: 150,
          },
        }),
      ),
    ];
    const { exportPolicy } = peer({ advertisements, services: [web()] });
    expect(exportPolicy.map(({ set }) => set)).toEqual([
      {
        localPref: 150,
        communities: [65000 * 65536 + 2, 65000 * 65536 + 1],
        largeCommunities: [[1, 1, 1]],
      },
      {
        localPref: 150,
        communities: [65000 * 65536 + 1, 65000 * 65536 + 2, 0xffffff01],
        largeCommunities: [
          [1, 1, 1],
          [1, 1, 2],
        ],
      },
    ]);
  });
  test("other prefix lengths do not overlap: each has its statement", () => {
    const aggregated = serviceEntry(["LoadBalancerIP"], {
      service: { addresses: ["LoadBalancerIP"], aggregationLengthIPv4: 24 },
      attributes: { localPreference: 9 },
    });
    const entries = [aggregated, serviceEntry(["LoadBalancerIP"])];
    const { exportPolicy } = peer({
      advertisements: [advertisement("a", ...entries)],
      services: [web()],
    });
    expect(exportPolicy.map(({ name, set }) => [name, set?.localPref])).toEqual([
      ["Service-web-default-LoadBalancerIP-ipv4", undefined],
      ["Service-web-default-LoadBalancerIP-ipv4-agg-24", 9],
    ]);
  });
});

describe("change", () => {
  const advertisements = [advertisement("a", serviceEntry(["LoadBalancerIP"]))];
  test("a shared address stays as long as one Service keeps it", () => {
    const of = input({ advertisements, services: [web(), service("api", {}, ["192.0.2.1"])] });
    const memory = new CompileMemory();
    const originate = () => compileNode(of, memory).instances[0]!.config.originate;
    expect(originate()).toEqual(["192.0.2.1/32"]);
    of.services.removeService(web());
    expect(originate()).toEqual(["192.0.2.1/32"]);
    of.services.removeService(service("api"));
    expect(originate()).toEqual([]);
  });
  test("the statements of Services that did not change are the same objects", () => {
    const many = Array.from({ length: 50 }, (_, n) => service(`s${n}`, {}, [`192.0.2.${n}`]));
    const of = input({ advertisements, services: many });
    const memory = new CompileMemory();
    const policy = () => compileNode(of, memory).instances[0]!.config.peers[0]!.exportPolicy;
    const before = policy();
    expect(policy().every((one, at) => one === before[at])).toBe(true);
    of.services.putService(service("s7", {}, ["198.51.100.7"]));
    const after = policy();
    expect(after.filter((one) => !before.includes(one)).map(({ prefixes }) => prefixes)).toEqual([
      ["198.51.100.7/32"],
    ]);
    expect(after).toEqual(compileNode(of).instances[0]!.config.peers[0]!.exportPolicy);
  });
  test("two Services whose statements have one name: each goes by itself", () => {
    const named = (name: string, namespace: string, ip: string): Service => {
      const one = service(name, {}, [ip]);
      return { ...one, metadata: { ...one.metadata, namespace } };
    };
    const first = named("a-b", "c", "192.0.2.1");
    const second = named("a", "b-c", "192.0.2.2");
    const of = input({ advertisements, services: [first, second] });
    const memory = new CompileMemory();
    const prefixes = () =>
      compileNode(of, memory).instances[0]!.config.peers[0]!.exportPolicy.flatMap(
        (one) => one.prefixes,
      );
    expect(prefixes()).toHaveLength(2);
    of.services.removeService(first);
    expect(prefixes()).toEqual(["192.0.2.2/32"]);
  });
  test("an endpoint that comes and goes on this node", () => {
    const of = input({ advertisements, services: [web({ externalTrafficPolicy: "Local" })] });
    const memory = new CompileMemory();
    const originate = () => compileNode(of, memory).instances[0]!.config.originate;
    expect(originate()).toEqual([]);
    of.services.putSlice(slice("web", [here]));
    expect(originate()).toEqual(["192.0.2.1/32"]);
    of.services.putSlice(slice("web", [elsewhere]));
    expect(originate()).toEqual([]);
    of.services.putSlice(slice("web", [here]));
    of.services.removeSlice(slice("web", []));
    expect(originate()).toEqual([]);
  });
});
