import type { ConnectionId, TimerId } from "../../bgp/speaker/effect.ts";
import type { FabricWorld } from "./fabric-world.ts";
import type { Host } from "./host.ts";

type End = {
  readonly host: Host;
  readonly connection: ConnectionId;
  readonly interface: string | undefined;
  queue: Uint8Array[];
  isFlushPlanned: boolean;
  /** The hold timer of this end's speaker: which, for how long, and set when. */
  holdTimer: TimerId | undefined;
  holdMs: number;
  setAtMs: number;
  keepaliveMs: number;
};

/**
 * A TCP connection between neighbours: in order and whole. As long as both ends are there the keepalives that they
 * owe each other are not sent: each would come, and do nothing but set the hold timer anew.
 */
export class Wire {
  readonly #world: FabricWorld;
  readonly #ends: [End, End];
  #isOpen = true;

  constructor(
    world: FabricWorld,
    a: Pick<End, "host" | "connection" | "interface">,
    b: Pick<End, "host" | "connection" | "interface">,
  ) {
    this.#world = world;
    this.#ends = [newEnd(a), newEnd(b)];
  }

  interfaceOf(host: Host): string | undefined {
    return this.#end(host).interface;
  }

  send(from: Host, bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#world.counts.count(bytes);
    const to = this.#otherEnd(from);
    to.queue.push(bytes);
    if (to.isFlushPlanned) return;
    to.isFlushPlanned = true;
    this.#world.clock.setTimer(this.#world.cableDelayMs, () => this.#flush(to));
  }

  /** In order: the other end hears of it after all that was sent. */
  close(from: Host): void {
    if (!this.#isOpen) return;
    const to = this.#otherEnd(from);
    this.#world.clock.setTimer(this.#world.cableDelayMs, () => {
      if (!this.#isOpen) return;
      this.#flush(to);
      this.#isOpen = false;
      to.host.closed(to.connection);
    });
  }

  /** What is on its way is lost, and both ends know. */
  cut(): void {
    this.#isOpen = false;
  }

  /** The host is gone: the other end waits for keepalives that do not come. */
  silence(gone: Host): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { clock, random } = this.#world;
    const { host, connection, holdTimer, holdMs, setAtMs, keepaliveMs } = this.#otherEnd(gone);
    if (holdTimer === undefined) return;
    // The last keepalive came at any time within their interval, if nothing else did after it.
    const heardAtMs = Math.max(setAtMs, clock.nowMs - keepaliveMs * random());
    clock.setTimer(Math.max(0, heardAtMs + holdMs - clock.nowMs), () => {
      if (host.has(connection, this)) host.expire(holdTimer);
    });
  }

  setHold(
    of: Host,
    name: "hold" | "keepalive",
    timer: TimerId,
    afterMs: number,
    nowMs: number,
  ): void {
    const end = this.#end(of);
    if (name === "keepalive") this.#otherEnd(of).keepaliveMs = afterMs;
    else {
      end.holdTimer = timer;
      end.holdMs = afterMs;
      end.setAtMs = nowMs;
    }
  }

  #flush(to: End): void {
    to.isFlushPlanned = false;
    const { queue } = to;
    to.queue = [];
    for (const bytes of queue) if (this.#isOpen) to.host.received(to.connection, bytes);
  }

  #end(host: Host): End {
    return this.#ends[0].host === host ? this.#ends[0] : this.#ends[1];
  }

  #otherEnd(host: Host): End {
    return this.#ends[0].host === host ? this.#ends[1] : this.#ends[0];
  }
}

function newEnd(of: Pick<End, "host" | "connection" | "interface">): End {
  return {
    ...of,
    queue: [],
    isFlushPlanned: false,
    holdTimer: undefined,
    holdMs: 0,
    setAtMs: 0,
    keepaliveMs: 0,
  };
}
