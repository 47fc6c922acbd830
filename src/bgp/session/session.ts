import { WireError } from "../wire/error.ts";
import type { ReceivedMessage } from "../wire/decode.ts";
import type { NotificationMessage, OpenMessage } from "../wire/message.ts";
import { CeaseSubcode } from "../wire/registry.ts";
import { ownOpen } from "./capabilities.ts";
import { peerDecides, peerIsBack, survivor } from "./collision.ts";
import { Connection, type ConnectionEdge, endsOf, furthestState } from "./connection.ts";
import { Dialer } from "./dialer.ts";
import {
  collided,
  type End,
  holdTimerExpired,
  isOfNoMatter,
  isSendHoldOver,
  notificationReceived,
  notificationSent,
  notificationToSend,
  peerRestarted,
  reset,
  sendHoldTimerExpired,
  stateAfterFailure,
  stopped,
  transportClosed,
} from "./end.ts";
import type {
  ConnectionId,
  Ends,
  Negotiated,
  SessionEffect,
  SessionInput,
  SessionOptions,
  SessionState,
  TimerName,
} from "./io.ts";
import { negotiate } from "./negotiate.ts";
import { cease, describeTransportError, keepsRoutes, unexpected } from "./notification.ts";
import { onlyNegotiated, refreshNegotiated } from "./only-negotiated.ts";
import { ttlOf } from "./ttl.ts";

