import type { Prefix } from "../../net/prefix.ts";
import { bestPath } from "./decision.ts";
import { type MaximumPaths, onePath, usedPaths } from "./multipath.ts";
import type { Path } from "./path.ts";

/** Two or more paths to one prefix. `used`: the best, and those used beside it. */
type Contest = {
  readonly candidates: readonly Path[];
  readonly best: Path;
  readonly used: readonly Path[];
};

/**
 * The routes of one family that the decision process has chosen (RFC 4271 §3.2), with the eligible
 * paths it chose from. Nearly all prefixes have one path: those cost one map entry and nothing more.
 */
export class LocRib {
  readonly #entries = new Map<Prefix, Path | Contest>();
  #changed = new Set<Prefix>();
  #isTrackingAll = false;
  #maximumPaths = onePath;

  /** Number of prefixes. */
  get size(): number {
    return this.#entries.size;
  }

  best(prefix: Prefix): Path | undefined {
    const entry = this.#entries.get(prefix);
    return entry && bestOf(entry);
  }

  /** The paths the best was chosen from, the best among them. */
  candidates(prefix: Prefix): readonly Path[] {
    const entry = this.#entries.get(prefix);
    return entry === undefined ? [] : candidatesOf(entry);
  }

  /** The best path first, then those used beside it (multipath.ts). */
  used(prefix: Prefix): readonly Path[] {
    const entry = this.#entries.get(prefix);
    return entry === undefined ? [] : usedOf(entry);
  }

  /** Chooses anew which paths are used beside the best. */
  setMaximumPaths(maximumPaths: MaximumPaths): void {
    this.#maximumPaths = maximumPaths;
    for (const [prefix, entry] of this.#entries) {
      if (isContest(entry)) this.#set(prefix, entry.candidates);
    }
  }

  prefixes(): IterableIterator<Prefix> {
    return this.#entries.keys();
  }

  /**
   * Puts `path` in the place of the peer's earlier path to the prefix; undefined takes that away. A
   * peer (undefined: this speaker) has one path to a prefix at most, or one for each of its path ids.
   */
  replace(
    prefix: Prefix,
    peer: string | undefined,
    path: Path | undefined,
    pathId: number | undefined = path?.pathId,
  ): void {
    const entry = this.#entries.get(prefix);
    if (entry === undefined) {
      if (path === undefined) return;
      this.#entries.set(prefix, path);
      this.#changed.add(prefix);
      return;
    }
    const others = candidatesOf(entry).filter(
      (candidate) => peerOf(candidate) !== peer || candidate.pathId !== pathId,
    );
    this.#set(prefix, path === undefined ? others : [...others, path]);
  }

  #set(prefix: Prefix, candidates: readonly Path[]): void {
    const before = this.used(prefix);
    if (candidates.length === 0) this.#entries.delete(prefix);
    else if (candidates.length === 1) this.#entries.set(prefix, candidates[0]!);
    else {
      const best = bestPath(candidates);
      const used = usedPaths(candidates, best, this.#maximumPaths);
      this.#entries.set(prefix, { candidates, best, used });
    }
    if (this.#isTrackingAll) {
      this.#changed.add(prefix);
      return;
    }
    const after = this.used(prefix);
    if (after.length !== before.length || after.some((path, i) => path !== before[i])) {
      this.#changed.add(prefix);
    }
  }

  /** From now on every change of a candidate counts: some peer is sent more than the best (RFC 7911). */
  trackAll(): void {
    this.#isTrackingAll = true;
  }

  /** The prefixes whose best path, or a path used beside it, became another since the last call. */
  takeChanged(): ReadonlySet<Prefix> {
    const changed = this.#changed;
    if (changed.size > 0) this.#changed = new Set();
    return changed;
  }
}

function isContest(entry: Path | Contest): entry is Contest {
  return "candidates" in entry;
}

function bestOf(entry: Path | Contest): Path {
  return isContest(entry) ? entry.best : entry;
}

function usedOf(entry: Path | Contest): readonly Path[] {
  return isContest(entry) ? entry.used : [entry];
}

function candidatesOf(entry: Path | Contest): readonly Path[] {
  return isContest(entry) ? entry.candidates : [entry];
}

/** By name: a peer that comes back has a new PathSource. */
function peerOf({ source }: Path): string | undefined {
  return source.kind === "peer" ? source.peer : undefined;
}
