// The other side of a session as tests play it: for tests only.
import { receiveMessage } from "../wire/decode.ts";
import { address } from "../../net/address.ts";
import { type AttributeProblem, decodeMessage } from "../wire/decode.ts";
import { updateMessage } from "../wire/decode-update.ts";
import { encodeMessage } from "../wire/encode.ts";
import type {
  AfiSafi,
  Capability,
  Message,
  NotificationMessage,
  OpenMessage,
  UpdateMessage,
} from "../wire/message.ts";
import { ownCapabilities } from "./capabilities.ts";
import type {
  ConnectionId,
  SessionEffect,
  SessionInput,
  SessionOptions,
  SessionPeer,
} from "./io.ts";
import { Session } from "./session.ts";

export const ipv4: AfiSafi = { afi: "ipv4", safi: "unicast" };
export const ipv6: AfiSafi = { afi: "ipv6", safi: "unicast" };

const codec = { fourOctetAs: true, extendedMessage: false };

export function sessionOptions(
  of: Partial<SessionPeer> & { localAsn?: number; routerId?: string; restarting?: boolean } = {},
): SessionOptions {
  const { localAsn = 65010, routerId = "10.0.2.2", restarting = false, ...rest } = of;
  const peer: SessionPeer = {
    name: "tor0",
    address: address("10.0.2.1"),
    asn: 65000,
    port: 179,
    passive: false,
    holdTimeSeconds: 9,
    keepaliveTimeSeconds: 3,
    connectRetryTimeSeconds: 10,
    families: [ipv4, ipv6],
    ...rest,
  };
  let last = 0;
  return {
    peer,
    localAsn,
    routerId: address(routerId),
    capabilities: ownCapabilities(peer, {
      asn: localAsn,
      hostname: "w1",
      softwareVersion: "test",
      restarting,
    }),
    newConnectionId: () => ++last,
    // No jitter: timers run their whole time.
    receive: receiveMessage,
    random: () => 1,
  };
}

export const graceful = {
  capability: "gracefulRestart",
  restarting: false,
  notification: false,
  restartTimeSeconds: 120,
  families: [{ family: ipv4, forwardingPreserved: false }],
} satisfies Capability;

export function peerOpen(of: Partial<OpenMessage> & { extra?: Capability[] } = {}): OpenMessage {
  const { extra = [], ...rest } = of;
  const asn = rest.asn ?? 65000;
  return {
    type: "OPEN",
    version: 4,
    asn,
    holdTimeSeconds: 90,
    bgpIdentifier: address("10.0.0.1"),
    capabilities: [
      { capability: "multiprotocol", family: ipv4 },
      { capability: "fourOctetAs", asn },
      { capability: "routeRefresh" },
      ...extra,
    ],
    ...rest,
  };
}

/** A session and what came out of its last step. */
export class Played {
  readonly session: Session;
  effects: SessionEffect[] = [];
  nowMs = 0;

  constructor(options: SessionOptions = sessionOptions()) {
    this.session = new Session(options);
  }

  step(input: SessionInput): this {
    this.effects = this.session.step(input, this.nowMs);
    return this;
  }

  connected(connection: ConnectionId): this {
    return this.step({ input: "connected", connection, ...ends });
  }

  accepted(connection: ConnectionId): this {
    return this.step({ input: "accepted", connection, ...ends });
  }

  receive(connection: ConnectionId, ...messages: (Message | Uint8Array)[]): this {
    const frames = messages.flatMap((one) =>
      one instanceof Uint8Array ? [one] : encodeMessage(one, codec),
    );
    return this.step({ input: "received", connection, bytes: Buffer.concat(frames) });
  }

  /** Up to Established, over the connection that was dialled. */
  establish(open: OpenMessage = peerOpen()): this {
    this.step({ input: "start" }).connected(1).receive(1, open, { type: "KEEPALIVE" });
    return this;
  }

  /** The messages sent on the connection in the last step. */
  sent(connection: ConnectionId): Message[] {
    return this.effects.flatMap((effect) =>
      effect.do === "send" && effect.connection === connection
        ? [decodeMessage(effect.bytes, codec).message]
        : [],
    );
  }

  /** `code/subcode` of the NOTIFICATION sent in the last step. */
  refused(connection: ConnectionId): string {
    const sent = this.sent(connection).find(
      (one): one is NotificationMessage => one.type === "NOTIFICATION",
    );
    const closed = this.effects.some(
      (effect) => effect.do === "close" && effect.connection === connection,
    );
    return sent === undefined ? "none" : `${sent.code}/${sent.subcode}${closed ? "" : " open"}`;
  }

  all<K extends SessionEffect["do"]>(kind: K): Extract<SessionEffect, { do: K }>[] {
    return this.effects.filter(
      (effect): effect is Extract<SessionEffect, { do: K }> => effect.do === kind,
    );
  }

  logged(): string[] {
    return this.all("log").map(({ message }) => message);
  }

  /** As values. */
  updates(): { message: UpdateMessage; problems: AttributeProblem[] }[] {
    return this.all("update").map(({ update, problems }) => ({
      message: updateMessage(update),
      problems,
    }));
  }

  timersSet(): Record<string, number> {
    return Object.fromEntries(this.all("setTimer").map(({ timer, afterMs }) => [timer, afterMs]));
  }
}

const ends = { localAddress: address("10.0.2.2"), remoteAddress: address("10.0.2.1") };
