import type { FamilyName } from "../rib/family.ts";
import type { PrefixIds } from "../rib/prefix-table.ts";
import type { SessionEffect } from "../session/io.ts";
import type { BmpMonitor } from "./bmp-monitor.ts";
import type { SpeakerConfig } from "./config.ts";
import type { Effect } from "./effect.ts";
import type { Peer } from "./peer.ts";
import type { Ribs } from "./ribs.ts";

/** Of the speaker itself: no peer has the serial number 0. */
const statisticsTimer = "0:bmpStatistics";

export type BmpFeedOptions = {
  monitor: BmpMonitor;
  config: () => SpeakerConfig;
  peers: () => readonly Peer[];
  ribs: Ribs;
  emit: (effect: Effect) => void;
};

/** Tells the BMP stations what happens, where the configuration has `bmp`. */
export class BmpFeed {
  readonly #options: BmpFeedOptions;

  constructor(options: BmpFeedOptions) {
    this.#options = options;
  }

  /** What a station that has just connected is to be sent before everything else (RFC 7854 §5). */
  begin(nowMs: number): Uint8Array[] {
    return this.#options.monitor.begin(this.#options.peers(), nowMs);
  }

  observe(effect: SessionEffect, of: Peer, nowMs: number): void {
    if (this.#isOn) this.#send(this.#options.monitor.observe(effect, of, nowMs));
  }

  /** The first statistics, and from then on every interval; or none any more. */
  beginStatistics(nowMs: number): void {
    const { config, emit, monitor, peers, ribs } = this.#options;
    const seconds = config().bmp?.statisticsIntervalSeconds;
    if (seconds === undefined) {
      emit({ do: "clearTimer", timer: statisticsTimer });
      return;
    }
    const locRib = (name: FamilyName) => ribs.loc[name].size;
    this.#send(monitor.statistics(peers(), locRib, nowMs));
    emit({ do: "setTimer", timer: statisticsTimer, afterMs: seconds * 1000 });
  }

  timer(timer: string, nowMs: number): void {
    if (timer === statisticsTimer) this.beginStatistics(nowMs);
  }

  sweeping(name: FamilyName, of: Peer, nowMs: number): void {
    if (this.#isOn) this.#send(this.#options.monitor.sweeping(name, of, nowMs));
  }

  policyChanged(of: Peer, nowMs: number): void {
    if (this.#isOn) this.#send(this.#options.monitor.policyChanged(of, nowMs));
  }

  locRibChanged(name: FamilyName, ids: PrefixIds, nowMs: number): void {
    if (this.#isOn) this.#send(this.#options.monitor.locRibChanged(name, ids, nowMs));
  }

  end(): void {
    if (this.#isOn) this.#send([this.#options.monitor.end()]);
  }

  get #isOn(): boolean {
    return this.#options.config().bmp !== undefined;
  }

  #send(messages: readonly Uint8Array[]): void {
    for (const bytes of messages) this.#options.emit({ do: "bmp", bytes });
  }
}