/**
 * The state machine of one peer (RFC 4271 §8): inputs and the time go in, effects come out.
 *
 * It owns at most one connection in each direction. Each goes through OpenSent and OpenConfirm by
 * itself, and the OPENs decide which of two survives; the state shown is that of the one that is
 * further. Two things differ from the letter of §8.2.2: a peer that connects in Idle while the
 * IdleHoldTimer runs is let in, as it has shown that it is there; and the next attempt comes sooner
 * than ConnectRetryTime at first (retry.ts).
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #edge: ConnectionEdge;
  readonly #dialer: Dialer;
  readonly #connections = new Map<ConnectionId, Connection>();
  #established: { connection: Connection; negotiated: Negotiated; sinceMs: number } | undefined;
  #everEstablished = false;
  #lastError: string | undefined;
  #nowMs = 0;
  #effects: SessionEffect[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
    const emit = (effect: SessionEffect) => this.#emit(effect);
    const { random, receive } = options;
    this.#edge = { emit, nowMs: () => this.#nowMs, random, receive };
    this.#dialer = new Dialer(options, this.#edge);
  }

  get state(): SessionState {
    if (this.#established !== undefined) return "Established";
    return furthestState(this.#dialer.state, this.#connections.values());
  }

  /** What the OPENs settled; undefined in all states but Established. */
  get negotiated(): Negotiated | undefined {
    return this.#established?.negotiated;
  }

  /** Why the last attempt or session ended; undefined before the first and in Established. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** `nowMs` never goes back. The effects are to be carried out in order, before the next input. */
  step(input: SessionInput, nowMs: number): SessionEffect[] {
    this.#nowMs = nowMs;
    this.#effects = [];
    switch (input.input) {
      case "start":
        if (!this.#dialer.started) this.#dialer.start();
        break;
      case "stop":
      case "reset":
        this.#stop(input.input === "reset" ? reset() : stopped(input.notification));
        break;
      case "reachable":
        if (this.#connections.size === 0) this.#dialer.hurry(nowMs);
        break;
      case "connected":
        this.#connected(input.connection, endsOf(input));
        break;
      case "connectFailed":
        if (this.#dialer.dials(input.connection)) this.#connectFailed(input.reason);
        break;
      case "accepted":
        this.#accepted(input.connection, endsOf(input));
        break;
      case "received":
        this.#received(input.connection, input.bytes);
        break;
      case "closed":
        this.#closed(input.connection, input.reason);
        break;
      case "unsent":
        if (isSendHoldOver(this.#established, input))
          this.#fail(this.#established.connection, sendHoldTimerExpired());
        break;
      case "timer":
        this.#expired(input.timer);
        break;
    }
    return this.#effects;
  }

  /** ManualStop (event 2), after which a reset starts anew. */
  #stop(end: End): void {
    if (!this.#dialer.started) return;
    if (end.reason !== "adminReset") this.#dialer.stop();
    for (const connection of this.#connections.values()) this.#end(connection, end);
    this.#lastError = this.#dialer.started ? end.text : undefined;
    if (this.#dialer.started) this.#dialer.restart();
  }

  // --- Transport ---

  #connected(id: ConnectionId, ends: Ends): void {
    if (this.#dialer.dials(id)) {
      this.#dialer.answered();
      this.#open({ id, initiatedBy: "local", ends });
    } else if (!this.#connections.has(id)) {
      // Given up meanwhile: it must not stay open without an owner.
      this.#emit({ do: "close", connection: id });
    }
  }

  #connectFailed(reason: string): void {
    this.#dialer.answered();
    this.#failed(`connect to ${this.#options.peer.address}: ${describeTransportError(reason)}`);
    if (this.#connections.size === 0) this.#dialer.afterFailure("Active");
  }

  #accepted(id: ConnectionId, ends: Ends): void {
    if (this.#connections.has(id)) return;
    const of = { id, initiatedBy: "remote", ends } as const;
    const { refusal } = this.#dialer;
    if (refusal !== undefined) {
      const refused = new Connection(of, this.#edge);
      refused.send(cease({ subcode: refusal }));
      refused.release("open");
      return;
    }
    const ttl = ttlOf(this.#options.peer);
    if (ttl.ttl !== undefined) this.#emit({ do: "limitTtl", connection: id, ...ttl });
    // One connection in each direction: the newer one stands for what the peer wants now.
    for (const other of this.#connections.values()) {
      if (other.initiatedBy === "remote" && other.state !== "Established") this.#collide(other);
    }
    this.#dialer.stopWaiting();
    this.#open(of);
  }

  #closed(id: ConnectionId, reason: string | undefined): void {
    if (this.#dialer.dials(id)) this.#connectFailed(reason ?? "closed");
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    this.#fail(connection, transportClosed(reason));
  }

  #open(of: Pick<Connection, "id" | "initiatedBy" | "ends">): void {
    const connection = new Connection(of, this.#edge);
    this.#connections.set(of.id, connection);
    const { delayOpenTimeSeconds } = this.#options.peer;
    if (delayOpenTimeSeconds === undefined) this.#sendOpen(connection);
    else connection.delayOpen(delayOpenTimeSeconds);
  }

  #sendOpen(connection: Connection): void {
    connection.open(ownOpen(this.#options, this.#everEstablished));
  }

  // --- Messages ---

  #received(id: ConnectionId, bytes: Uint8Array): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    connection.push(bytes);
    let alive = false;
    try {
      // A message can end its own connection: what came after it is then not read.
      while (this.#connections.has(id)) {
        const next = connection.next();
        if (next === undefined) break;
        alive ||= next.message.type === "KEEPALIVE" || next.message.type === "UPDATE";
        this.#message(connection, next);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#fail(connection, notificationSent(error));
    }
    // One restart for all that came at once.
    if (alive && this.#connections.has(id)) connection.restartHoldTimer();
  }

  #message(connection: Connection, received: NonNullable<ReturnType<Connection["next"]>>): void {
    const { message } = received;
    if (message.type === "NOTIFICATION") {
      this.#fail(connection, notificationReceived(message));
      return;
    }
    switch (connection.state) {
      case "OpenDelayed":
      case "OpenSent":
        if (message.type !== "OPEN") throw unexpected(connection.state, message);
        // BGPOpen with DelayOpenTimer running (event 20): ours goes first.
        if (connection.state === "OpenDelayed") this.#sendOpen(connection);
        this.#peerOpen(connection, message);
        break;
      case "OpenConfirm":
        if (message.type !== "KEEPALIVE") throw unexpected("OpenConfirm", message);
        this.#establish(connection);
        break;
      case "Established":
        this.#inEstablished(message, connection.negotiated!, received.problems);
        break;
    }
  }

  /** BGPOpen (events 19 and 20): to OpenConfirm, unless another connection is the one to keep. */
  #peerOpen(connection: Connection, open: OpenMessage): void {
    // Another configuration may have come since our OPEN: what that said counts.
    const said = { ...this.#options, capabilities: connection.sentCapabilities };
    const ends = { connection: connection.id, ...connection.ends };
    const negotiated = negotiate(open, said, ends);
    const survives = survivor(this.#options, negotiated);
    // 1. Against a session that is up.
    if (this.#established !== undefined) {
      const { negotiated: old, sinceMs, connection: oldConnection } = this.#established;
      const sessionMs = this.#nowMs - sinceMs;
      if (peerIsBack(old, sessionMs, open)) {
        const end = peerRestarted();
        this.#failed(end.text);
        this.#end(oldConnection, end);
      } else if (!peerDecides(oldConnection, connection, survives, sessionMs)) {
        this.#collide(connection);
        return;
      }
    }
    // 2. Against others on their way (RFC 4271 §6.8).
    for (const other of this.#connections.values()) {
      if (other === connection || other.state === "Established") continue;
      if (connection.initiatedBy !== survives) {
        // Our own one needs no OPEN to win: the peer's identifier is known from this one.
        if (other.state === "OpenConfirm" || survives === "local") {
          this.#collide(connection);
          return;
        }
      } else if (other.state === "OpenConfirm" && !peerDecides(other, connection, survives)) {
        this.#collide(other);
      }
    }
    // An attempt still under way would only collide with this one.
    this.#dialer.rest();
    connection.confirm(negotiated, open);
  }

  /** KeepAliveMsg (event 26) in OpenConfirm. */
  #establish(connection: Connection): void {
    const negotiated = connection.negotiated!;
    const { peerAsn, hostname, holdTimeSeconds } = negotiated;
    const survives = survivor(this.#options, negotiated);
    for (const other of this.#connections.values()) {
      if (other === connection) continue;
      if (other.state === "Established") this.#end(other, collided());
      else if (!peerDecides(connection, other, survives)) this.#collide(other);
    }
    connection.state = "Established";
    this.#dialer.rest();
    this.#established = { connection, negotiated, sinceMs: this.#nowMs };
    this.#everEstablished = true;
    this.#lastError = undefined;
    const name = hostname === undefined ? "" : ` (${hostname})`;
    this.#log("info", `established with AS ${peerAsn}${name}, hold time ${holdTimeSeconds} s`);
    this.#emit({ do: "established", negotiated, opens: connection.opens! });
  }

  #inEstablished(
    message: Exclude<ReceivedMessage, NotificationMessage>,
    negotiated: Negotiated,
    problems: NonNullable<ReturnType<Connection["next"]>>["problems"],
  ): void {
    switch (message.type) {
      case "OPEN":
        throw unexpected("Established", message);
      case "UPDATE": {
        for (const { attribute, reason, handling } of problems) {
          this.#log("warn", `UPDATE: ${attribute}: ${reason}: ${handling}`);
        }
        const known = onlyNegotiated(message, negotiated);
        if (known !== message)
          this.#log("warn", "UPDATE with a family that was not negotiated: ignored");
        this.#emit({ do: "update", update: known, problems });
        break;
      }
      case "ROUTE-REFRESH":
        if (message.family !== undefined && refreshNegotiated(message, negotiated)) {
          this.#emit({ do: "routeRefresh", family: message.family, subtype: message.subtype });
        }
        break;
      case "KEEPALIVE":
        break;
    }
  }

  // --- Timers ---

  #expired(timer: TimerName): void {
    if (timer === "connectRetry" || timer === "idleHold") {
      if (timer === "connectRetry" && this.#dialer.state === "Connect") {
        this.#failed(`connect to ${this.#options.peer.address}: i/o timeout`);
      }
      this.#dialer.expired(timer, this.#connections.size > 0);
      return;
    }
    const [name, id] = timer.split("/");
    const connection = this.#connections.get(Number(id));
    if (connection === undefined) return;
    if (name === "hold") this.#fail(connection, holdTimerExpired());
    else if (name === "delayOpen") {
      if (connection.state === "OpenDelayed") this.#sendOpen(connection);
    } else if (connection.negotiated !== undefined) {
      connection.send({ type: "KEEPALIVE" });
      connection.restartKeepaliveTimer();
    }
  }

  // --- Ends ---

  /** Connection Collision Resolution (RFC 4271 §6.8): another one stays, so this is no failure. */
  #collide(connection: Connection): void {
    connection.send(cease({ subcode: CeaseSubcode.connectionCollisionResolution }));
    connection.release("open");
    this.#connections.delete(connection.id);
    this.#log(
      "debug",
      `connection collision: closed the one that the ${connection.initiatedBy} side opened`,
    );
  }

  /** The connection ends, and with it the attempt or session, unless another connection lives. */
  #fail(connection: Connection, end: End): void {
    const session = this.#established?.connection === connection ? this.#established : undefined;
    if (this.#connections.size > 1 && isOfNoMatter(connection, end)) this.#log("debug", end.text);
    else this.#failed(end.text);
    const next = stateAfterFailure(connection, end);
    this.#end(connection, end);
    if (this.#connections.size > 0 || this.#dialer.state === "Connect") return;
    if (session !== undefined) this.#dialer.afterSession(this.#nowMs - session.sinceMs);
    else this.#dialer.afterFailure(next);
  }

  #end(connection: Connection, end: End): void {
    const session = this.#established?.connection === connection ? this.#established : undefined;
    const sent = notificationToSend(end, session?.negotiated, this.#options.peer);
    if (sent !== undefined) connection.send(sent);
    connection.release(end.transport);
    this.#connections.delete(connection.id);
    if (session === undefined) return;
    this.#established = undefined;
    const told = sent ?? end.notification;
    this.#emit({
      do: "down",
      reason: end.reason,
      ...(told && { notification: told }),
      graceful: this.#dialer.started && keepsRoutes(session.negotiated, told),
    });
  }

  /** The same failure again and again is told once. */
  #failed(text: string): void {
    this.#log(text === this.#lastError ? "debug" : "warn", text);
    this.#lastError = text;
  }

  #log(level: "debug" | "info" | "warn" | "error", message: string): void {
    this.#emit({ do: "log", level, message });
  }

  #emit(effect: SessionEffect): void {
    this.#effects.push(effect);
  }
}
