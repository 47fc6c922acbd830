import type { Ends } from "../session/io.ts";
import type { PeerConfig } from "./config.ts";
import { Peer } from "./peer.ts";
import type { PeerContext } from "./peer-context.ts";

/** The peers of a speaker: the configured ones in their order, then those that a listen range let in. */
export class PeerTable {
  #byName = new Map<string, Peer>();
  readonly #bySerial = new Map<number, Peer>();
  readonly #contextOf: (config: PeerConfig, nowMs: number) => PeerContext;
  #lastSerial = 0;

  constructor(contextOf: (config: PeerConfig, nowMs: number) => PeerContext) {
    this.#contextOf = contextOf;
  }

  get size(): number {
    return this.#byName.size;
  }

  values(): IterableIterator<Peer> {
    return this.#byName.values();
  }

  get(name: string): Peer | undefined {
    return this.#byName.get(name);
  }

  /** Peer.serial, as it stands in the names of timers. */
  bySerial(serial: number): Peer | undefined {
    return this.#bySerial.get(serial);
  }

  /** Whose address it is that a connection came from. */
  at({ remoteAddress, interface: link }: Ends): Peer | undefined {
    return [...this.values()].find(
      ({ config }) => config.address === remoteAddress && config.interface === link,
    );
  }

  /** The one of this name, or all. */
  select(name: string | undefined): Peer[] {
    return [...this.values()].filter((peer) => name === undefined || peer.config.name === name);
  }

  add(config: PeerConfig, nowMs: number): Peer {
    const peer = new Peer(++this.#lastSerial, config, this.#contextOf(config, nowMs));
    this.#byName.set(config.name, peer);
    this.#bySerial.set(peer.serial, peer);
    return peer;
  }

  remove(peer: Peer): void {
    this.#byName.delete(peer.config.name);
    this.#bySerial.delete(peer.serial);
  }

  /** Adds the configured ones that are not there, returns them, and puts all in their order. */
  addMissing(configs: readonly PeerConfig[], nowMs: number): Peer[] {
    const missing = configs.filter(({ name }) => !this.#byName.has(name));
    const added = missing.map((config) => this.add(config, nowMs));
    const configured = configs.map(({ name }) => [name, this.#byName.get(name)!] as const);
    this.#byName = new Map([...configured, ...this.#byName]);
    return added;
  }
}
