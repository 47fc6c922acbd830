import type { Path } from "./path.ts";

/** Far more than the paths that one read from a socket brings. */
const pathsMax = 4096;

/**
 * What a policy makes of a path, kept for a while: routes that come together share paths, and a whole table
 * is gone through path by path. Which ones are kept is of no matter to the outcome, only that they are few.
 */
export class PathMemo<T extends object> {
  readonly #known = new Map<Path, T>();

  get(path: Path, make: () => T): T {
    let known = this.#known.get(path);
    if (known === undefined) {
      if (this.#known.size >= pathsMax) this.#known.clear();
      this.#known.set(path, (known = make()));
    }
    return known;
  }
}
