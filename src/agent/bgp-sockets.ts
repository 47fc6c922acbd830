import { isIPv4, type Server, Socket, createServer } from "node:net";
import type { Ends } from "../bgp/session/io.ts";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import type { ConnectionId, Effect, Input } from "../bgp/speaker/effect.ts";
import { address, familyOf } from "../net/address.ts";
import type { NetworkInterface } from "../net/network-state.ts";
import { prefixBase, prefixFamily, prefixLength } from "../net/prefix.ts";
import { limitTtl, listenTcp, openTcp, setMd5Password } from "../sys/libc.ts";
import { dumpInterfaces } from "../sys/network-dump.ts";
import { sharedLink, sharedSubnets } from "./shared-link.ts";
import type { SpeakerLog } from "./speaker-host.ts";
import { UnsentWatch } from "./unsent-watch.ts";

/**
 * What may wait for one peer: several times the largest table. Beyond it what changes would fill the memory long before
 * the Send Hold Timer of a peer that takes nothing in (RFC 9687).
 */
const unsentBytesMax = 256 << 20;

type ConnectionInput = Extract<Input, { connection: ConnectionId }>;

/** The TCP connections of one speaker, and the sockets that it listens on. Never calls back within a call. */
export class BgpSockets {
  readonly #log: SpeakerLog;
  readonly #tell: (input: ConnectionInput) => void;
  readonly #connections = new Map<ConnectionId, Socket>();
  readonly #servers: Server[] = [];
  /** Sockets that hold back what is sent until all that has come in is dealt with: one system call for each then. */
  #corked = new Set<Socket>();
  readonly #unsent: UnsentWatch;
  /** What the listening sockets were made for. */
  #listening: string | undefined;
  #nextAccepted = -1;

