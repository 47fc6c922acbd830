import { address as parsed, type Address, isLinkLocal } from "../net/address.ts";
import {
  decodeRouterMessage,
  encodeRouterAdvertisement,
  encodeRouterSolicitation,
} from "./message.ts";

/** RFC 4291 §2.7.1, of link scope. */
const allNodes = parsed("ff02::1");
const allRouters = parsed("ff02::2");

export type DiscoveryInput =
  /** The interface can send from this address, as it is or with other ones than before. */
  | { input: "linkUp"; linkLocal: Address; linkLayer: Uint8Array }
  /** It cannot: it is down, without carrier, or has no link-local address yet. */
  | { input: "linkDown" }
  /** An ICMPv6 message that came with a hop limit of 255. */
  | { input: "received"; from: Address; bytes: Uint8Array }
  | { input: "timer"; timer: DiscoveryTimer }
  /** The end. Not `silent`: hosts are told that there is no router any more (RFC 4861 §6.2.5). */
  | { input: "stop"; silent: boolean };

export type DiscoveryTimer = "advertise" | "expire";

export type DiscoveryEffect =
  | { do: "send"; to: Address; bytes: Uint8Array }
  | { do: "setTimer"; timer: DiscoveryTimer; afterMs: number }
  | { do: "clearTimer"; timer: DiscoveryTimer }
  /** Who is there, the one heard of last first; undefined: the link is down. */
  | { do: "neighbors"; addresses: readonly Address[] | undefined }
  | { do: "log"; level: "debug" | "info"; message: string };

/** As FRR's zebra advertises for its unnumbered peers: MaxRtrAdvInterval 10 s, AdvDefaultLifetime three times that. */
const advertiseIntervalMaxMs = 10_000;
const routerLifetimeSeconds = 30;
/** RFC 4861 §6.2.1: MinRtrAdvInterval. */
const advertiseIntervalMinMs = 0.33 * advertiseIntervalMaxMs;
/**
 * How long a router counts as there that says it is no default router: three times the longest
 * MaxRtrAdvInterval that is a default (RFC 4861 §6.2.1).
 */
const nonDefaultLifetimeSeconds = 1800;
/**
 * A link that has come back is let be for so long, with chance in it, as RFC 4861 has it (§6.3.7 for solicitations,
 * §6.2.6 for answers). A router at the other end comes to know that the link is up in several steps, and FRR's bgpd
 * forgets, for good, a neighbor that it hears of between them: docs/bfd-and-unnumbered.md.
 */
const settleMinMs = 250;
const settleMaxMs = 500;
/** Behind the link of a peer there is one. Whoever is on it can make up as many as it likes. */
const neighborsMax = 64;

/**
 * Finds the routers on one link, and lets them find us, by Router Advertisements: what FRR does for
 * `neighbor IFACE interface`. Inputs and the time go in, effects come out.
 */
export class RouterDiscovery {
  readonly #random: () => number;
  #link: { linkLocal: Address; linkLayer: Uint8Array } | undefined;
  /** Told so: at first nothing is known. */
  #isDown = false;
  /** The link has just come back: who is heard is noted, and nothing sent or told yet. */
  #isSettling = false;
  /** By address, in the order in which they were first heard: when they are forgotten. */
  readonly #neighbors = new Map<Address, number>();
  #effects: DiscoveryEffect[] = [];

  /** `random`: uniform in [0, 1), for the time between advertisements. */
  constructor(random: () => number) {
    this.#random = random;
  }

