import { LbIpam, type LbIpamAction, type LbIpamCounts } from "../cilium/lb-ipam/lb-ipam.ts";
import type { CiliumLoadBalancerIPPool } from "../cilium/schema/load-balancer-ip-pool.ts";
import { bgpLoadBalancerClass } from "../cilium/service/frontends.ts";
import type { Service } from "../cilium/service/service.ts";
import { KubeError } from "../kube/client/kube-error.ts";
import { timestamp } from "../kube/clock.ts";
import { Coalescer } from "./coalesce.ts";
import type { Edges } from "./edges.ts";
import { Histogram } from "./histogram.ts";
import { type InformerChange, type InformerSet, resources } from "./informers.ts";
import type { Log } from "./log.ts";

/** Under which name the API server books what is written here. */
const fieldManager = "cilium-operator-lb-ipam";

/** At so many writes at a time the API server is kept busy and nothing waits for long. */
const writesAtATime = 16;

/** Lets LB-IPAM hear of pools and Services, and writes what it decides. */
export class LbIpamRunner {
  readonly #edges: Edges;
  readonly #log: Log;
  readonly #ipam = new LbIpam({
    families: ["ipv4", "ipv6"],
    classes: [bgpLoadBalancerClass],
    withoutClass: true,
  });
  readonly #eventDurations = new Map<string, Histogram>();
  readonly #work: Coalescer;
  #synced = false;

  constructor(edges: Edges, log: Log) {
    this.#edges = edges;
    this.#log = log;
    this.#work = new Coalescer(
      edges.clock,
      () => this.#once(),
      (error) => log("warn", `LB-IPAM: not written, trying again: ${error.message}`),
    );
  }

  addTo(informers: InformerSet): void {
    const request = () => {
      if (this.#synced) this.#work.request();
    };
    informers.add<Service>("services", {
      onObject: (change, service) => {
        this.#timed(change, "service", () => {
          if (change === "put") this.#ipam.putService(service);
          else this.#ipam.removeService(service);
        });
        request();
      },
    });
    informers.add<CiliumLoadBalancerIPPool>("loadBalancerIpPools", {
      optional: true,
      onObject: (change, pool) => {
        this.#timed(change, "pool", () => {
          if (change === "put") this.#ipam.putPool(pool);
          else this.#ipam.removePool(pool.metadata.name);
        });
        request();
      },
    });
  }

  /** Once every Service is known: what they have is taken up before anything is given out. */
  start(): void {
    this.#synced = true;
    this.#work.request();
  }

  stop(): void {
    this.#work.stop();
  }

  counts(): LbIpamCounts {
    return this.#ipam.counts();
  }

  /** How long events took, by event and resource: `upsert service`, `delete pool`. */
  get eventDurations(): ReadonlyMap<string, Histogram> {
    return this.#eventDurations;
  }

  #timed(change: InformerChange, resource: "service" | "pool", work: () => void): void {
    const { clock } = this.#edges;
    const startedMs = clock.monotonicMs();
    work();
    const key = `${change === "put" ? "upsert" : "delete"} ${resource}`;
    let histogram = this.#eventDurations.get(key);
    if (!histogram) this.#eventDurations.set(key, (histogram = new Histogram()));
    histogram.observe((clock.monotonicMs() - startedMs) / 1000);
  }

  async #once(): Promise<void> {
    const { actions, problems } = this.#ipam.takeActions(timestamp(this.#edges.clock.nowMs()));
    for (const problem of problems) this.#log("error", problem);
    const failures: Error[] = [];
    const rest = actions.values();
    const write = async () => {
      for (const action of rest) {
        try {
          await this.#do(action);
        } catch (error) {
          if (action.action === "setServiceStatus") this.#ipam.retry(action.key);
          // Gone, or another version is on its way: there will be an event.
          const isOvertaken =
            error instanceof KubeError && (error.statusCode === 404 || error.statusCode === 409);
          if (!isOvertaken) failures.push(error as Error);
        }
      }
    };
    await Promise.all(Array.from({ length: writesAtATime }, write));
    const [first] = failures;
    if (first !== undefined) throw first;
  }

  async #do(action: LbIpamAction): Promise<void> {
    if (action.action === "setPoolConditions") {
      await this.#edges.client.patch(
        resources.loadBalancerIpPools,
        { name: action.pool },
        { status: { conditions: action.conditions } },
        { subresource: "status", fieldManager },
      );
      return;
    }
    const { key, service, ingress, conditions } = action;
    const { name, namespace } = service.metadata;
    await this.#edges.client.patch(
      resources.services,
      { name, namespace },
      { status: { loadBalancer: { ingress }, conditions } },
      { subresource: "status", fieldManager },
    );
    const addresses = ingress.map(({ ip }) => ip).join(",");
    this.#log("info", "LB-IPAM: service updated", { service: key, ips: addresses });
  }
}
