import { Exporter, type ExportedRoute, type ExportTarget } from "../rib/export.ts";
import type { Prefix } from "../../net/prefix.ts";
import { type FamilyName, familyNameOfPrefix } from "../rib/family.ts";
import type { LocRib } from "../rib/loc-rib.ts";
import type { AttributeSet, Path } from "../rib/path.ts";
import { Policy, type PolicyStatement } from "../rib/policy.ts";
import type { PrefixId, PrefixIds, PrefixTable } from "../rib/prefix-table.ts";
import { RouteTable } from "../rib/route-table.ts";
import type { CodecOptions } from "../wire/message.ts";
import { Audiences } from "./audiences.ts";
import { DefaultCondition } from "./default-condition.ts";
import { concernedPrefixes, type PolicyChange } from "./policy-change.ts";
import type { Ribs } from "./ribs.ts";
import type { Receiver, RoutesOut, SentRoute } from "./routes-out.ts";
import { type Packed, type TooLong, UpdateBatch } from "./update-batch.ts";

const defaultPrefix: Readonly<Record<FamilyName, Prefix>> = {
  "ipv4/unicast": "0.0.0.0/0" as Prefix,
  "ipv6/unicast": "::/0" as Prefix,
};

/** All that what is sent over a session depends on. Sessions with equal ones are a group. */
export type GroupOptions = {
  readonly name: FamilyName;
  readonly target: ExportTarget;
  readonly exportPolicy: readonly PolicyStatement[];
  readonly codec: CodecOptions;
  /** The only session of the group, which tells it of changes in its own time; undefined: they are told at once. */
  readonly pacedBy?: string;
};

/**
 * Sessions that are sent the same: the best path of each prefix, in the same words. What they are to be told
 * is worked out and written once, and every one of them is handed the same bytes. They share one table of what
 * was sent as well. It differs between them in one thing only: no peer gets back what came from it. So each
 * change has its audience, which is all but one, or that one.
 */
export class UpdateGroup implements RoutesOut {
  readonly #exporter: Exporter;
  #exportPolicy: readonly PolicyStatement[];
  readonly #name: FamilyName;
  readonly #codec: CodecOptions;
  readonly #loc: LocRib;
  readonly #prefixes: PrefixTable;
  readonly #isDeferred: () => boolean;
  readonly #receivers = new Map<string, Receiver>();
  /** Those that are told everything together, as soon as the first of them is due. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #sent = new RouteTable<ExportedRoute>();
  /** The default route's, where that is sent as our own. */
  readonly #ownDefault: PrefixId | undefined;
  readonly #condition: DefaultCondition | undefined;
  /** How many of these came from each peer. */
  readonly #sentFrom = new Map<string | undefined, { routes: number }>();
  /** The last of them that was looked up. */
  #lastFrom: string | undefined;
  #lastCount: { routes: number } | undefined;
  /**
   * The only receiver: what came from it is of no use to anybody, and is left out as long as that is so, or is sent
   * back with a next hop of ours.
   */
  #alone: string | undefined;
  /** Nothing is kept from the peer that it came from. */
  readonly #sendsBack: boolean;
  /** What came from a peer has another next hop for that peer alone than for it and others (Exporter.setOnlyPeer). */
  readonly #isByCompany: boolean;
  /** All of it, where it is the same for whoever joins: often many do, one after the other. */
  #lastDump: { packed: Packed; endOfRib: boolean } | undefined;
  /** The path that was looked at last, and what became of it. */
  #lastPath: Path | undefined;
  #lastExported: ExportedRoute | undefined;

