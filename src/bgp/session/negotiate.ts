import { encodeCapability } from "../wire/capability.ts";
import { ByteWriter } from "../wire/bytes.ts";
import { WireError } from "../wire/error.ts";
import type { AfiSafi, Capability, CodecOptions, OpenMessage } from "../wire/message.ts";
import {
  CapabilityCode,
  ipv4Unicast,
  NotificationCode,
  OpenSubcode,
  sameFamily,
} from "../wire/registry.ts";
import type { Ends, Negotiated, SessionOptions, SessionPeer } from "./io.ts";
import { checkRole } from "./role.ts";

type Of<K extends Capability["capability"]> = Extract<Capability, { capability: K }>;

/**
 * What the peer's OPEN and ours settle. Throws WireError where the peer's cannot be accepted
 * (RFC 4271 §6.2); the decoder has already refused what is malformed.
 */
export function negotiate(
  open: OpenMessage,
  { peer, localAsn, routerId, capabilities: ours }: SessionOptions,
  connection: Ends & Pick<Negotiated, "connection">,
): Negotiated {
  const internal = open.asn === localAsn;
  // 1. AS number (RFC 7607 §2: never 0).
  if (open.asn === 0 || !isExpected(peer.asn, open.asn, internal)) {
    const expected = peer.asn === 0 ? "any but 0" : peer.asn;
    throw openError("badPeerAs", `as number mismatch expected ${expected}, received ${open.asn}`);
  }
  // 2. BGP Identifier: not zero, and not ours within one AS (RFC 6286 §2.2).
  if (open.bgpIdentifier === "0.0.0.0" || (internal && open.bgpIdentifier === routerId)) {
    throw openError("badBgpIdentifier", `BGP Identifier ${open.bgpIdentifier}`, "RFC 6286 §2.2");
  }
  // 3. Hold Time: 0 or at least 3 s.
  if (open.holdTimeSeconds === 1 || open.holdTimeSeconds === 2) {
    throw openError("unacceptableHoldTime", `Hold Time ${open.holdTimeSeconds} s`);
  }
  // 4. A family in common. Data is what we would need (RFC 5492 §3).
  const theirs = open.capabilities;
  const theirFamilies = familiesOf(theirs);
  const families = familiesOf(ours).filter((own) =>
    theirFamilies.some((family) => sameFamily(own, family)),
  );
  if (families.length === 0) {
    const needed = new ByteWriter();
    for (const capability of all(ours, "multiprotocol")) encodeCapability(needed, capability);
    const text = "no address family in common";
    throw openError("unsupportedCapability", text, "RFC 5492 §3", needed.finish());
  }

  // 5. Role, of external peers.
  if (!internal) checkRole(peer.role, theirs);

  const both = (name: Capability["capability"]): boolean => has(ours, name) && has(theirs, name);
  const holdTimeSeconds = Math.min(peer.holdTimeSeconds, open.holdTimeSeconds);
  const negotiated: Negotiated = {
    ...connection,
    codec: {
      fourOctetAs: both("fourOctetAs"),
      extendedMessage: both("extendedMessage"),
      external: !internal,
      ...pathIds(ours, theirs, families),
      ...(connection.sharedLink !== undefined &&
        peer.linkLocalNextHop !== false && { sharedLink: connection.sharedLink }),
      ...(connection.interface !== undefined && { unnumbered: true }),
    },
    peerAsn: open.asn,
    peerIdentifier: open.bgpIdentifier,
    internal,
    holdTimeSeconds,
    keepaliveTimeSeconds: keepaliveTime(holdTimeSeconds, peer.keepaliveTimeSeconds),
    families,
    routeRefresh: both("routeRefresh"),
    enhancedRouteRefresh: both("enhancedRouteRefresh"),
    extendedNextHop: families.filter(
      (family) => ipv6NextHop(ours, family) && ipv6NextHop(theirs, family),
    ),
    peerCapabilities: theirs,
  };
  // RFC 4724 §3: of several the last counts.
  const restart = all(theirs, "gracefulRestart").at(-1);
  const [ownRestart] = all(ours, "gracefulRestart");
  if (restart !== undefined && ownRestart !== undefined) {
    const { capability: _, notification, ...rest } = restart;
    negotiated.gracefulRestart = { ...rest, notification: notification && ownRestart.notification };
    const longLived = longLivedFamilies(ours, theirs);
    if (longLived.length > 0) negotiated.longLivedGracefulRestart = longLived;
  }
  const [fqdn] = all(theirs, "fqdn");
  if (fqdn !== undefined && fqdn.hostname !== "") negotiated.hostname = fqdn.hostname;
  const [software] = all(theirs, "softwareVersion");
  if (software !== undefined) negotiated.softwareVersion = software.version;
  return negotiated;
}

