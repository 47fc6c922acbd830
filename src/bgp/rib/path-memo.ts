import type { Path } from "./path.ts";

/** Powers of two. The most are more than the paths that one read from a socket brings; most policies see few. */
const placesLeast = 8;
const placesMost = 1024;

/**
 * What a policy makes of a path, kept for a while: routes that come together share paths, and a whole table
 * is gone through path by path. Each path has one place, which the next one there takes over: which ones are kept
 * is of no matter to the outcome, only that they are few.
 */
export class PathMemo<T extends object> {
  #paths = Array<Path | undefined>(placesLeast).fill(undefined);
  #made = Array<T | undefined>(placesLeast).fill(undefined);

  get(path: Path): T | undefined {
    const at = placeOf(path, this.#paths.length);
    return this.#paths[at] === path ? this.#made[at] : undefined;
  }

  /** Returns what was made. */
  set(path: Path, made: T): T {
    const at = placeOf(path, this.#paths.length);
    const before = this.#paths[at];
    if (before !== undefined && before !== path && this.#paths.length < placesMost) {
      this.#grow();
      return this.set(path, made);
    }
    this.#paths[at] = path;
    this.#made[at] = made;
    return made;
  }

  #grow(): void {
    const [paths, made] = [this.#paths, this.#made];
    const places = 2 * paths.length;
    this.#paths = Array<Path | undefined>(places).fill(undefined);
    this.#made = Array<T | undefined>(places).fill(undefined);
    for (const [i, path] of paths.entries()) {
      if (path === undefined) continue;
      const at = placeOf(path, places);
      this.#paths[at] = path;
      this.#made[at] = made[i];
    }
  }
}

function placeOf({ set: { number = 0 } }: Path, places: number): number {
  return number & (places - 1);
}
