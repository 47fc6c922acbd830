import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import type { PathAttributes } from "../wire/message.ts";
import type { ExportTarget } from "./export.ts";
import type { Path, PeerSource } from "./path.ts";

/** Short ways to write paths in the tests of this folder. */
export const p = prefix;

/** Towards an external peer, of a speaker of AS 65000 at 10.0.0.1. */
export const externalTarget: ExportTarget = {
  internal: false,
  client: false,
  clusterId: address("9.9.9.9"),
  prependAsns: [65000],
  nextHopSelf: false,
  defaultOriginate: false,
  defaultOriginateIf: undefined,
  asRewrite: undefined,
  sendsBack: false,
  reflectsWithMed: false,
  reflectsUnchanged: false,
  prependsInternally: false,
  role: undefined,
  longLived: false,
  localAddress: address("10.0.0.1"),
  sharedSubnets: [],
  nextHopFamilies: ["ipv4"],
};

export function sequence(...asns: number[]): PathAttributes["asPath"] {
  return asns.length === 0 ? [] : [{ kind: "sequence", asns }];
}

export function learned(
  peer: string,
  of: Partial<PathAttributes> &
    Partial<Pick<PeerSource, "internal" | "client">> & {
      address?: string;
      identifier?: string;
      nextHop?: string;
      ineligible?: string;
    } = {},
): Path {
  const { address: from, identifier, nextHop, internal, client, ineligible, ...attributes } = of;
  return {
    source: {
      kind: "peer",
      peer,
      address: address(from ?? "10.0.0.2"),
      internal: internal ?? false,
      identifier: address(identifier ?? "10.0.0.2"),
      client: client ?? false,
    },
    set: {
      attributes: { origin: "igp", asPath: sequence(65001), ...attributes },
      nextHop: address(nextHop ?? from ?? "10.0.0.2"),
    },
    ineligible,
  };
}
