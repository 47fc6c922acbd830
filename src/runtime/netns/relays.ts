import { FrameRelays, relayMark } from "../../sys/frame-relay.ts";
import type { Endpoint } from "../../topology/fabric.ts";
import type { Impairment } from "../impairments.ts";

/** Room for every frame that a link of a fabric carries. */
const tapMtu = 9216;

export type RelayHost = {
  /** A file such as /proc/PID/ns/net. */
  namespaceOf(node: string): string;
  /** Runs a command in the node; rejects where it fails. */
  run(node: string, argv: readonly string[], stdin?: string): Promise<void>;
};

/** Relays of what nodes send at their interfaces. */
export class Relays {
  readonly #host: RelayHost;
  #frames: FrameRelays | undefined;
  #count = 0;

  constructor(host: RelayHost) {
    this.#host = host;
  }

  /** Resolves when every frame goes through the relay, with how to end it. */
  async start({ node, interface: device }: Endpoint, of: Impairment): Promise<() => Promise<void>> {
    this.#frames ??= new FrameRelays();
    const tap = `relay${this.#count++}`;
    const { delayMs = 0, jitterMs = 0, corruptPercent = 0 } = of;
    const treatment = { delayMs, jitterMs, corruptPercent };
    const namespace = this.#host.namespaceOf(node);
    const end = await this.#frames.start(namespace, device, tap, treatment);
    try {
      const link = ["ip", "link", "set", "dev", tap, "mtu", String(tapMtu), "addrgenmode", "none"];
      await this.#host.run(node, [...link, "up"]);
      await this.#nft(node, forwardRules(device, tap));
    } catch (error) {
      await end();
      throw error;
    }
    return async () => {
      await this.#nft(node, noForwardRules(device));
      await end();
    };
  }

  async close(): Promise<void> {
    await this.#frames?.close();
    this.#frames = undefined;
  }

  #nft(node: string, rules: string): Promise<void> {
    return this.#host.run(node, ["nft", "-f", "-"], rules);
  }
}

const tableOf = (device: string) => `spinelab_relay_${device.replace(/\W/g, "_")}`;

/** What the node sends goes to the TAP device; what comes from the relay goes out. */
function forwardRules(device: string, tap: string): string {
  return `${noForwardRules(device)}table netdev ${tableOf(device)} {
  chain out {
    type filter hook egress device "${device}" priority 0
    meta mark ${relayMark} accept
    fwd to "${tap}"
  }
}
`;
}

/** Adds the table first: what is not there cannot be deleted. */
function noForwardRules(device: string): string {
  return `table netdev ${tableOf(device)}\ndelete table netdev ${tableOf(device)}\n`;
}