  step(input: DiscoveryInput, nowMs: number): DiscoveryEffect[] {
    this.#effects = [];
    switch (input.input) {
      case "linkUp":
        this.#linkUp(input);
        break;
      case "linkDown":
        this.#linkDown();
        break;
      case "received":
        if (this.#link !== undefined) this.#received(input.from, input.bytes, nowMs);
        break;
      case "timer":
        if (input.timer === "expire") this.#expire(nowMs);
        else if (this.#isSettling) this.#settled();
        else if (this.#link !== undefined) this.#advertise();
        break;
      case "stop":
        if (this.#link !== undefined && !input.silent) this.#sendAdvertisement(allNodes, 0);
        this.#clearTimers();
        break;
    }
    return this.#effects;
  }

  #linkUp({ linkLocal, linkLayer }: Extract<DiscoveryInput, { input: "linkUp" }>): void {
    const wasUp = this.#link !== undefined;
    this.#link = { linkLocal, linkLayer };
    if (this.#isDown) {
      this.#isDown = false;
      this.#isSettling = true;
      this.#setAdvertise(settleMinMs, settleMaxMs);
    } else if (!this.#isSettling) this.#ask();
    if (!wasUp) this.#tell();
  }

  #settled(): void {
    this.#isSettling = false;
    this.#ask();
    if (this.#neighbors.size > 0) this.#tell();
  }

  /** A neighbor that is there already would say so within its own interval only. */
  #ask(): void {
    const bytes = encodeRouterSolicitation(this.#link!.linkLayer);
    this.#emit({ do: "send", to: allRouters, bytes });
    this.#advertise();
  }

  /** What was behind the link before is not known to be there when it comes back. */
  #linkDown(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#isSettling = false;
    this.#link = undefined;
    this.#neighbors.clear();
    this.#clearTimers();
    this.#emit({ do: "neighbors", addresses: undefined });
  }

  #received(from: Address, bytes: Uint8Array, nowMs: number): void {
    if (from === this.#link?.linkLocal) return;
    const message = decodeRouterMessage(bytes, from);
    if (typeof message === "string") {
      const text = `router message from ${from} discarded: ${message}`;
      this.#emit({ do: "log", level: "debug", message: text });
    } else if (message.message === "solicitation") {
      // Alone, at once, as FRR does (RFC 4861 §6.2.6 would have it wait up to half a second).
      const to = isLinkLocal(from) ? from : allNodes;
      if (!this.#isSettling) this.#sendAdvertisement(to, routerLifetimeSeconds);
    } else this.#heard(from, message.routerLifetimeSeconds || nonDefaultLifetimeSeconds, nowMs);
  }

  #heard(from: Address, lifetimeSeconds: number, nowMs: number): void {
    const isNew = !this.#neighbors.has(from);
    if (isNew && this.#neighbors.size === neighborsMax) {
      const text = `router ${from} passed over: ${neighborsMax} are on the link already`;
      this.#emit({ do: "log", level: "debug", message: text });
      return;
    }
    this.#neighbors.set(from, nowMs + 1000 * lifetimeSeconds);
    this.#setExpiry(nowMs);
    if (!isNew) return;
    this.#emit({ do: "log", level: "info", message: `router ${from} is on the link` });
    if (this.#isSettling) return;
    // It may not know of us yet.
    this.#sendAdvertisement(from, routerLifetimeSeconds);
    this.#tell();
  }

  #expire(nowMs: number): void {
    const gone = [...this.#neighbors].filter(([, untilMs]) => untilMs <= nowMs);
    for (const [address] of gone) {
      this.#neighbors.delete(address);
      this.#emit({ do: "log", level: "info", message: `router ${address} is not heard any more` });
    }
    this.#setExpiry(nowMs);
    if (gone.length > 0) this.#tell();
  }

  #setExpiry(nowMs: number): void {
    const first = Math.min(...this.#neighbors.values());
    if (first === Infinity) this.#emit({ do: "clearTimer", timer: "expire" });
    else this.#emit({ do: "setTimer", timer: "expire", afterMs: Math.max(0, first - nowMs) });
  }

  #advertise(): void {
    this.#sendAdvertisement(allNodes, routerLifetimeSeconds);
    this.#setAdvertise(advertiseIntervalMinMs, advertiseIntervalMaxMs);
  }

  #setAdvertise(minMs: number, maxMs: number): void {
    const afterMs = minMs + (maxMs - minMs) * this.#random();
    this.#emit({ do: "setTimer", timer: "advertise", afterMs });
  }

  #sendAdvertisement(to: Address, lifetimeSeconds: number): void {
    const sourceLinkLayer = this.#link!.linkLayer;
    const bytes = encodeRouterAdvertisement({
      routerLifetimeSeconds: lifetimeSeconds,
      sourceLinkLayer,
    });
    this.#emit({ do: "send", to, bytes });
  }

  #tell(): void {
    this.#emit({ do: "neighbors", addresses: [...this.#neighbors.keys()].toReversed() });
  }

  #clearTimers(): void {
    for (const timer of ["advertise", "expire"] as const) this.#emit({ do: "clearTimer", timer });
  }

  #emit(effect: DiscoveryEffect): void {
    this.#effects.push(effect);
  }
}