  /** `isDeferred`: learned routes are held back for now (RFC 4724 §4.1). */
  constructor(
    { name, target, exportPolicy, codec }: GroupOptions,
    ribs: Ribs,
    isDeferred: () => boolean,
  ) {
    this.#name = name;
    this.#codec = codec;
    this.#loc = ribs.loc[name];
    this.#prefixes = ribs.prefixes[name];
    this.#isDeferred = isDeferred;
    this.#exportPolicy = exportPolicy;
    this.#exporter = new Exporter(target, new Policy(exportPolicy), ribs.pool);
    this.#sendsBack = target.sendsBack;
    this.#isByCompany = target.sendsBack && target.sharedSubnets.length > 0;
    const { defaultOriginateIf: condition } = target;
    if (condition !== undefined) {
      this.#condition = new DefaultCondition(condition, this.#loc, this.#prefixes);
    }
    if (target.defaultOriginate) this.#ownDefault = this.#prefixes.addPrefix(defaultPrefix[name]);
    if (this.#ownDefault !== undefined) {
      this.#prefixes.retain(this.#ownDefault);
      this.#condition?.look();
      this.#tell([this.#ownDefault]);
    }
    this.changed(this.#loc.ids());
  }

  get exporter(): Exporter {
    return this.#exporter;
  }

  get exportPolicy(): readonly PolicyStatement[] {
    return this.#exportPolicy;
  }

  /** Names of the peers that it is for. */
  get peers(): string[] {
    return [...this.#receivers.keys(), ...this.#waiting.keys()];
  }

  get hasConditionalDefault(): boolean {
    return this.#condition !== undefined;
  }

  /** The default route goes, or comes, where the routes that it depends on have. */
  lookAtDefault(): void {
    if (this.#condition?.look() === true && this.#ownDefault !== undefined) {
      this.#tell([this.#ownDefault]);
    }
  }

  /** All of its sessions have this policy from now on: they are told what is decided otherwise. */
  setPolicy(exportPolicy: readonly PolicyStatement[], change: PolicyChange): void {
    this.#exportPolicy = exportPolicy;
    this.#exporter.setStatements(exportPolicy, change);
    const concerned = concernedPrefixes(change);
    this.changed(concerned === "all" ? this.#loc.ids() : [...this.#idsOf(concerned)]);
  }

  /** Of those prefixes that are of this family and known. */
  *#idsOf(prefixes: Iterable<Prefix>): Generator<PrefixId> {
    for (const prefix of prefixes) {
      if (familyNameOfPrefix(prefix) !== this.#name) continue;
      const id = this.#prefixes.findPrefix(prefix);
      if (id >= 0) yield id;
    }
  }

  get isEmpty(): boolean {
    return this.#receivers.size === 0 && this.#waiting.size === 0;
  }

  sizeFor(peer: string): number {
    return this.#sent.size - (this.#sentFrom.get(peer)?.routes ?? 0);
  }

  routesFor(peer: string): SentRoute[] {
    const routes: SentRoute[] = [];
    this.#sent.forEach(({ set, from }, id) => {
      if (from !== peer) routes.push({ prefix: this.#prefixes.prefix(id), set });
    });
    return routes;
  }

  /** Every set in use. */
  forEachSet(call: (set: AttributeSet) => void): void {
    this.#sent.forEach(({ set }) => call(set));
  }

  /** It is told nothing before `begin`. `begun`: from then on it is told what changes. */
  expect(receiver: Receiver, begun: Waiting["begun"]): void {
    this.#waiting.set(receiver.peer, { receiver, begun });
  }

  /**
   * All that wait are told everything. Those that joined before are told nothing, although what came from them may have
   * another next hop in company: FRR works that out for those that begin together (a subgroup), and what the group was
   * sent already stays as it is when they become one with it (bgpd/bgp_updgrp.c, update_subgroup_merge).
   */
  begin(): void {
    const waiting = [...this.#waiting.values()];
    const receivers = waiting.map(({ receiver }) => receiver);
    this.#waiting.clear();
    this.lookAtDefault();
    const isDeferred = this.#isDeferred();
    for (const { begun } of waiting) begun(isDeferred);
    const packed =
      this.#isByCompany && this.#receivers.size > 0
        ? this.#packAnew(receivers, !isDeferred)
        : undefined;
    this.#join(receivers);
    if (packed !== undefined) this.#deliver(packed, receivers);
    else for (const receiver of receivers) this.dump(receiver, !isDeferred);
  }

  leave({ peer }: Receiver): void {
    this.#waiting.delete(peer);
    if (!this.#receivers.delete(peer)) return;
    this.#setAlone(this.#receivers.size === 1 ? [...this.#receivers.keys()][0] : undefined);
  }

  dump(to: Receiver, endOfRib: boolean): void {
    if (this.#lastDump?.endOfRib === endOfRib) return this.#deliver(this.#lastDump.packed, [to]);
    const batch = this.#newBatch();
    this.#sent.forEach(({ set, from }, id) => {
      if (from !== to.peer) batch.announce(set, id);
    });
    const packed = batch.pack(endOfRib);
    this.#deliver(packed, [to]);
    if (this.#sendsBack && packed.tooLong.length === 0) this.#lastDump = { packed, endOfRib };
  }

  /** One that was in another group joins: it is told the difference. */
  takeOver(receiver: Receiver, before: UpdateGroup): void {
    this.#join([receiver]);
    const { peer } = receiver;
    const batch = this.#newBatch();
    before.#sent.forEach((_, id) => {
      const had = before.#sentTo(peer, id);
      const has = this.#sentTo(peer, id);
      if (has === undefined) {
        if (had !== undefined) batch.withdraw(id);
      } else if (has.set !== had?.set) batch.announce(has.set, id);
    });
    this.#sent.forEach((_, id) => {
      if (before.#sent.get(id) !== undefined) return;
      const has = this.#sentTo(peer, id);
      if (has !== undefined) batch.announce(has.set, id);
    });
    before.leave(receiver);
    this.#send(batch, [receiver], false);
  }

  changed(ids: PrefixIds): void {
    if (!this.#isMute) this.#tell(ids);
  }

  /** Whatever changes, nothing of it is let out, and nothing that was is to be taken back. */
  get #isMute(): boolean {
    if (!this.#exporter.rejectsAll) return false;
    const own = this.#ownDefault === undefined ? undefined : this.#sent.get(this.#ownDefault);
    return this.#sent.size === (own === undefined ? 0 : 1);
  }

  #tell(ids: PrefixIds): void {
    const newBatch = () => this.#newBatch();
    const others = new Audiences(newBatch);
    const only = new Audiences(newBatch);
    // Another policy, another peer or the end of a deferral may say otherwise.
    this.#lastPath = undefined;
    for (let i = 0; i < ids.length; i++) this.#change(ids[i]!, others, only);
    for (const [peer, batch] of only.batches) {
      const receiver = this.#receivers.get(peer!);
      if (receiver !== undefined) this.#send(batch, [receiver], false);
    }
    for (const [except, batch] of others.batches) {
      this.#send(
        batch,
        [...this.#receivers.values()].filter(({ peer }) => peer !== except),
        false,
      );
    }
  }

  /** `others`: by the peer that is left out; `only`: by the only one that is told. */
  #change(id: PrefixId, others: Audiences, only: Audiences): void {
    const before = this.#sent.get(id);
    const now = this.#exported(id);
    if (before === now || (before?.set === now?.set && before?.from === now?.from)) return;
    this.#replace(id, before, now);
    if (this.#receivers.size === 0) return;
    if (now === undefined) {
      others.batch(before!.from).withdraw(id);
    } else if (before === undefined || before.from === now.from) {
      others.batch(now.from).announce(now.set, id);
    } else {
      // The route comes from another peer: that one has the old and must not get the new.
      if (now.from !== undefined) only.batch(now.from).withdraw(id);
      // All others have it already, where it reads the same; the peer it came from has not.
      if (before.set !== now.set) others.batch(now.from).announce(now.set, id);
      else if (before.from !== undefined) only.batch(before.from).announce(now.set, id);
    }
  }

  /** Whoever joins gets what came from the one that was alone; the first one is alone. */
  #join(receivers: readonly Receiver[]): void {
    const isFirst = this.#receivers.size === 0;
    const alone = isFirst && receivers.length === 1 ? receivers[0]!.peer : undefined;
    const hasCompanyNow = this.#alone !== undefined && alone === undefined;
    this.#setAlone(alone);
    if (this.#isByCompany ? isFirst : hasCompanyNow) this.changed(this.#loc.ids());
    for (const receiver of receivers) this.#receivers.set(receiver.peer, receiver);
  }

  /** What a group of these alone would be sent. */
  #packAnew(receivers: readonly Receiver[], endOfRib: boolean): Packed {
    this.#setAlone(receivers.length === 1 ? receivers[0]!.peer : undefined);
    this.#lastPath = undefined;
    const batch = this.#newBatch();
    this.#sent.forEach((_, id) => {
      const route = this.#exported(id);
      if (route !== undefined) batch.announce(route.set, id);
    });
    this.#lastPath = undefined;
    return batch.pack(endOfRib);
  }

  /** What was sent stays as it is. */
  #setAlone(peer: string | undefined): void {
    this.#alone = peer;
    this.#exporter.setOnlyPeer(peer);
  }

  /** What a peer was sent of the prefix. */
  #sentTo(peer: string, id: PrefixId): ExportedRoute | undefined {
    const sent = this.#sent.get(id);
    return sent?.from === peer ? undefined : sent;
  }

  /** What is to be sent of the prefix now. */
  #exported(id: PrefixId): ExportedRoute | undefined {
    if (id === this.#ownDefault) return this.#exportedDefault();
    const best = this.#loc.bestAt(id);
    if (best === undefined) return undefined;
    if (best === this.#lastPath) return this.#lastExported;
    const { isBlindToPrefix } = this.exporter;
    const prefix = isBlindToPrefix ? undefined : this.#prefixes.prefix(id);
    const route = this.#isHeldBack(best) ? undefined : this.#export(prefix, best);
    if (isBlindToPrefix) {
      this.#lastPath = best;
      this.#lastExported = route;
    }
    return route;
  }

  #exportedDefault(): ExportedRoute | undefined {
    if (this.#condition === undefined) return this.exporter.exportDefault();
    const { statement } = this.#condition;
    return statement && this.exporter.exportDefault(statement);
  }

  #isHeldBack({ source }: Path): boolean {
    if (source.kind === "own") return false;
    return (source.peer === this.#alone && !this.#sendsBack) || this.#isDeferred();
  }

  #export(prefix: Prefix | undefined, path: Path): ExportedRoute | undefined {
    const exported = this.exporter.export(prefix, path);
    return "set" in exported ? exported : undefined;
  }

  #replace(id: PrefixId, before: ExportedRoute | undefined, now: ExportedRoute | undefined): void {
    this.#lastDump = undefined;
    if (before !== undefined) this.#count(before.from, -1);
    if (now === undefined) this.#sent.delete(id);
    else {
      this.#sent.set(id, now);
      this.#count(now.from, 1);
    }
  }

  #count(from: string | undefined, by: number): void {
    if (this.#lastCount === undefined || from !== this.#lastFrom) {
      let count = this.#sentFrom.get(from);
      if (count === undefined) this.#sentFrom.set(from, (count = { routes: 0 }));
      this.#lastFrom = from;
      this.#lastCount = count;
    }
    this.#lastCount.routes += by;
    if (this.#lastCount.routes === 0) {
      this.#sentFrom.delete(from);
      this.#lastCount = undefined;
    }
  }

  #newBatch(): UpdateBatch {
    return new UpdateBatch(this.#name, this.#codec, this.#prefixes);
  }

  #send(batch: UpdateBatch, to: readonly Receiver[], endOfRib: boolean): void {
    if (to.length > 0) this.#deliver(batch.pack(endOfRib), to);
  }

  #deliver({ bytes, announced, tooLong }: Packed, to: readonly Receiver[]): void {
    for (const each of tooLong) this.#forget(each, to);
    if (bytes.length === 0) return;
    for (const receiver of to) {
      receiver.send(bytes);
      receiver.announced(this.#name, announced);
    }
  }

  #forget({ ids, reason }: TooLong, to: readonly Receiver[]): void {
    for (const id of ids) {
      const sent = this.#sent.get(id);
      if (sent !== undefined) this.#replace(id, sent, undefined);
    }
    for (const { notSent } of to) notSent(reason, this.#prefixes.prefix(ids[0]!));
  }
}

/** Established, and `begin` is not yet due. */
type Waiting = {
  readonly receiver: Receiver;
  /** `isDeferred`: there was no End-of-RIB, as learned routes are held back (RFC 4724 §4.1). */
  readonly begun: (isDeferred: boolean) => void;
};
