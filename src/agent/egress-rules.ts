import {
  address as addressOf,
  type Address,
  addressToBytes,
  type Family,
  familyOf,
} from "../net/address.ts";
import { addressBits, prefixContains } from "../net/prefix.ts";
import type { EgressFlow, EgressPlan } from "../cilium/egress-plan.ts";

/**
 * What an EgressPlan is in the kernel: an nftables table that marks what leaves by another node and
 * translates what leaves here, a VXLAN tunnel between the nodes as Cilium has one, and policy routing
 * of what is marked.
 */
export const egressTable = "spinelab-egress";
/** Cilium's own name and port for its tunnel. */
export const tunnel = "cilium_vxlan";
const tunnelPort = 8472;
const tunnelId = 2;
/** What is left of 1500 bytes. */
const tunnelMtu = 1450;
const rulePriority = 90;
const markMask = 0xff0000;
/** Of the answers to what came by the tunnel, and of the routing table that leads them back. */
const answerMark = 0xff0000;
const firstTable = 0xe900;
const answerTable = firstTable + 0xff;
/** Interfaces are numbered down from here, gateways up from 0. */
const lastNumber = 0xfd;
/** `proto`: what is ours among the rules. */
const ruleProtocol = 179;

/** InternalIPs by node name. */
export type TunnelNodes = ReadonlyMap<string, Address>;

/** The routing table of what leaves by each interface. Egress-interfaces.ts fills it. */
export function interfaceTables(plan: EgressPlan): Map<string, number> {
  const names = plan.translated.flatMap(({ interfaceName }) => interfaceName ?? []);
  return new Map([...new Set(names)].sort().map((name, n) => [name, firstTable + lastNumber - n]));
}

/** `nft -f -`; replaces what an earlier one made. */
export function egressRuleset(plan: EgressPlan, node: string, gateways: readonly string[]): string {
  const tables = interfaceTables(plan);
  const own = plan.translated.flatMap(({ egressIp }) => egressIp ?? []);
  const refused = [...new Set(own)].map((each) => `  ${ip(each)} daddr ${each} reject`);
  return [
    `table inet ${egressTable}`,
    `delete table inet ${egressTable}`,
    `table inet ${egressTable} {`,
    // After dstnat: what goes to a service goes to its endpoint by now.
    "chain prerouting {",
    "  type filter hook prerouting priority -90",
    `  ct direction reply ct mark & ${hex(markMask)} == ${hex(answerMark)} ${mark(answerMark)} return`,
    `  iifname ${tunnel} ct mark set ct mark | ${hex(answerMark)}`,
    // Answers of pods to who called them go back as they came.
    "  ct direction reply return",
    ...plan.translated.flatMap((flow) => {
      const table = tables.get(flow.interfaceName ?? "");
      return table === undefined ? [] : `  ${match(flow)} ${mark(markOf(table))} return`;
    }),
    `  iifname ${tunnel} return`,
    ...plan.leaving.map((flow) => {
      const { gateway } = flow;
      const verdict =
        gateway === undefined
          ? "drop"
          : gateway === node
            ? "return"
            : `${mark(markOf(firstTable + gateways.indexOf(gateway)))} return`;
      return `  ${match(flow)} ${verdict}`;
    }),
    "}",
    "chain forward {",
    "  type filter hook forward priority filter",
    ...plan.translated
      .filter(({ egressIp }) => egressIp === undefined)
      .map((flow) => `  ${match(flow)} drop`),
    // An egress IP is nobody: what is no answer ends here and does not go back out.
    ...refused,
    "}",
    // The tunnel's own packets go by the ordinary routes.
    "chain tunnel {",
    "  type filter hook postrouting priority 300",
    `  oifname ${tunnel} meta mark set meta mark & ${hex(~markMask >>> 0)}`,
    "}",
    "chain postrouting {",
    "  type nat hook postrouting priority 90",
    ...plan.translated.flatMap((flow) =>
      flow.egressIp === undefined
        ? []
        : [`  ${match(flow)} snat ${ip(flow.egressIp)} to ${flow.egressIp}`],
    ),
    "}",
    "}",
    "",
  ].join("\n");
}

/** Lines for `ip -batch -`, `ip -4 -batch -`, `ip -6 -batch -` and `bridge -batch -`. */
export type EgressRoutes = { link: string[]; ipv4: string[]; ipv6: string[]; bridge: string[] };

/**
 * The tunnel with its neighbors, and routes. IPv4 is led over the nodes' InternalIPs, known to the tunnel as neighbors,
 * or, as IPv6, over link-local addresses made of them; nothing is asked of a node's IPv6 that has none and needs none.
 * Lines for what is there already fail, which is nothing to tell.
 */
