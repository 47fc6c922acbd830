/** Three quarters of a time to the whole (RFC 4271 §10). `random`: uniform in [0, 1). In whole milliseconds. */
export function withJitter(ms: number, random: () => number): number {
  return Math.round(ms * (0.75 + 0.25 * random()));
}

const sharedMs = 1000;

/**
 * The same, to a whole second of the clock where one is within these bounds: a process with a thousand sessions
 * wakes up once a second for all of their KEEPALIVEs, and not for each.
 */
export function withSharedJitter(ms: number, nowMs: number, random: () => number): number {
  const afterMs = withJitter(ms, random);
  const pastSecondMs = (nowMs + afterMs) % sharedMs;
  const sharedAfterMs = afterMs - pastSecondMs;
  if (sharedAfterMs >= 0.75 * ms) return sharedAfterMs;
  return sharedAfterMs + sharedMs <= ms ? sharedAfterMs + sharedMs : afterMs;
}
