import type { Prefix } from "../../net/prefix.ts";
import { bestPath } from "./decision.ts";
import { IdList } from "./id-list.ts";
import { type MaximumPaths, onePath, usedPaths } from "./multipath.ts";
import type { Path } from "./path.ts";
import type { PrefixId, PrefixTable } from "./prefix-table.ts";
import { RouteTable } from "./route-table.ts";

/**
 * Two or more paths to one prefix. Which is the best is worked out when somebody asks. Never changed, and so shared
 * by prefixes that have the same paths.
 */
class Contest {
  readonly candidates: readonly Path[];
  readonly #maximumPaths: MaximumPaths;
  /** The path that would stay best among equals. */
  readonly #inUse: Path | undefined;
  #best: Path | undefined;
  #used: readonly Path[] | undefined;

  constructor(candidates: readonly Path[], maximumPaths: MaximumPaths, inUse: Path | undefined) {
    this.candidates = candidates;
    this.#maximumPaths = maximumPaths;
    this.#inUse = inUse;
  }

  get best(): Path {
    return (this.#best ??= bestPath(this.candidates, undefined, this.#inUse));
  }

  /** The best, and those used beside it. */
  get used(): readonly Path[] {
    return (this.#used ??= usedPaths(this.candidates, this.best, this.#maximumPaths));
  }

  /** What the next contest finds in use: the best, if that was ever asked for. */
  get inUse(): Path | undefined {
    return this.#best ?? this.#inUse;
  }
}

/** What becomes of an entry, whichever prefix's it is. */
type Change = {
  readonly before: Path | Contest;
  readonly after: Path | Contest | undefined;
  /** The peer had a path before. */
  readonly had: boolean;
  /** What is used is what was; false where that is asked later. */
  readonly isSameUse: boolean;
  /** No path was in use. */
  readonly isOpen: boolean;
};

/** Of a prefix: whether it is in #changed; and whether there is no path in use, since none was or it has gone. */
const stateUnchanged = 0;
const stateChanged = 1;
const stateNoneInUse = 2;

const nothing = new Uint8Array();

/**
 * The routes of one family that the decision process has chosen (RFC 4271 §3.2), with the eligible
 * paths it chose from. Nearly all prefixes have one path: those cost one place in an array and nothing more.
 */
export class LocRib {
  readonly #prefixes: PrefixTable;
  readonly #entries = new RouteTable<Path | Contest>();
  readonly #changed = new IdList();
  /** By id. */
  #states = nothing;
  #isTrackingAll = false;
  #isGathering = false;
  /** Of those in #changed, where changes are gathered: what there was before the first of them, of so many in a row. */
  #before: { readonly was: Path | Contest | undefined; count: number }[] = [];
  #maximumPaths = onePath;
  #keepsExternalBest = false;
  /** The last change of an entry by a path that came: prefixes that come together mostly change alike. */
  #lastAdded: (Change & { path: Path }) | undefined;
  /** The same of the last one that a peer's path was taken from. */
  #lastCut: (Change & { peer: string | undefined }) | undefined;

  constructor(prefixes: PrefixTable) {
    this.#prefixes = prefixes;
  }

  /** Number of prefixes. */
  get size(): number {
    return this.#entries.size;
  }

  best(prefix: Prefix): Path | undefined {
    return this.used(prefix)[0];
  }

  /** The paths the best was chosen from, the best among them. */
  candidates(prefix: Prefix): readonly Path[] {
    const id = this.#prefixes.findPrefix(prefix);
    return id < 0 ? [] : this.candidatesAt(id);
  }

  /** The best path first, then those used beside it (multipath.ts). */
  used(prefix: Prefix): readonly Path[] {
    const id = this.#prefixes.findPrefix(prefix);
    return id < 0 ? [] : this.usedAt(id);
  }

  prefixes(): Prefix[] {
    return this.#entries.ids().map((id) => this.#prefixes.prefix(id));
  }

  ids(): PrefixId[] {
    return this.#entries.ids();
  }

  bestAt(id: PrefixId): Path | undefined {
    const entry = this.#entries.get(id);
    return entry && bestOf(entry);
  }

  candidatesAt(id: PrefixId): readonly Path[] {
    const entry = this.#entries.get(id);
    if (entry === undefined) return [];
    return entry instanceof Contest ? entry.candidates : [entry];
  }

  usedAt(id: PrefixId): readonly Path[] {
    const entry = this.#entries.get(id);
    return entry === undefined ? [] : usedOf(entry);
  }

  forEachCandidate(call: (path: Path, id: PrefixId) => void): void {
    this.#entries.forEach((entry, id) => {
      if (entry instanceof Contest) for (const path of entry.candidates) call(path, id);
      else call(entry, id);
    });
  }

