import { decodeRoute, type KernelRoute } from "./kernel-route.ts";
import { ReadinessLoop } from "./epoll.ts";
import { openNetlink, receive, SystemCallError } from "./libc.ts";
import { messages, MessageType, RtnetlinkGroup } from "./netlink.ts";

export type RouteMonitorOptions = {
  /** What this socket (RouteSocket.portId) did is not told. */
  ignorePortId: number;
  onRoute: (change: "add" | "delete", route: KernelRoute) => void;
  /** Something happened that no single route says: a link went up or down, or changes were lost. */
  onUnsure: () => void;
};

/** Room for what comes while the process is busy: some 4,000 changes. */
const receiveBufferBytes = 4 << 20;

/** Hears every route change of the thread's network namespace, and of its links. */
export class RouteMonitor {
  readonly #loop = new ReadinessLoop();
  readonly #buffer = Buffer.alloc(1 << 16);
  readonly #options: RouteMonitorOptions;

  constructor(options: RouteMonitorOptions) {
    this.#options = options;
    const groups = [RtnetlinkGroup.link, RtnetlinkGroup.ipv4Route, RtnetlinkGroup.ipv6Route];
    const fd = openNetlink(groups, { receiveBufferBytes });
    this.#loop.add(fd, () => this.#read(fd));
  }

  close(): void {
    this.#loop.close();
  }

  #read(fd: number): void {
    for (;;) {
      let length: number | undefined;
      try {
        length = receive(fd, this.#buffer);
      } catch (error) {
        if (!(error instanceof SystemCallError) || error.code !== "ENOBUFS") throw error;
        this.#options.onUnsure();
        continue;
      }
      if (length === undefined) return;
      this.#datagram(this.#buffer.subarray(0, length));
    }
  }

  #datagram(bytes: Buffer): void {
    const { ignorePortId, onRoute, onUnsure } = this.#options;
    for (const { type, portId, body } of messages(bytes)) {
      if (portId === ignorePortId) continue;
      if (type === MessageType.newLink || type === MessageType.delLink) onUnsure();
      else if (type === MessageType.newRoute || type === MessageType.delRoute) {
        const route = decodeRoute(body);
        if (route !== undefined) onRoute(type === MessageType.newRoute ? "add" : "delete", route);
      }
    }
  }
}
