import { type BfdState, type ControlPacket, Diagnostic } from "./packet.ts";

/** What both sides announce; the slower of the two counts for each direction. */
export type BfdTimes = {
  /** bfd.DesiredMinTxInterval: how often we would like to send. */
  transmitIntervalMs: number;
  /** bfd.RequiredMinRxInterval: how often we can take packets. */
  receiveIntervalMs: number;
  /** bfd.DetectMult: so many packets of ours missing in a row mean that the path is down. */
  detectMultiplier: number;
};

export type BfdSessionOptions = {
  times: BfdTimes;
  /** bfd.LocalDiscr: not 0, and no other session's. */
  localDiscriminator: number;
  /** Uniform in [0, 1): the jitter of RFC 5880 §6.8.7. */
  random: () => number;
};

/** `detection`: nothing was heard for the detection time. `transmit`: the next packet is due. */
export type BfdTimer = "transmit" | "detection";

export type BfdInput =
  /** Send the first packet; until then the session is silent. */
  | { input: "start" }
  /** A packet that is this session's. */
  | { input: "received"; packet: ControlPacket }
  | { input: "timer"; timer: BfdTimer }
  | { input: "configure"; times: BfdTimes }
  /** Administratively down: the neighbor is told, and the session does nothing more. */
  | { input: "disable" };

export type BfdEffect =
  | { do: "send"; packet: ControlPacket }
  /** Replaces an earlier one of the same name. */
  | { do: "setTimer"; timer: BfdTimer; afterMs: number }
  | { do: "clearTimer"; timer: BfdTimer }
  | { do: "up" }
  /**
   * Left Up. `failed`: the path is down; else the neighbor took its session down on purpose, which says
   * nothing about the path (RFC 5882 §3.2). `controlPlaneIndependent`: the C bit that it sent last.
   */
  | { do: "down"; diagnostic: number; failed: boolean; controlPlaneIndependent: boolean };

/** RFC 5880 §6.8.3: a session that is not Up sends no oftener. */
const slowIntervalMs = 1000;

/** What is known of the neighbor (bfd.Remote…); gone when nothing is heard of it for a detection time. */
type Remote = Pick<
  ControlPacket,
  "state" | "diagnostic" | "demand" | "detectMultiplier" | "controlPlaneIndependent"
> & { discriminator: number; desiredMinTxMs: number; requiredMinRxMs: number };

/**
 * One BFD session in asynchronous mode (RFC 5880 §6.8), without Echo function, Demand mode of our own
 * and authentication: inputs and the time go in, effects come out.
 */
export class BfdSession {
  readonly #options: BfdSessionOptions;
  #times: BfdTimes;
  #state: BfdState = "Down";
  #diagnostic: number = Diagnostic.none;
  #remote: Remote | undefined;
  /** A Poll Sequence under way; `again`: what it asks about changed meanwhile (§6.5). */
  #poll: { again: boolean } | undefined;
  /** What is sent and waited by until the neighbor has confirmed other times (§6.8.3). */
  #inUse: { transmitIntervalMs: number; receiveIntervalMs: number };
  /** Undefined: nothing is sent periodically. */
  #transmitMs: number | undefined;
  #lastSentMs = 0;
  #nowMs = 0;
  #effects: BfdEffect[] = [];

  constructor(options: BfdSessionOptions) {
    this.#options = options;
    this.#times = options.times;
    this.#inUse = { ...options.times, transmitIntervalMs: this.#desiredMinTxMs() };
  }

  get state(): BfdState {
    return this.#state;
  }

  /** Why the session last left Up. */
  get diagnostic(): number {
    return this.#diagnostic;
  }

  /** What the neighbor said last; undefined: nothing is heard of it. */
  get remote(): Readonly<Remote> | undefined {
    return this.#remote;
  }

  get localDiscriminator(): number {
    return this.#options.localDiscriminator;
  }

  /** Between two packets, before jitter; undefined: nothing is sent periodically. */
  get transmitIntervalMs(): number | undefined {
    return this.#transmitMs;
  }