export function egressRoutes(
  plan: EgressPlan,
  self: Address,
  nodes: TunnelNodes,
  gateways: readonly string[],
): EgressRoutes {
  const underlayOf = (node: string) => {
    const found = nodes.get(node);
    return found !== undefined && familyOf(found) === familyOf(self) ? found : undefined;
  };
  const families = familiesOf(plan);
  const names = new Set([...gateways, ...plan.remotePods.map(({ node }) => node)]);
  const peers = [...names].flatMap((name) => underlayOf(name) ?? []);
  const routes: EgressRoutes = {
    link: [
      `link add ${tunnel} mtu ${tunnelMtu} address ${mac(self)} type vxlan id ${tunnelId} local ${self} dstport ${tunnelPort} nolearning`,
      `link set ${tunnel} up`,
    ],
    ...{ ipv4: [], ipv6: [] },
    bridge: peers.map((peer) => `fdb replace ${mac(peer)} dev ${tunnel} dst ${peer}`),
  };
  /** What leads to a node within the tunnel. */
  const hop = (peer: Address, family: Family) =>
    family === "ipv4" && familyOf(peer) === "ipv4" ? peer : linkLocal(peer);
  for (const peer of peers) {
    for (const family of families) {
      const to = hop(peer, family);
      routes[familyOf(to)].push(`neigh replace ${to} lladdr ${mac(peer)} dev ${tunnel}`);
    }
  }
  const over = (peer: Address, family: Family, table: number) => {
    const via = hop(peer, family);
    return `via ${via.includes(":") ? "inet6 " : ""}${via} dev ${tunnel} onlink table ${table}`;
  };
  const addRule = (value: number, table: number) => {
    const rule = `rule add priority ${rulePriority} fwmark ${hex(value)}/${hex(markMask)} table ${table} protocol ${ruleProtocol}`;
    for (const family of families) routes[family].push(rule);
  };
  for (const [n, gateway] of gateways.entries()) {
    const table = firstTable + n;
    addRule(markOf(table), table);
    const peer = underlayOf(gateway);
    for (const family of families) {
      const route =
        peer === undefined
          ? `route replace unreachable default table ${table}`
          : `route replace default ${over(peer, family, table)}`;
      routes[family].push(route);
    }
  }
  for (const table of interfaceTables(plan).values()) {
    addRule(markOf(table), table);
    // By this interface or not at all.
    const nowhere = `route replace unreachable default metric 4294967295 table ${table}`;
    for (const family of families) routes[family].push(nowhere);
  }
  addRule(answerMark, answerTable);
  for (const { address, node } of plan.remotePods) {
    const peer = underlayOf(node);
    const family = familyOf(address);
    if (peer === undefined || !families.includes(family)) continue;
    const to = `${address}/${addressBits(family)}`;
    routes[family].push(`route replace ${to} ${over(peer, family, answerTable)}`);
  }
  return routes;
}

/** Of what leaves; IPv4 always, so that what was led over the tunnel goes on being answered. */
function familiesOf({ leaving, translated }: EgressPlan): Family[] {
  const hasIpv6 = [...leaving, ...translated].some(({ family }) => family === "ipv6");
  return hasIpv6 ? ["ipv4", "ipv6"] : ["ipv4"];
}

/** What takes all of it away. */
export const egressRemoval = {
  nft: `table inet ${egressTable}\ndelete table inet ${egressTable}\n`,
  link: [`link del ${tunnel}`],
  /** Of each family. */
  rules: [`rule flush protocol ${ruleProtocol}`],
} as const;

function match({ family, sources, destinations, excluded }: EgressFlow): string {
  const word = family === "ipv4" ? "ip" : "ip6";
  const except = excluded.length === 0 ? "" : ` ${word} daddr != { ${disjoint(excluded)} }`;
  return `${word} saddr { ${[...new Set(sources)].join(", ")} } ${word} daddr { ${disjoint(destinations)} }${except}`;
}

/** A set of nftables takes no prefix inside another. */
function disjoint(prefixes: EgressFlow["excluded"]): string {
  const all = [...new Set(prefixes)];
  return all
    .filter((each) => !all.some((other) => other !== each && prefixContains(other, each)))
    .join(", ");
}

/** Of what a table is for. */
function markOf(table: number): number {
  return (table - firstTable + 1) << 16;
}

function mark(value: number): string {
  return `meta mark set meta mark | ${hex(value)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function ip(address: Address): "ip" | "ip6" {
  return familyOf(address) === "ipv4" ? "ip" : "ip6";
}

/** Every node comes to the same for an InternalIP: its end of the tunnel, and the way there. */
function mac(of: Address): string {
  return ["02", "e9", ...tail(of).map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}

function linkLocal(of: Address): Address {
  const [a, b, c, d] = tail(of).map((byte) => byte.toString(16).padStart(2, "0"));
  return addressOf(`fe80::e9:${a}${b}:${c}${d}`);
}

/** IPv4's four bytes, of IPv6 all sixteen folded into four. */
function tail(of: Address): number[] {
  const folded = [0, 0, 0, 0];
  for (const [index, byte] of addressToBytes(of).entries()) folded[index % 4]! ^= byte;
  return folded;
}
