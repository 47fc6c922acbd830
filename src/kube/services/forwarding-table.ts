import type { NodeObject } from "../kinds.ts";

/**
 * The nftables table that forwards a node's service traffic: packets to a service's addresses and
 * node ports go to one of its endpoints, drawn by chance for each connection. Sessions do not stick to
 * an endpoint (`sessionAffinity`).
 */
const name = "spinelab-services";
/** Of packets whose source becomes the node's own, so that the answer comes back through it. */
const masqueradeMark = "0x4000";
const setMark = `meta mark set meta mark | ${masqueradeMark}`;
const families = ["ipv4", "ipv6"] as const;

export type Family = (typeof families)[number];
/** As whom a node forwards. */
export type ForwardingNode = Pick<NodeObject, "metadata" | "status">;
export type Target = { address: string; port: number; nodeName?: string };

/** Verdict maps and sets hold their elements once: two services may share an address. */
type Elements = Record<Family, Set<string>>;

export class ForwardingTable {
  readonly #node: ForwardingNode | undefined;
  readonly #chains: string[] = [];
  readonly #endpoints = new Map<string, string>();
  readonly #byAddress = elements();
  readonly #byPort = elements();
  readonly #virtual = elements();
  /** Destinations without an endpoint that could take a packet. */
  readonly #refused = elements();
  #count = 0;

  constructor(node: ForwardingNode | undefined) {
    this.#node = node;
  }

  /** What is sent to these addresses and is no service's is refused, and not sent on and on. */
  addVirtual(addresses: readonly string[]): void {
    for (const each of addresses) this.#virtual[each.includes(":") ? "ipv6" : "ipv4"].add(each);
  }

  /** `keys`: `ADDRESS . PROTOCOL . PORT`. */
  refuse(family: Family, keys: readonly string[]): void {
    for (const key of keys) this.#refused[family].add(key);
  }

  lead(family: Family, keys: readonly string[], ports: readonly string[], chain: string): void {
    for (const key of keys) this.#byAddress[family].add(`${key} : goto ${chain}`);
    for (const port of ports) this.#byPort[family].add(`${port} : goto ${chain}`);
  }

  /**
   * Cluster IPs. A client that is no pod of this node has come by the fabric, or is the node: the
   * endpoint would answer it directly.
   */
  fromInside(family: Family, protocol: string, targets: readonly Target[]): string {
    return this.#chain([`iifname != "lxc*" ${setMark}`, this.#draw(family, protocol, targets)]);
  }

  /** External addresses with traffic policy `Cluster`: the endpoint may be on another node. */
  fromOutside(family: Family, protocol: string, targets: readonly Target[]): string {
    return this.#chain([setMark, this.#draw(family, protocol, targets)]);
  }

  /**
   * External addresses with traffic policy `Local`: from outside only to endpoints of the node, which
   * see the client's address, or to nobody; from the cluster itself to any.
   */
  fromOutsideLocal(
    family: Family,
    protocol: string,
    own: readonly Target[],
    all: readonly Target[],
  ): string {
    const any = this.#chain([this.#draw(family, protocol, all)]);
    return this.#chain([
      `iifname "lxc*" goto ${any}`,
      `fib saddr type local goto ${any}`,
      own.length === 0 ? "drop" : this.#draw(family, protocol, own),
    ]);
  }

  text(): string {
    const maps = families.flatMap((family) => [
      ...set(
        `map ${family}-services`,
        `${family}_addr . inet_proto . inet_service : verdict`,
        this.#byAddress[family],
      ),
      ...set(
        `map ${family}-node-ports`,
        "inet_proto . inet_service : verdict",
        this.#byPort[family],
      ),
      ...set(
        `set ${family}-refused`,
        `${family}_addr . inet_proto . inet_service`,
        this.#refused[family],
      ),
      ...set(`set ${family}-virtual`, `${family}_addr`, this.#virtual[family]),
    ]);
    return [
      `table inet ${name}`,
      `delete table inet ${name}`,
      `table inet ${name} {`,
      ...this.#chains,
      ...maps,
      hooks,
      ...this.#postrouting(),
      "}",
      "",
    ].join("\n");
  }

  /** As Cilium does: the source is the node's InternalIP, whichever way the packet goes out. */
  #postrouting(): string[] {
    const addresses = (this.#node?.status?.addresses ?? [])
      .filter(({ type }) => type === "InternalIP")
      .map(({ address }) => address);
    const ipv4 = addresses.find((each) => !each.includes(":"));
    const ipv6 = addresses.find((each) => each.includes(":"));
    const marked = (family: Family) =>
      `  meta nfproto ${family} meta mark & ${masqueradeMark} != 0`;
    return [
      "chain postrouting {",
      "  type nat hook postrouting priority srcnat",
      `${marked("ipv4")} ${ipv4 === undefined ? "masquerade" : `snat ip to ${ipv4}`}`,
      `${marked("ipv6")} ${ipv6 === undefined ? "masquerade" : `snat ip6 to ${ipv6}`}`,
      "}",
    ];
  }

  #chain(rules: readonly string[]): string {
    const chain = `service-${++this.#count}`;
    this.#chains.push(`chain ${chain} {`, ...rules.map((rule) => `  ${rule}`), "}");
    return chain;
  }

  #draw(family: Family, protocol: string, targets: readonly Target[]): string {
    const choices = targets.map(
      (target, n) => `${n} : goto ${this.#endpoint(family, protocol, target)}`,
    );
    return `numgen random mod ${choices.length} vmap { ${choices.join(", ")} }`;
  }

  #endpoint(family: Family, protocol: string, { address, port }: Target): string {
    const ip = family === "ipv4" ? "ip" : "ip6";
    const to = `${family === "ipv4" ? address : `[${address}]`}:${port}`;
    const key = `${protocol} ${to}`;
    const known = this.#endpoints.get(key);
    if (known !== undefined) return known;
    const chain = `endpoint-${this.#endpoints.size + 1}`;
    this.#endpoints.set(key, chain);
    this.#chains.push(
      `chain ${chain} {`,
      // A pod that reaches itself by its service: it must not see its own address as the source.
      `  ${ip} saddr ${address} ${setMark}`,
      `  meta l4proto ${protocol} dnat ${ip} to ${to}`,
      "}",
    );
    return chain;
  }
}

function elements(): Elements {
  return { ipv4: new Set(), ipv6: new Set() };
}

function set(head: string, type: string, list: ReadonlySet<string>): string[] {
  const lines = list.size === 0 ? [] : [`  elements = { ${[...list].join(", ")} }`];
  return [`${head} {`, `  type ${type}`, ...lines, "}"];
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
chain refuse {
  ip daddr . meta l4proto . th dport @ipv4-refused reject
  ip6 daddr . meta l4proto . th dport @ipv6-refused reject
  ip daddr @ipv4-virtual reject
  ip6 daddr @ipv6-virtual reject
}
chain forward {
  type filter hook forward priority filter
  jump refuse
}
chain local-out {
  type filter hook output priority filter
  jump refuse
}`.trim();
