import type { SpeakerConfig } from "../../bgp/speaker/config.ts";
import { jsonEqual } from "../../cilium/json-equal.ts";
import type { SimNode } from "../network.ts";
import { SimSpeakerHost } from "../speaker-host.ts";
import type { World } from "../world.ts";
import { emptyConfig, type FrrConfig } from "./config.ts";
import { Interpreter } from "./interpret.ts";
import { speakerConfigOf } from "./speaker-config.ts";

/** FRR's own times that a run depends on, in milliseconds. */
export type FrrTiming = {
  /** From a changed best path to the route in the kernel, and to the peers. */
  coalesceMs: number;
};

/** FRR on one node: its configuration, and bgpd as far as a speaker can be one. */
export class FrrRouter {
  readonly node: SimNode;
  readonly #world: World;
  readonly #timing: FrrTiming;
  readonly #onProblem: (message: string) => void;
  #config: FrrConfig = emptyConfig();
  #interpreter = new Interpreter(this.#config);
  #host: SimSpeakerHost | undefined;
  #isRunning = false;
  #wanted: SpeakerConfig | undefined;
  #tableVersion = 0;
  readonly #stopListening: () => void;

  constructor(
    world: World,
    node: SimNode,
    timing: FrrTiming,
    onProblem: (message: string) => void,
  ) {
    this.#world = world;
    this.node = node;
    this.#timing = timing;
    this.#onProblem = onProblem;
    this.#stopListening = node.onChange(({ change, ...rest }) => {
      const isOwn = change === "route" && "route" in rest && rest.route.protocol === "bgp";
      if (!isOwn) this.#apply();
    });
  }

  get config(): FrrConfig {
    return this.#config;
  }

  /** Undefined while bgpd does not run, or has no `router bgp`. */
  get host(): SimSpeakerHost | undefined {
    return this.#host;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Goes up with every change of a best path, as bgpd's does. */
  get tableVersion(): number {
    return this.#tableVersion;
  }

  /** Takes configuration lines; those that are not understood come back. */
  configure(lines: readonly string[]): string[] {
    const unknown = lines.filter((line) => this.#interpreter.take(line) === "unknown");
    this.#apply();
    return unknown;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#apply();
  }

  /** `killed`: without a word. The configuration stays, as written memory does. */
  stop(how: "cease" | "killed"): void {
    this.#isRunning = false;
    void this.#host?.stop(how);
    this.#host = undefined;
    this.#wanted = undefined;
    if (how === "killed") return;
    this.node.fib.removeAll((route) => route.protocol === "bgp");
  }

  /** The node lost its power, and with it all that was not written to a file. */
  reset(): void {
    this.stop("killed");
    this.#config = emptyConfig();
    this.#interpreter = new Interpreter(this.#config);
  }

  dispose(): void {
    this.#stopListening();
    this.stop("killed");
  }

  #apply(): void {
    const { bgp } = this.#config;
    if (!this.#isRunning || bgp === undefined) {
      void this.#host?.stop("cease");
      this.#host = undefined;
      return;
    }
    const wanted = speakerConfigOf({ ...this.#config, bgp }, this.node, this.#onProblem);
    if (this.#wanted !== undefined && jsonEqual(wanted, this.#wanted)) return;
    this.#wanted = wanted;
    if (this.#host !== undefined) return this.#host.configure(wanted);
    this.#host = new SimSpeakerHost(this.#world, this.node, wanted, {
      restarting: bgp.gracefulRestart,
      softwareVersion: "FRRouting",
      log: () => {},
      onChanged: () => {},
      onRoutesChanged: (count) => (this.#tableVersion += count),
      installDelayMs: this.#timing.coalesceMs,
      resolveViaDefault: this.#config.profile === "datacenter",
      endsWithLink: bgp.fastExternalFailover,
    });
    this.#host.start();
  }
}
