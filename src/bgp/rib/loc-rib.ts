import type { Prefix } from "../../net/prefix.ts";
import { bestPath } from "./decision.ts";
import type { Path } from "./path.ts";

/** Two or more paths to one prefix. */
type Contest = { readonly candidates: readonly Path[]; readonly best: Path };

/**
 * The routes of one family that the decision process has chosen (RFC 4271 §3.2), with the eligible
 * paths it chose from. Nearly all prefixes have one path: those cost one map entry and nothing more.
 */
export class LocRib {
  readonly #entries = new Map<Prefix, Path | Contest>();
  #changed = new Set<Prefix>();

  best(prefix: Prefix): Path | undefined {
    const entry = this.#entries.get(prefix);
    return entry && bestOf(entry);
  }

  /** The paths the best was chosen from, the best among them. */
  candidates(prefix: Prefix): readonly Path[] {
    const entry = this.#entries.get(prefix);
    return entry === undefined ? [] : candidatesOf(entry);
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
    const candidates = path === undefined ? others : [...others, path];
    if (candidates.length === 0) this.#entries.delete(prefix);
    else if (candidates.length === 1) this.#entries.set(prefix, candidates[0]!);
    else this.#entries.set(prefix, { candidates, best: bestPath(candidates) });
    if (this.best(prefix) !== bestOf(entry)) this.#changed.add(prefix);
  }

  /** The prefixes whose best path became another since the last call. */
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

function candidatesOf(entry: Path | Contest): readonly Path[] {
  return isContest(entry) ? entry.candidates : [entry];
}

/** By name: a peer that comes back has a new PathSource. */
function peerOf({ source }: Path): string | undefined {
  return source.kind === "peer" ? source.peer : undefined;
}
