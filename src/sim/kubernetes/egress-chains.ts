import type { EgressEdge, EgressOrder } from "../../agent/edges.ts";
import type { EgressFlow } from "../../cilium/egress-plan.ts";
import { type Address, familyOf } from "../../net/address.ts";
import { prefixContains } from "../../net/prefix.ts";
import type { Chain, IpPacket, Tuple, Verdict } from "../netfilter.ts";
import type { SimNode } from "../network.ts";

/** As it is named in the kernel. */
const table = "inet spinelab-egress";

/** Carries out EgressPlans on a simulated node. */
export function egressEdge(node: SimNode): EgressEdge {
  return {
    apply: async (order) => node.setPacketRules(table, egressChains(node, order)),
    remove: async () => node.setPacketRules(table, []),
    close: () => {},
  };
}

/** As egress-rules.ts makes them of the kernel, with its priorities; the tunnel is the packet's own. */
export function egressChains(node: SimNode, { plan, ...order }: EgressOrder): Chain[] {
  const { self, addresses, gateways } = order;
  const underlayOf = (name: string): Address | undefined => {
    const found = addresses[name];
    return found !== undefined && familyOf(found) === familyOf(self) ? found : undefined;
  };
  const remotePods = new Map(plan.remotePods.map((pod) => [pod.address, underlayOf(pod.node)]));
  const egressIps = new Set(plan.translated.flatMap(({ egressIp }) => egressIp ?? []));

  const steer = (packet: IpPacket): Verdict => {
    const { connection, tuple, isReply, cameBy } = packet;
    if (isReply && connection.tunnelled.has(node)) {
      packet.tunnelTo = remotePods.get(tuple.destination);
      return "accept";
    }
    if (cameBy === "tunnel") connection.tunnelled.add(node);
    // Answers of pods to who called them go back as they came.
    if (isReply) return "accept";
    const out = plan.translated.find(
      (flow) => flow.interfaceName !== undefined && matches(flow, tuple),
    );
    if (out !== undefined) packet.leavesBy = out.interfaceName;
    if (out !== undefined || cameBy === "tunnel") return "accept";
    const leaving = plan.leaving.find((flow) => matches(flow, tuple));
    if (leaving === undefined || leaving.gateway === order.node) return "accept";
    if (leaving.gateway === undefined) return "drop";
    const isKnown = gateways.includes(leaving.gateway);
    packet.tunnelTo = (isKnown ? underlayOf(leaving.gateway) : undefined) ?? "nowhere";
    return "accept";
  };
  const forward = ({ tuple }: IpPacket): Verdict => {
    const isWithout = plan.translated.some(
      (flow) => flow.egressIp === undefined && matches(flow, tuple),
    );
    if (isWithout) return "drop";
    // An egress IP is nobody: what is no answer ends here and does not go back out.
    return egressIps.has(tuple.destination) ? "reject" : "accept";
  };
  const translate = (packet: IpPacket): Verdict => {
    const flow = plan.translated.find(
      (each) => each.egressIp !== undefined && matches(each, packet.tuple),
    );
    if (flow !== undefined) packet.tuple = { ...packet.tuple, source: flow.egressIp! };
    return "accept";
  };
  return [
    { hook: "prerouting", priority: -90, see: steer },
    { hook: "forward", priority: 0, see: forward },
    { hook: "postrouting", priority: 90, isNat: true, see: translate },
  ];
}

function matches(flow: EgressFlow, { source, destination }: Tuple): boolean {
  return (
    familyOf(source) === flow.family &&
    flow.sources.includes(source) &&
    flow.destinations.some((each) => prefixContains(each, destination)) &&
    !flow.excluded.some((each) => prefixContains(each, destination))
  );
}
