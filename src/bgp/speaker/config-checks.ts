import type { Diagnostic } from "../../input/diagnostic.ts";
import { address, familyOf, isLinkLocal } from "../../net/address.ts";
import type { PeerConfig, PeerTemplate, SpeakerConfig } from "./config.ts";

/** A mistake without file and line: whoever read the YAML knows the line of `path`. */
export type ConfigProblem = Pick<Diagnostic, "code" | "path" | "message" | "hint">;

/** The address of a peer that is found on its link. */
export const unspecified = address("::");

/** What no field says by itself: fields that do not go together, and what there may be once only. */
export function configProblems(config: SpeakerConfig): ConfigProblem[] {
  return [
    ...duplicates(config.peers, "name", "peers"),
    ...duplicates(config.peers.map(endOf), "address", "peers"),
    ...config.peers.flatMap((peer, index) => endProblems(peer, `peers[${index}]`)),
    ...config.peers.flatMap((peer, index) => peerProblems(peer, `peers[${index}]`, config)),
    ...rangeProblems(config),
  ];
}

/** What no two peers share. */
function endOf({ address: at, interface: link }: PeerConfig): { address: string } {
  return { address: link === undefined ? at : at === unspecified ? link : `${at}%${link}` };
}

/** Where a peer is: an address, or the link that it is found on. */
function endProblems(peer: PeerConfig, under: string): ConfigProblem[] {
  const { address: to, interface: link } = peer;
  const problem = (code: string, field: string, message: string) => [
    { code, path: `${under}.${field}`, message },
  ];
  if (to !== unspecified && isLinkLocal(to) && link === undefined) {
    return problem("MissingField", "interface", `is needed: ${to} is on every link`);
  }
  if (to !== unspecified && !isLinkLocal(to) && link !== undefined) {
    return problem("BadValue", "interface", `is for link-local addresses, and ${to} is none`);
  }
  if (link !== undefined && peer.localAddress !== undefined) {
    return problem("BadValue", "localAddress", "is the link's own, where the peer's is link-local");
  }
  return [];
}

function peerProblems(
  peer: PeerTemplate & Partial<Pick<PeerConfig, "address" | "localAddress">>,
  under: string,
  { localAsn }: SpeakerConfig,
): ConfigProblem[] {
  const { address: to, localAddress: from, holdTimeSeconds: hold, asn: theirs, localAs } = peer;
  const problems: ConfigProblem[] = [];
  const wrong = (field: string, message: string) =>
    problems.push({ code: "BadValue", path: `${under}.${field}`, message });
  if (
    from !== undefined &&
    to !== undefined &&
    to !== unspecified &&
    familyOf(from) !== familyOf(to)
  ) {
    wrong("localAddress", `${from} and the peer's ${to} are not of one address family`);
  }
  if (hold !== 0 && peer.keepaliveTimeSeconds > hold) {
    wrong(
      "keepaliveTimeSeconds",
      `${peer.keepaliveTimeSeconds} is more than holdTimeSeconds, ${hold}`,
    );
  }
  if (peer.ttl !== undefined && peer.ttlSecurityHops !== undefined) {
    wrong("ttl", "ttlSecurityHops sets it: with GTSM every packet has a TTL of 255 (RFC 5082)");
  }
  if (peer.bfd !== undefined && (peer.ttlSecurityHops ?? 1) > 1) {
    wrong("bfd", "is for peers on the same link: its packets go one hop (RFC 5881)");
  }
  if (peer.defaultOriginate !== undefined && peer.addPath?.send !== undefined) {
    wrong(
      "defaultOriginate",
      "is not there where several paths are sent to a prefix (addPath.send)",
    );
  }
  const isInternal = theirs === "internal" || theirs === (localAs?.asn ?? localAsn);
  if (isInternal && peer.role !== undefined) {
    wrong("role", "roles are for external peers (RFC 9234)");
  }
  if (isInternal && localAs !== undefined) wrong("localAs", "is for external peers");
  if (!isInternal && peer.routeReflectorClient) {
    wrong("routeReflectorClient", "only internal peers are reflected to (RFC 4456)");
  }
  if (!isInternal && peer.longLivedPartialDeployment) {
    wrong("longLivedPartialDeployment", "is for internal peers (RFC 9494 §4.6)");
  }
  return problems;
}

function duplicates<Field extends string>(
  all: readonly Record<Field, string>[],
  field: Field,
  under: string,
): ConfigProblem[] {
  return all.flatMap((one, index) => {
    const first = all.findIndex((other) => other[field] === one[field]);
    if (first === index) return [];
    const message = `${one[field]} is ${under}[${first}]'s already`;
    return [{ code: "Duplicate", path: `${under}[${index}].${field}`, message }];
  });
}

function rangeProblems(config: SpeakerConfig): ConfigProblem[] {
  const { listenPort, listenRanges = [] } = config;
  const twice = [
    ...duplicates(listenRanges, "prefix", "listenRanges"),
    ...listenRanges.flatMap(({ peer }, index) =>
      peerProblems(peer, `listenRanges[${index}].peer`, config),
    ),
  ];
  if (listenRanges.length === 0 || listenPort !== undefined) return twice;
  const message = "without listenPort nobody can call";
  return [...twice, { code: "MissingField", path: "listenPort", message }];
}