  /** §6.8.4; undefined before the first packet. */
  get detectionTimeMs(): number | undefined {
    if (this.#remote === undefined) return undefined;
    const { detectMultiplier, desiredMinTxMs } = this.#remote;
    return detectMultiplier * Math.max(this.#inUse.receiveIntervalMs, desiredMinTxMs);
  }

  /** `nowMs` never goes back. The effects are to be carried out in order, before the next input. */
  step(input: BfdInput, nowMs: number): BfdEffect[] {
    this.#nowMs = nowMs;
    this.#effects = [];
    switch (input.input) {
      case "start":
        this.#sendNow();
        break;
      case "received":
        this.#received(input.packet);
        break;
      case "timer":
        if (input.timer === "transmit") this.#send({ final: false });
        else this.#detectionTimeExpired();
        break;
      case "configure":
        this.#configure(input.times);
        break;
      case "disable":
        this.#disable();
        break;
    }
    return this.#effects;
  }

  /** §6.8.6, from where the session was found. */
  #received(packet: ControlPacket): void {
    if (this.#state === "AdminDown") return;
    this.#remote = {
      state: packet.state,
      diagnostic: packet.diagnostic,
      demand: packet.demand,
      detectMultiplier: packet.detectMultiplier,
      controlPlaneIndependent: packet.controlPlaneIndependent,
      discriminator: packet.myDiscriminator,
      desiredMinTxMs: packet.desiredMinTxIntervalUs / 1000,
      requiredMinRxMs: packet.requiredMinRxIntervalUs / 1000,
    };
    if (packet.final) this.#pollAnswered();
    const before = this.#state;
    this.#advance(packet.state);
    this.#pace();
    this.#emit({ do: "setTimer", timer: "detection", afterMs: this.detectionTimeMs! });
    if (packet.poll) this.#send({ final: true });
    // §6.8.7: what changed is told at once.
    else if (this.#state !== before) this.#sendNow();
  }

  /** The state machine of §6.2 and §6.8.6. */
  #advance(theirs: BfdState): void {
    switch (this.#state) {
      case "Down":
        if (theirs === "Down") this.#state = "Init";
        else if (theirs === "Init") this.#up();
        break;
      case "Init":
        if (theirs === "AdminDown") this.#down(Diagnostic.neighborSignaledSessionDown, false);
        else if (theirs !== "Down") this.#up();
        break;
      case "Up":
        if (theirs === "Down") this.#down(Diagnostic.neighborSignaledSessionDown, true);
        else if (theirs === "AdminDown") this.#down(Diagnostic.neighborSignaledSessionDown, false);
        break;
      case "AdminDown":
        break;
    }
  }

  #up(): void {
    this.#state = "Up";
    this.#diagnostic = Diagnostic.none;
    this.#emit({ do: "up" });
    // We wish to send oftener than once in a second from now on.
    this.#inUse.transmitIntervalMs = this.#desiredMinTxMs();
    this.#poll = { again: false };
  }

