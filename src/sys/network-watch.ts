import { ReadinessLoop } from "./epoll.ts";
import { openNetlink, receive, SystemCallError } from "./libc.ts";
import { messages, RtnetlinkGroup, MessageType } from "./netlink.ts";

const isDefaultRoute = (body: Buffer) => body[1] === 0;

/**
 * Tells of every change of a link, an address or a default route in this thread's network namespace,
 * as the kernel says it. What it is now is to be asked (network-dump.ts).
 */
export class NetworkWatch {
  readonly #loop = new ReadinessLoop();
  readonly #buffer = Buffer.alloc(1 << 16);

  constructor(onChange: () => void) {
    const fd = openNetlink(Object.values(RtnetlinkGroup));
    this.#loop.add(fd, () => {
      if (this.#read(fd)) onChange();
    });
  }

  close(): void {
    this.#loop.close();
  }

  /** Empties the socket; whether anything in it matters. */
  #read(fd: number): boolean {
    let matters = false;
    for (;;) {
      try {
        const length = receive(fd, this.#buffer);
        if (length === undefined) return matters;
        for (const { type, body } of messages(this.#buffer.subarray(0, length))) {
          const isRoute = type === MessageType.newRoute || type === MessageType.delRoute;
          matters ||= !isRoute || isDefaultRoute(body);
        }
      } catch (error) {
        // Changes came faster than they were read: something did change.
        if (!(error instanceof SystemCallError && error.code === "ENOBUFS")) throw error;
        matters = true;
      }
    }
  }
}
