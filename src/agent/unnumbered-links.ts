import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import type { Input } from "../bgp/speaker/effect.ts";
import {
  type DiscoveryEffect,
  type DiscoveryInput,
  type DiscoveryTimer,
  RouterDiscovery,
} from "../nd/discovery.ts";
import { IcmpType } from "../nd/message.ts";
import { ReadinessLoop } from "../sys/epoll.ts";
import { type LinkState, LinkWatch } from "../sys/link-watch.ts";
import { SystemCallError } from "../sys/libc.ts";
import { NdSocket } from "../sys/nd-socket.ts";
import type { SpeakerLog } from "./speaker-host.ts";

type OnNeighbors = (found: Omit<Extract<Input, { input: "neighbors" }>, "input">) => void;

const lookAgainAfterMs = 1000;

/** The links of peers that are named by interface: who is there, and that we are. */
export class UnnumberedLinks {
  readonly #log: SpeakerLog;
  readonly #onNeighbors: OnNeighbors;
  readonly #links = new Map<string, Link>();
  #system: { loop: ReadinessLoop; watch: LinkWatch } | undefined;
  #again: NodeJS.Timeout | undefined;

  constructor(log: SpeakerLog, onNeighbors: OnNeighbors) {
    this.#log = log;
    this.#onNeighbors = onNeighbors;
  }

  /** `config`: as it was written, without the addresses that were learned. */
  configure({ peers }: SpeakerConfig): void {
    const unnumbered = peers.filter(({ address }) => address === "::");
    const wanted = new Set(unnumbered.flatMap(({ interface: link }) => link ?? []));
    for (const [name, link] of this.#links) if (!wanted.has(name)) this.#remove(name, link, false);
    if (wanted.size === 0) {
      this.#close();
      return;
    }
    this.#system ??= this.#open();
    for (const name of wanted) {
      if (this.#links.has(name)) continue;
      const log: LinkLog = (level, message) => this.#log(level, `${name}: ${message}`);
      const onNeighbors = (addresses: Neighbors) =>
        this.#onNeighbors({ interface: name, addresses });
      this.#links.set(name, new Link(this.#system.loop, log, onNeighbors));
    }
    this.#look();
  }

  /** `silent`: the routers there keep what they know of us, for a restart. */
  stop(silent: boolean): void {
    for (const [name, link] of this.#links) this.#remove(name, link, silent);
    this.#close();
  }

  #open(): { loop: ReadinessLoop; watch: LinkWatch } {
    const loop = new ReadinessLoop();
    return { loop, watch: new LinkWatch(loop, () => this.#look()) };
  }

  #close(): void {
    clearTimeout(this.#again);
    this.#system?.loop.close();
    this.#system = undefined;
  }

  #remove(name: string, link: Link, silent: boolean): void {
    link.stop(silent);
    this.#links.delete(name);
  }

  /** What of the links is different from what they were. */
  #look(): void {
    clearTimeout(this.#again);
    let states: LinkState[];
    try {
      states = this.#system!.watch.links();
    } catch (error) {
      this.#log("warn", `the kernel does not say how its links are: ${(error as Error).message}`);
      this.#again = setTimeout(() => this.#look(), lookAgainAfterMs);
      return;
    }
    const byName = new Map(states.map((state) => [state.name, state]));
    for (const [name, link] of this.#links) link.see(byName.get(name));
  }
}

type Neighbors = Extract<DiscoveryEffect, { do: "neighbors" }>["addresses"];
type LinkLog = (level: "debug" | "info" | "warn", message: string) => void;

/** One interface, with its socket as long as it exists. */
class Link {
  readonly #discovery = new RouterDiscovery(Math.random);
  readonly #loop: ReadinessLoop;
  readonly #log: LinkLog;
  readonly #onNeighbors: (addresses: Neighbors) => void;
  readonly #timers = new Map<DiscoveryTimer, NodeJS.Timeout>();
  #socket: { index: number; nd: NdSocket } | undefined;
  #seen: string | undefined;

  constructor(loop: ReadinessLoop, log: LinkLog, onNeighbors: (addresses: Neighbors) => void) {
    this.#loop = loop;
    this.#log = log;
    this.#onNeighbors = onNeighbors;
  }

  /** Undefined: there is no such interface. */
  see(state: LinkState | undefined): void {
    const seen = JSON.stringify(state) ?? "";
    if (seen === this.#seen) return;
    this.#seen = seen;
    if (this.#socket !== undefined && this.#socket.index !== state?.index) this.#closeSocket();
    if (state?.isUp !== true || state.linkLocal === undefined) {
      this.#step({ input: "linkDown" });
      return;
    }
    try {
      this.#socket ??= this.#open(state);
      const { linkLocal, linkLayer } = state;
      this.#step({ input: "linkUp", linkLocal, linkLayer });
    } catch (error) {
      this.#log("warn", `cannot listen to router advertisements: ${(error as Error).message}`);
    }
  }

  stop(silent: boolean): void {
    this.#step({ input: "stop", silent });
    this.#closeSocket();
  }

  #open(of: LinkState): { index: number; nd: NdSocket } {
    const types = [IcmpType.routerSolicitation, IcmpType.routerAdvertisement];
    const nd = new NdSocket(of, types);
    this.#loop.add(nd.fd, () => this.#receive(nd));
    return { index: of.index, nd };
  }

  /** An error is told once by the socket, and is gone with that: of a link that went down meanwhile. */
  #receive(nd: NdSocket): void {
    try {
      for (let got = nd.receive(); got !== undefined; got = nd.receive()) {
        this.#step({ input: "received", ...got });
      }
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      this.#log("warn", `router advertisements: ${error.message}`);
    }
  }

  #closeSocket(): void {
    if (this.#socket !== undefined) this.#loop.remove(this.#socket.nd.fd);
    this.#socket = undefined;
  }

  #step(input: DiscoveryInput): void {
    for (const effect of this.#discovery.step(input, performance.now())) {
      switch (effect.do) {
        case "send":
          this.#send(effect);
          break;
        case "setTimer": {
          const { timer, afterMs } = effect;
          clearTimeout(this.#timers.get(timer));
          const fired = setTimeout(() => this.#step({ input: "timer", timer }), afterMs);
          this.#timers.set(timer, fired);
          break;
        }
        case "clearTimer":
          clearTimeout(this.#timers.get(effect.timer));
          break;
        case "neighbors":
          this.#onNeighbors(effect.addresses);
          break;
        case "log":
          this.#log(effect.level, effect.message);
          break;
      }
    }
  }

  /** What cannot be sent is lost, as it may be on its way: the next comes in some seconds. */
  #send({ to, bytes }: Extract<DiscoveryEffect, { do: "send" }>): void {
    try {
      this.#socket?.nd.send(to, bytes);
    } catch (error) {
      this.#log("debug", (error as Error).message);
    }
  }
}
