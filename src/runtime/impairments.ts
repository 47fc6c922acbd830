import { EnvironmentError } from "../input/diagnostic.ts";
import type { Endpoint } from "../topology/fabric.ts";
import type { ExecResult } from "./port.ts";

/** What a bad cable does to each frame in one direction. At least one is set. */
export type Impairment = {
  /** On the way longer by so much. */
  delayMs?: number;
  /** And by up to so much more or less: each frame for itself, so that some overtake others. */
  jitterMs?: number;
  /** So many are lost, by chance. */
  lossPercent?: number;
  /** One bit of so many is wrong. */
  corruptPercent?: number;
  rateBitsPerSecond?: number;
};

/** What impairments need of a runtime. */
export type ImpairmentHost = {
  /** Runs a command in the network namespace of a node. */
  run(node: string, argv: readonly string[], stdin?: string): Promise<ExecResult>;
  /**
   * Hands what a node sends at an interface to a process that sends it on later, or damaged. Absent where
   * the runtime has none. Resolves when it works, with how to end it.
   */
  relay?(from: Endpoint, impairment: Impairment): Promise<() => Promise<void>>;
};

type Direction = {
  from: Endpoint;
  to: Endpoint;
  impairment: Impairment;
  endRelay?: () => Promise<void>;
};

/**
 * Impairs cables, each direction for itself: by the kernel's netem where it has that; else by what it
 * has: nftables drop frames as they come in, tbf holds the rate, a relay delays and damages.
 */
export class Impairments {
  readonly #host: ImpairmentHost;
  /** By the end that sends. */
  readonly #directions = new Map<string, Direction>();

  constructor(host: ImpairmentHost) {
    this.#host = host;
  }

  /** Undefined: as new. Replaces an earlier one. */
  async set(from: Endpoint, to: Endpoint, impairment: Impairment | undefined): Promise<void> {
    const key = keyOf(from);
    const before = this.#directions.get(key);
    if (before !== undefined) {
      this.#directions.delete(key);
      await this.#clear(before);
    }
    if (impairment !== undefined) {
      const direction = { from, to, impairment };
      this.#directions.set(key, direction);
      try {
        await this.#apply(direction);
      } catch (error) {
        this.#directions.delete(key);
        throw error;
      }
    }
  }

  /** Before a node goes: nothing of the lab may hold on to it. */
  async nodeStopping(node: string): Promise<void> {
    for (const direction of this.#directions.values()) {
      if (direction.from.node !== node) continue;
      await direction.endRelay?.();
      delete direction.endRelay;
    }
  }

  /** The cable is as bad as it was before the node stopped. */
  async nodeStarted(node: string): Promise<void> {
    for (const direction of this.#directions.values()) {
      if (direction.from.node === node || direction.to.node === node) {
        await direction.endRelay?.();
        await this.#apply(direction);
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#directions.values()].map(({ endRelay }) => endRelay?.()));
    this.#directions.clear();
  }

  async #apply(direction: Direction): Promise<void> {
    const { from, to, impairment } = direction;
    const netem = netemArgs(from.interface, impairment);
    const { exitCode, stderr } = await this.#host.run(from.node, netem);
    if (exitCode === 0) return;
    if (!/qdisc kind is unknown|No such file or directory/.test(stderr)) {
      throw new Error(`${from.node}: ${netem.join(" ")}: ${stderr.trim()}`);
    }
    const { delayMs, jitterMs, corruptPercent, lossPercent, rateBitsPerSecond } = impairment;
    const needsRelay = [delayMs, jitterMs, corruptPercent].some((each) => each !== undefined);
    if (needsRelay && this.#host.relay === undefined) {
      throw new EnvironmentError(
        `the kernel under ${from.node} has no netem, and without it this runtime can neither delay nor damage what is sent`,
        "a kernel with sch_netem (modprobe sch_netem), or --runtime netns",
      );
    }
    if (rateBitsPerSecond !== undefined) {
      await this.#run(from.node, tbfArgs(from.interface, rateBitsPerSecond));
    }
    if (lossPercent !== undefined) await this.#nft(to.node, lossRules(to.interface, lossPercent));
    if (needsRelay) direction.endRelay = await this.#host.relay!(from, impairment);
  }

  async #clear({ from, to, endRelay }: Direction): Promise<void> {
    await endRelay?.();
    // Nothing there is what is wanted.
    await this.#host.run(from.node, ["tc", "qdisc", "del", "dev", from.interface, "root"]);
    await this.#nft(to.node, noLossRules(to.interface));
  }

  async #run(node: string, argv: readonly string[], stdin?: string): Promise<void> {
    const { exitCode, stderr } = await this.#host.run(node, argv, stdin);
    if (exitCode !== 0) throw new Error(`${node}: ${argv.join(" ")}: ${stderr.trim()}`);
  }

  #nft(node: string, rules: string): Promise<void> {
    return this.#run(node, ["nft", "-f", "-"], rules);
  }
}

function keyOf({ node, interface: name }: Endpoint): string {
  return `${node}:${name}`;
}

/** netem's own queue holds 1000 packets: at 1 Gbit/s that is 12 ms. */
const netemPackets = 50_000;

/** `tc` that gives an interface the whole of an impairment by netem. */
export function netemArgs(device: string, impairment: Impairment): string[] {
  const { delayMs = 0, jitterMs, lossPercent, corruptPercent, rateBitsPerSecond } = impairment;
  const microseconds = (ms: number) => `${Math.round(ms * 1000)}us`;
  return [
    ...["tc", "qdisc", "replace", "dev", device, "root", "netem", "limit", String(netemPackets)],
    ...(delayMs > 0 || jitterMs !== undefined ? ["delay", microseconds(delayMs)] : []),
    ...(jitterMs === undefined ? [] : [microseconds(jitterMs)]),
    ...(lossPercent === undefined ? [] : ["loss", `${lossPercent}%`]),
    ...(corruptPercent === undefined ? [] : ["corrupt", `${corruptPercent}%`]),
    ...(rateBitsPerSecond === undefined ? [] : ["rate", `${rateBitsPerSecond}bit`]),
  ];
}

/** A token bucket of 10 ms, and of two full frames at least; what waits longer than 50 ms is dropped. */
export function tbfArgs(device: string, rateBitsPerSecond: number): string[] {
  const burstBytes = Math.max(3200, Math.ceil(rateBitsPerSecond / 8 / 100));
  return [
    ...["tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate", `${rateBitsPerSecond}bit`],
    ...["burst", String(burstBytes), "latency", "50ms"],
  ];
}

const tableOf = (device: string) => `spinelab_loss_${device.replace(/\W/g, "_")}`;
const lossParts = 1_000_000;

/** Rules for where the frames come in. */
export function lossRules(device: string, lossPercent: number): string {
  const dropped = Math.round((lossPercent / 100) * lossParts);
  const rule =
    dropped >= lossParts ? "drop" : `numgen random mod ${lossParts} < ${dropped} counter drop`;
  return `${noLossRules(device)}table netdev ${tableOf(device)} {
  chain in {
    type filter hook ingress device "${device}" priority -400
    ${rule}
  }
}
`;
}

/** Adds the table first: what is not there cannot be deleted. */
function noLossRules(device: string): string {
  return `table netdev ${tableOf(device)}\ndelete table netdev ${tableOf(device)}\n`;
}
