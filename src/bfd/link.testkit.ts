import { decodeControlPacket, encodeControlPacket } from "./packet.ts";
import { type BfdEffect, BfdSession, type BfdTimer, type BfdTimes } from "./session.ts";

export const fast: BfdTimes = {
  transmitIntervalMs: 300,
  receiveIntervalMs: 300,
  detectMultiplier: 3,
};

/** A session with its timers, in virtual time. */
export class Node {
  readonly session: BfdSession;
  readonly timers = new Map<BfdTimer, number>();
  /** What became of it, with when. */
  readonly events: { atMs: number; event: Extract<BfdEffect, { do: "up" | "down" }> }[] = [];
  readonly sent: { atMs: number; packet: Extract<BfdEffect, { do: "send" }>["packet"] }[] = [];

  constructor(localDiscriminator: number, times: BfdTimes, random: () => number) {
    this.session = new BfdSession({ localDiscriminator, times, random });
  }
}

/** Two sessions and the link between them, which delays and loses packets. */
export class Link {
  nowMs = 0;
  readonly a: Node;
  readonly b: Node;
  /** Whether the packet is lost, and for how long it is on its way. */
  fate: (from: Node) => { lost: boolean; delayMs: number } = () => ({ lost: false, delayMs: 1 });
  readonly #flying: { atMs: number; to: Node; bytes: Uint8Array }[] = [];

  constructor(a: BfdTimes = fast, b: BfdTimes = fast, random: () => number = () => 0.5) {
    this.a = new Node(1, a, random);
    this.b = new Node(2, b, random);
  }

  start(): void {
    for (const node of [this.a, this.b]) this.step(node, { input: "start" });
  }

  step(node: Node, input: Parameters<BfdSession["step"]>[0]): void {
    for (const effect of node.session.step(input, this.nowMs)) {
      switch (effect.do) {
        case "send": {
          node.sent.push({ atMs: this.nowMs, packet: effect.packet });
          const { lost, delayMs } = this.fate(node);
          const to = node === this.a ? this.b : this.a;
          const bytes = encodeControlPacket(effect.packet);
          if (!lost) this.#flying.push({ atMs: this.nowMs + delayMs, to, bytes });
          break;
        }
        case "setTimer":
          node.timers.set(effect.timer, this.nowMs + effect.afterMs);
          break;
        case "clearTimer":
          node.timers.delete(effect.timer);
          break;
        default:
          node.events.push({ atMs: this.nowMs, event: effect });
      }
    }
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    for (let next = this.#next(); next.atMs <= untilMs; next = this.#next()) {
      this.nowMs = next.atMs;
      next.happen();
    }
    this.nowMs = untilMs;
  }

  get bothUp(): boolean {
    return this.a.session.state === "Up" && this.b.session.state === "Up";
  }

  #next(): { atMs: number; happen: () => void } {
    let next = { atMs: Infinity, happen: () => {} };
    for (const node of [this.a, this.b]) {
      for (const [timer, atMs] of node.timers) {
        if (atMs >= next.atMs) continue;
        const happen = () => {
          node.timers.delete(timer);
          this.step(node, { input: "timer", timer });
        };
        next = { atMs, happen };
      }
    }
    for (const packet of this.#flying) {
      if (packet.atMs >= next.atMs) continue;
      const happen = () => {
        this.#flying.splice(this.#flying.indexOf(packet), 1);
        const decoded = decodeControlPacket(packet.bytes);
        if (typeof decoded === "string") throw new Error(`sent what nobody takes: ${decoded}`);
        this.step(packet.to, { input: "received", packet: decoded });
      };
      next = { atMs: packet.atMs, happen };
    }
    return next;
  }
}
