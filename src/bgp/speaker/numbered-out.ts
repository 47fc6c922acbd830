import { bestPath } from "../rib/decision.ts";
import { Exporter } from "../rib/export.ts";
import type { InternedSet } from "../rib/interned-set.ts";
import type { Path } from "../rib/path.ts";
import { Policy, type PolicyStatement } from "../rib/policy.ts";
import type { PrefixId, PrefixIds, PrefixTable } from "../rib/prefix-table.ts";
import type { Ribs } from "./ribs.ts";
import type { Receiver, RoutesOut, SentRoute } from "./routes-out.ts";
import { type TooLong, UpdateBatch } from "./update-batch.ts";
import type { GroupOptions } from "./update-group.ts";

/**
 * One session that is sent several paths to a prefix, each with its identifier (RFC 7911), and what it was
 * sent. Which ones depends on which came from the peer itself, so this is no group's.
 */
export class NumberedOut implements RoutesOut {
  #exporter: Exporter;
  readonly #options: GroupOptions;
  readonly #receiver: Receiver;
  readonly #ribs: Ribs;
  readonly #prefixes: PrefixTable;
  readonly #pathsMax: number;
  readonly #isDeferred: () => boolean;
  readonly #sent = new Map<PrefixId, Map<number, InternedSet>>();
  #size = 0;

  /** Nothing is sent before the first dump. `pathsMax`: paths to one prefix. */
  constructor(
    options: GroupOptions,
    receiver: Receiver,
    pathsMax: number,
    ribs: Ribs,
    isDeferred: () => boolean,
  ) {
    this.#options = options;
    this.#receiver = receiver;
    this.#pathsMax = pathsMax;
    this.#ribs = ribs;
    this.#prefixes = ribs.prefixes[options.name];
    this.#isDeferred = isDeferred;
    this.#exporter = this.#newExporter(options.exportPolicy);
    ribs.loc[options.name].trackAll();
  }

  get exporter(): Exporter {
    return this.#exporter;
  }

  sizeFor(): number {
    return this.#size;
  }

  routesFor(): SentRoute[] {
    return [...this.#sent].flatMap(([id, paths]) => {
      const prefix = this.#prefixes.prefix(id);
      return Array.from(paths, ([pathId, set]) => ({ prefix, pathId, set }));
    });
  }

  forEachSet(call: (set: InternedSet) => void): void {
    for (const paths of this.#sent.values()) for (const set of paths.values()) call(set);
  }

  setPolicy(exportPolicy: readonly PolicyStatement[]): void {
    this.#exporter = this.#newExporter(exportPolicy);
    // Whatever was sent is still in the loc-rib, or among its changes.
    this.changed(this.#ribs.loc[this.#options.name].ids());
  }

  dump(_to: Receiver, endOfRib: boolean): void {
    const batch = this.#newBatch();
    for (const [id, paths] of this.#sent) {
      for (const [pathId, set] of paths) batch.announce(set, id, pathId);
    }
    this.#send(batch, endOfRib);
  }

  changed(ids: PrefixIds): void {
    const batch = this.#newBatch();
    for (const id of ids) this.#change(id, batch);
    this.#send(batch, false);
  }

  /** The session is over, and with it all that was sent. */
  leave(): void {
    for (const id of this.#sent.keys()) this.#prefixes.release(id);
    this.#sent.clear();
  }

  #change(id: PrefixId, batch: UpdateBatch): void {
    const wanted = this.#wanted(id);
    const before = this.#sent.get(id);
    for (const pathId of before?.keys() ?? []) {
      if (!wanted.has(pathId)) batch.withdraw(id, pathId);
    }
    for (const [pathId, set] of wanted) {
      if (before?.get(pathId) !== set) batch.announce(set, id, pathId);
    }
    this.#replace(id, before, wanted);
  }

  #replace(
    id: PrefixId,
    before: ReadonlyMap<number, InternedSet> | undefined,
    now: Map<number, InternedSet>,
  ): void {
    this.#size += now.size - (before?.size ?? 0);
    if (before === undefined && now.size > 0) this.#prefixes.retain(id);
    if (before !== undefined && now.size === 0) this.#prefixes.release(id);
    if (now.size === 0) this.#sent.delete(id);
    else this.#sent.set(id, now);
  }

  /** The best paths that the export policy lets out, as many as the peer is to get. */
  #wanted(id: PrefixId): Map<number, InternedSet> {
    const wanted = new Map<number, InternedSet>();
    let left = this.#ribs.loc[this.#options.name].candidatesAt(id);
    while (left.length > 0 && wanted.size < this.#pathsMax) {
      const next = bestPath(left);
      left = left.filter((path) => path !== next);
      if (this.#isHeldBack(next)) continue;
      const exported = this.#exporter.export(this.#prefixes.prefix(id), next);
      if ("set" in exported) wanted.set(this.#ribs.pathIdOf(next), exported.set);
    }
    return wanted;
  }

  #isHeldBack({ source }: Path): boolean {
    return source.kind === "peer" && (source.peer === this.#receiver.peer || this.#isDeferred());
  }

  #newExporter(exportPolicy: readonly PolicyStatement[]): Exporter {
    return new Exporter(this.#options.target, new Policy(exportPolicy), this.#ribs.pool);
  }

  #newBatch(): UpdateBatch {
    return new UpdateBatch(this.#options.name, this.#options.codec, this.#prefixes);
  }

  #send(batch: UpdateBatch, endOfRib: boolean): void {
    const { bytes, announced, tooLong } = batch.pack(endOfRib);
    for (const each of tooLong) this.#forget(each);
    if (bytes.length === 0) return;
    this.#receiver.send(bytes);
    this.#receiver.announced(this.#options.name, announced);
  }

  #forget({ ids, pathIds, reason }: TooLong): void {
    for (const [i, id] of ids.entries()) {
      const before = this.#sent.get(id);
      if (before === undefined) continue;
      const now = new Map(before);
      now.delete(pathIds[i]!);
      this.#replace(id, before, now);
    }
    this.#receiver.notSent(reason, this.#prefixes.prefix(ids[0]!));
  }
}
