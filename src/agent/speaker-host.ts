import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import type { Effect, Input } from "../bgp/speaker/effect.ts";
import type { PeerReset, ResetRequest } from "../bgp/speaker/reset.ts";
import { Speaker } from "../bgp/speaker/speaker.ts";
import { interfaceIndex } from "../sys/libc.ts";
import { BfdSockets } from "./bfd-sockets.ts";
import { BgpSockets } from "./bgp-sockets.ts";
import { BmpStations } from "./bmp-stations.ts";
import { KernelEdge } from "./kernel-edge.ts";
import type { KernelView } from "./kernel-view.ts";
import { SpeakerTimers } from "./speaker-timers.ts";
import { UnnumberedLinks } from "./unnumbered-links.ts";

export type SpeakerLog = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  peer?: string,
) => void;

export type SpeakerHostOptions = {
  /** True right after a start: the first OPEN to each peer carries the restart bit (RFC 4724 §3). */
  restarting: boolean;
  softwareVersion: string;
  log: SpeakerLog;
  /** A session changed state or its counted routes changed. */
  onChanged: (peer: string) => void;
  /** Shared by the speakers of one process; only looked at where the configuration has `installRoutes`. */
  kernel?: KernelView;
};

/** Gives a speaker its sockets, timers and clock: the only place where BGP meets the system. */
export class SpeakerHost {
  readonly speaker: Speaker;
  readonly #options: SpeakerHostOptions;
  readonly #timers = new SpeakerTimers((timer) => this.#step({ input: "timer", timer }));
  readonly #sockets: BgpSockets;
  readonly #bfd: BfdSockets;
  readonly #links: UnnumberedLinks;
  readonly #kernel: KernelEdge;
  readonly #stations: BmpStations;

  constructor(config: SpeakerConfig, options: SpeakerHostOptions) {
    this.#options = options;
    this.speaker = new Speaker(config, {
      nowMs: performance.now(),
      restarting: options.restarting,
      softwareVersion: options.softwareVersion,
      random: Math.random,
      timeOriginMs: performance.timeOrigin,
    });
    this.#sockets = new BgpSockets(options.log, (input) => this.#step(input));
    this.#bfd = new BfdSockets(options.log, (packet) =>
      this.#step({ input: "bfdReceived", ...packet }),
    );
    this.#links = new UnnumberedLinks(options.log, (found) => {
      this.#step({ input: "neighbors", ...found });
      // A password is for an address.
      this.#sockets.listen(this.speaker.config);
    });
    this.#kernel = new KernelEdge({
      kernel: options.kernel,
      interfaceOf: (peer) => this.#interfaceOf(peer),
      tell: (told) => this.#step({ input: "nextHops", told }),
      log: options.log,
    });
    this.#stations = new BmpStations({
      begin: () => this.speaker.bmpBegin(performance.now()),
      log: options.log,
    });
    this.#sockets.listen(config);
    this.#bfd.configure(config);
  }

  start(): void {
    this.#stations.configure(this.speaker.config.bmp);
    this.#kernel.configure(this.speaker.config);
    this.#perform(this.speaker.start(performance.now()));
    this.#links.configure(this.speaker.config);
  }

  configure(config: SpeakerConfig): void {
    this.#kernel.configure(config);
    this.#bfd.configure(config);
    this.#perform(this.speaker.configure(config, performance.now()));
    this.#sockets.listen(this.speaker.config);
    this.#links.configure(config);
    this.#stations.configure(config.bmp);
  }

  /** What became of each peer of this name or address, or of all. */
  reset(of: ResetRequest): PeerReset[] {
    const { done, effects } = this.speaker.reset(of, performance.now());
    this.#perform(effects);
    return done;
  }

  /** Ends every session and resolves when the last bytes are out or `limitMs` has passed. */
  async stop(how: "graceful" | "cease", limitMs: number): Promise<void> {
    const closed = this.#sockets.whenClosed();
    this.#perform(this.speaker.stop(how, performance.now()));
    this.#kernel.close();
    const stations = this.#stations.end(limitMs);
    this.#sockets.stopListening();
    this.#timers.stop();
    await Promise.race([
      Promise.all([closed, stations]),
      new Promise((resolve) => setTimeout(resolve, limitMs).unref()),
    ]);
    this.#sockets.stop();
    this.#bfd.stop();
    this.#links.stop(how === "graceful");
  }

  #step(input: Input): void {
    this.#perform(this.speaker.step(input, performance.now()));
  }

  #perform(effects: Effect[]): void {
    for (const effect of effects) {
      switch (effect.do) {
        case "connect":
          this.#sockets.connect(effect);
          break;
        case "limitTtl":
          this.#sockets.limitTtl(effect);
          break;
        case "send":
          this.#sockets.send(effect.connection, effect.bytes);
          break;
        case "close":
          this.#sockets.close(effect.connection);
          break;
        case "setTimer":
          this.#timers.set(effect.timer, effect.afterMs);
          break;
        case "clearTimer":
          this.#timers.clear(effect.timer);
          break;
        case "bfdSend":
          this.#bfd.send(effect);
          break;
        case "bfdClose":
          this.#bfd.close(effect.session);
          break;
        case "bmp":
          this.#stations.send(effect.bytes);
          break;
        case "routes":
        case "routesSelected":
        case "trackNextHop":
        case "untrackNextHop":
          this.#kernel.perform(effect);
          break;
        case "log":
          this.#options.log(effect.level, effect.message, effect.peer);
          break;
        case "changed":
          this.#options.onChanged(effect.peer);
          break;
      }
    }
  }

  /** The index of the link that a peer's link-local address belongs to. */
  #interfaceOf(name: string): number | undefined {
    const { interface: link } = this.speaker.config.peers.find((peer) => peer.name === name) ?? {};
    return link === undefined ? undefined : interfaceIndex(link);
  }
}
