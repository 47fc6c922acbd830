import type { Path } from "./path.ts";

/** A power of two. More than the paths that one read from a socket brings. */
const placesCount = 1024;

/**
 * What a policy makes of a path, kept for a while: routes that come together share paths, and a whole table
 * is gone through path by path. Each path has one place, which the next one there takes over: which ones are kept
 * is of no matter to the outcome, only that they are few.
 */
export class PathMemo<T extends object> {
  readonly #paths = Array<Path | undefined>(placesCount).fill(undefined);
  readonly #made = Array<T | undefined>(placesCount).fill(undefined);

  get(path: Path): T | undefined {
    const at = placeOf(path);
    return this.#paths[at] === path ? this.#made[at] : undefined;
  }

  /** Returns what was made. */
  set(path: Path, made: T): T {
    const at = placeOf(path);
    this.#paths[at] = path;
    this.#made[at] = made;
    return made;
  }
}

function placeOf({ set: { number = 0 } }: Path): number {
  return number & (placesCount - 1);
}
