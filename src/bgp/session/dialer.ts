import { CeaseSubcode } from "../wire/registry.ts";
import type { ConnectionId, SessionEffect, SessionOptions } from "./io.ts";
import { Retry } from "./retry.ts";
import { ttlOf } from "./ttl.ts";

/** RFC 6298 §2: a SYN without an answer is sent again after this. */
const initialRtoMs = 1000;

/**
 * The part of the state machine that has no connection yet: Idle, Connect and Active, with the
 * ConnectRetryTimer and the IdleHoldTimer. At most one of these runs or waits at a time: an attempt
 * under way (Connect), a ConnectRetryTimer until the next (Active), an IdleHoldTimer (Idle).
 * A passive one never dials: it waits in Active.
 */
export class Dialer {
  readonly #options: SessionOptions;
  readonly #emit: (effect: SessionEffect) => void;
  readonly #nowMs: () => number;
  readonly #retry: Retry;
  #clearedAtMs = 0;
  #phase:
    | { is: "stopped" }
    /** Passive, or a connection is there already. */
    | { is: "resting" }
    | { is: "dialing"; connection: ConnectionId; sinceMs: number }
    | { is: "waiting"; timer: "connectRetry" | "idleHold" } = { is: "stopped" };

  constructor(
    options: SessionOptions,
    edge: { emit: (effect: SessionEffect) => void; nowMs: () => number },
  ) {
    this.#options = options;
    this.#emit = edge.emit;
    this.#nowMs = edge.nowMs;
    this.#retry = new Retry(options.peer, options.random);
  }

  /** The session's state as long as it has no connection. */
  get state(): "Idle" | "Connect" | "Active" {
    const phase = this.#phase;
    if (phase.is === "dialing") return "Connect";
    if (phase.is === "stopped" || (phase.is === "waiting" && phase.timer === "idleHold"))
      return "Idle";
    return "Active";
  }

  get started(): boolean {
    return this.#phase.is !== "stopped";
  }

  /** The subcode of Cease that a peer who connects now gets, before any OPEN; undefined: it is let in. */
  get refusal(): number | undefined {
    // RFC 4486 §4.
    if (!this.started) return CeaseSubcode.connectionRejected;
    const isClearing = this.#nowMs() < this.#clearedAtMs;
    return isClearing ? CeaseSubcode.connectionCollisionResolution : undefined;
  }

  start(): void {
    this.#retry.reset();
    const startMs = Math.max(this.#retry.startMs, this.#options.startsAfterMs ?? 0);
    if (startMs > 0) this.#wait("Idle", startMs);
    else this.#dial();
  }

  /** Gives up what is under way and calls at once. */
  restart(): void {
    this.#beginClearing();
    this.rest();
    this.#retry.reset();
    this.#dial();
  }

  stop(): void {
    this.rest();
    this.#phase = { is: "stopped" };
  }

  /** Gives up an attempt under way and waits for no other: a connection is there. */
  rest(): void {
    const phase = this.#phase;
    if (phase.is === "dialing") {
      this.#emit({ do: "close", connection: phase.connection });
      this.#emit({ do: "clearTimer", timer: "connectRetry" });
    }
    this.stopWaiting();
    this.#phase = { is: "resting" };
  }

  /** The peer connected: an attempt under way goes on, and the two may collide. */
  stopWaiting(): void {
    if (this.#phase.is !== "waiting") return;
    this.#emit({ do: "clearTimer", timer: this.#phase.timer });
    this.#phase = { is: "resting" };
  }

  /** Whether this is the attempt under way. */
  dials(connection: ConnectionId): boolean {
    return this.#phase.is === "dialing" && this.#phase.connection === connection;
  }

  /** The attempt under way succeeded or failed. */
  answered(): void {
    this.#emit({ do: "clearTimer", timer: "connectRetry" });
    this.#phase = { is: "resting" };
  }

  /**
   * The peer can be reached: the attempt that is waited with is made now, and so is one under way for
   * more than a second, whose SYN was lost: the system would send the next one in its own time.
   */
  hurry(nowMs: number): void {
    const phase = this.#phase;
    if (phase.is === "dialing" && nowMs - phase.sinceMs > initialRtoMs) {
      this.#emit({ do: "close", connection: phase.connection });
    } else if (phase.is === "waiting") this.stopWaiting();
    else return;
    this.#dial();
  }

  /** An attempt failed. TcpConnectionFails leads to Active, every other failure to Idle (RFC 4271 §8.2.2). */
  afterFailure(next: "Active" | "Idle"): void {
    this.#wait(next, this.#retry.afterFailureMs(next === "Active"));
  }

  afterSession(lastedMs: number): void {
    this.#beginClearing();
    this.#wait("Idle", this.#retry.afterSessionMs(lastedMs));
  }

  #beginClearing(): void {
    this.#clearedAtMs = this.#nowMs() + this.#retry.clearingMs;
  }

  /** ConnectRetryTimer_Expires or IdleHoldTimer_Expires; without effect where that timer does not run. */
  expired(timer: "connectRetry" | "idleHold", hasConnection: boolean): void {
    const phase = this.#phase;
    if (phase.is === "dialing" && timer === "connectRetry") {
      this.#emit({ do: "close", connection: phase.connection });
      this.#phase = { is: "resting" };
      if (!hasConnection) this.#dial();
    } else if (phase.is === "waiting" && phase.timer === timer) this.#dial();
  }

  #dial(): void {
    const { peer, newConnectionId } = this.#options;
    if (peer.passive) {
      this.#phase = { is: "resting" };
      return;
    }
    const connection = newConnectionId();
    this.#phase = { is: "dialing", connection, sinceMs: this.#nowMs() };
    this.#emit({
      do: "connect",
      connection,
      remoteAddress: peer.address,
      ...(peer.interface !== undefined && { interface: peer.interface }),
      port: peer.port,
      ...(peer.localAddress !== undefined && { localAddress: peer.localAddress }),
      ...ttlOf(peer),
      ...(peer.password !== undefined && { password: peer.password }),
    });
    this.#emit({ do: "setTimer", timer: "connectRetry", afterMs: this.#retry.attemptMs() });
  }

  #wait(next: "Active" | "Idle", afterMs: number): void {
    if (next === "Active" && this.#options.peer.passive) {
      this.#phase = { is: "resting" };
      return;
    }
    const timer = next === "Idle" ? "idleHold" : "connectRetry";
    this.#phase = { is: "waiting", timer };
    this.#emit({ do: "setTimer", timer, afterMs });
  }
}
