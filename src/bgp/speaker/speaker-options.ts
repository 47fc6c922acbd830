import type { Pace } from "./pace.ts";
import type { SharedTables } from "./ribs.ts";

/** What a speaker is given besides its configuration. */
export type SpeakerOptions = {
  /** Any clock that only goes forward; the same for every call. */
  nowMs: number;
  /** This process replaces one whose routes the peers may still hold: R bit in the first OPEN (RFC 4724 §4.1). */
  restarting: boolean;
  /** For the software version capability: `spinelab/0.1.0`. */
  softwareVersion: string;
  /** Uniform in [0, 1): jitter of timers (RFC 4271 §10). */
  random: () => number;
  /** Undefined: nothing waits. */
  pace?: Pace;
  /** Milliseconds since 1970 at 0 of that clock, for BMP; undefined: times are left out. */
  timeOriginMs?: number;
  /** Of all speakers of a process that may have theirs in common. Such tables are never tidied up. */
  shared?: SharedTables;
};
