import { compareText } from "./compare-text.ts";
import type { AdvertisementAttributes } from "./schema/advertisement.ts";

/**
 * The attributes of advertisements that overlap: every community that one of them has, sorted as text,
 * and the highest local preference. Of a single one they are left as written.
 */
export function unitedAttributes(
  all: readonly (AdvertisementAttributes | undefined)[],
): AdvertisementAttributes | undefined {
  if (all.length < 2) return all[0];
  const united = <Name extends "standard" | "wellKnown" | "large">(name: Name) =>
    [...new Set(all.flatMap((one) => one?.communities?.[name] ?? []))].sort(compareText);
  const preferences = all.flatMap((one) => one?.localPreference ?? []);
  return {
    communities: {
      standard: united("standard"),
      wellKnown: united("wellKnown") as WellKnown,
      large: united("large"),
    },
    ...(preferences.length > 0 && { localPreference: Math.max(...preferences) }),
  };
}

type WellKnown = NonNullable<NonNullable<AdvertisementAttributes["communities"]>["wellKnown"]>;
