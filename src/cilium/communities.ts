/**
 * Names of well-known communities as CiliumBGPAdvertisement spells them, with their 32-bit values
 * (IANA "BGP Well-known Communities"; `internet` as GoBGP reads it).
 */
export const wellKnownCommunities = {
  internet: 0x00000000,
  "planned-shut": 0xffff0000 /* RFC 8326 */,
  "accept-own": 0xffff0001 /* RFC 7611 */,
  "route-filter-translated-v4": 0xffff0002,
  "route-filter-v4": 0xffff0003,
  "route-filter-translated-v6": 0xffff0004,
  "route-filter-v6": 0xffff0005,
  "llgr-stale": 0xffff0006 /* RFC 9494 */,
  "no-llgr": 0xffff0007 /* RFC 9494 */,
  blackhole: 0xffff029a /* RFC 7999 */,
  "no-export": 0xffffff01 /* RFC 1997 */,
  "no-advertise": 0xffffff02 /* RFC 1997 */,
  "no-export-subconfed": 0xffffff03 /* RFC 1997 */,
  "no-peer": 0xffffff04 /* RFC 3765 */,
} as const;

export type WellKnownCommunity = keyof typeof wellKnownCommunities;

const names = new Map<number, string>(
  Object.entries(wellKnownCommunities).map(([name, value]) => [value, name]),
);

/** As a CiliumBGPAdvertisement has it: `65010:100`, `no-export`. */
export function communityName(value: number): string {
  return names.get(value) ?? `${Math.floor(value / 0x10000)}:${value % 0x10000}`;
}

/** RFC 1997: `65010:100` or one decimal 32-bit number. Undefined where `text` is neither. */
export function parseStandardCommunity(text: string): number | undefined {
  const parts = text.split(":");
  if (parts.length === 1) return decimal(text, 0xffffffff);
  const [high, low] = parts.map((part) => decimal(part, 0xffff));
  if (parts.length !== 2 || high === undefined || low === undefined) return undefined;
  return high * 0x10000 + low;
}

/** RFC 8092: `64512:1:2`, each of 32 bits. Undefined where `text` is something else. */
export function parseLargeCommunity(text: string): [number, number, number] | undefined {
  const parts = text.split(":");
  const [global, first, second] = parts.map((part) => decimal(part, 0xffffffff));
  if (parts.length !== 3 || global === undefined || first === undefined || second === undefined) {
    return undefined;
  }
  return [global, first, second];
}

/** A decimal number without sign or leading zeros, at most `max`. */
function decimal(text: string, max: number): number | undefined {
  if (!/^(0|[1-9]\d{0,9})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}
