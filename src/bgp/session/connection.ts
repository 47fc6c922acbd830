import type { Received } from "../wire/decode.ts";
import { encodeMessage } from "../wire/encode.ts";
import { FrameReader } from "../wire/frame.ts";
import type { Capability, CodecOptions, Message, OpenMessage } from "../wire/message.ts";
import { extendedMessageBytesMax, messageBytesMax } from "../wire/registry.ts";
import type {
  ConnectionId,
  Ends,
  Negotiated,
  SessionEffect,
  SessionOptions,
  SessionState,
} from "./io.ts";
import { withSharedJitter } from "./jitter.ts";

/** RFC 4271 §8.2.2: the Hold Timer while the peer's OPEN is awaited. */
const openHoldTimeMs = 240_000;

/** Before the OPENs are exchanged nothing is negotiated. */
const plainCodec: CodecOptions = { fourOctetAs: false, extendedMessage: false };

export type ConnectionEdge = {
  emit: (effect: SessionEffect) => void;
  nowMs: () => number;
} & Pick<SessionOptions, "random" | "receive">;

/**
 * One transport connection to the peer. It reads and writes messages and owns its DelayOpen, Hold and Keepalive
 * timers; which message is allowed when, the Session knows. With its OPEN delayed (OpenDelayed) the RFC's state is
 * Connect yet, or Active where the peer opened it.
 */
export class Connection {
  readonly id: ConnectionId;
  readonly initiatedBy: "local" | "remote";
  readonly ends: Ends;
  state: "OpenDelayed" | "OpenSent" | "OpenConfirm" | "Established" = "OpenSent";
  readonly #reader = new FrameReader();
  readonly #emit: (effect: SessionEffect) => void;
  readonly #random: () => number;
  readonly #nowMs: () => number;
  readonly #receive: SessionOptions["receive"];
  #negotiated: Negotiated | undefined;
  #sentOpen: OpenMessage | undefined;
  #receivedOpen: OpenMessage | undefined;

  constructor(of: Pick<Connection, "id" | "initiatedBy" | "ends">, edge: ConnectionEdge) {
    this.id = of.id;
    this.initiatedBy = of.initiatedBy;
    this.ends = of.ends;
    this.#emit = edge.emit;
    this.#random = edge.random;
    this.#nowMs = edge.nowMs;
    this.#receive = edge.receive;
  }

  /** Sends nothing for now: the peer's OPEN may come first. */
  delayOpen(seconds: number): void {
    this.state = "OpenDelayed";
    this.#emit({ do: "setTimer", timer: `delayOpen/${this.id}`, afterMs: seconds * 1000 });
  }

  /** To OpenSent. */
  open(message: OpenMessage): void {
    this.#stopDelay();
    this.state = "OpenSent";
    this.#emit({ do: "setTimer", timer: `hold/${this.id}`, afterMs: openHoldTimeMs });
    this.#sentOpen = message;
    this.send(message);
  }

  /** Of the OPEN that was sent; empty before it. */
  get sentCapabilities(): Capability[] {
    return this.#sentOpen?.capabilities ?? [];
  }

  /** Set from OpenConfirm on. */
  get opens(): { sent: OpenMessage; received: OpenMessage } | undefined {
    const [sent, received] = [this.#sentOpen, this.#receivedOpen];
    return sent && received && { sent, received };
  }

  /** Set from OpenConfirm on. */
  get negotiated(): Negotiated | undefined {
    return this.#negotiated;
  }

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes);
  }

  /** The next whole message received; undefined where there is none yet. Throws WireError. */
  next(): Received | undefined {
    const codec = this.#codec();
    const frame = this.#reader.nextRange(
      codec.extendedMessage ? extendedMessageBytesMax : messageBytesMax,
    );
    return frame && this.#receive(frame, codec);
  }

  send(message: Message): void {
    for (const bytes of encodeMessage(message, this.#codec())) {
      this.#emit({ do: "send", connection: this.id, bytes });
    }
  }

  /** The peer's OPEN was accepted: OpenSent to OpenConfirm. */
  confirm(negotiated: Negotiated, open: OpenMessage): void {
    this.#negotiated = negotiated;
    this.#receivedOpen = open;
    this.state = "OpenConfirm";
    this.send({ type: "KEEPALIVE" });
    this.restartKeepaliveTimer();
    if (negotiated.holdTimeSeconds > 0) this.restartHoldTimer();
    else this.#emit({ do: "clearTimer", timer: `hold/${this.id}` });
  }

  restartHoldTimer(): void {
    const seconds = this.#negotiated?.holdTimeSeconds ?? 0;
    if (seconds > 0)
      this.#emit({ do: "setTimer", timer: `hold/${this.id}`, afterMs: seconds * 1000 });
  }

  restartKeepaliveTimer(): void {
    const seconds = this.#negotiated?.keepaliveTimeSeconds ?? 0;
    if (seconds === 0) return;
    const afterMs = withSharedJitter(seconds * 1000, this.#nowMs(), this.#random);
    this.#emit({ do: "setTimer", timer: `keepalive/${this.id}`, afterMs });
  }

  /** The connection is done with: nothing of it fires or is sent any more. */
  release(transport: "open" | "gone"): void {
    this.#stopDelay();
    this.#emit({ do: "clearTimer", timer: `hold/${this.id}` });
    this.#emit({ do: "clearTimer", timer: `keepalive/${this.id}` });
    if (transport === "open") this.#emit({ do: "close", connection: this.id });
  }

  #stopDelay(): void {
    if (this.state !== "OpenDelayed") return;
    this.#emit({ do: "clearTimer", timer: `delayOpen/${this.id}` });
  }

  #codec(): CodecOptions {
    return this.#negotiated?.codec ?? plainCodec;
  }
}

/** The state of the one that is further, where none is Established; `dialing`: of the attempt that has no connection yet. */
export function furthestState(
  dialing: "Idle" | "Connect" | "Active",
  connections: Iterable<Connection>,
): SessionState {
  let state: SessionState = dialing;
  for (const { state: its, initiatedBy } of connections) {
    if (its === "OpenConfirm") return its;
    if (its === "OpenSent") state = its;
    else if (state === "Active" && initiatedBy === "local") state = "Connect";
  }
  return state;
}

/** Of an input that carries them. */
export function endsOf(of: Ends): Ends {
  const { localAddress, remoteAddress, interface: link, localPort, remotePort } = of;
  const { sharedLink, sharedSubnets } = of;
  return {
    localAddress,
    remoteAddress,
    ...(link !== undefined && { interface: link }),
    ...(sharedLink !== undefined && { sharedLink }),
    ...(sharedSubnets !== undefined && { sharedSubnets }),
    ...(localPort !== undefined && { localPort }),
    ...(remotePort !== undefined && { remotePort }),
  };
}
