import type { Address } from "../net/address.ts";
import { type DiscoveryInput, type DiscoveryTimer, RouterDiscovery } from "../nd/discovery.ts";
import type { SimNode } from "./network.ts";
import type { World } from "./world.ts";

/** The interfaces of a node on which a router announces itself, and listens for others. */
export class SimRouterDiscovery {
  readonly #world: World;
  readonly #node: SimNode;
  readonly #onNeighbors: (link: string, addresses: readonly Address[] | undefined) => void;
  readonly #links = new Map<string, Link>();
  readonly #stopListening: (() => void)[];

  constructor(
    world: World,
    node: SimNode,
    onNeighbors: (link: string, addresses: readonly Address[] | undefined) => void,
  ) {
    this.#world = world;
    this.#node = node;
    this.#onNeighbors = onNeighbors;
    this.#stopListening = [
      node.onChange(({ change }) => {
        if (change === "interfaces") this.#look();
      }),
      world.onPacket(node, "neighbor discovery", ({ on, from, bytes }) =>
        this.#links.get(on.name)?.step({ input: "received", from, bytes }),
      ),
    ];
  }

  configure(names: ReadonlySet<string>): void {
    for (const [name, link] of this.#links) {
      if (names.has(name)) continue;
      link.step({ input: "stop", silent: false });
      this.#links.delete(name);
    }
    for (const name of names) {
      if (this.#links.has(name)) continue;
      const tell = (addresses: readonly Address[] | undefined) =>
        this.#onNeighbors(name, addresses);
      this.#links.set(name, new Link(this.#world, this.#node, name, tell));
    }
    this.#look();
  }

  stop(silent: boolean): void {
    for (const stop of this.#stopListening) stop();
    for (const link of this.#links.values()) link.step({ input: "stop", silent });
    this.#links.clear();
  }

  #look(): void {
    for (const link of this.#links.values()) link.look();
  }
}

/** What `hasCarrier` was when it was last looked at; undefined: not looked at yet. */
type Seen = boolean | undefined;

class Link {
  readonly #world: World;
  readonly #node: SimNode;
  readonly #name: string;
  readonly #tell: (addresses: readonly Address[] | undefined) => void;
  readonly #discovery: RouterDiscovery;
  readonly #timers = new Map<DiscoveryTimer, () => void>();
  #seen: Seen;

  constructor(
    world: World,
    node: SimNode,
    name: string,
    tell: (addresses: readonly Address[] | undefined) => void,
  ) {
    this.#world = world;
    this.#node = node;
    this.#name = name;
    this.#tell = tell;
    this.#discovery = new RouterDiscovery(world.random);
  }

  look(): void {
    const link = this.#node.interfaces.get(this.#name);
    const isUp = link?.hasCarrier === true && link.linkLocal !== undefined;
    if (isUp === this.#seen) return;
    this.#seen = isUp;
    if (link?.linkLocal === undefined || !isUp) return this.step({ input: "linkDown" });
    const linkLayer = Uint8Array.from(link.mac.split(":"), (part) => Number.parseInt(part, 16));
    this.step({ input: "linkUp", linkLocal: link.linkLocal, linkLayer });
  }

  step(input: DiscoveryInput): void {
    const { clock } = this.#world;
    for (const effect of this.#discovery.step(input, clock.nowMs)) {
      switch (effect.do) {
        case "send": {
          const out = this.#node.interfaces.get(this.#name);
          if (out?.linkLocal === undefined) break;
          const { to, bytes } = effect;
          this.#world.sendOnLink("neighbor discovery", { from: out.linkLocal, to, out, bytes });
          break;
        }
        case "setTimer": {
          const { timer, afterMs } = effect;
          this.#timers.get(timer)?.();
          this.#timers.set(
            timer,
            this.#node.processes.setTimer(clock, afterMs, () =>
              this.step({ input: "timer", timer }),
            ),
          );
          break;
        }
        case "clearTimer":
          this.#timers.get(effect.timer)?.();
          break;
        case "neighbors":
          this.#tell(effect.addresses);
          break;
        case "log":
          break; // What the real one writes at debug level, too.
      }
    }
  }
}
