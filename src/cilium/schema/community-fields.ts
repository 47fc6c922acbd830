import { z } from "zod";
import {
  parseLargeCommunity,
  parseStandardCommunity,
  type WellKnownCommunity,
  wellKnownCommunities,
} from "../communities.ts";

/** Decimal, without leading zeros. */
const number16 =
  "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}|0)";
const number32 =
  "(429496729[0-5]|42949672[0-8][0-9]|4294967[01][0-9]{2}|429496[0-6][0-9]{3}|42949[0-5][0-9]{4}|4294[0-8][0-9]{5}|429[0-3][0-9]{6}|42[0-8][0-9]{7}|4[01][0-9]{8}|[1-3][0-9]{9}|[1-9][0-9]{0,8}|0)";

/** `communities` of path attributes: of a CiliumBGPAdvertisement and of a CiliumBGPPeeringPolicy. */
export const communities = z.strictObject({
  standard: z
    .array(
      z
        .string()
        .refine((text) => parseStandardCommunity(text) !== undefined, {
          error: "must be a 32-bit number or two 16-bit numbers: 65010:100",
          params: { code: "InvalidFormat" },
        })
        .meta({ pattern: `^(${number32}|${number16}:${number16})$` }),
    )
    .exactOptional(),
  wellKnown: z
    .array(z.enum(Object.keys(wellKnownCommunities) as WellKnownCommunity[]))
    .exactOptional(),
  large: z
    .array(
      z
        .string()
        .refine((text) => parseLargeCommunity(text) !== undefined, {
          error: "must be three 32-bit numbers: 64512:1:2",
          params: { code: "InvalidFormat" },
        })
        .meta({ pattern: `^${number32}:${number32}:${number32}$` }),
    )
    .exactOptional(),
});
