import { familyOf, parseAddress } from "../../net/address.ts";
import { type Resource, resource, written } from "../converted.ts";
import { type BGPPeer, secondsOf } from "./schema.ts";

/** On each CiliumBGPAdvertisement: its name, by which the peers that get it select it. */
export const advertisementLabel = "bgp.spinelab.io/advertisement";

/**
 * A CiliumBGPPeerConfig for each BGPPeer, and for each set of nodes one CiliumBGPClusterConfig, since
 * Cilium takes all peers of a node from one. `advertisementsTo`: names of what a peer is told.
 */
export function convertedPeers(
  peers: readonly BGPPeer[],
  advertisementsTo: (peer: string) => string[],
  notes: string[],
): Resource[] {
  const sets = Map.groupBy(peers, ({ spec }) => JSON.stringify(spec.nodeSelectors ?? []));
  if (sets.size > 1) {
    notes.push(
      "BGPPeers have different nodeSelectors: no node may be selected by two CiliumBGPClusterConfigs, so move peers together where it is",
    );
  }
  const clusters = [...sets.values()].flatMap((members) => {
    const base = sets.size === 1 ? "metallb" : `metallb-${members[0]!.metadata.name}`;
    const selectors = members[0]!.spec.nodeSelectors ?? [];
    const bgpInstances = instancesOf(members, notes);
    if (selectors.length === 0) {
      return [resource("CiliumBGPClusterConfig", { name: base }, { bgpInstances })];
    }
    // A node has these peers that any of the selectors matches.
    return selectors.map((nodeSelector, index) => {
      const name = selectors.length === 1 ? base : `${base}-${index + 1}`;
      return resource("CiliumBGPClusterConfig", { name }, { nodeSelector, bgpInstances });
    });
  });
  return [
    ...clusters,
    ...peers.map((peer) => peerConfig(peer, advertisementsTo(peer.metadata.name), notes)),
  ];
}

function instancesOf(peers: readonly BGPPeer[], notes: string[]): object[] {
  return [...Map.groupBy(peers, ({ spec }) => spec.myASN)].map(([localASN, members]) => ({
    name: `instance-${localASN}`,
    localASN,
    peers: members.map((peer) => instancePeer(peer, notes)),
  }));
}

function instancePeer({ metadata: { name }, spec }: BGPPeer, notes: string[]): object {
  if (spec.dynamicASN === "external") {
    notes.push(`BGPPeer ${name}: dynamicASN is external; Cilium takes any ASN, ours too`);
  }
  if (spec.interface !== undefined) {
    notes.push(
      `BGPPeer ${name}: Cilium has no unnumbered peers; mode Unnumbered is Spinelab's, and off unless the lab asks for it`,
    );
  }
  for (const field of ["sourceAddress", "routerID"] as const) {
    if (spec[field] === undefined) continue;
    notes.push(
      `BGPPeer ${name}: ${field} ${spec[field]} goes into a CiliumBGPNodeConfigOverride of each node`,
    );
  }
  for (const field of ["vrf", "bfdProfile"] as const) {
    if (spec[field] !== undefined) notes.push(`BGPPeer ${name}: Cilium has no ${field}`);
  }
  const peerASN = spec.peerASN ?? (spec.dynamicASN === "internal" ? spec.myASN : 0);
  const autoDiscovery =
    spec.interface === undefined
      ? undefined
      : { mode: "Unnumbered", unnumbered: { interface: spec.interface } };
  const { peerAddress } = spec;
  return written({ name, peerASN, peerAddress, autoDiscovery, peerConfigRef: { name } });
}

function peerConfig(
  { metadata: { name }, spec }: BGPPeer,
  advertisements: string[],
  notes: string[],
): Resource {
  if (advertisements.length === 0) notes.push(`BGPPeer ${name}: nothing is announced to it`);
  const values = advertisements;
  const told = {
    matchExpressions: [{ key: advertisementLabel, operator: "In", values }],
  };
  return resource(
    "CiliumBGPPeerConfig",
    { name },
    written({
      transport: spec.peerPort === undefined ? undefined : { peerPort: spec.peerPort },
      timers: timersOf(spec),
      authSecretRef: secretOf(name, spec, notes),
      ebgpMultihop: spec.ebgpMultiHop ? 255 : undefined,
      gracefulRestart: spec.enableGracefulRestart ? { enabled: true } : undefined,
      families: familiesOf(spec).map((afi) => ({
        afi,
        safi: "unicast",
        ...(advertisements.length > 0 && { advertisements: told }),
      })),
    }),
  );
}

/** What is left out is a third of the hold time (RFC 4271 §10), where that is not Cilium's default as well. */
function timersOf({ holdTime, keepaliveTime, connectTime }: BGPPeer["spec"]): object | undefined {
  const hold = holdTime === undefined ? undefined : secondsOf(holdTime);
  const keepAlive =
    keepaliveTime !== undefined
      ? secondsOf(keepaliveTime)
      : hold && Math.max(1, Math.floor(hold / 3));
  const timers = written({
    connectRetryTimeSeconds: connectTime === undefined ? undefined : secondsOf(connectTime),
    holdTimeSeconds: hold,
    keepAliveTimeSeconds: keepAlive,
  });
  return Object.keys(timers).length === 0 ? undefined : timers;
}

function secretOf(name: string, spec: BGPPeer["spec"], notes: string[]): string | undefined {
  const given = spec.passwordSecret?.name;
  if (given !== undefined) {
    notes.push(
      `BGPPeer ${name}: copy Secret ${given} with its key 'password' to kube-system, where Cilium looks for it`,
    );
    return given;
  }
  if (spec.password === undefined) return undefined;
  const secret = `${name}-password`;
  notes.push(
    `BGPPeer ${name}: put its password into a Secret: kubectl -n kube-system create secret generic ${secret} --from-literal=password=…`,
  );
  return secret;
}

function familiesOf({ peerAddress, dualStackAddressFamily }: BGPPeer["spec"]): string[] {
  const address = peerAddress === undefined ? undefined : parseAddress(peerAddress);
  if (address === undefined || dualStackAddressFamily === true) return ["ipv4", "ipv6"];
  return [familyOf(address)];
}
