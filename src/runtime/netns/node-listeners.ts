import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Address } from "../../net/address.ts";
import { inNetworkNamespace, listenTcp } from "../../sys/libc.ts";

type Listener = { server: Server; connections: Set<Socket> };

/** Sockets of this process that listen inside nodes. A socket would keep a stopped node's namespace. */
export class NodeListeners {
  readonly #byNode = new Map<string, Set<Listener>>();

  /** `namespace`: a file such as /proc/PID/ns/net. Port 0 is one that is free; resolves with the port. */
  async listen(
    where: { node: string; namespace: string; address: Address; port: number },
    onConnection: (connection: Socket) => void,
  ): Promise<number> {
    const { node, namespace, address, port } = where;
    const fd = inNetworkNamespace(namespace, () => listenTcp(address, port));
    const connections = new Set<Socket>();
    const server = createServer((connection) => {
      connections.add(connection);
      connection.once("close", () => connections.delete(connection));
      onConnection(connection);
    });
    const listener = { server, connections };
    const ofNode = this.#byNode.get(node) ?? new Set();
    this.#byNode.set(node, ofNode.add(listener));
    await once(server.listen({ fd }), "listening");
    server.on("error", () => undefined); // One who cannot be let in calls again.
    return (server.address() as AddressInfo).port;
  }

  nodeStopped(node: string): void {
    for (const listener of this.#byNode.get(node) ?? []) end(listener);
    this.#byNode.delete(node);
  }

  close(): void {
    for (const node of this.#byNode.keys()) this.nodeStopped(node);
  }
}

function end({ server, connections }: Listener): void {
  server.close();
  for (const connection of connections) connection.destroy();
}
