/** Numbers by chance, the same for the same seed (mulberry32). */
export type Random = () => number;

/** From 0 on and below 1. `what`: so that two of one seed draw differently. */
export function seededRandom(seed: number, what: string): Random {
  let state = seed >>> 0;
  // FNV-1a
  for (const character of what) state = Math.imul(state ^ character.codePointAt(0)!, 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}
