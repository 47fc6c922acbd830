import type { AfiSafi } from "../bgp/wire/message.ts";
import type { AddressRange } from "../net/address-range.ts";
import { compareText } from "./compare-text.ts";
import { matchesLabels } from "./labels.ts";
import type { Advertisement, CiliumBGPAdvertisement } from "./schema/advertisement.ts";
import type { LabelSelector } from "./schema/label-selector.ts";

/** A family of a peer, with the entries of every CiliumBGPAdvertisement that its selector matches. */
export type SelectedAdvertisements = {
  family: AfiSafi;
  advertisements: SelectedEntry[];
  /** One of the CiliumBGPAdvertisements asks for egress IPs (egressIpsAnnotation). */
  isEgressSelected: boolean;
};

/** `true` on a CiliumBGPAdvertisement: the egress IPs that the node is gateway of are advertised with it. */
export const egressIpsAnnotation = "spinelab.io/advertise-egress-ips";

export type SelectedEntry = {
  /** Name of the CiliumBGPAdvertisement. */
  resource: string;
  entry: Advertisement;
  /** Of a legacy policy: only Service addresses of this pool. */
  within?: { name: string; ranges: readonly AddressRange[] };
};

/**
 * The advertisements of each family, in order of resource name and then of entry. Without a selector
 * a family advertises nothing; the empty selector `{}` takes all. Throws LabelSelectorError.
 */
export function selectAdvertisements(
  families: readonly { family: AfiSafi; selector: LabelSelector | undefined }[],
  resources: readonly CiliumBGPAdvertisement[],
  poolEntries: ReadonlyMap<string, readonly SelectedEntry[]> = new Map(),
): SelectedAdvertisements[] {
  const byName = [...resources].sort((a, b) => compareText(a.metadata.name, b.metadata.name));
  return families.map(({ family, selector }) => {
    const selected = byName.filter(
      ({ metadata }) => selector !== undefined && matchesLabels(selector, metadata.labels),
    );
    return {
      family,
      advertisements: selected.flatMap(({ metadata, spec }) => [
        ...spec.advertisements.map((entry) => ({ resource: metadata.name, entry })),
        ...(poolEntries.get(metadata.name) ?? []),
      ]),
      isEgressSelected: selected.some(
        ({ metadata }) => metadata.annotations?.[egressIpsAnnotation] === "true",
      ),
    };
  });
}