  #down(diagnostic: number, failed: boolean): void {
    const wasUp = this.#state === "Up";
    this.#state = "Down";
    this.#diagnostic = diagnostic;
    this.#settle();
    const { controlPlaneIndependent = false } = this.#remote ?? {};
    if (wasUp) this.#emit({ do: "down", diagnostic, failed, controlPlaneIndependent });
  }

  /** §6.8.1: after a detection time without a packet the neighbor is a stranger, in whatever state. */
  #detectionTimeExpired(): void {
    if (this.#remote === undefined) return;
    const wasHeard = this.#state === "Up" || this.#state === "Init";
    if (wasHeard) this.#down(Diagnostic.controlDetectionTimeExpired, true);
    this.#remote = undefined;
    if (wasHeard) this.#sendNow();
    else this.#pace();
  }

  /** §6.8.3. */
  #configure(times: BfdTimes): void {
    const before = this.#times;
    if (sameTimes(before, times)) return;
    this.#times = times;
    if (this.#state !== "Up") {
      this.#settle();
      this.#pace();
      return;
    }
    const { transmitIntervalMs, receiveIntervalMs } = times;
    // Sending less often, and expecting more: not before the neighbor knows.
    this.#inUse = {
      transmitIntervalMs: Math.min(this.#inUse.transmitIntervalMs, transmitIntervalMs),
      receiveIntervalMs: Math.max(this.#inUse.receiveIntervalMs, receiveIntervalMs),
    };
    if (
      before.transmitIntervalMs !== transmitIntervalMs ||
      before.receiveIntervalMs !== receiveIntervalMs
    ) {
      this.#poll = { again: this.#poll !== undefined };
    }
    this.#sendNow();
  }

  /** §6.5: the neighbor has seen the times that were sent with the Poll bit. */
  #pollAnswered(): void {
    if (this.#poll === undefined) return;
    if (this.#poll.again) this.#poll.again = false;
    else this.#settle();
  }

  /** The times announced are the times in use, and nothing is asked. */
  #settle(): void {
    this.#poll = undefined;
    const { receiveIntervalMs } = this.#times;
    this.#inUse = { transmitIntervalMs: this.#desiredMinTxMs(), receiveIntervalMs };
  }

  /** §6.8.16. */
  #disable(): void {
    if (this.#state === "AdminDown") return;
    this.#state = "AdminDown";
    this.#diagnostic = Diagnostic.administrativelyDown;
    this.#settle();
    this.#send({ final: false });
    this.#remote = undefined;
    this.#transmitMs = undefined;
    this.#emit({ do: "clearTimer", timer: "transmit" });
    this.#emit({ do: "clearTimer", timer: "detection" });
  }

  /** bfd.DesiredMinTxInterval: what is announced. */
  #desiredMinTxMs(): number {
    const { transmitIntervalMs } = this.#times;
    return this.#state === "Up" ? transmitIntervalMs : Math.max(slowIntervalMs, transmitIntervalMs);
  }

  /** How often to send (§6.8.2, §6.8.7); undefined: the neighbor wants none. */
  #wantedTransmitMs(): number | undefined {
    const { transmitIntervalMs } = this.#inUse;
    if (this.#remote === undefined) return transmitIntervalMs;
    const { requiredMinRxMs, demand, state } = this.#remote;
    if (requiredMinRxMs === 0) return undefined;
    const inDemandMode = demand && this.#state === "Up" && state === "Up";
    if (inDemandMode && this.#poll === undefined) return undefined;
    return Math.max(transmitIntervalMs, requiredMinRxMs);
  }

  /** Another interval counts from the last packet on. */
  #pace(): void {
    const wantedMs = this.#wantedTransmitMs();
    if (wantedMs === this.#transmitMs) return;
    this.#transmitMs = wantedMs;
    this.#setTransmitTimer();
  }

  /** Out of turn, and the next in turn from now on. */
  #sendNow(): void {
    this.#transmitMs = this.#wantedTransmitMs();
    if (this.#transmitMs !== undefined) this.#send({ final: false });
    else this.#setTransmitTimer();
  }

  /** An answer to a Poll is out of turn, and the turn is not touched by it. */
  #send({ final }: { final: boolean }): void {
    this.#emit({
      do: "send",
      packet: {
        diagnostic: this.#diagnostic,
        state: this.#state,
        // §6.8.7: never both.
        poll: this.#poll !== undefined && !final,
        final,
        controlPlaneIndependent: false,
        demand: false,
        detectMultiplier: this.#times.detectMultiplier,
        myDiscriminator: this.#options.localDiscriminator,
        yourDiscriminator: this.#remote?.discriminator ?? 0,
        desiredMinTxIntervalUs: this.#desiredMinTxMs() * 1000,
        requiredMinRxIntervalUs: this.#times.receiveIntervalMs * 1000,
        requiredMinEchoRxIntervalUs: 0,
      },
    });
    if (final) return;
    this.#lastSentMs = this.#nowMs;
    this.#setTransmitTimer();
  }

  /** §6.8.7: up to a quarter sooner; with a Detect Mult of 1 at least a tenth. */
  #setTransmitTimer(): void {
    if (this.#transmitMs === undefined) {
      this.#emit({ do: "clearTimer", timer: "transmit" });
      return;
    }
    const most = this.#times.detectMultiplier === 1 ? 0.9 : 1;
    const intervalMs = this.#transmitMs * (0.75 + (most - 0.75) * this.#options.random());
    const afterMs = Math.max(0, this.#lastSentMs + intervalMs - this.#nowMs);
    this.#emit({ do: "setTimer", timer: "transmit", afterMs });
  }

  #emit(effect: BfdEffect): void {
    this.#effects.push(effect);
  }
}

function sameTimes(a: BfdTimes, b: BfdTimes): boolean {
  return (
    a.transmitIntervalMs === b.transmitIntervalMs &&
    a.receiveIntervalMs === b.receiveIntervalMs &&
    a.detectMultiplier === b.detectMultiplier
  );
}