  /** Chooses anew which paths are used beside the best. */
  setMaximumPaths(maximumPaths: MaximumPaths): void {
    this.#maximumPaths = maximumPaths;
    this.#lastAdded = undefined;
    this.#lastCut = undefined;
    this.#entries.forEach((entry, id) => {
      if (entry instanceof Contest)
        this.#carryOut(id, this.#changeOf(entry, entry.candidates, this.#isOpen(id)));
    });
  }

  /**
   * Puts `path` in the place of the peer's earlier path to the prefix; undefined takes that away. A
   * peer (undefined: this speaker) has one path to a prefix at most, or one for each of its path ids.
   * Whether there was an earlier one.
   */
  replace(
    id: PrefixId,
    peer: string | undefined,
    path: Path | undefined,
    pathId: number | undefined = path?.pathId,
  ): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      if (path === undefined) return false;
      this.#entries.set(id, path);
      this.#change(id, undefined);
      return false;
    }
    if (!(entry instanceof Contest) && isOf(entry, peer, pathId)) {
      // By far the most: the only path is replaced or goes.
      if (path === undefined) this.#entries.delete(id);
      else this.#entries.set(id, path);
      this.#change(id, entry);
      if (path === undefined) this.#states[id] = stateNoneInUse;
      return true;
    }
    const isOpen = this.#isOpen(id);
    const last = this.#lastAdded?.isOpen === isOpen ? this.#lastAdded : undefined;
    if (path !== undefined && entry === last?.before && path === last.path) {
      this.#carryOut(id, last);
      return last.had;
    }
    const isCut = path === undefined && pathId === undefined;
    const lastCut = this.#lastCut?.isOpen === isOpen ? this.#lastCut : undefined;
    if (isCut && entry === lastCut?.before && peer === lastCut.peer) {
      this.#carryOut(id, lastCut);
      return lastCut.had;
    }
    const candidates = this.candidatesAt(id);
    const others = candidates.filter((candidate) => !isOf(candidate, peer, pathId));
    const had = others.length < candidates.length;
    if (path === undefined && !had) return false;
    const change = {
      ...this.#changeOf(entry, path === undefined ? others : [...others, path], isOpen),
      had,
    };
    this.#carryOut(id, change);
    if (path !== undefined) this.#lastAdded = { ...change, path };
    else if (isCut) this.#lastCut = { ...change, peer };
    return had;
  }

  /** The path that would stay best among equals. */
  inUse(prefix: Prefix): Path | undefined {
    return this.#keepsExternalBest ? this.best(prefix) : undefined;
  }

  /** RFC 5004: from now on the external path in use stays best among equals. */
  keepExternalBest(keeps: boolean): void {
    this.#keepsExternalBest = keeps;
    this.#lastAdded = undefined;
    this.#lastCut = undefined;
  }

  /** From now on every change of a candidate counts: some peer is sent more than the best (RFC 7911). */
  trackAll(): void {
    this.#isTrackingAll = true;
    this.#lastAdded = undefined;
    this.#lastCut = undefined;
  }

  /**
   * From now on what is used is worked out when changes are taken, once for all of them, as FRR does from its work
   * queue: a prefix that many have may change by every one of them in the meantime.
   */
  gather(): void {
    this.#isGathering = true;
  }

  /** Whether `takeChanged` has anything. */
  get hasChanged(): boolean {
    return this.#changed.length > 0;
  }

  /** The prefixes whose best path, or a path used beside it, became another since the last call. */
  takeChanged(): Uint32Array {
    const ids = this.#changed.take();
    for (let i = 0; i < ids.length; i++) this.#states[ids[i]!] = stateUnchanged;
    return this.#isGathering ? this.#usedOtherwise(ids) : ids;
  }

  /** Of these, which were gathered. */
  #usedOtherwise(changed: Uint32Array): Uint32Array {
    const before = this.#before;
    this.#before = [];
    if (this.#isTrackingAll) return changed;
    let kept = 0;
    let next = 0;
    for (const { was, count } of before) {
      // Neighbours mostly changed alike.
      let last: Path | Contest | undefined;
      let isSame = was === undefined;
      for (const end = next + count; next < end; next++) {
        const id = changed[next]!;
        const is = this.#entries.get(id);
        if (is !== last) {
          last = is;
          isSame = isSameUse(was, is);
        }
        if (!isSame) changed[kept++] = id;
      }
    }
    return changed.subarray(0, kept);
  }

  /** Changes are gathered, and since the first of them no path is in use: FRR chooses once for all, by what it chose last. */
  #isOpen(id: PrefixId): boolean {
    return this.#isGathering && this.#states[id] === stateNoneInUse;
  }

  /** What an entry becomes that has these candidates from now on. */
  #changeOf(before: Path | Contest, candidates: readonly Path[], isOpen: boolean): Change {
    const inUse = isOpen ? undefined : inUseOf(before);
    const after = candidates.length < 2 ? candidates[0] : this.#contest(inUse, candidates);
    const isAskedLater = this.#isGathering || this.#isTrackingAll;
    const isSame = !isAskedLater && isSameUse(before, after);
    return { before, after, had: true, isSameUse: isSame, isOpen };
  }

  #contest(inUse: Path | undefined, candidates: readonly Path[]): Contest {
    const stays = this.#keepsExternalBest ? stillThere(inUse, candidates) : undefined;
    return new Contest(candidates, this.#maximumPaths, stays);
  }

  #carryOut(id: PrefixId, { before, after, isSameUse: isSame }: Change): void {
    if (after === undefined) this.#entries.delete(id);
    else this.#entries.set(id, after);
    if (isSame) return;
    this.#change(id, before);
    if (!this.#isGathering || after === undefined || after instanceof Contest) return;
    if (stillThere(inUseOf(before), [after]) === undefined) this.#states[id] = stateNoneInUse;
  }

  #change(id: PrefixId, before: Path | Contest | undefined): void {
    if (id >= this.#states.length) {
      const larger = new Uint8Array(Math.max(id + 1, 2 * this.#states.length, 64));
      larger.set(this.#states);
      this.#states = larger;
    }
    if (this.#states[id] !== stateUnchanged) return;
    this.#states[id] = before === undefined ? stateNoneInUse : stateChanged;
    this.#changed.push(id);
    if (!this.#isGathering) return;
    const last = this.#before.at(-1);
    if (last !== undefined && last.was === before) last.count++;
    else this.#before.push({ was: before, count: 1 });
  }
}

function isSameUse(before: Path | Contest | undefined, after: Path | Contest | undefined): boolean {
  if (before === after) return true;
  if (before === undefined || after === undefined || bestOf(before) !== bestOf(after)) return false;
  const [was, is] = [usedOf(before), usedOf(after)];
  return was.length === is.length && is.every((path, i) => path === was[i]);
}

function bestOf(entry: Path | Contest): Path {
  return entry instanceof Contest ? entry.best : entry;
}

function inUseOf(entry: Path | Contest): Path | undefined {
  return entry instanceof Contest ? entry.inUse : entry;
}

function usedOf(entry: Path | Contest): readonly Path[] {
  return entry instanceof Contest ? entry.used : [entry];
}

/** The path, or what its peer has put in its place. */
function stillThere(path: Path | undefined, candidates: readonly Path[]): Path | undefined {
  if (path === undefined || path.source.kind === "own") return undefined;
  const { peer } = path.source;
  return candidates.find((candidate) => isOf(candidate, peer, path.pathId));
}

/** By name: a peer that comes back has a new PathSource. */
function isOf(
  { source, pathId }: Path,
  peer: string | undefined,
  wanted: number | undefined,
): boolean {
  return (source.kind === "peer" ? source.peer : undefined) === peer && pathId === wanted;
}
