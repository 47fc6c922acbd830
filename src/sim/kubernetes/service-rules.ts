import type {
  ForwardedDestination,
  ForwardingPlan,
  Target,
} from "../../kube/services/forwarding.ts";
import { type Address, familyOf } from "../../net/address.ts";
import type { Chain, IpPacket, Verdict } from "../netfilter.ts";
import type { SimNode } from "../network.ts";
import { sourceAddress } from "../source-address.ts";

/** As nftables names them: dstnat, srcnat, filter. */
const priority = { destinationNat: -100, filter: 0, sourceNat: 100 } as const;

/** What a ForwardingPlan is on a simulated node, as forwarding-rules.ts makes it of the kernel. */
export function serviceRules(node: SimNode, plan: ForwardingPlan, random: () => number): Chain[] {
  const byAddress = new Map<string, ForwardedDestination>();
  const byPort = new Map<string, ForwardedDestination>();
  for (const destination of plan.destinations) {
    const { family, protocol, addresses, port, nodePort, targets } = destination;
    for (const each of addresses) byAddress.set(`${each} ${protocol} ${port}`, destination);
    if (nodePort === undefined || targets.length === 0) continue;
    byPort.set(`${family} ${protocol} ${nodePort}`, destination);
  }
  const virtual = new Set(plan.virtual);

  const led = ({ tuple }: IpPacket): ForwardedDestination | undefined => {
    const { destination: to, protocol, destinationPort } = tuple;
    const found = byAddress.get(`${to} ${protocol} ${destinationPort}`);
    if (found !== undefined && found.targets.length > 0) return found;
    const isNodePort = node.ownerOf(to) !== undefined && !isLoopback(to);
    return isNodePort ? byPort.get(`${familyOf(to)} ${protocol} ${destinationPort}`) : undefined;
  };
  const lead = (packet: IpPacket): Verdict => {
    const to = led(packet);
    if (to === undefined) return "accept";
    const isFromPod = cameFromPod(packet);
    const isFromCluster = isFromPod || node.ownerOf(packet.tuple.source) !== undefined;
    const { inside, targets, targetsForOutside } = to;
    // The endpoint would answer the client directly, which knows nothing of the endpoint.
    if (inside ? !isFromPod : targetsForOutside === undefined) packet.isMasqueraded = true;
    const target = drawn(isFromCluster ? targets : (targetsForOutside ?? targets), random);
    if (target === undefined) return "drop";
    // A pod that reaches itself by its service must not see its own address as the source.
    if (packet.tuple.source === target.address) packet.isMasqueraded = true;
    packet.tuple = {
      ...packet.tuple,
      ...{ destination: target.address as Address, destinationPort: target.port },
    };
    return "accept";
  };
  const refuse = ({ tuple }: IpPacket): Verdict => {
    const { destination: to, protocol, destinationPort } = tuple;
    const isRefused = byAddress.get(`${to} ${protocol} ${destinationPort}`)?.targets.length === 0;
    return isRefused || virtual.has(to) ? "reject" : "accept";
  };
  const masquerade = (packet: IpPacket): Verdict => {
    if (!packet.isMasqueraded) return "accept";
    const { destination: to } = packet.tuple;
    const own = plan.nodeAddresses.find((each) => familyOf(each as Address) === familyOf(to));
    const source = (own as Address | undefined) ?? sourceAddress(node, to);
    if (source !== undefined) packet.tuple = { ...packet.tuple, source };
    return "accept";
  };
  return [
    { hook: "prerouting", priority: priority.destinationNat, isNat: true, see: lead },
    { hook: "output", priority: priority.destinationNat, isNat: true, see: lead },
    { hook: "output", priority: priority.filter, see: refuse },
    { hook: "forward", priority: priority.filter, see: refuse },
    { hook: "postrouting", priority: priority.sourceNat, isNat: true, see: masquerade },
  ];
}

/** By its end of the pod's veth pair. */
function cameFromPod({ cameBy }: IpPacket): boolean {
  return cameBy !== undefined && cameBy !== "tunnel" && cameBy.name.startsWith("lxc");
}

function isLoopback(address: Address): boolean {
  return address.startsWith("127.") || address === "::1";
}

function drawn(targets: readonly Target[], random: () => number): Target | undefined {
  return targets[Math.floor(random() * targets.length)];
}