function isExpected(wanted: SessionPeer["asn"], asn: number, internal: boolean): boolean {
  if (typeof wanted === "number") return wanted === 0 || wanted === asn;
  return internal === (wanted === "internal");
}

/** RFC 4271 §4.4: at most a third of the Hold Time, in whole seconds; 0 where there are no keepalives. */
function keepaliveTime(holdTimeSeconds: number, configuredSeconds: number): number {
  if (holdTimeSeconds === 0) return 0;
  const third = Math.floor(holdTimeSeconds / 3);
  return configuredSeconds > 0 ? Math.min(configuredSeconds, third) : third;
}

/** RFC 4760 §8: a speaker without the capability speaks IPv4 unicast. */
function familiesOf(capabilities: Capability[]): AfiSafi[] {
  if (!speaksMultiprotocol(capabilities)) return [ipv4Unicast];
  return all(capabilities, "multiprotocol").map(({ family }) => family);
}

/** A multiprotocol capability of a family we do not have was kept as unknown: it counts here. */
function speaksMultiprotocol(capabilities: Capability[]): boolean {
  return capabilities.some(
    (one) =>
      one.capability === "multiprotocol" ||
      (one.capability === "unknown" && one.code === CapabilityCode.multiprotocol),
  );
}

/** RFC 7911 §4: numbered where one side says that it sends and the other that it receives. */
function pathIds(
  ours: Capability[],
  theirs: Capability[],
  families: AfiSafi[],
): Pick<CodecOptions, "pathIdsIn" | "pathIdsOut"> {
  const able = (of: Capability[], family: AfiSafi, to: "send" | "receive"): boolean =>
    all(of, "addPath").some(({ entries }) =>
      entries.some((entry) => sameFamily(entry.family, family) && entry[to]),
    );
  const pathIdsIn = families.filter((of) => able(ours, of, "receive") && able(theirs, of, "send"));
  const pathIdsOut = families.filter((of) => able(ours, of, "send") && able(theirs, of, "receive"));
  return {
    ...(pathIdsIn.length > 0 && { pathIdsIn }),
    ...(pathIdsOut.length > 0 && { pathIdsOut }),
  };
}

/** RFC 9494 §3: of the families that both name. */
function longLivedFamilies(
  ours: Capability[],
  theirs: Capability[],
): Of<"longLivedGracefulRestart">["families"] {
  const [own] = all(ours, "longLivedGracefulRestart");
  const [peers] = all(theirs, "longLivedGracefulRestart");
  return (peers?.families ?? []).filter(({ family }) =>
    own?.families.some((one) => sameFamily(one.family, family)),
  );
}

function ipv6NextHop(capabilities: Capability[], family: AfiSafi): boolean {
  return all(capabilities, "extendedNextHop").some(({ entries }) =>
    entries.some((entry) => sameFamily(entry.family, family) && entry.nextHopAfi === "ipv6"),
  );
}

function has(capabilities: Capability[], name: Capability["capability"]): boolean {
  return capabilities.some(({ capability }) => capability === name);
}

function all<K extends Capability["capability"]>(capabilities: Capability[], name: K): Of<K>[] {
  return capabilities.filter((one): one is Of<K> => one.capability === name);
}

function openError(
  subcode: keyof typeof OpenSubcode,
  message: string,
  rfc = "RFC 4271 §6.2",
  data: Uint8Array = new Uint8Array(),
): WireError {
  return new WireError({
    code: NotificationCode.openMessage,
    subcode: OpenSubcode[subcode],
    data,
    message,
    rfc,
  });
}
