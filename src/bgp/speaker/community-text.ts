import { WellKnownCommunity } from "../wire/registry.ts";

const wellKnown: Readonly<Record<string, number>> = {
  "graceful-shutdown": WellKnownCommunity.gracefulShutdown,
  "accept-own": WellKnownCommunity.acceptOwn,
  "llgr-stale": WellKnownCommunity.llgrStale,
  "no-llgr": WellKnownCommunity.noLlgr,
  blackhole: WellKnownCommunity.blackhole,
  "no-export": WellKnownCommunity.noExport,
  "no-advertise": WellKnownCommunity.noAdvertise,
  "no-export-subconfed": WellKnownCommunity.noExportSubconfed,
  "no-peer": WellKnownCommunity.noPeer,
};

/** The 32-bit value of `65010:100`, of a decimal number or of a name such as `no-export` (RFC 1997). */
export function parseCommunity(text: string): number | undefined {
  if (Object.hasOwn(wellKnown, text)) return wellKnown[text];
  const whole = decimal(text, 0xffffffff);
  if (whole !== undefined) return whole;
  const [high, low] = parts(text, 2, 0xffff);
  return high === undefined || low === undefined ? undefined : high * 0x10000 + low;
}

/** `64512:1:2`, each of 32 bits (RFC 8092). */
export function parseLargeCommunity(text: string): [number, number, number] | undefined {
  const [global, first, second] = parts(text, 3, 0xffffffff);
  if (global === undefined || first === undefined || second === undefined) return undefined;
  return [global, first, second];
}

function parts(text: string, count: number, max: number): (number | undefined)[] {
  const written = text.split(":");
  return written.length === count ? written.map((part) => decimal(part, max)) : [];
}

function decimal(text: string, max: number): number | undefined {
  if (!/^(0|[1-9]\d{0,9})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= max ? value : undefined;
}
