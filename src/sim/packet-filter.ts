/** What of a packet rules look at beside where it came in. Undefined: it is no TCP. */
export type PacketHeader = { sourcePort: number; destinationPort: number };

/** Where a chain looks: `ingress` at whatever comes in by one device, `input` at what is for this node. */
export type Hook = { hook: "ingress"; device: string } | { hook: "input" };

/** One that drops what it matches; what is undefined matches any. A rule about ports is about TCP. */
export type DropRule = {
  device?: string;
  tcpSourcePort?: number;
  tcpDestinationPort?: number;
};

export type Chain = { at: Hook; rules: DropRule[] };

/** The packets that a node drops as they come in, without a word, as nftables has it. */
export class PacketFilter {
  /** By `FAMILY NAME`, chains by name. */
  readonly tables = new Map<string, Map<string, Chain>>();

  drops(
    hook: Hook["hook"],
    on: string,
    { sourcePort, destinationPort }: Partial<PacketHeader> = {},
  ): boolean {
    for (const chains of this.tables.values()) {
      for (const { at, rules } of chains.values()) {
        if (at.hook !== hook || (at.hook === "ingress" && at.device !== on)) continue;
        const isDropped = rules.some(
          (rule) =>
            matches(rule.device, on) &&
            matches(rule.tcpSourcePort, sourcePort) &&
            matches(rule.tcpDestinationPort, destinationPort),
        );
        if (isDropped) return true;
      }
    }
    return false;
  }
}

function matches<Value>(wanted: Value | undefined, value: Value | undefined): boolean {
  return wanted === undefined || wanted === value;
}
