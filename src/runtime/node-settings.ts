import type { Fabric, FabricNode } from "../topology/fabric.ts";

/** Path below /proc/sys → value: routing without reverse-path surprises, IPv6 on every interface. */
export const nodeSysctls: Readonly<Record<string, string>> = {
  "net/ipv4/ip_forward": "1",
  "net/ipv4/conf/all/rp_filter": "0",
  "net/ipv4/conf/default/rp_filter": "0",
  "net/ipv6/conf/all/disable_ipv6": "0",
  "net/ipv6/conf/default/disable_ipv6": "0",
  "net/ipv6/conf/all/forwarding": "1",
  // No duplicate address detection: links are usable at once.
  "net/ipv6/conf/all/accept_dad": "0",
  "net/ipv6/conf/default/accept_dad": "0",
  // Every traceroute is answered: a kernel tells each address of one lost packet a second, and checks ask more often.
  "net/ipv4/icmp_ratelimit": "0",
  "net/ipv6/icmp/ratelimit": "0",
  // A cut cable must not cost the interface its addresses.
  "net/ipv6/conf/all/keep_addr_on_down": "1",
};

/** Path below /proc/sys → value: those of every node, and the topology's for this one. */
export function sysctlsOf(node: FabricNode): Record<string, string> {
  const own = Object.entries(node.sysctls).map(([key, value]) => [key.replaceAll(".", "/"), value]);
  return { ...nodeSysctls, ...Object.fromEntries(own) };
}

/** The command that sets them in a node that is there already. */
export function sysctlsCommand(node: FabricNode): string[] {
  const script = 'while [ $# -gt 0 ]; do echo "$2" >"/proc/sys/$1" || exit; shift 2; done';
  return ["sh", "-c", script, "sh", ...Object.entries(sysctlsOf(node)).flat()];
}

/** For /etc/hosts: every node that has a management address, by all its names. */
export function managementHosts(
  fabric: Fabric,
  addressOf: (node: FabricNode) => string | undefined,
): { address: string; names: string[] }[] {
  return fabric.nodes.flatMap((node) => {
    const address = addressOf(node);
    if (address === undefined) return [];
    return [{ address, names: [...new Set([node.hostname, node.name, ...node.aliases])] }];
  });
}

/** `sh` that writes its standard input to $1 with mode $2: folders are made, no moment with a wider mode. */
export const writeFileScript =
  'umask 077; mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"';
