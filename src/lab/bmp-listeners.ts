import type { FabricNode } from "../topology/fabric.ts";
import type { Duplex } from "node:stream";
import { BmpError } from "../bgp/wire/decode-bmp.ts";
import { address } from "../net/address.ts";
import { BmpSession, type BmpTold } from "../observe/bmp.ts";
import { type BmpTarget, readBmpTargets } from "../observe/bmp-targets.ts";
import type { Runtime } from "../runtime/port.ts";
import type { BmpPort } from "../scenario/context.ts";
import type { Recorder } from "../timeline/record.ts";
import type { Backend } from "./backend.ts";

const loopback = address("127.0.0.1");

type ListenIn = NonNullable<Backend["listenIn"]>;

export type BmpListenersOptions = {
  /** There is none before the nodes are. */
  runtime: () => Runtime;
  /** Undefined where the lab cannot listen inside nodes: then nothing is told. */
  listenIn: ListenIn | undefined;
  record: Recorder;
};

/**
 * The BMP stations of a lab: where a router is configured to send BMP to an address of its own node, somebody
 * listens there. Nothing is configured on a router for it (docs/decisions/0014).
 */
export class BmpListeners implements BmpPort {
  readonly #options: BmpListenersOptions;
  readonly #callbacks = new Set<(told: BmpTold) => void>();
  /** By node: the targets that were looked at, which are told of once. */
  readonly #known = new Map<string, Set<string>>();

  /** By node with an agent. */
  readonly #stations = new Map<string, string>();

  constructor(options: BmpListenersOptions) {
    this.#options = options;
  }

  onTold(callback: (told: BmpTold) => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  /** Listens to these routers as they are configured now. */
  async look(nodes: readonly string[]): Promise<void> {
    const { listenIn, runtime } = this.#options;
    if (listenIn === undefined) return;
    await Promise.all(
      nodes.map(async (node) => {
        // One that is stopped, or cannot be asked, sends nothing.
        const targets = await readBmpTargets(runtime(), node).catch(() => []);
        for (const target of targets) await this.#begin(listenIn, node, target);
      }),
    );
  }

  /** Where this node's agent is heard, by a free port of its own; undefined where the lab cannot listen. */
  async stationOf(node: string): Promise<string | undefined> {
    const { listenIn } = this.#options;
    if (listenIn === undefined) return undefined;
    let station = this.#stations.get(node);
    if (station === undefined) {
      const port = await listenIn(node, loopback, 0, (connection) =>
        this.#hear(node, "its agent", connection),
      );
      station = `${loopback}:${port}`;
      this.#stations.set(node, station);
    }
    return station;
  }

  /** Its sockets went with it. */
  nodeStopped(node: string): void {
    this.#known.delete(node);
    this.#stations.delete(node);
  }

  async #begin(listenIn: ListenIn, node: string, target: BmpTarget): Promise<void> {
    const known = this.#known.get(node) ?? new Set();
    const where = `${target.address} port ${target.port}`;
    if (known.has(where)) return;
    this.#known.set(node, known.add(where));
    try {
      await listenIn(node, target.address, target.port, (connection) => {
        this.#log(node, "info", `tells of its sessions and routes by BMP (${where})`);
        this.#hear(node, where, connection);
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The user's own station, elsewhere.
      if (code === "EADDRNOTAVAIL") return;
      if (code !== "EADDRINUSE") throw error;
      this.#log(node, "info", `sends BMP to ${where}, where another station listens`);
    }
  }

  #hear(node: string, where: string, connection: Duplex): void {
    const session = new BmpSession(node);
    connection.on("data", (bytes: Buffer) => {
      try {
        for (const told of session.receive(bytes)) this.#tell(told);
      } catch (error) {
        if (!(error instanceof BmpError)) throw error;
        this.#log(node, "warn", `BMP (${where}): ${error.message}`);
        connection.destroy();
      }
    });
    connection.on("error", () => undefined); // "close" follows.
    connection.once("close", () => this.#tell({ node, what: "gone" }));
  }

  #tell(told: BmpTold): void {
    if (told.what === "routes" && told.problem !== undefined) {
      this.#log(told.node, "warn", `BMP: an UPDATE of ${told.peer}: ${told.problem}`);
    }
    for (const callback of this.#callbacks) callback(told);
  }

  #log(node: string, level: "info" | "warn", message: string): void {
    this.#options.record({ type: "log", node, level, message });
  }
}

/** A bridge routes nothing; of Kubernetes nodes their agents know more. */
export function sendsBmp({ kind, kubernetes }: FabricNode): boolean {
  return kind === "linux" && kubernetes === undefined;
}
