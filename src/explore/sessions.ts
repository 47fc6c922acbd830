import type { PeerConfig } from "../bgp/speaker/config.ts";
import type { PeerStatus } from "../bgp/speaker/views.ts";
import { type Address, isLinkLocal } from "../net/address.ts";
import type { Interface } from "../sim/link.ts";
import { IpPacket } from "../sim/netfilter.ts";
import type { SimNode } from "../sim/network.ts";
import type { SimSpeakerHost } from "../sim/speaker-host.ts";
import { sourceAddress } from "../sim/source-address.ts";
import { walk } from "../sim/walk.ts";
import type { World } from "../sim/world.ts";

/** One end of a session: a speaker and what it knows of its peer. */
export type SessionEnd = {
  host: SimSpeakerHost;
  config: PeerConfig;
  status: PeerStatus;
};

/** Both ends of a session. */
export type SessionPair = readonly [SessionEnd, SessionEnd];

/** Every session of which both ends run and know of each other, once. */
export function sessionPairs(world: World): SessionPair[] {
  const ends = [...world.speakers].flatMap(endsOf);
  const byNode = Map.groupBy(ends, ({ host }) => host.node);
  const taken = new Set<SessionEnd>();
  return ends.flatMap((end): SessionPair[] => {
    if (taken.has(end)) return [];
    const there = peerNode(world, end);
    const candidates = (there && byNode.get(there)) ?? [];
    const other = candidates.find((one) => !taken.has(one) && isOtherEnd(end, one));
    if (other === undefined) return [];
    taken.add(end).add(other);
    return [[end, other]];
  });
}

export function isEstablished(pair: SessionPair): boolean {
  return pair.every(({ status }) => status.state === "Established");
}

/** The same for the same session, whatever became of it meanwhile. */
export function sessionName([a, b]: SessionPair): string {
  const ends = [a, b].map(({ host, config }) => `${host.node.name} (${config.name})`);
  return ends.sort().join(" – ");
}

/** Where a speaker sends what it has for a peer. */
export type Way = {
  from: SimNode;
  /** As the peer knows it. */
  source: Address;
  to: Address;
  link?: string;
  ttl?: number;
  arrivesAt: SimNode;
};

export function waysOf([a, b]: SessionPair): [Way, Way] {
  return [wayTo(a, b), wayTo(b, a)];
}

/** Whether packets of a session get there by it. */
export function isOpen({ from, source, to, link, ttl, arrivesAt }: Way): boolean {
  const path = walk(from, new IpPacket({ protocol: "tcp", source, destination: to }), {
    ...(link !== undefined && { interface: link }),
    ...(ttl !== undefined && { ttl }),
  });
  return "arrived" in path && path.arrived === arrivesAt;
}

function wayTo({ host, config, status }: SessionEnd, other: SessionEnd): Way {
  const { address: to } = status;
  const link = isLinkLocal(to) ? config.interface : undefined;
  return {
    ...{ from: host.node, source: other.status.address, to, arrivesAt: other.host.node },
    ...(link !== undefined && { link }),
    ...(config.ttl !== undefined && { ttl: config.ttl }),
  };
}

function endsOf(host: SimSpeakerHost): SessionEnd[] {
  const { peers, listenRanges = [] } = host.speaker.config;
  const configured = new Map(peers.map((peer) => [peer.name, peer]));
  return host.speaker.peers(0).flatMap((status) => {
    const { name, address, port } = status;
    const range = listenRanges.find(({ prefix }) => prefix === status.listenRange);
    const dynamic = range && { ...range.peer, name, address, port, passive: true };
    const config = configured.get(name) ?? dynamic;
    return config === undefined ? [] : [{ host, config, status }];
  });
}

function peerNode(world: World, { host, config, status }: SessionEnd): SimNode | undefined {
  const link = config.interface && host.node.interfaces.get(config.interface);
  if (link) return link.cable?.otherEnd(link).node;
  for (const node of world.network.nodes.values()) {
    if (node !== host.node && node.ownerOf(status.address) !== undefined) return node;
  }
  return undefined;
}

/** `b` is a session of the node that `a` is with. */
function isOtherEnd(a: SessionEnd, b: SessionEnd): boolean {
  const [ofA, ofB] = [linkOf(a), linkOf(b)];
  if (ofA !== undefined && ofB !== undefined) return ofA.cable?.otherEnd(ofA) === ofB;
  if (ofA !== undefined || ofB !== undefined) return false;
  return owns(a, b) && owns(b, a) && (calls(a, b) || calls(b, a));
}

/** The link of a session between its two ends. */
function linkOf({ host, config }: SessionEnd): Interface | undefined {
  return config.interface === undefined ? undefined : host.node.interfaces.get(config.interface);
}

/** Whether `a` is where the other sends to. */
function owns({ host }: SessionEnd, { status }: SessionEnd): boolean {
  return host.node.ownerOf(status.address) !== undefined;
}

/** Whether a connection that `a` opens comes from the address that the other knows it by. */
function calls({ host, config, status }: SessionEnd, other: SessionEnd): boolean {
  const source = config.localAddress ?? sourceAddress(host.node, status.address);
  return source === other.status.address;
}
