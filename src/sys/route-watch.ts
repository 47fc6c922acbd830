import { ReadinessLoop } from "./epoll.ts";
import { inNetworkNamespace, openNetlink, receive, SystemCallError } from "./libc.ts";
import { type RouteMessage, routeMessages, RtnetlinkGroup } from "./netlink.ts";

/** Hears route changes of any number of namespaces with one waiting thread. */
export class RouteWatch {
  readonly #loop = new ReadinessLoop();
  readonly #buffer = Buffer.alloc(1 << 17);

  /** `namespace`: a file such as /proc/PID/ns/net. Returns how to stop. */
  add(namespace: string, onRoute: (message: RouteMessage) => void): () => void {
    const fd = inNetworkNamespace(namespace, () =>
      openNetlink([RtnetlinkGroup.ipv4Route, RtnetlinkGroup.ipv6Route]),
    );
    this.#loop.add(fd, () => {
      for (;;) {
        const length = this.#receive(fd);
        if (length === undefined) return;
        for (const message of routeMessages(this.#buffer.subarray(0, length))) onRoute(message);
      }
    });
    return () => this.#loop.remove(fd);
  }

  close(): void {
    this.#loop.close();
  }

  /** ENOBUFS says that changes came faster than they were read: those lost were followed by others. */
  #receive(fd: number): number | undefined {
    try {
      return receive(fd, this.#buffer);
    } catch (error) {
      if (error instanceof SystemCallError && error.code === "ENOBUFS") return 0;
      throw error;
    }
  }
}
