import { type Address, addressAfter, familyOf, parseAddress } from "../../net/address.ts";
import {
  addressBits,
  type Prefix,
  prefixBase,
  prefixContains,
  prefixFamily,
  prefixLength,
} from "../../net/prefix.ts";
import type { Cause } from "../server/api-error.ts";
import { invalidValue } from "../server/names.ts";
import type { IpFamily, Service, ServicePort } from "./service.ts";

/** --service-node-port-range of kube-apiserver. */
const nodePorts = { first: 30000, last: 32767 };
/** The first is the API's own, and the tenth DNS' by custom. */
const firstOffset = 11;

/**
 * Cluster IPs and node ports, as the API server's registry of services gives them out (Kubernetes
 * takes free ones by chance; here it is the lowest, so that a lab comes up the same every time).
 */
export class ServiceAllocator {
  readonly #subnets: readonly Prefix[];
  readonly #taken = new Set<string>();
  /** Where to look next: what lies before is mostly taken. */
  readonly #offsets = new Map<Prefix, number>();

  /** One or two subnets; the first one's family is the cluster's first. */
  constructor(subnets: readonly Prefix[]) {
    this.#subnets = subnets;
  }

  /**
   * Fills in what the service has not got, and returns what it asked for and cannot have. Nothing is
   * taken yet: the service may still be refused for another reason.
   */
  fill(service: Service, before: Service | undefined): Cause[] {
    const { spec } = service;
    if (spec.type === "ExternalName") {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      return [];
    }
    const own = before === undefined ? new Set<string>() : new Set(takenBy(before));
    return [...this.#fillAddresses(spec, before?.spec, own), ...this.#fillPorts(spec, before, own)];
  }

  take(service: Service): void {
    for (const one of takenBy(service)) this.#taken.add(one);
  }

  release(service: Service): void {
    for (const one of takenBy(service)) this.#taken.delete(one);
    this.#offsets.clear();
  }

  #fillAddresses(
    spec: Service["spec"],
    before: Service["spec"] | undefined,
    own: ReadonlySet<string>,
  ): Cause[] {
    if (spec.clusterIP === "None" || spec.clusterIPs?.[0] === "None") {
      Object.assign(spec, { clusterIP: "None", clusterIPs: ["None"] });
      spec.ipFamilies ??= this.#families(spec);
      spec.ipFamilyPolicy ??= "SingleStack";
      return [];
    }
    // An apply that says nothing of addresses leaves them as they are.
    if (!spec.clusterIP && before?.clusterIP) spec.clusterIP = before.clusterIP;
    const asked = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
    const causes: Cause[] = [];
    const addresses: string[] = [];
    for (const [index, text] of asked.entries()) {
      const reason = this.#refusal(text, own);
      if (reason === undefined) addresses.push(text);
      else causes.push(invalidValue(`spec.clusterIPs[${index}]`, text, reason));
    }
    if (causes.length > 0) return causes;
    spec.ipFamilyPolicy ??= addresses.length > 1 ? "RequireDualStack" : "SingleStack";
    spec.ipFamilies ??= [
      ...new Set([...addresses.map((each) => ipFamily(each as Address)), ...this.#families(spec)]),
    ];
    for (const [index, family] of spec.ipFamilies.entries()) {
      if (addresses.some((each) => ipFamily(each as Address) === family)) continue;
      const subnet = this.#subnets.find((each) => ipFamilyOf(each) === family);
      const found = subnet && this.#free(subnet);
      if (found !== undefined) addresses.push(found);
      else {
        const detail = subnet
          ? `no address of ${subnet} is free`
          : "not configured on this cluster";
        causes.push(invalidValue(`spec.ipFamilies[${index}]`, family, detail));
      }
    }
    spec.clusterIP = addresses[0]!;
    spec.clusterIPs = addresses;
    return causes;
  }

  #families(spec: Service["spec"]): IpFamily[] {
    const all = this.#subnets.map(ipFamilyOf);
    return (spec.ipFamilyPolicy ?? "SingleStack") === "SingleStack" ? all.slice(0, 1) : all;
  }

  #refusal(text: string, own: ReadonlySet<string>): string | undefined {
    const address = parseAddress(text);
    if (address === undefined) return "must be a valid IP address";
    if (!this.#subnets.some((subnet) => prefixContains(subnet, address))) {
      const ranges = this.#subnets.join(", ");
      return `failed to allocate IP ${text}: the provided IP is not in the valid range. The range of valid IPs is ${ranges}`;
    }
    if (this.#taken.has(address) && !own.has(address)) {
      return `failed to allocate IP ${text}: provided IP is already allocated`;
    }
    return undefined;
  }

  #free(subnet: Prefix): Address | undefined {
    const size = 2 ** Math.min(addressBits(prefixFamily(subnet)) - prefixLength(subnet), 30);
    // The last of an IPv4 subnet is its broadcast address.
    for (let n = this.#offsets.get(subnet) ?? firstOffset; n < size - 1; n++) {
      const address = addressAfter(prefixBase(subnet), n);
      if (this.#taken.has(address)) continue;
      this.#offsets.set(subnet, n);
      return address;
    }
    return undefined;
  }

  #fillPorts(
    spec: Service["spec"],
    before: Service | undefined,
    own: ReadonlySet<string>,
  ): Cause[] {
    const wanted =
      spec.type === "NodePort" ||
      (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
    const causes: Cause[] = [];
    const chosen = new Set<string>();
    for (const [index, port] of (spec.ports ?? []).entries()) {
      if (!wanted) continue;
      port.nodePort ||=
        before?.spec.ports?.find((each) => isSamePort(each, port))?.nodePort ??
        this.#freePort(port, chosen);
      const field = `spec.ports[${index}].nodePort`;
      const key = portKey(port);
      if (port.nodePort < nodePorts.first || port.nodePort > nodePorts.last) {
        const detail = `provided port is not in the valid range. The range of valid ports is ${nodePorts.first}-${nodePorts.last}`;
        causes.push(invalidValue(field, port.nodePort, detail));
      } else if (chosen.has(key) || (this.#taken.has(key) && !own.has(key))) {
        causes.push(invalidValue(field, port.nodePort, "provided port is already allocated"));
      }
      chosen.add(key);
    }
    return causes;
  }

  /** 0 where none is free, which is out of range. */
  #freePort({ protocol }: ServicePort, chosen: ReadonlySet<string>): number {
    for (let nodePort = nodePorts.first; nodePort <= nodePorts.last; nodePort++) {
      const key = portKey({ port: 0, nodePort, ...(protocol && { protocol }) });
      if (!this.#taken.has(key) && !chosen.has(key)) return nodePort;
    }
    return 0;
  }
}

function takenBy({ spec }: Service): string[] {
  const addresses = (spec.clusterIPs ?? []).filter((each) => each !== "None");
  const ports = (spec.ports ?? []).filter(({ nodePort }) => nodePort !== undefined);
  return [...addresses, ...ports.map(portKey)];
}

function portKey({ protocol = "TCP", nodePort }: ServicePort): string {
  return `${protocol}/${nodePort}`;
}

function isSamePort(a: ServicePort, b: ServicePort): boolean {
  return a.port === b.port && (a.protocol ?? "TCP") === (b.protocol ?? "TCP");
}

function ipFamilyOf(subnet: Prefix): IpFamily {
  return prefixFamily(subnet) === "ipv4" ? "IPv4" : "IPv6";
}

function ipFamily(address: Address): IpFamily {
  return familyOf(address) === "ipv4" ? "IPv4" : "IPv6";
}
