import { networkInterfaces } from "node:os";
import { createServer, isIPv4, type Server, Socket } from "node:net";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import type { ConnectionId, Effect, Input, TimerId } from "../bgp/speaker/effect.ts";
import type { Ends } from "../bgp/session/io.ts";
import type { PeerReset, ResetRequest } from "../bgp/speaker/reset.ts";
import { Speaker } from "../bgp/speaker/speaker.ts";
import { address, familyOf } from "../net/address.ts";
import { prefixBase, prefixFamily, prefixLength } from "../net/prefix.ts";
import { BmpStations } from "./bmp-stations.ts";
import { KernelEdge } from "./kernel-edge.ts";
import type { KernelView } from "./kernel-view.ts";
import { BfdSockets } from "./bfd-sockets.ts";
import { sharedLink, sharedSubnets } from "./shared-link.ts";
import { UnnumberedLinks } from "./unnumbered-links.ts";
import { interfaceIndex, limitTtl, listenTcp, openTcp, setMd5Password } from "../sys/libc.ts";
import { dumpInterfaces } from "../sys/network-dump.ts";
import { UnsentWatch } from "./unsent-watch.ts";

export type SpeakerLog = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  peer?: string,
) => void;

export type SpeakerHostOptions = {
  /** True right after a start: the first OPEN to each peer carries the restart bit (RFC 4724 §3). */
  restarting: boolean;
  softwareVersion: string;
  log: SpeakerLog;
  /** A session changed state or its counted routes changed. */
  onChanged: (peer: string) => void;
  /** Shared by the speakers of one process; only looked at where the configuration has `installRoutes`. */
  kernel?: KernelView;
};

/** Timers of a process that has little to do are a millisecond or two late. */
const lateMs = 10;

/** Gives a speaker its sockets, timers and clock: the only place where BGP meets the system. */
export class SpeakerHost {
  readonly speaker: Speaker;
  readonly #options: SpeakerHostOptions;
  readonly #connections = new Map<ConnectionId, Socket>();
  readonly #timers = new Map<TimerId, NodeJS.Timeout>();
  readonly #servers: Server[] = [];
  /** Sockets that hold back what is sent until all that has come in is dealt with: one system call for each then. */
  #corked = new Set<Socket>();
  readonly #bfd: BfdSockets;
  readonly #unsent: UnsentWatch;
  readonly #links: UnnumberedLinks;
  /** What the listening sockets were made for. */
  #listening: string | undefined;
  #nextAccepted = -1;
  readonly #kernel: KernelEdge;
  readonly #stations: BmpStations;

