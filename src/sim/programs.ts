import type { Address, Family } from "../net/address.ts";
import type { SimNode } from "./network.ts";

/** What a program says on a TCP port to whoever connects and sends an HTTP request. */
export type Server = {
  port: number;
  families: readonly Family[];
  /** All that it writes until it closes. Throws EnvironmentError where that is not simulated. */
  answer: (request: { peer: Address; path: string }) => string;
};

/** Programs that go on, as far as others notice them: what they answer on TCP ports of their nodes. */
export class Programs {
  readonly #servers = new Map<SimNode, Set<Server>>();
  readonly #unknown = new Map<SimNode, Set<{ command: string }>>();

  /** Returns how to end it. */
  serve(node: SimNode, server: Server): () => void {
    return add(this.#servers, node, server);
  }

  /** A program of which nobody knows what it answers, and where. Returns how to end it. */
  runUnknown(node: SimNode, argv: readonly string[]): () => void {
    return add(this.#unknown, node, { command: argv.join(" ") });
  }

  serverAt(node: SimNode, port: number, family: Family): Server | undefined {
    const servers = [...(this.#servers.get(node) ?? [])];
    return servers.find((each) => each.port === port && each.families.includes(family));
  }

  /** The command of an unknown program, which may be the one that listens there. */
  unknownOn(node: SimNode): string | undefined {
    const [first] = this.#unknown.get(node) ?? [];
    return first?.command;
  }

  /** A node without power. */
  forget(node: SimNode): void {
    this.#servers.delete(node);
    this.#unknown.delete(node);
  }
}

function add<Value>(to: Map<SimNode, Set<Value>>, node: SimNode, value: Value): () => void {
  let values = to.get(node);
  if (values === undefined) to.set(node, (values = new Set()));
  values.add(value);
  return () => void values.delete(value);
}
