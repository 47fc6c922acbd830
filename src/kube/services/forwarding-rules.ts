import type { Family, ForwardedDestination, ForwardingPlan, Target } from "./forwarding.ts";

const name = "spinelab-services";
/** Of packets whose source becomes the node's own, so that the answer comes back through it. */
const masqueradeMark = "0x4000";
const setMark = `meta mark set meta mark | ${masqueradeMark}`;
const families = ["ipv4", "ipv6"] as const;

/** Verdict maps and sets hold their elements once: two services may share an address. */
type Elements = Record<Family, Set<string>>;

/** A ForwardingPlan for `nft -f -`; it replaces what an earlier one made. */
export function forwardingRules(plan: ForwardingPlan): string {
  const table = new ForwardingTable(plan);
  for (const destination of plan.destinations) table.add(destination);
  return table.text();
}

/** The nftables table: verdict maps lead to a chain for each destination, and that to one of its endpoints. */
class ForwardingTable {
  readonly #nodeAddresses: readonly string[];
  readonly #chains: string[] = [];
  readonly #endpoints = new Map<string, string>();
  readonly #byAddress = elements();
  readonly #byPort = elements();
  readonly #virtual = elements();
  /** Destinations without an endpoint that could take a packet. */
  readonly #refused = elements();
  #count = 0;

  constructor({ nodeAddresses, virtual }: ForwardingPlan) {
    this.#nodeAddresses = nodeAddresses;
    for (const each of virtual) this.#virtual[each.includes(":") ? "ipv6" : "ipv4"].add(each);
  }

  add({ family, protocol, addresses, port, nodePort, ...led }: ForwardedDestination): void {
    const keys = addresses.map((each) => `${each} . ${protocol} . ${port}`);
    if (led.targets.length === 0) {
      for (const key of keys) this.#refused[family].add(key);
      return;
    }
    const { inside, targets, targetsForOutside: own } = led;
    const draw = this.#draw(family, protocol, targets);
    const chain = inside
      ? this.#fromInside(draw)
      : own === undefined
        ? this.#chain([setMark, draw])
        : this.#fromOutsideLocal(
            draw,
            own.length === 0 ? "drop" : this.#draw(family, protocol, own),
          );
    for (const key of keys) this.#byAddress[family].add(`${key} : goto ${chain}`);
    if (nodePort !== undefined) {
      this.#byPort[family].add(`${protocol} . ${nodePort} : goto ${chain}`);
    }
  }

  /**
   * A client that is no pod of this node has come by the fabric, or is the node: the endpoint would
   * answer it directly.
   */
  #fromInside(draw: string): string {
    return this.#chain([`iifname != "lxc*" ${setMark}`, draw]);
  }

  /** From outside the endpoints of the node see the client's address. */
  #fromOutsideLocal(draw: string, drawOwn: string): string {
    const any = this.#chain([draw]);
    return this.#chain([`iifname "lxc*" goto ${any}`, `fib saddr type local goto ${any}`, drawOwn]);
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
    const ipv4 = this.#nodeAddresses.find((each) => !each.includes(":"));
    const ipv6 = this.#nodeAddresses.find((each) => each.includes(":"));
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