  constructor(config: SpeakerConfig, options: SpeakerHostOptions) {
    this.#options = options;
    this.speaker = new Speaker(config, {
      nowMs: performance.now(),
      restarting: options.restarting,
      softwareVersion: options.softwareVersion,
      random: Math.random,
      timeOriginMs: performance.timeOrigin,
    });
    this.#bfd = new BfdSockets(options.log, (packet) =>
      this.#step({ input: "bfdReceived", ...packet }),
    );
    this.#unsent = new UnsentWatch(this.#connections, (connection, forMs) =>
      this.#step({ input: "unsent", connection, forMs }),
    );
    this.#links = new UnnumberedLinks(options.log, (found) => {
      this.#step({ input: "neighbors", ...found });
      // A password is for an address.
      this.#listen(this.speaker.config);
    });
    this.#kernel = new KernelEdge({
      kernel: options.kernel,
      interfaceOf: (peer) => this.#interfaceOf(peer),
      tell: (told) => this.#step({ input: "nextHops", told }),
      log: options.log,
    });
    this.#stations = new BmpStations({
      begin: () => this.speaker.bmpBegin(performance.now()),
      log: options.log,
    });
    this.#listen(config);
    this.#bfd.configure(config);
  }

  start(): void {
    this.#stations.configure(this.speaker.config.bmp?.stations ?? []);
    this.#kernel.configure(this.speaker.config);
    this.#perform(this.speaker.start(performance.now()));
    this.#links.configure(this.speaker.config);
  }

  configure(config: SpeakerConfig): void {
    this.#kernel.configure(config);
    this.#bfd.configure(config);
    this.#perform(this.speaker.configure(config, performance.now()));
    this.#listen(this.speaker.config);
    this.#links.configure(config);
    this.#stations.configure(config.bmp?.stations ?? []);
  }

  /** What became of each peer of this name or address, or of all. */
  reset(of: ResetRequest): PeerReset[] {
    const { done, effects } = this.speaker.reset(of, performance.now());
    this.#perform(effects);
    return done;
  }

  /** Ends every session and resolves when the last bytes are out or `limitMs` has passed. */
  async stop(how: "graceful" | "cease", limitMs: number): Promise<void> {
    const open = [...this.#connections.values()].filter((socket) => !socket.connecting);
    this.#perform(this.speaker.stop(how, performance.now()));
    this.#kernel.close();
    const stations = this.#stations.end(limitMs);
    this.#listen(undefined);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    const closed = open.map((socket) =>
      socket.closed ? undefined : new Promise((resolve) => socket.once("close", resolve)),
    );
    await Promise.race([
      Promise.all([...closed, stations]),
      new Promise((resolve) => setTimeout(resolve, limitMs).unref()),
    ]);
    for (const socket of this.#connections.values()) socket.destroy();
    this.#bfd.stop();
    this.#unsent.stop();
    this.#links.stop(how === "graceful");
  }

  #step(input: Input): void {
    this.#perform(this.speaker.step(input, performance.now()));
  }

  #perform(effects: Effect[]): void {
    for (const effect of effects) {
      switch (effect.do) {
        case "connect":
          this.#connect(effect);
          break;
        case "limitTtl":
          this.#limitTtl(effect);
          break;
        case "send":
          this.#send(effect.connection, effect.bytes);
          break;
        case "close": {
          const socket = this.#connections.get(effect.connection);
          this.#connections.delete(effect.connection);
          if (socket !== undefined && this.#corked.delete(socket)) socket.uncork();
          // What nobody takes would keep it open for ever.
          if (this.#unsent.isStuck(effect.connection)) socket?.resetAndDestroy();
          else socket?.destroySoon();
          break;
        }
        case "setTimer":
          clearTimeout(this.#timers.get(effect.timer));
          this.#setTimer(effect.timer, effect.afterMs);
          break;
        case "clearTimer":
          clearTimeout(this.#timers.get(effect.timer));
          this.#timers.delete(effect.timer);
          break;
        case "bfdSend":
          this.#bfd.send(effect);
          break;
        case "bfdClose":
          this.#bfd.close(effect.session);
          break;
        case "bmp":
          this.#stations.send(effect.bytes);
          break;
        case "routes":
        case "routesSelected":
        case "trackNextHop":
          this.#kernel.perform(effect);
          break;
        case "log":
          this.#options.log(effect.level, effect.message, effect.peer);
          break;
        case "changed":
          this.#options.onChanged(effect.peer);
          break;
      }
    }
  }

  #send(connection: ConnectionId, bytes: Uint8Array): void {
    const socket = this.#connections.get(connection);
    if (socket === undefined) return;
    if (!this.#corked.has(socket)) {
      // After everything that this turn of the event loop reads, and before it waits again.
      if (this.#corked.size === 0) setImmediate(() => this.#flush());
      this.#corked.add(socket);
      socket.cork();
    }
    socket.write(bytes);
  }

  #flush(): void {
    const corked = this.#corked;
    this.#corked = new Set();
    for (const socket of corked) socket.uncork();
  }

  /** The index of the link that a peer's link-local address belongs to. */
  #interfaceOf(name: string): number | undefined {
    const { interface: link } = this.speaker.config.peers.find((peer) => peer.name === name) ?? {};
    return link === undefined ? undefined : interfaceIndex(link);
  }

  /**
   * A timer that is late fired after the process was busy or stopped, and what came meanwhile is not read
   * yet: it is read first, since it may be what the timer waits for.
   */
  #setTimer(timer: TimerId, afterMs: number, isLate = false): void {
    const dueMs = performance.now() + afterMs;
    const fire = () => {
      if (!isLate && performance.now() - dueMs > lateMs) return this.#setTimer(timer, 0, true);
      this.#timers.delete(timer);
      this.#step({ input: "timer", timer });
    };
    this.#timers.set(timer, setTimeout(fire, afterMs));
  }

  #connect(effect: Extract<Effect, { do: "connect" }>): void {
    let socket: Socket;
    try {
      // Made by hand, since Node can set neither TTL nor MD5 before the first SYN.
      socket = new Socket({ fd: openTcp(effect.remoteAddress, effect) });
    } catch (error) {
      const reason = (error as { code?: string }).code ?? String(error);
      // After this step, never within it: the speaker is not re-entrant.
      setImmediate(() =>
        this.#step({ input: "connectFailed", connection: effect.connection, reason }),
      );
      return;
    }
    let connected = false;
    const { connection } = effect;
    this.#adopt(connection, socket, (reason) => {
      this.#step(
        connected
          ? { input: "closed", connection, ...(reason === undefined ? {} : { reason }) }
          : { input: "connectFailed", connection, reason: reason ?? "closed" },
      );
    });
    socket.once("connect", () => {
      connected = true;
      // Reset already: its end is told next.
      if (socket.remoteAddress === undefined) return void socket.destroy();
      if (this.#connections.get(connection) === socket) {
        this.#step({ input: "connected", connection, ...endpoints(socket) });
      }
    });
    const { remoteAddress, interface: link, port } = effect;
    const host = link === undefined ? remoteAddress : `${remoteAddress}%${link}`;
    socket.connect({ host, port });
  }

  /** Node has no such option, and gives away the descriptor only here. */
  #limitTtl({ connection, ttl, minTtl }: Extract<Effect, { do: "limitTtl" }>): void {
    const socket = this.#connections.get(connection);
    if (socket === undefined) return;
    const { _handle: handle } = socket as { _handle?: { fd?: number } };
    if (handle?.fd === undefined || handle.fd < 0) return;
    limitTtl(handle.fd, endpoints(socket).remoteAddress, { ttl, minTtl });
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
        this.#step({ input: "received", connection, bytes });
      }
    });
    socket.on("close", () => {
      if (this.#connections.get(connection) !== socket) return;
      this.#connections.delete(connection);
      onGone(reason);
    });
  }

  /**
   * One socket per address family, made by hand: the peers' passwords must be on it before the first
   * SYN comes, else a peer with a password would be accepted without one.
   */
  #listen(config: SpeakerConfig | undefined): void {
    const wanted = config?.listenPort === undefined ? undefined : listening(config);
    if (wanted === this.#listening) return;
    this.#listening = wanted;
    for (const server of this.#servers.splice(0)) server.close();
    if (config?.listenPort === undefined) return;
    for (const host of [address("0.0.0.0"), address("::")]) {
      const server = createServer((socket) => this.#accept(socket));
      server.on("error", (error) => {
        this.#options.log(
          "error",
          `cannot listen on TCP port ${config.listenPort}: ${error.message}`,
        );
      });
      try {
        const fd = listenTcp(host, config.listenPort, answersWithTtl(config));
        for (const { prefix, peer } of config.listenRanges ?? []) {
          if (peer.password && prefixFamily(prefix) === familyOf(host)) {
            setMd5Password(fd, prefixBase(prefix), peer.password, prefixLength(prefix));
          }
        }
        for (const peer of config.peers) {
          if (peer.password && peer.address !== "::" && familyOf(peer.address) === familyOf(host)) {
            setMd5Password(fd, peer.address, peer.password);
          }
        }
        server.listen({ fd });
        this.#servers.push(server);
      } catch (error) {
        const { message } = error as Error;
        this.#options.log("error", `cannot listen on TCP port ${config.listenPort}: ${message}`);
      }
    }
  }

  #accept(socket: Socket): void {
    // Reset before it was looked at: there is nobody to speak with.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    const connection = this.#nextAccepted--;
    this.#adopt(connection, socket, (reason) => {
      this.#step({ input: "closed", connection, ...(reason === undefined ? {} : { reason }) });
    });
    this.#step({ input: "accepted", connection, ...endpoints(socket) });
  }
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

