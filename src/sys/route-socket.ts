import { closeSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { decodeRoute, encodeRouteDump, encodeRouteRequest } from "./kernel-route.ts";
import type { KernelRoute, RouteRequest } from "./kernel-route.ts";
import { netlinkPortId, openNetlink, receive, send, SystemCallError } from "./libc.ts";
import { messages, MessageType, type NetlinkMessage } from "./netlink.ts";

/** A request that the kernel refused. `code` is the system's name: EEXIST, ENETUNREACH, … */
export type RouteFailure = { request: RouteRequest; code: string };

/**
 * Requests in one datagram. The kernel works through them while `send` waits, and each that fails takes
 * about 1 KiB of the receive buffer, which by default holds some 200.
 */
const batchMax = 128;

/** Reads and changes the kernel's routes, in the network namespace of the thread that opens it. */
export class RouteSocket {
  readonly #fd = openNetlink([]);
  readonly #buffer = Buffer.alloc(1 << 16);
  #sequence = 0;
  /** By it the kernel's notifications name this socket's doing. */
  readonly portId = netlinkPortId(this.#fd);

  /** Every route of every table, IPv4 and IPv6. */
  dump(): KernelRoute[] {
    const sequence = ++this.#sequence;
    send(this.#fd, encodeRouteDump(sequence));
    const routes: KernelRoute[] = [];
    for (const { type, body } of this.#answers(sequence)) {
      if (type === MessageType.done) return routes;
      if (type === MessageType.error) throw new SystemCallError("dump of routes", errorOf(body));
      const route = type === MessageType.newRoute ? decodeRoute(body) : undefined;
      if (route !== undefined) routes.push(route);
    }
    throw new Error("the kernel's dump of its routes broke off");
  }

  /** Performs the requests in order and returns those that failed: all of them where the kernel hears none. */
  change(requests: readonly RouteRequest[]): RouteFailure[] {
    const failures: RouteFailure[] = [];
    for (let at = 0; at < requests.length; at += batchMax) {
      const first = this.#sequence + 1;
      const batch = requests.slice(at, at + batchMax);
      const encoded = batch.map((request) => encodeRouteRequest(request, ++this.#sequence));
      try {
        send(this.#fd, Buffer.concat(encoded));
      } catch (error) {
        if (!(error instanceof SystemCallError)) throw error;
        const { code } = error;
        failures.push(...batch.map((request) => ({ request, code })));
        continue;
      }
      for (const { type, sequence, body } of this.#answers(first)) {
        const request = batch[sequence - first];
        if (type !== MessageType.error || request === undefined) continue;
        failures.push({ request, code: getSystemErrorName(-errorOf(body)) });
      }
    }
    return failures;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** What waits in the socket, of requests from `first` on: the kernel answers before `send` returns. */
  *#answers(first: number): Generator<NetlinkMessage> {
    for (;;) {
      const length = receive(this.#fd, this.#buffer);
      if (length === undefined) return;
      for (const message of messages(this.#buffer.subarray(0, length))) {
        if (message.sequence >= first) yield message;
      }
    }
  }
}

/** struct nlmsgerr: the negative error number, then the request's head. */
function errorOf(body: Buffer): number {
  return -body.readInt32LE(0);
}
