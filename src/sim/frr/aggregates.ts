import type { OwnRoute, PolicyStatement, SpeakerConfig } from "../../bgp/speaker/config.ts";
import type { Origin } from "../../bgp/wire/message.ts";
import type { Address } from "../../net/address.ts";
import {
  addressBits,
  type Prefix,
  prefixBase,
  prefixContains,
  prefixFamily,
  prefixLength,
} from "../../net/prefix.ts";
import type { BgpConfig } from "./config.ts";

export type LearnedRoute = { prefix: Prefix; origin: Origin };

/** From the best to the worst: the worst of what is aggregated counts (RFC 4271 §9.2.2.2). */
const origins: readonly Origin[] = ["igp", "egp", "incomplete"];

/**
 * Own routes and the aggregates of which anything more specific is known. As FRR has them without `as-set`: nothing is
 * left of the paths of what is aggregated.
 */
export function withAggregates(
  own: readonly OwnRoute[],
  { families }: BgpConfig,
  by: { asn: number; address: Address; learned: () => readonly LearnedRoute[] },
): OwnRoute[] {
  const aggregates = [...families.ipv4.aggregates, ...families.ipv6.aggregates];
  if (aggregates.length === 0) return [...own];
  const { asn, address } = by;
  const known: readonly LearnedRoute[] = [...own, ...by.learned()];
  const made = aggregates.flatMap(({ prefix }): OwnRoute[] => {
    if (own.some((route) => route.prefix === prefix)) return [];
    const parts = known.filter((route) => isInside(route.prefix, prefix));
    if (parts.length === 0) return [];
    const origin = origins.findLast((one) => parts.some((part) => part.origin === one))!;
    return [{ prefix, origin, med: 0, atomicAggregate: true, aggregator: { asn, address } }];
  });
  return [...own, ...made];
}

/** `summary-only`: nobody is sent what is aggregated. */
export function summarized({ families }: BgpConfig): PolicyStatement[] {
  return [...families.ipv4.aggregates, ...families.ipv6.aggregates]
    .filter(({ summaryOnly }) => summaryOnly)
    .map(({ prefix }) => ({
      name: `aggregate-address ${prefix} summary-only`,
      action: "reject" as const,
      match: {
        prefixRanges: [
          {
            prefix,
            minLength: prefixLength(prefix) + 1,
            maxLength: addressBits(prefixFamily(prefix)),
          },
        ],
      },
    }));
}

/** Those of the routes that are made of others, and lead nowhere by themselves. */
export function aggregatesOf(originate: SpeakerConfig["originate"]): Prefix[] {
  return originate.flatMap((own) =>
    typeof own !== "string" && own.atomicAggregate === true ? [own.prefix] : [],
  );
}

function isInside(prefix: Prefix, aggregate: Prefix): boolean {
  return (
    prefixFamily(prefix) === prefixFamily(aggregate) &&
    prefixLength(prefix) > prefixLength(aggregate) &&
    prefixContains(aggregate, prefixBase(prefix))
  );
}
