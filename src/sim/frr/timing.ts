import { readFileSync } from "node:fs";
import { z } from "zod";

const ms = z.number().nonnegative();

/** FRR's own times that a run depends on. Whoever looks for a source: `spinelab calibrate` measures them. */
const schema = z.strictObject({
  /** What was measured, and when: for people. */
  measured: z.strictObject({
    frr: z.string(),
    at: z.string(),
    runs: z.number(),
    /** The machine's load average over a minute, the highest while it was measured, and how many processors bear it. */
    load: z.number(),
    processors: z.number(),
  }),
  /** From the first changed route until bgpd chooses, tells its peers and tells zebra: its work queue (bgp_process). */
  changesMs: ms,
  /** From Established to the first UPDATE, and so much more for each peer: `coalesce-time`. */
  firstUpdateMs: ms,
  firstUpdatePerPeerMs: ms,
  /** From another route map on the way out until routes are sent by it: bgp_announce_route. */
  exportPolicyMs: ms,
  /** From a peer's ROUTE-REFRESH, or `clear bgp … soft out`, until its routes are sent again, where the peer is in one update group with others. */
  announceInGroupMs: ms,
  /** From the last change of a route map's lines until routes that are there already go by them: `bgp route-map delay-timer`. */
  routeMapMs: ms,
  /** From a change of routes until it is looked whether a `default-originate route-map` still lets the default route out. */
  defaultOriginateMs: ms,
  /** From bgpd's choice to the kernel's route: zebra. */
  zebraMs: ms,
  /** How long an UPDATE waits for one to the same peer that went just before: MinRouteAdvertisementIntervalTimer. */
  advertisementIntervalMs: ms,
  /** From `router bgp` to the first attempt of a session. */
  startMs: ms,
  /** How long a session that ended stays Idle before it is tried again. */
  idleHoldMs: ms,
  /** How long bgpd takes the routes of a session that ended out of its tables, and lets its peer in no more. */
  clearingMs: ms,
  /** From one attempt to the next at a neighbor that nobody is, by `frr defaults datacenter`. */
  connectRetryMs: ms,
  /** From the start of `vtysh -c` until its lines have been carried out. */
  vtyshMs: ms,
});

export type FrrTiming = z.infer<typeof schema>;

/** What `spinelab calibrate` measured where Spinelab is developed. */
export const measuredFile = new URL("measured-timing.json", import.meta.url);

/** Throws where the file is not such a file, and says what of it. */
export function readTiming(file: URL | string): FrrTiming {
  const read = schema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (read.success) return read.data;
  throw new Error(`${String(file)}: ${z.prettifyError(read.error)}`);
}
