import type { Address, Family } from "../net/address.ts";
import { familyOf } from "../net/address.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Endpoint, Fabric } from "../topology/fabric.ts";
import { type InterfaceAddress, kernelAddresses } from "./kernel.ts";
import type { NextHop } from "./rib-view.ts";

/** A link as the node at one end has it. */
type Neighbor = { node: string; own: string; other: Endpoint };

/**
 * Which address is whose in a lab, so that checks speak names. Read from the nodes at first need,
 * kept, and read again by `refresh`. Link-local addresses mean something on their own link only:
 * they are looked up with the node and, where known, the interface that sees them.
 */
export class Names {
  readonly #runtime: Runtime;
  readonly #fabric: Fabric;
  readonly #neighbors: ReadonlyMap<string, Neighbor[]>;
  #addresses: Map<string, InterfaceAddress[]> | undefined;
  /** The node of each global address; of one that several have, the first node. */
  #owners = new Map<Address, string>();
  #reading: Promise<void> | undefined;

  constructor(runtime: Runtime, fabric: Fabric) {
    this.#runtime = runtime;
    this.#fabric = fabric;
    const ends = fabric.links.flatMap(({ endpoints: [a, b] }): Neighbor[] => [
      { node: a.node, own: a.interface, other: b },
      { node: b.node, own: b.interface, other: a },
    ]);
    this.#neighbors = Map.groupBy(ends, ({ node }) => node);
  }

  /** Reads the addresses of every node. A node that cannot be read keeps what was known of it. */
  async refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  /** Reads the nodes unless they were read before. */
  async ready(): Promise<void> {
    if (this.#addresses === undefined) await this.refresh();
  }

  /** Global addresses of a node, those of `lo` first, then in interface order. Call `ready` before. */
  addressesOf(node: string): InterfaceAddress[] {
    const all = (this.#addresses?.get(node) ?? []).filter(({ scope }) => scope === "global");
    return [
      ...all.filter((of) => of.interface === "lo"),
      ...all.filter((of) => of.interface !== "lo"),
    ];
  }

  /** The first global address on `lo`. */
  loopbackOf(node: string, family: Family = "ipv4"): Address | undefined {
    const found = this.addressesOf(node).filter((of) => of.interface === "lo");
    return (found.find((of) => familyOf(of.address) === family) ?? found[0])?.address;
  }

  /** The first one of the family, or of either where none is asked for. */
  addressOfInterface(node: string, name: string, family?: Family): Address | undefined {
    return this.addressesOf(node).find(
      (of) => of.interface === name && (family === undefined || familyOf(of.address) === family),
    )?.address;
  }

  /** The node that owns a global address. */
  nodeOf(address: Address): string | undefined {
    return this.#owners.get(address);
  }

  /** The node that `hop` leads to, as `node` sees it. */
  nodeOfNextHop(node: string, hop: NextHop): string | undefined {
    if (!hop.address.startsWith("fe80:")) return this.nodeOf(hop.address);
    const neighbors = this.neighborsOf(node).filter(
      ({ own }) => hop.interface === undefined || own === hop.interface,
    );
    const owner = neighbors.find(({ other }) =>
      this.#addresses
        ?.get(other.node)
        ?.some((of) => of.address === hop.address && of.interface === other.interface),
    );
    // The interface alone says who is at the other end, should the address be new.
    return (owner ?? (hop.interface === undefined ? undefined : neighbors[0]))?.other.node;
  }

  /** The node at the other end of the link at an interface. */
  neighborAt(node: string, name: string): string | undefined {
    return this.neighborsOf(node).find(({ own }) => own === name)?.other.node;
  }

  /** The links of a node: its own interface and the other end. */
  neighborsOf(node: string): readonly Neighbor[] {
    return this.#neighbors.get(node) ?? [];
  }

  async #read(): Promise<void> {
    const before = this.#addresses;
    const nodes = this.#fabric.nodes.map(({ name }) => name);
    const read = await Promise.allSettled(
      nodes.map((node) => kernelAddresses(this.#runtime, { node })),
    );
    this.#addresses = new Map(
      nodes.map((node, i) => {
        const result = read[i]!;
        return [node, result.status === "fulfilled" ? result.value : (before?.get(node) ?? [])];
      }),
    );
    this.#owners = new Map();
    for (const [node, addresses] of this.#addresses) {
      for (const { address, scope } of addresses) {
        if (scope === "global" && !this.#owners.has(address)) this.#owners.set(address, node);
      }
    }
    const failures = read.filter((result) => result.status === "rejected");
    // Where nothing at all can be read, the names are not merely old: say so.
    if (failures.length === nodes.length && failures[0]) throw failures[0].reason;
  }
}
