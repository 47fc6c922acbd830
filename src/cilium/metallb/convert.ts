import type { Converted } from "../converted.ts";
import { validateResource } from "../schema/validate.ts";
import { convertedAdvertisement } from "./advertisements.ts";
import { convertedPeers } from "./peers.ts";
import { convertedPool } from "./pools.ts";
import { convertedService } from "./services.ts";
import {
  type BGPAdvertisement,
  type BGPPeer,
  type Community,
  type IPAddressPool,
  type L2Advertisement,
} from "./schema.ts";

type Written = Parameters<typeof convertedService>[0];

function isMetallb({ apiVersion }: Written): boolean {
  return apiVersion.startsWith("metallb.io/");
}

/**
 * MetalLB's resources, taken together, in resources of cilium.io/v2: pools for LB-IPAM, peers, and what
 * they are told. Services among them that have MetalLB's annotations get Cilium's. The objects are valid
 * (`validateResource`).
 */
export function convertedMetallb(all: readonly Written[]): Converted {
  const objects = all.filter(isMetallb);
  const of = <Object>(kind: string) =>
    objects
      .filter((each) => each.kind === kind)
      .map((each) => validateResource(each).defaulted as Object);
  const notes: string[] = [];
  const pools = of<IPAddressPool>("IPAddressPool");
  const peers = of<BGPPeer>("BGPPeer");
  const advertisements = of<BGPAdvertisement>("BGPAdvertisement");
  const aliases = of<Community>("Community");
  const toldTo = (peer: string) =>
    advertisements
      .filter(({ spec }) => (spec.peers ?? []).length === 0 || spec.peers!.includes(peer))
      .map(({ metadata }) => metadata.name);
  for (const { metadata, spec } of advertisements) {
    const strangers = (spec.peers ?? []).filter(
      (name) => !peers.some((peer) => peer.metadata.name === name),
    );
    if (strangers.length > 0) {
      notes.push(
        `BGPAdvertisement ${metadata.name}: no BGPPeer ${strangers.join(", ")} in these files`,
      );
    }
  }
  const resources = [
    ...pools.map((pool) => convertedPool(pool, notes)),
    ...convertedPeers(peers, toldTo, notes),
    ...advertisements.map((each) => convertedAdvertisement(each, pools, aliases, notes)),
  ];
  for (const { metadata } of of<L2Advertisement>("L2Advertisement")) {
    notes.push(
      `L2Advertisement ${metadata.name}: its successor is a CiliumL2AnnouncementPolicy, which is not about BGP and not written here`,
    );
  }
  const labelled = new Set(
    pools.filter(({ spec }) => !spec.autoAssign).map(({ metadata }) => metadata.name),
  );
  const services = all
    .filter(({ kind }) => kind === "Service")
    .flatMap((each) => convertedService(each, labelled, notes) ?? []);
  return { resources: [...resources, ...services], notes };
}
