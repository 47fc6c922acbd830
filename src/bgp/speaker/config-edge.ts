import * as z from "zod";
import { address, port, seconds } from "./config-values.ts";

// What a speaker's configuration file says of the world beside its peers: BMP stations, the kernel's routes.

const defaults = {
  // The main table; FRR's metric for routes of BGP.
  table: 254,
  metric: 20,
  bmpPort: 11019,
  minRetrySeconds: 30,
  maxRetrySeconds: 720,
} as const;

export const bmpStationSchema = z
  .strictObject({
    address,
    // IANA has none for BMP; this is what most collectors listen on.
    port: port.default(defaults.bmpPort),
    // RFC 7854 §3.2 suggests these.
    minRetrySeconds: seconds.default(defaults.minRetrySeconds),
    maxRetrySeconds: seconds.default(defaults.maxRetrySeconds),
  })
  .refine(({ minRetrySeconds: min, maxRetrySeconds: max }) => min <= max, {
    path: ["minRetrySeconds"],
    error: "is more than maxRetrySeconds",
  });

export const bmpSchema = z.strictObject({
  stations: z.array(bmpStationSchema).min(1),
  statisticsIntervalSeconds: seconds.optional(),
  ribs: z
    .array(z.enum(["pre-policy", "post-policy", "loc-rib"]))
    .min(1)
    .default(["pre-policy"]),
});

const placeSchema = z.strictObject({
  table: z.int().min(1).max(4294967295).optional(),
  metric: z.int().min(1).max(4294967295).optional(),
});
export const installRoutesFields = Object.keys(placeSchema.shape);

/** `true`, or what is to be other than usual. */
export const installRoutesSchema = z.union([z.boolean(), placeSchema]).transform((said) => {
  if (said === false) return undefined;
  const { table = defaults.table, metric = defaults.metric } = said === true ? {} : said;
  return { table, metric };
});
