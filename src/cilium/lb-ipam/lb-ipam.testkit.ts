/** LB-IPAM with an API server that does what it is told, for its tests. */
import type { CiliumLoadBalancerIPPool, IpPoolBlock } from "../schema/load-balancer-ip-pool.ts";
import { type Service, type ServiceKey, serviceKey } from "../service/service.ts";
import { LbIpam } from "./lb-ipam.ts";
import type { LbIpamOptions } from "./request.ts";

const now = "2026-08-08T12:00:00Z";
const options: LbIpamOptions = {
  families: ["ipv4", "ipv6"],
  classes: ["io.cilium/bgp-control-plane"],
  withoutClass: true,
};

export function pool(
  name: string,
  blocks: IpPoolBlock[],
  spec: Partial<CiliumLoadBalancerIPPool["spec"]> = {},
  created = now,
): CiliumLoadBalancerIPPool {
  return {
    apiVersion: "cilium.io/v2",
    kind: "CiliumLoadBalancerIPPool",
    metadata: { name, creationTimestamp: created },
    spec: { blocks, disabled: false, ...spec },
  };
}

export type Spec = NonNullable<Service["spec"]>;
export function service(
  name: string,
  of: {
    spec?: Spec;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    namespace?: string;
    ingress?: string[];
  } = {},
): Service {
  const { spec, labels = {}, annotations = {}, namespace = "default", ingress } = of;
  return {
    metadata: { name, namespace, labels, annotations },
    spec: { type: "LoadBalancer", ipFamilies: ["IPv4"], ports: [{ port: 80 }], ...spec },
    ...(ingress && { status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } } }),
  };
}

export class World {
  readonly ipam: LbIpam;
  readonly pools = new Map<string, CiliumLoadBalancerIPPool>();
  readonly services = new Map<ServiceKey, Service>();
  /** Services written in the last round. */
  written: ServiceKey[] = [];
  problems: string[] = [];

  constructor(of: Partial<LbIpamOptions> = {}) {
    this.ipam = new LbIpam({ ...options, ...of });
  }

  put(...objects: (CiliumLoadBalancerIPPool | Service)[]): this {
    for (const object of objects) {
      if ("kind" in object) {
        const { name } = object.metadata;
        const generation = (this.pools.get(name)?.metadata.generation ?? 0) + 1;
        const made = { ...object, metadata: { ...object.metadata, generation } };
        this.pools.set(name, made);
        this.ipam.putPool(made);
      } else {
        const status = object.status ?? this.services.get(serviceKey(object))?.status;
        const known = status === undefined ? object : { ...object, status };
        this.services.set(serviceKey(object), known);
        this.ipam.putService(known);
      }
    }
    return this.settle();
  }

  remove(name: string): this {
    const found = this.services.get(`default/${name}`);
    if (found) {
      this.services.delete(`default/${name}`);
      this.ipam.removeService(found);
    } else {
      this.pools.delete(name);
      this.ipam.removePool(name);
    }
    return this.settle();
  }

  settle(): this {
    this.written = [];
    for (let round = 0; ; round++) {
      if (round > 5) throw new Error("does not come to rest");
      const { actions, problems } = this.ipam.takeActions(now);
      this.problems.push(...problems);
      if (actions.length === 0) return this;
      for (const action of actions) {
        if (action.action === "setServiceStatus") {
          const { ingress, conditions } = action;
          const after = { ...action.service, status: { loadBalancer: { ingress }, conditions } };
          this.services.set(action.key, after);
          this.written.push(action.key);
          this.ipam.putService(after);
        } else {
          const { conditions } = action;
          const after = { ...this.pools.get(action.pool)!, status: { conditions } };
          this.pools.set(action.pool, after);
          this.ipam.putPool(after);
        }
      }
    }
  }

  ips(name: string, namespace = "default"): (string | undefined)[] {
    const { status } = this.services.get(`${namespace}/${name}`)!;
    return (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
  }

  condition(name: string, namespace = "default") {
    const { status } = this.services.get(`${namespace}/${name}`)!;
    const found = (status?.conditions ?? []).find(
      (c) => c.type === "cilium.io/IPAMRequestSatisfied",
    );
    return found && [found.status, found.reason, found.message].join(" ").trim();
  }

  poolCondition(name: string, type: string) {
    const found = this.pools
      .get(name)!
      .status?.conditions?.find((c) => c.type === `cilium.io/${type}`);
    return found && [found.status, found.reason, found.message].join(" ").trim();
  }
}

export const blue = pool("blue", [{ cidr: "10.0.10.0/30" }]);
