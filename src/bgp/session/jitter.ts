/** Three quarters of a time to the whole (RFC 4271 §10). `random`: uniform in [0, 1). In whole milliseconds. */
export function withJitter(ms: number, random: () => number): number {
  return Math.round(ms * (0.75 + 0.25 * random()));
}
