import type { Address } from "../net/address.ts";
import type { Interface } from "./link.ts";
import type { SimNode } from "./network.ts";

/** What conntrack tells connections apart by. ICMP has no ports. */
export type Tuple = {
  protocol: "tcp" | "udp" | "icmp";
  source: Address;
  destination: Address;
  sourcePort?: number;
  destinationPort?: number;
};

/** Where in a node a packet is looked at, as Linux calls these places. `ingress`: as it comes in by one device. */
export type Hook = "ingress" | "prerouting" | "input" | "forward" | "output" | "postrouting";

/** `reject`: as `drop`, and the sender is told. `reset`: told that its TCP connection is none. */
export type Verdict = "accept" | "drop" | "reject" | "reset";

/** A base chain as nftables has it. Of one hook the lowest priority comes first. */
export type Chain = {
  hook: Hook;
  priority: number;
  /** Sees only the first packet of a connection; the first of them that changes addresses is the last. */
  isNat?: boolean;
  /** `device`: that it came in by. */
  see: (packet: IpPacket, device: string | undefined) => Verdict;
};

/** What a node made of a connection's first packet, and makes of the others. */
type Translation = { before: Tuple; after: Tuple };

/** What nodes remember of one connection. */
export class Connection {
  readonly translations = new Map<SimNode, Translation>();
  /** Nodes that it came to out of the tunnel. */
  readonly tunnelled = new Set<SimNode>();
}

/** A packet with what decides where it goes; nodes on its way may change it. */
export class IpPacket {
  tuple: Tuple;
  readonly connection: Connection;
  readonly isReply: boolean;
  /** Undefined: the node itself sends it. */
  cameBy: Interface | "tunnel" | undefined;
  /** Leaves the node with its address as source. */
  isMasqueraded = false;
  /** The node's address that it is sent to inside another packet; undefined: it goes as routes lead. */
  tunnelTo: Address | "nowhere" | undefined;
  /** Of the routes that lead to its destination only those over this interface count. */
  leavesBy: string | undefined;

  constructor(tuple: Tuple, connection = new Connection(), isReply = false) {
    this.tuple = tuple;
    this.connection = connection;
    this.isReply = isReply;
  }

  /** What a node says to the one that sent this packet, as it came here. */
  reply(): IpPacket {
    return new IpPacket(reversed(this.tuple), this.connection, true);
  }

  /** Marks hold inside one node. */
  enter(cameBy: Interface | "tunnel" | undefined): void {
    this.cameBy = cameBy;
    this.isMasqueraded = false;
    this.tunnelTo = undefined;
    this.leavesBy = undefined;
  }
}

/** The packet rules of one node, and its connection tracking. */
export class Netfilter {
  readonly #node: SimNode;
  readonly #tables = new Map<string, readonly Chain[]>();
  #chains: Chain[] = [];

  constructor(node: SimNode) {
    this.#node = node;
  }

  /** In place of what the table was; without chains it is gone. */
  setTable(name: string, chains: readonly Chain[]): void {
    if (chains.length > 0) this.#tables.set(name, chains);
    else this.#tables.delete(name);
    this.#chains = [...this.#tables.values()].flat().sort((a, b) => a.priority - b.priority);
  }

  pass(hook: Hook, packet: IpPacket, device?: string): Verdict {
    const isFirst = hook === "prerouting" || hook === "output";
    const { translations } = packet.connection;
    const known = translations.get(this.#node);
    if (isFirst && known !== undefined) packet.tuple = translated(packet, known);
    let isTranslated = packet.isReply || known !== undefined;
    for (const chain of this.#chains) {
      if (chain.hook !== hook || (chain.isNat === true && isTranslated)) continue;
      const seen = packet.tuple;
      const verdict = chain.see(packet, device);
      if (verdict !== "accept") return verdict;
      isTranslated ||= chain.isNat === true && packet.tuple !== seen;
    }
    return "accept";
  }

  /** The packet has gone through: what was made of it is made of the others. */
  remember(before: Tuple, packet: IpPacket): void {
    const { connection, isReply, tuple } = packet;
    if (isReply || tuple === before || connection.translations.has(this.#node)) return;
    connection.translations.set(this.#node, { before, after: tuple });
  }
}

function translated({ tuple, isReply }: IpPacket, { before, after }: Translation): Tuple {
  if (!isReply) return isSame(tuple, before) ? after : tuple;
  const result = { ...tuple };
  // Errors of nodes on the way have a source of their own.
  if (tuple.destination === after.source) {
    result.destination = before.source;
    if (before.sourcePort !== undefined) result.destinationPort = before.sourcePort;
  }
  if (tuple.source === after.destination && tuple.sourcePort === after.destinationPort) {
    result.source = before.destination;
    if (before.destinationPort !== undefined) result.sourcePort = before.destinationPort;
  }
  return result;
}

export function reversed(tuple: Tuple): Tuple {
  const { protocol, source, destination, sourcePort, destinationPort } = tuple;
  return {
    ...{ protocol, source: destination, destination: source },
    ...(destinationPort !== undefined && { sourcePort: destinationPort }),
    ...(sourcePort !== undefined && { destinationPort: sourcePort }),
  };
}

export function isSame(a: Tuple, b: Tuple): boolean {
  return (
    a.protocol === b.protocol &&
    a.source === b.source &&
    a.destination === b.destination &&
    a.sourcePort === b.sourcePort &&
    a.destinationPort === b.destinationPort
  );
}
