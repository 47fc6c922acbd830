import type { EndpointSlice, Service, ServicePort } from "./service.ts";
import { serviceNameLabel } from "./service.ts";

/**
 * What kube-proxy does on a node, as one nftables table: packets to a service's addresses and node
 * ports go to one of its ready endpoints, drawn by chance for each connection. Sessions do not stick
 * to an endpoint (`sessionAffinity`).
 */
const table = "spinelab-services";
/** Of packets whose source becomes the node's own, so that the answer comes back through it. */
const masqueradeMark = "0x4000";

type Destination = { addresses: string[]; nodePort?: number; local: boolean; external: boolean };
type Target = { address: string; port: number; nodeName?: string };

/** The text for `nft -f -`; it replaces what an earlier one made. */
export function forwardingRules(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  node: string,
): string {
  const slicesOf = Map.groupBy(
    slices,
    ({ metadata }) => `${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`,
  );
  const rules = new Rules();
  for (const service of services) {
    const { namespace, name } = service.metadata;
    const own = slicesOf.get(`${namespace}/${name}`) ?? [];
    for (const port of service.spec.ports ?? []) {
      const targets = targetsOf(own, port);
      for (const destination of destinationsOf(service, port)) {
        rules.add(port, destination, targets, node);
      }
    }
  }
  return rules.text();
}

/** Addresses with one traffic policy each (spec.internalTrafficPolicy, spec.externalTrafficPolicy). */
function destinationsOf({ spec, status }: Service, port: ServicePort): Destination[] {
  if (spec.type === "ExternalName") return [];
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  const outside = [...(spec.externalIPs ?? []), ...(spec.type === "LoadBalancer" ? ingress : [])];
  return [
    {
      addresses: (spec.clusterIPs ?? []).filter((each) => each !== "None"),
      local: spec.internalTrafficPolicy === "Local",
      external: false,
    },
    {
      addresses: outside,
      ...(port.nodePort !== undefined && { nodePort: port.nodePort }),
      local: spec.externalTrafficPolicy === "Local",
      external: true,
    },
  ];
}

/** Ready endpoints of the service port, of both families. */
function targetsOf(slices: readonly EndpointSlice[], { name = "" }: ServicePort): Target[] {
  return slices.flatMap(({ ports, endpoints }) => {
    const port = ports.find((each) => each.name === name)?.port;
    if (port === undefined) return [];
    return endpoints
      .filter(({ conditions }) => conditions.ready)
      .map(({ addresses: [address = ""], nodeName }) => ({
        address,
        port,
        ...(nodeName !== undefined && { nodeName }),
      }));
  });
}

class Rules {
  readonly #chains: string[] = [];
  readonly #byAddress = { ipv4: [] as string[], ipv6: [] as string[] };
  readonly #byPort = { ipv4: [] as string[], ipv6: [] as string[] };
  /** Destinations without an endpoint that could take a packet. */
  readonly #refused = { ipv4: [] as string[], ipv6: [] as string[] };
  #count = 0;

  add(
    { protocol = "TCP", port }: ServicePort,
    { addresses, nodePort, local, external }: Destination,
    targets: readonly Target[],
    node: string,
  ): void {
    for (const family of ["ipv4", "ipv6"] as const) {
      const ofFamily = (address: string) => address.includes(":") === (family === "ipv6");
      const usable = targets.filter(
        ({ address, nodeName }) => ofFamily(address) && (!local || nodeName === node),
      );
      const kind = protocol.toLowerCase();
      const keys = addresses.filter(ofFamily).map((each) => `${each} . ${kind} . ${port}`);
      const hasNodePort = external && nodePort !== undefined;
      if (keys.length === 0 && !hasNodePort) continue;
      if (usable.length === 0) {
        this.#refused[family].push(...keys);
        continue;
      }
      const chain = this.#chain(family, kind, usable, external && !local);
      this.#byAddress[family].push(...keys.map((key) => `${key} : goto ${chain}`));
      if (hasNodePort) this.#byPort[family].push(`${kind} . ${nodePort} : goto ${chain}`);
    }
  }

  /** `masquerade`: the endpoint may be on another node, and would answer the client directly. */
  #chain(
    family: "ipv4" | "ipv6",
    protocol: string,
    targets: readonly Target[],
    masquerade: boolean,
  ): string {
    const name = `service-${++this.#count}`;
    const [ip, bracket] = family === "ipv4" ? ["ip", String] : ["ip6", (a: string) => `[${a}]`];
    const mark = `meta mark set meta mark | ${masqueradeMark}`;
    const choices = targets.map(({ address, port }, n) => {
      this.#chains.push(
        `chain ${name}-${n} {`,
        // A pod that reaches itself by its service: it must not see its own address as the source.
        `  ${ip} saddr ${address} ${mark}`,
        `  meta l4proto ${protocol} dnat ${ip} to ${bracket(address)}:${port}`,
        "}",
      );
      return `${n} : goto ${name}-${n}`;
    });
    this.#chains.push(
      `chain ${name} {`,
      ...(masquerade ? [`  ${mark}`] : []),
      `  numgen random mod ${choices.length} vmap { ${choices.join(", ")} }`,
      "}",
    );
    return name;
  }

  text(): string {
    const maps = (["ipv4", "ipv6"] as const).flatMap((family) => [
      ...set(`map ${family}-services`, `${family}_addr . inet_proto . inet_service : verdict`, [
        ...new Set(this.#byAddress[family]),
      ]),
      ...set(`map ${family}-node-ports`, "inet_proto . inet_service : verdict", [
        ...new Set(this.#byPort[family]),
      ]),
      ...set(`set ${family}-refused`, `${family}_addr . inet_proto . inet_service`, [
        ...new Set(this.#refused[family]),
      ]),
    ]);
    return [
      `table inet ${table}`,
      `delete table inet ${table}`,
      `table inet ${table} {`,
      ...this.#chains,
      ...maps,
      hooks,
      "}",
      "",
    ].join("\n");
  }
}

function set(head: string, type: string, elements: readonly string[]): string[] {
  const list = elements.length === 0 ? [] : [`  elements = { ${elements.join(", ")} }`];
  return [`${head} {`, `  type ${type}`, ...list, "}"];
}

const hooks = `
chain services {
  ip daddr . meta l4proto . th dport vmap @ipv4-services
  ip6 daddr . meta l4proto . th dport vmap @ipv6-services
  meta nfproto ipv4 fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @ipv4-node-ports
  meta nfproto ipv6 fib daddr type local ip6 daddr != ::1 meta l4proto . th dport vmap @ipv6-node-ports
}
chain prerouting {
  type nat hook prerouting priority dstnat
  jump services
}
chain output {
  type nat hook output priority -100
  jump services
}
chain postrouting {
  type nat hook postrouting priority srcnat
  meta mark & ${masqueradeMark} != 0 masquerade
}
chain refuse {
  ip daddr . meta l4proto . th dport @ipv4-refused reject
  ip6 daddr . meta l4proto . th dport @ipv6-refused reject
}
chain forward {
  type filter hook forward priority filter
  jump refuse
}
chain local-out {
  type filter hook output priority filter
  jump refuse
}`.trim();