  constructor(log: SpeakerLog, tell: (input: ConnectionInput) => void) {
    this.#log = log;
    this.#tell = tell;
    this.#unsent = new UnsentWatch(this.#connections, (connection, forMs) =>
      tell({ input: "unsent", connection, forMs }),
    );
  }

  /**
   * One socket per address family, made by hand: the peers' passwords must be on it before the first
   * SYN comes, else a peer with a password would be accepted without one.
   */
  listen(config: SpeakerConfig): void {
    const wanted = listening(config);
    if (wanted === this.#listening) return;
    this.stopListening();
    this.#listening = wanted;
    const { listenPort: port } = config;
    if (port === undefined) return;
    for (const host of [address("0.0.0.0"), address("::")]) {
      const failed = (error: Error) =>
        this.#log("error", `cannot listen on TCP port ${port}: ${error.message}`);
      try {
        const prepare = (made: number) => setPasswords(made, host, config);
        const fd = listenTcp(host, port, { ttl: answersWithTtl(config), prepare });
        const server = createServer((socket) => this.#accept(socket));
        this.#servers.push(server.on("error", failed).listen({ fd }));
      } catch (error) {
        failed(error as Error);
      }
    }
  }

  connect(effect: Extract<Effect, { do: "connect" }>): void {
    const { connection, remoteAddress, interface: link, port } = effect;
    let socket: Socket;
    try {
      // Made by hand, since Node can set neither TTL nor MD5 before the first SYN.
      socket = new Socket({ fd: openTcp(remoteAddress, effect) });
    } catch (error) {
      const reason = (error as { code?: string }).code ?? String(error);
      setImmediate(() => this.#tell({ input: "connectFailed", connection, reason }));
      return;
    }
    let connected = false;
    this.#adopt(connection, socket, (reason) => {
      this.#tell(
        connected
          ? { input: "closed", connection, ...(reason === undefined ? {} : { reason }) }
          : { input: "connectFailed", connection, reason: reason ?? "closed" },
      );
    });
    socket.once("connect", () => {
      const ends = this.#endsOf(socket);
      // Reset by now, as the other side does with one of two that collide: that it is closed is told next.
      if (ends === undefined) return void socket.destroy();
      if (this.#connections.get(connection) !== socket) return;
      connected = true;
      this.#tell({ input: "connected", connection, ...ends });
    });
    const host = link === undefined ? remoteAddress : `${remoteAddress}%${link}`;
    socket.connect({ host, port });
  }

  send(connection: ConnectionId, bytes: Uint8Array): void {
    const socket = this.#connections.get(connection);
    if (socket === undefined || socket.destroyed) return;
    if (!this.#corked.has(socket)) {
      // After everything that this turn of the event loop reads, and before it waits again.
      if (this.#corked.size === 0) setImmediate(() => this.#flush());
      this.#corked.add(socket);
      socket.cork();
    }
    socket.write(bytes);
    const unsent = socket.writableLength;
    if (unsent <= unsentBytesMax) return;
    socket.destroy(new Error(`the peer is too slow: ${unsent >> 20} MiB wait for it`));
  }

  /** Node has no such option, and gives away the descriptor only here. */
  limitTtl({ connection, ttl, minTtl }: Extract<Effect, { do: "limitTtl" }>): void {
    const socket = this.#connections.get(connection);
    const { _handle: handle } = (socket ?? {}) as { _handle?: { fd?: number } };
    if (socket?.remoteAddress === undefined || handle?.fd === undefined || handle.fd < 0) return;
    try {
      limitTtl(handle.fd, plainAddress(socket.remoteAddress), { ttl, minTtl });
    } catch (error) {
      // Without it a peer could be further away than it may be.
      socket.destroy(error as Error);
    }
  }

  /** After what was sent. */
  close(connection: ConnectionId): void {
    const socket = this.#connections.get(connection);
    if (socket === undefined) return;
    this.#connections.delete(connection);
    if (this.#corked.delete(socket)) socket.uncork();
    // What nobody takes would keep it open for ever.
    if (this.#unsent.isStuck(connection)) socket.resetAndDestroy();
    else socket.destroySoon();
  }

  /** Those that are open now; to be asked before they are closed. */
  whenClosed(): Promise<unknown> {
    const open = [...this.#connections.values()].filter(
      ({ connecting, closed }) => !connecting && !closed,
    );
    return Promise.all(
      open.map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()))),
    );
  }

  /** Leaves no connection open, and does not listen either. */
  stop(): void {
    this.stopListening();
    this.#unsent.stop();
    for (const socket of this.#connections.values()) socket.destroy();
  }

  stopListening(): void {
    this.#listening = undefined;
    for (const server of this.#servers.splice(0)) server.close();
  }

  #flush(): void {
    const corked = this.#corked;
    this.#corked = new Set();
    for (const socket of corked) socket.uncork();
  }

  #accept(socket: Socket): void {
    const ends = this.#endsOf(socket);
    // Reset by now: there is nobody to speak with.
    if (ends === undefined) return void socket.destroy();
    const connection = this.#nextAccepted--;
    this.#adopt(connection, socket, (reason) => {
      this.#tell({ input: "closed", connection, ...(reason === undefined ? {} : { reason }) });
    });
    this.#tell({ input: "accepted", connection, ...ends });
  }

  /** Events of a socket that the speaker has closed are nobody's any more. */
  #adopt(
    connection: ConnectionId,
    socket: Socket,
    onGone: (reason: string | undefined) => void,
  ): void {
    this.#connections.set(connection, socket);
    socket.setNoDelay(true);
    let reason: string | undefined;
    socket.on("error", (error: NodeJS.ErrnoException) => (reason = error.code ?? error.message));
    socket.on("data", (bytes: Buffer) => {
      if (this.#connections.get(connection) === socket) {
        this.#tell({ input: "received", connection, bytes });
      }
    });
    socket.on("close", () => {
      if (this.#connections.get(connection) !== socket) return;
      this.#connections.delete(connection);
      onGone(reason);
    });
  }

  /** Undefined: the connection was reset before it was looked at, and its ends are not known any more. */
  #endsOf({ localAddress, remoteAddress, localPort, remotePort }: Socket): Ends | undefined {
    if (localAddress === undefined || remoteAddress === undefined) return undefined;
    const [, link] = remoteAddress.split("%");
    const ends = {
      localAddress: plainAddress(localAddress),
      remoteAddress: plainAddress(remoteAddress),
      ...(link !== undefined && { interface: link }),
    };
    const interfaces = this.#interfaces();
    const shared = sharedLink(ends, interfaces);
    const subnets = sharedSubnets(ends, interfaces);
    return {
      ...ends,
      ...(shared && { sharedLink: shared }),
      ...(subnets && { sharedSubnets: subnets }),
      ...(localPort !== undefined && { localPort }),
      ...(remotePort !== undefined && { remotePort }),
    };
  }

  /** Asked of the kernel: Node leaves out interfaces that came up less than a second ago. */
  #interfaces(): readonly NetworkInterface[] {
    try {
      return dumpInterfaces();
    } catch (error) {
      const { message } = error as Error;
      this.#log("warn", `which subnets are shared with a peer is not known: ${message}`);
      return [];
    }
  }
}

/** Without the zone; IPv4 that came in through an IPv6 socket is IPv4. */
function plainAddress(text: string): Ends["localAddress"] {
  const bare = text.replace(/%.*$/, "");
  const mapped = bare.startsWith("::ffff:") ? bare.slice(7) : bare;
  return address(isIPv4(mapped) ? mapped : bare);
}

/** Two configurations with the same text need no other listening sockets. */
function listening(config: SpeakerConfig): string {
  const keys = config.peers.map((peer) => [peer.address, peer.password]);
  const ranges = config.listenRanges?.map(({ prefix, peer }) => [prefix, peer.password]);
  return JSON.stringify([config.listenPort, answersWithTtl(config), keys, ranges]);
}

/** A peer with GTSM drops an answer to its SYN that comes with less than 255 (RFC 5082 §3). */
function answersWithTtl({ peers, listenRanges = [] }: SpeakerConfig): number | undefined {
  const all = [...peers, ...listenRanges.map(({ peer }) => peer)];
  return all.some(({ ttlSecurityHops }) => ttlSecurityHops !== undefined) ? 255 : undefined;
}

/** Of the peers that a socket of `host`'s address family will hear. */
function setPasswords(fd: number, host: Ends["localAddress"], config: SpeakerConfig): void {
  for (const { prefix, peer } of config.listenRanges ?? []) {
    if (peer.password && prefixFamily(prefix) === familyOf(host)) {
      setMd5Password(fd, prefixBase(prefix), peer.password, prefixLength(prefix));
    }
  }
  for (const { address: of, password } of config.peers) {
    if (password && of !== "::" && familyOf(of) === familyOf(host)) {
      setMd5Password(fd, of, password);
    }
  }
}