/** None where the kernel's tables change faster than they are read: then no subnet is known to be shared. */
function interfacesNow(): ReturnType<typeof dumpInterfaces> {
  try {
    return dumpInterfaces();
  } catch {
    return [];
  }
}

/** Both ends; IPv4 that came in through an IPv6 socket is IPv4, and the zone stands beside the addresses. */
function endpoints(socket: Socket): Ends {
  const plain = (text: string | undefined) => {
    const bare = (text ?? "").replace(/%.*$/, "");
    const mapped = bare.startsWith("::ffff:") ? bare.slice(7) : bare;
    return address(isIPv4(mapped) ? mapped : bare);
  };
  const { localPort, remotePort } = socket;
  const [, link] = (socket.remoteAddress ?? "").split("%");
  const localAddress = plain(socket.localAddress);
  const remoteAddress = plain(socket.remoteAddress);
  // Asked of the kernel: Node leaves out interfaces that came up less than a second ago.
  const subnets =
    link === undefined
      ? sharedSubnets({ localAddress, remoteAddress }, interfacesNow())
      : undefined;
  const shared = sharedLink({ localAddress, remoteAddress, interface: link }, networkInterfaces);
  return {
    localAddress,
    remoteAddress,
    ...(shared !== undefined && { sharedLink: shared }),
    ...(subnets && { sharedSubnets: subnets }),
    ...(link !== undefined && { interface: link }),
    ...(localPort !== undefined && { localPort }),
    ...(remotePort !== undefined && { remotePort }),
  };
}
