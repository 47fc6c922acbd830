import { isReady, type Pod } from "../kinds.ts";
import {
  type Endpoint,
  type EndpointSlice,
  type IpFamily,
  type Service,
  serviceNameLabel,
  type ServicePort,
} from "../services/service.ts";
import { ownerReference } from "./pod-template.ts";

/** --max-endpoints-per-slice of kube-controller-manager. */
const endpointsMax = 100;
const managedBy = {
  "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
};

/**
 * The EndpointSlices that a service should have: for each of its address families and each different
 * set of target ports, of the pods that its selector matches. None without a selector: then they are
 * somebody else's to write.
 */
export function endpointSlicesOf(
  service: Service,
  podsOfNamespace: readonly Pod[],
): EndpointSlice[] {
  const { selector = {}, type, ipFamilies = ["IPv4"], ports = [] } = service.spec;
  if (type === "ExternalName" || Object.keys(selector).length === 0) return [];
  const pods = podsOfNamespace.filter(
    ({ metadata, status }) =>
      (status?.podIPs ?? []).length > 0 &&
      status?.phase !== "Succeeded" &&
      status?.phase !== "Failed" &&
      Object.entries(selector).every(([key, value]) => metadata.labels?.[key] === value),
  );
  return ipFamilies.flatMap((family) => slicesOfFamily(service, ports, pods, family));
}

function slicesOfFamily(
  service: Service,
  ports: readonly ServicePort[],
  pods: readonly Pod[],
  family: IpFamily,
): EndpointSlice[] {
  const groups = new Map<string, { ports: EndpointSlice["ports"]; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    const address = pod.status!.podIPs!.find(({ ip }) => ip.includes(":") === (family === "IPv6"));
    if (address === undefined) continue;
    const targets = ports.flatMap((port) => targetOf(port, pod) ?? []);
    const key = JSON.stringify(targets);
    const group = groups.get(key) ?? { ports: targets, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpointOf(service, pod, address.ip));
  }
  const chunks = [...groups.values()].flatMap((group) =>
    chunked(group.endpoints).map((endpoints) => ({ ...group, endpoints })),
  );
  const { name, namespace = "default", labels } = service.metadata;
  return chunks.map(({ ports: targets, endpoints }, n) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      // Kubernetes ends the name by chance; a number makes the same object every time.
      name: `${name}-${family.toLowerCase()}-${n}`,
      namespace,
      labels: { ...labels, ...managedBy, [serviceNameLabel]: name },
      ownerReferences: [ownerReference(service)],
    },
    addressType: family,
    endpoints,
    ports: targets,
  }));
}

/** Undefined where the pod has no port of that name. */
function targetOf(port: ServicePort, pod: Pod): EndpointSlice["ports"][number] | undefined {
  const { name = "", protocol = "TCP", targetPort = port.port, appProtocol } = port;
  const number = typeof targetPort === "number" ? targetPort : namedPort(pod, targetPort);
  if (number === undefined) return undefined;
  return { name, protocol, port: number, ...(appProtocol !== undefined && { appProtocol }) };
}

function namedPort(pod: Pod, name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  return pod.spec.containers.flatMap(({ ports = [] }) => ports).find((port) => port.name === name)
    ?.containerPort;
}

function endpointOf(service: Service, pod: Pod, address: string): Endpoint {
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const serving = isReady(pod);
  const { name, namespace, uid } = pod.metadata;
  return {
    addresses: [address],
    conditions: {
      ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(pod.spec.nodeName !== undefined && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: "Pod", name, ...(namespace && { namespace }), ...(uid && { uid }) },
  };
}

function chunked(endpoints: readonly Endpoint[]): Endpoint[][] {
  const sorted = endpoints.toSorted((a, b) => a.addresses[0]!.localeCompare(b.addresses[0]!));
  return Array.from({ length: Math.ceil(sorted.length / endpointsMax) }, (_, n) =>
    sorted.slice(n * endpointsMax, (n + 1) * endpointsMax),
  );
}
