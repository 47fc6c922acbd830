import type { AfiSafi } from "../bgp/wire/message.ts";
import { compareText } from "./compare-text.ts";
import { matchesLabels } from "./labels.ts";
import type { Advertisement, CiliumBGPAdvertisement } from "./schema/advertisement.ts";
import type { LabelSelector } from "./schema/label-selector.ts";

/** A family of a peer, with the entries of every CiliumBGPAdvertisement that its selector matches. */
export type SelectedAdvertisements = {
  family: AfiSafi;
  advertisements: {
    /** Name of the CiliumBGPAdvertisement. */
    resource: string;
    entry: Advertisement;
  }[];
};

/**
 * The advertisements of each family, in order of resource name and then of entry. Without a selector
 * a family advertises nothing; the empty selector `{}` takes all. Throws LabelSelectorError.
 */
export function selectAdvertisements(
  families: readonly { family: AfiSafi; selector: LabelSelector | undefined }[],
  resources: readonly CiliumBGPAdvertisement[],
): SelectedAdvertisements[] {
  const byName = [...resources].sort((a, b) => compareText(a.metadata.name, b.metadata.name));
  return families.map(({ family, selector }) => ({
    family,
    advertisements: byName
      .filter(({ metadata }) => selector !== undefined && matchesLabels(selector, metadata.labels))
      .flatMap(({ metadata, spec }) =>
        spec.advertisements.map((entry) => ({ resource: metadata.name, entry })),
      ),
  }));
}
