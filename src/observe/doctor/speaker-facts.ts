import type { PeerStatus } from "../../bgp/speaker/views.ts";
import type { Runtime } from "../../runtime/port.ts";
import type { Fabric, FabricNode } from "../../topology/fabric.ts";
import { frrJson } from "../frr.ts";
import type { Names } from "../names.ts";
import type { AddressFamily } from "../rib-view.ts";
import { hasAgent, readSessions } from "../router.ts";
import { NodeDownError } from "../../runtime/node-down.ts";
import { agentPeers } from "../speaker.ts";

/** A speaker and how it sees its neighbors. */
export type SpeakerFacts = {
  node: FabricNode;
  /** Why it cannot be read; then there are no peers. */
  unreadable?: string;
  /** The node itself is down, and that is why. */
  isDown?: boolean;
  peers: PeerFacts[];
};

export type PeerFacts = {
  /** Address, or the interface of an unnumbered session. */
  peer: string;
  /** The node behind it, where it is one of the fabric. */
  other?: string;
  state: string;
  localAsn: number;
  /** As configured; undefined where any will do, or any but ours. */
  expectedAsn?: number;
  isInternal: boolean;
  /** FRR's word for what holds it down: `PfxCt`, `Admin`. */
  heldBy?: string;
  /** What the speaker says of the last failure. */
  lastError?: string;
  /** The address families that this end has switched on for the session. */
  families: Partial<Record<AddressFamily, Policies>>;
};

/** Names of the policies on the way in and out; `required`: RFC 8212 asks for one that is not there. */
export type Policies = { in?: string; out?: string };

const families = ["ipv4-unicast", "ipv6-unicast"] as const;

/** The session as its other end has it: of several between two nodes the one over the same family. */
export function otherEnd(
  node: string,
  { peer }: PeerFacts,
  other: SpeakerFacts | undefined,
): PeerFacts | undefined {
  const backs = other?.peers.filter((one) => one.other === node) ?? [];
  return (
    backs.find((one) => transportOf(one.peer) === transportOf(peer)) ??
    // One end may know the neighbor by its link, the other by its address.
    backs.find((one) => [one.peer, peer].some((name) => transportOf(name) === "link"))
  );
}

/** What a session runs over. */
export function transportOf(peer: string): "IPv4" | "IPv6" | "link" {
  return peer.includes(":") ? "IPv6" : peer.includes(".") ? "IPv4" : "link";
}

/** Of every node that has, or by its neighbors' word should have, a speaker. */
export async function readSpeakers(
  runtime: Runtime,
  fabric: Fabric,
  names: Names,
): Promise<SpeakerFacts[]> {
  return await Promise.all(
    fabric.nodes
      .filter((node) => node.kind !== "bridge")
      .map(async (node): Promise<SpeakerFacts> => {
        try {
          const peers = hasAgent(node)
            ? (await agentPeers(runtime, node.name)).map(ofAgent)
            : await frrPeers(runtime, node);
          return { node, peers: peers.map((peer) => withOther(names, node.name, peer)) };
        } catch (error) {
          const { message, cause } = error as Error;
          const isDown = [error, cause].some((one) => one instanceof NodeDownError);
          return { node, unreadable: message, isDown, peers: [] };
        }
      }),
  );
}

function withOther(names: Names, node: string, peer: PeerFacts): PeerFacts {
  const other = names.nodeOfNextHop(node, { address: peer.peer as never });
  const found = other ?? names.neighborAt(node, peer.peer);
  return found === undefined ? peer : { ...peer, other: found };
}

function ofAgent(peer: PeerStatus): PeerFacts {
  const { address, interface: link, asn, localAsn, state, lastError, lastDown } = peer;
  const error = lastError ?? lastDown;
  return {
    peer: address === "::" && link !== undefined ? link : address,
    state,
    localAsn,
    isInternal: asn === localAsn,
    families: Object.fromEntries(
      peer.families.map(({ family: { afi } }) => [`${afi}-unicast`, {}]),
    ),
    ...(asn !== 0 && { expectedAsn: asn }),
    ...(error !== undefined && { lastError: error }),
  };
}

/** Of `show bgp neighbors json`. */
type FrrNeighbor = {
  remoteAs?: number;
  localAs?: number;
  nbrInternalLink?: boolean;
  bgpState?: string;
  lastResetDueTo?: string;
  lastNotificationReason?: string;
  addressFamilyInfo?: Record<string, FrrFamily>;
};

type FrrFamily = {
  routeMapForIncomingAdvertisements?: string;
  routeMapForOutgoingAdvertisements?: string;
  incomingUpdatePrefixFilterList?: string;
  outgoingUpdatePrefixFilterList?: string;
  inboundEbgpRequiresPolicy?: string;
  outboundEbgpRequiresPolicy?: string;
};

async function frrPeers(runtime: Runtime, node: FabricNode): Promise<PeerFacts[]> {
  const [json, ...sessions] = await Promise.all([
    frrJson(runtime, node.name, "bgpd", "show bgp neighbors"),
    ...families.map((family) => readSessions(runtime, node, family)),
  ]);
  return Object.entries(json as Record<string, FrrNeighbor>)
    .filter(([, of]) => typeof of === "object" && of !== null && "bgpState" in of)
    .map(([peer, of]) => {
      const session = sessions.flat().find((one) => one.peer === peer && one.heldBy !== undefined);
      return ofFrr(peer, of, session?.heldBy);
    });
}

function ofFrr(peer: string, of: FrrNeighbor, heldBy: string | undefined): PeerFacts {
  const { remoteAs = 0, localAs = 0, lastNotificationReason, lastResetDueTo } = of;
  const isInternal = of.nbrInternalLink === true;
  // `remote-as internal` is told as 0 until the neighbor has said its number.
  const expectedAsn = remoteAs === 0 && isInternal ? localAs : remoteAs;
  const lastError = lastNotificationReason ?? lastResetDueTo;
  return {
    peer,
    state: of.bgpState ?? "Idle",
    localAsn: localAs,
    isInternal,
    ...(expectedAsn !== 0 && { expectedAsn }),
    ...(heldBy !== undefined && { heldBy }),
    ...(lastError !== undefined && { lastError }),
    families: Object.fromEntries(
      families.flatMap((family) => {
        const info =
          of.addressFamilyInfo?.[family === "ipv4-unicast" ? "ipv4Unicast" : "ipv6Unicast"];
        return info === undefined ? [] : [[family, policiesOf(info)]];
      }),
    ),
  };
}

function policiesOf(family: FrrFamily): Policies {
  const way = (map?: string, list?: string, required?: string) =>
    map ?? list ?? (required === undefined ? undefined : "required");
  const into = way(
    family.routeMapForIncomingAdvertisements,
    family.incomingUpdatePrefixFilterList,
    family.inboundEbgpRequiresPolicy,
  );
  const out = way(
    family.routeMapForOutgoingAdvertisements,
    family.outgoingUpdatePrefixFilterList,
    family.outboundEbgpRequiresPolicy,
  );
  return { ...(into !== undefined && { in: into }), ...(out !== undefined && { out }) };
}
