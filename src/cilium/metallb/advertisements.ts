import { type Resource, resource, written } from "../converted.ts";
import { matchesLabels } from "../labels.ts";
import type { LabelSelector } from "../schema/label-selector.ts";
import { advertisementLabel } from "./peers.ts";
import { servicesOf } from "./pools.ts";
import type { BGPAdvertisement, Community, IPAddressPool } from "./schema.ts";

/** A CiliumBGPAdvertisement of load balancers' addresses as a BGPAdvertisement announced them. */
export function convertedAdvertisement(
  { metadata: { name }, spec }: BGPAdvertisement,
  pools: readonly IPAddressPool[],
  aliases: readonly Community[],
  notes: string[],
): Resource {
  if (spec.nodeSelectors !== undefined && spec.nodeSelectors.length > 0) {
    notes.push(
      `BGPAdvertisement ${name}: every node announces; Cilium leaves nodes out by a CiliumBGPClusterConfig of their own`,
    );
  }
  const communities = communitiesOf(name, spec.communities ?? [], aliases, notes);
  const attributes = written({ communities, localPreference: spec.localPref || undefined });
  const service = written({
    addresses: ["LoadBalancerIP"],
    aggregationLengthIPv4: spec.aggregationLength === 32 ? undefined : spec.aggregationLength,
    aggregationLengthIPv6: spec.aggregationLengthV6 === 128 ? undefined : spec.aggregationLengthV6,
  });
  const entries = selectorsOf(name, spec, pools, notes).map((selector) => ({
    advertisementType: "Service",
    service,
    selector,
    ...(Object.keys(attributes).length > 0 && { attributes }),
  }));
  const labels = { [advertisementLabel]: name };
  return resource("CiliumBGPAdvertisement", { name, labels }, { advertisements: entries });
}

/** The Services whose addresses are announced, one selector or another; `{}`: all of them. */
function selectorsOf(
  name: string,
  { ipAddressPools = [], ipAddressPoolSelectors = [], serviceSelectors = [] }: Spec,
  pools: readonly IPAddressPool[],
  notes: string[],
): LabelSelector[] {
  if (serviceSelectors.length > 0) return serviceSelectors;
  if (ipAddressPools.length === 0 && ipAddressPoolSelectors.length === 0) return [{}];
  const named = pools.filter(
    ({ metadata }) =>
      ipAddressPools.includes(metadata.name) ||
      ipAddressPoolSelectors.some((each) => matchesLabels(each, metadata.labels)),
  );
  const missing = ipAddressPools.filter((pool) => !named.some((one) => one.metadata.name === pool));
  if (missing.length > 0) {
    notes.push(`BGPAdvertisement ${name}: no IPAddressPool ${missing.join(", ")} in these files`);
  }
  if (named.length === pools.length && missing.length === 0) return [{}];
  const selectors = named.map(({ metadata, spec }) => servicesOf(metadata.name, spec, []));
  if (missing.length === 0 && selectors.every((each) => each !== undefined)) return selectors;
  notes.push(
    `BGPAdvertisement ${name}: it was for pools, and Cilium selects Services by their labels; now it is for all: give it a selector`,
  );
  return [{}];
}

type Spec = BGPAdvertisement["spec"];

function communitiesOf(
  name: string,
  given: readonly string[],
  aliases: readonly Community[],
  notes: string[],
): object | undefined {
  const known = new Map(
    aliases.flatMap(({ spec }) => spec.communities.map((each) => [each.name, each.value] as const)),
  );
  const values = given.flatMap((text) => {
    const value = text.includes(":") ? text : known.get(text);
    if (value === undefined) {
      notes.push(`BGPAdvertisement ${name}: no Community in these files says what '${text}' is`);
    }
    return value ?? [];
  });
  const large = values.flatMap((text) => (text.startsWith("large:") ? text.slice(6) : []));
  const standard = values.filter((text) => !text.startsWith("large:"));
  if (values.length === 0) return undefined;
  return { ...(standard.length > 0 && { standard }), ...(large.length > 0 && { large }) };
}
