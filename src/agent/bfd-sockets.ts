import { createSocket, type Socket } from "node:dgram";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import type { Effect, Input } from "../bgp/speaker/effect.ts";
import { type Address, address, familyOf } from "../net/address.ts";
import { bindUdpOnLink } from "../sys/libc.ts";
import type { SpeakerLog } from "./speaker-host.ts";

/** RFC 5881 §4. */
const controlPort = 3784;
const sourcePortMin = 49152;
const sourcePorts = 65536 - sourcePortMin;

type Send = Extract<Effect, { do: "bfdSend" }>;
type Received = Omit<Extract<Input, { input: "bfdReceived" }>, "input">;

/** The UDP sockets of BFD: one to receive for each address family, one to send for each session. */
export class BfdSockets {
  readonly #log: SpeakerLog;
  readonly #onReceived: (packet: Received) => void;
  readonly #receiving: Socket[] = [];
  readonly #sending = new Map<number, Sender>();
  #ports = Math.floor(Math.random() * sourcePorts);

  constructor(log: SpeakerLog, onReceived: (packet: Received) => void) {
    this.#log = log;
    this.#onReceived = onReceived;
  }

  /** Listens where any peer has BFD. */
  configure({ peers, listenRanges = [] }: SpeakerConfig): void {
    const all = [...peers, ...listenRanges.map(({ peer }) => peer)];
    const isWanted = all.some(({ bfd }) => bfd !== undefined);
    if (isWanted === this.#receiving.length > 0) return;
    if (isWanted) for (const host of ["0.0.0.0", "::"]) this.#listen(address(host));
    else this.#stopListening();
  }

  send({ session, remoteAddress, localAddress, interface: link, bytes }: Send): void {
    let sender = this.#sending.get(session);
    if (sender === undefined) {
      const port = sourcePortMin + (this.#ports++ % sourcePorts);
      const onError = (error: Error) => this.#closeAfter(session, remoteAddress, error);
      sender = openSender({ family: familyOf(remoteAddress), localAddress, port }, onError);
      this.#sending.set(session, sender);
    }
    sender.send(bytes, link === undefined ? remoteAddress : `${remoteAddress}%${link}`);
  }

  close(session: number): void {
    this.#sending.get(session)?.close();
    this.#sending.delete(session);
  }

  stop(): void {
    this.#stopListening();
    for (const session of this.#sending.keys()) this.close(session);
  }

  /** The next packet tries another socket, and another port. */
  #closeAfter(session: number, remoteAddress: Address, error: Error): void {
    this.close(session);
    this.#log("debug", `BFD packet to ${remoteAddress} not sent: ${error.message}`);
  }

  #listen(host: Address): void {
    const socket = createSocket(familyOf(host) === "ipv4" ? "udp4" : "udp6");
    socket.on("message", (bytes, from) => {
      const [remote = "", link] = from.address.split("%");
      const zone = link === undefined ? {} : { interface: link };
      this.#onReceived({ remoteAddress: address(remote), ...zone, bytes });
    });
    const failed = (error: Error) =>
      this.#log("error", `cannot receive BFD on UDP port ${controlPort}: ${error.message}`);
    socket.on("error", failed);
    try {
      socket.bind({ fd: bindUdpOnLink(host, controlPort) });
      this.#receiving.push(socket);
    } catch (error) {
      failed(error as Error);
    }
  }

  #stopListening(): void {
    for (const socket of this.#receiving.splice(0)) socket.close();
  }
}

/** Sends to the control port from one port of its own. */
type Sender = {
  send: (bytes: Uint8Array, host: string) => void;
  /** After what was sent. */
  close: () => void;
};

function openSender(
  of: { family: "ipv4" | "ipv6"; localAddress?: Address | undefined; port: number },
  onError: (error: Error) => void,
): Sender {
  const socket = createSocket(of.family === "ipv4" ? "udp4" : "udp6");
  let state: "open" | "closing" | "closed" = "open";
  let underWay = 0;
  const close = () => {
    if (state !== "closed") socket.close();
    state = "closed";
  };
  socket.on("error", (error) => state === "open" && onError(error));
  const { localAddress, port } = of;
  socket.bind({ port, exclusive: true, ...(localAddress && { address: localAddress }) }, () =>
    socket.setTTL(255),
  );
  return {
    // dgram keeps what is sent before it is bound, and the TTL is set then.
    send: (bytes, host) => {
      underWay++;
      socket.send(bytes, controlPort, host, (error) => {
        underWay--;
        if (state === "closing" && underWay === 0) close();
        else if (error !== null && state === "open") onError(error);
      });
    },
    close: () => {
      state = "closing";
      if (underWay === 0) close();
    },
  };
}
