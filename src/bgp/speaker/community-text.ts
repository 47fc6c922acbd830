import { addressToBytes, parseAddress } from "../../net/address.ts";
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

/** Sub-types of the two that routers write by name (RFC 4360 §4, §5). */
const subTypes: Readonly<Record<string, number>> = { rt: 2, soo: 3 };

/**
 * The eight bytes of `rt:65000:100`, `soo:4200000000:1`, `rt:10.0.0.1:1` (a two-octet, four-octet AS or an
 * IPv4 address: RFC 4360 §3, RFC 5668), or of any kind as `0x` and sixteen hexadecimal digits.
 */
export function parseExtendedCommunity(text: string): Uint8Array | undefined {
  if (/^0x[0-9a-fA-F]{16}$/.test(text)) {
    return Uint8Array.from({ length: 8 }, (_, i) => Number.parseInt(text.substr(2 + 2 * i, 2), 16));
  }
  const [kind = "", global = "", local = "", ...more] = text.split(":");
  const subType = Object.hasOwn(subTypes, kind) ? subTypes[kind] : undefined;
  if (subType === undefined || more.length > 0) return undefined;
  const address = global.includes(".") ? parseAddress(global) : undefined;
  const asn = decimal(global, 0xffffffff);
  const [type, high] =
    address !== undefined
      ? [1, addressToBytes(address)]
      : asn === undefined
        ? [0, undefined]
        : asn > 0xffff
          ? [2, bigEndian(asn, 4)]
          : [0, bigEndian(asn, 2)];
  const value = decimal(local, high?.length === 2 ? 0xffffffff : 0xffff);
  if (high === undefined || value === undefined) return undefined;
  return Uint8Array.of(type, subType, ...high, ...bigEndian(value, 6 - high.length));
}

function bigEndian(value: number, length: number): number[] {
  return Array.from({ length }, (_, i) => Math.floor(value / 256 ** (length - 1 - i)) & 0xff);
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
