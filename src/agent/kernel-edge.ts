import type { InstallRoutes, SpeakerConfig } from "../bgp/speaker/config.ts";
import type { Effect } from "../bgp/speaker/effect.ts";
import { RouteTable } from "../sys/kernel-route.ts";
import { KernelRoutes, type KernelRoutesOptions } from "./kernel-routes.ts";
import { KernelView } from "./kernel-view.ts";
import { type NextHopCost, NextHopWatch } from "./next-hop-watch.ts";

export type KernelEdgeOptions = Pick<KernelRoutesOptions, "interfaceOf"> & {
  kernel: KernelView | undefined;
  tell: (costs: NextHopCost[]) => void;
  log: (level: "info" | "warn" | "error", message: string) => void;
};

/** What a speaker has to do with the kernel's routes, as far as its configuration says. */
export class KernelEdge {
  readonly #options: KernelEdgeOptions;
  readonly #kernel: KernelView;
  #routes: KernelRoutes | undefined;
  #nextHops: NextHopWatch | undefined;
  #configured = "";

  constructor(options: KernelEdgeOptions) {
    this.#options = options;
    this.#kernel = options.kernel ?? new KernelView(options.log);
  }

  /** Before the speaker is told of the configuration: what it says next is meant for it. */
  configure({ installRoutes, trackNextHops = false }: SpeakerConfig): void {
    const key = JSON.stringify([installRoutes, trackNextHops]);
    if (key === this.#configured) return;
    this.#configured = key;
    this.#routes?.withdraw();
    this.close();
    try {
      this.#open(installRoutes, trackNextHops);
    } catch (error) {
      this.#options.log(
        "error",
        `the kernel's routes are out of reach: ${(error as Error).message}`,
      );
    }
  }

  perform(
    effect: Extract<
      Effect,
      { do: "routes" | "routesSelected" | "trackNextHop" | "untrackNextHop" }
    >,
  ): void {
    if (effect.do === "routes") this.#routes?.take(effect.changes);
    else if (effect.do === "routesSelected") this.#routes?.selected(effect.family);
    else if (effect.do === "untrackNextHop") this.#nextHops?.forget(effect.nextHop);
    else if (this.#nextHops !== undefined) this.#nextHops.ask(effect.nextHop);
    // As if nobody had been asked.
    else setImmediate(() => this.#options.tell([{ nextHop: effect.nextHop, cost: 0 }]));
  }

  /** Leaves routes as they are. */
  close(): void {
    this.#routes?.close();
    this.#nextHops?.close();
    this.#routes = undefined;
    this.#nextHops = undefined;
  }

  #open(installRoutes: InstallRoutes | undefined, trackNextHops: boolean): void {
    const { interfaceOf, log, tell } = this.#options;
    const kernel = this.#kernel;
    if (installRoutes !== undefined) {
      this.#routes = new KernelRoutes({ ...installRoutes, kernel, interfaceOf, log });
    }
    if (trackNextHops || installRoutes !== undefined) {
      this.#nextHops = new NextHopWatch(kernel, installRoutes?.table ?? RouteTable.main, tell);
    }
  }
}
