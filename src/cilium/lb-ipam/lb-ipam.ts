import { type Address, familyOf, parseAddress } from "../../net/address.ts";
import { type DesiredCondition, withConditions, withoutConditions } from "../conditions.ts";
import type { Condition } from "../schema/condition.ts";
import type { CiliumLoadBalancerIPPool } from "../schema/load-balancer-ip-pool.ts";
import {
  type LoadBalancerIngress,
  type Service,
  type ServiceKey,
  serviceKey,
} from "../service/service.ts";
import { Holders } from "./holders.ts";
import {
  contains,
  countsOf,
  giveBack,
  hasFamily,
  isEnabled,
  type Pool,
  poolConditions,
  poolTable,
  selects,
  take,
  takeAny,
} from "./pool-table.ts";
import {
  incompatibility,
  type IpRequest,
  isResponsible,
  type LbIpamOptions,
  requestOf,
} from "./request.ts";

export type LbIpamAction =
  /** Replaces `status.loadBalancer.ingress` and `status.conditions` of a Service. */
  | {
      action: "setServiceStatus";
      key: ServiceKey;
      service: Service;
      ingress: LoadBalancerIngress[];
      conditions: Condition[];
    }
  | { action: "setPoolConditions"; pool: string; conditions: Condition[] };

export type LbIpamCounts = {
  conflictingPools: number;
  pools: { pool: string; available: bigint; used: bigint }[];
  servicesMatching: number;
  servicesUnsatisfied: number;
};

/** What keeps a Service from its addresses. */
type Refusal = { reason: string; message: string };

type Known = { service: Service; request: IpRequest; held: Set<Address>; refusal?: Refusal };

export const requestSatisfied = "cilium.io/IPAMRequestSatisfied";

/**
 * Cilium's LB-IPAM: addresses for Services of type LoadBalancer out of CiliumLoadBalancerIPPools.
 * Objects come in one by one; what is to be written comes out. What is allocated is in the Services'
 * status, from where it is taken up again after a restart, before anything new is allocated.
 */
export class LbIpam {
  readonly #options: LbIpamOptions;
  readonly #resources = new Map<string, CiliumLoadBalancerIPPool>();
  readonly #services = new Map<ServiceKey, Known>();
  readonly #holders = new Holders();
  /** Not ours any more, or never: what is to be cleared of them. */
  readonly #left = new Map<ServiceKey, Service>();
  readonly #pending = new Set<ServiceKey>();
  readonly #unsatisfied = new Set<ServiceKey>();
  #pools: Pool[] = [];
  #poolsChanged = false;
  /** Something was given back: who went without may have it. */
  #freed = false;
  /** Dormant until the first pool, and again when the last has gone and taken its addresses along. */
  #isAwake = false;

  constructor(options: LbIpamOptions) {
    this.#options = options;
  }

  putPool(pool: CiliumLoadBalancerIPPool): void {
    const { name } = pool.metadata;
    const before = this.#resources.get(name);
    this.#resources.set(name, pool);
    this.#isAwake = true;
    // Of its own status nothing follows.
    const isSame =
      before?.metadata.generation !== undefined &&
      before.metadata.generation === pool.metadata.generation &&
      before.metadata.creationTimestamp === pool.metadata.creationTimestamp;
    const at = this.#pools.findIndex((each) => each.name === name);
    if (isSame && at >= 0) this.#pools[at] = { ...this.#pools[at]!, resource: pool };
    else this.#poolsChanged = true;
  }

  removePool(name: string): void {
    if (this.#resources.delete(name)) this.#poolsChanged = true;
  }

  putService(service: Service): void {
    const key = serviceKey(service);
    this.#left.delete(key);
    if (!isResponsible(service, this.#options)) {
      this.#forget(key);
      this.#left.set(key, service);
      return;
    }
    const held = this.#services.get(key)?.held ?? new Set<Address>();
    this.#services.set(key, { service, request: requestOf(service, this.#options), held });
    this.#pending.add(key);
  }

  removeService(service: Service): void {
    this.#forget(serviceKey(service));
    this.#left.delete(serviceKey(service));
  }

  /** What could not be written is worked out again. */
  retry(key: ServiceKey): void {
    if (!this.#services.has(key)) return;
    this.#pending.add(key);
    this.#isAwake = true;
  }

  /** What is to be written now, `now` in RFC 3339; and what is wrong with pools. */
  takeActions(now: string): { actions: LbIpamAction[]; problems: string[] } {
    const actions = this.#cleared();
    if (!this.#isAwake) return { actions, problems: [] };
    const problems = this.#poolsChanged ? this.#rebuildPools() : [];
    const touched = new Set(this.#pending);
    // First everybody keeps what he has, then what is left is given out.
    for (const key of touched) this.#settle(key);
    if (this.#freed) for (const key of this.#unsatisfied) touched.add(key);
    this.#freed = false;
    for (const key of touched) this.#allocate(key);
    this.#pending.clear();
    for (const key of touched) actions.push(...this.#serviceStatus(key, now));
    for (const pool of this.#pools) {
      const existing = this.#resources.get(pool.name)!.status?.conditions;
      const conditions = withConditions(existing, poolConditions(pool), now);
      if (conditions !== undefined) {
        actions.push({ action: "setPoolConditions", pool: pool.name, conditions });
      }
    }
    this.#isAwake = this.#resources.size > 0;
    return { actions, problems };
  }

  counts(): LbIpamCounts {
    return {
      conflictingPools: this.#pools.filter(({ conflict }) => conflict !== undefined).length,
      pools: this.#pools.map((pool) => ({ pool: pool.name, ...countsOf(pool) })),
      servicesMatching: this.#services.size,
      servicesUnsatisfied: this.#unsatisfied.size,
    };
  }

  #rebuildPools(): string[] {
    const { pools, problems } = poolTable([...this.#resources.values()], this.#holders.addresses());
    this.#pools = pools;
    this.#poolsChanged = false;
    for (const key of this.#services.keys()) this.#pending.add(key);
    return problems;
  }

  #forget(key: ServiceKey): void {
    const known = this.#services.get(key);
    if (known === undefined) return;
    for (const address of known.held) this.#release(key, known, address);
    this.#services.delete(key);
    this.#pending.delete(key);
    this.#unsatisfied.delete(key);
  }

  #release(key: ServiceKey, known: Known, address: Address): void {
    known.held.delete(address);
    if (this.#holders.remove(address, key) > 0) return;
    giveBack(this.#pools, address);
    this.#freed = true;
  }

  #hold(key: ServiceKey, known: Known, address: Address): void {
    known.held.add(address);
    this.#holders.add(address, key, known.request.sharing?.key);
  }

  /** Gives up what the Service may not have any more, and takes up what its status says it has. */
  #settle(key: ServiceKey): void {
    const known = this.#services.get(key);
    if (known === undefined) return;
    for (const address of known.held) {
      if (!this.#mayKeep(key, known, address)) this.#release(key, known, address);
    }
    for (const { ip } of known.service.status?.loadBalancer?.ingress ?? []) {
      const address = ip === undefined ? undefined : parseAddress(ip);
      if (address === undefined || known.held.has(address)) continue;
      if (!this.#mayKeep(key, known, address)) continue;
      const isFree = this.#holders.of(address).size === 0;
      if (isFree) for (const pool of this.#pools) take(pool, address);
      this.#hold(key, known, address);
    }
  }

  #mayKeep(key: ServiceKey, { request, held }: Known, address: Address): boolean {
    const { addresses, families } = request;
    const isWanted =
      addresses.length > 0 ? addresses.includes(address) : families.includes(familyOf(address));
    if (!isWanted) return false;
    // Of a family one is enough.
    const isSecond = [...held].some(
      (other) => other !== address && familyOf(other) === familyOf(address),
    );
    if (addresses.length === 0 && isSecond) return false;
    // A pool that is disabled or in conflict keeps what it has given.
    const isOfPool = this.#pools.some(
      (pool) => contains(pool, address) && selects(pool, request.labels),
    );
    return isOfPool && this.#refusedBy(key, request, address) === undefined;
  }

  /** Why the holders of an address do not let the Service share it. */
  #refusedBy(key: ServiceKey, request: IpRequest, address: Address): string | undefined {
    for (const other of this.#holders.of(address)) {
      if (other === key) continue;
      const why = incompatibility(request, this.#services.get(other)!.request);
      if (why !== undefined) return why;
    }
    return undefined;
  }

  #allocate(key: ServiceKey): void {
    const known = this.#services.get(key);
    if (known === undefined) return;
    const { addresses, families } = known.request;
    const refusals =
      addresses.length > 0
        ? addresses.map((address) => this.#allocateRequested(key, known, address))
        : families.map((family) => this.#allocateAny(key, known, family));
    // One condition has room for one reason: as in Cilium the last of them is left in it.
    const refusal = refusals.findLast((each) => each !== undefined);
    if (refusal === undefined) {
      delete known.refusal;
      this.#unsatisfied.delete(key);
    } else {
      known.refusal = refusal;
      this.#unsatisfied.add(key);
    }
  }

  #allocateRequested(key: ServiceKey, known: Known, address: Address): Refusal | undefined {
    if (known.held.has(address)) return undefined;
    const { request } = known;
    const containing = this.#pools.filter((pool) => isEnabled(pool) && contains(pool, address));
    const pools = containing.filter((pool) => selects(pool, request.labels));
    if (pools.length === 0) {
      return containing.length === 0
        ? { reason: "no_pool", message: `No pool exists with a CIDR containing '${address}'` }
        : {
            reason: "pool_selector_mismatch",
            message: `The pool with the CIDR containing '${address}', doesn't select this service`,
          };
    }
    const holders = this.#holders.of(address);
    if (holders.size > 0) {
      const why = this.#refusedBy(key, request, address);
      if (why === undefined) {
        this.#hold(key, known, address);
        return undefined;
      }
      return request.sharing === undefined
        ? alreadyAllocated(address)
        : {
            reason: "already_allocated_incompatible_service",
            message: `The IP '${address}' is already allocated to an incompatible service. Reason: ${why}`,
          };
    }
    // The first and the last of a block may be reserved: allocated to nobody.
    if (!pools.some((pool) => take(pool, address))) return alreadyAllocated(address);
    this.#hold(key, known, address);
    return undefined;
  }

  #allocateAny(
    key: ServiceKey,
    known: Known,
    family: IpRequest["families"][number],
  ): Refusal | undefined {
    if ([...known.held].some((address) => familyOf(address) === family)) return undefined;
    const { request } = known;
    const pools = this.#pools.filter(
      (pool) => isEnabled(pool) && hasFamily(pool, family) && selects(pool, request.labels),
    );
    if (pools.length === 0) {
      const message = "There are no enabled CiliumLoadBalancerIPPools that match this service";
      return { reason: "no_pool", message };
    }
    const shared = [...this.#holders.shared(request.sharing?.key)].find(
      (address) =>
        familyOf(address) === family &&
        pools.some((pool) => contains(pool, address)) &&
        this.#refusedBy(key, request, address) === undefined,
    );
    let address = shared;
    for (const pool of pools) address ??= takeAny(pool, family);
    if (address === undefined) {
      const message =
        "All enabled CiliumLoadBalancerIPPools that match this service ran out of allocatable IPs";
      return { reason: "out_of_ips", message };
    }
    this.#hold(key, known, address);
    return undefined;
  }

  #serviceStatus(key: ServiceKey, now: string): LbIpamAction[] {
    const known = this.#services.get(key);
    if (known === undefined) return [];
    const { service, held, refusal } = known;
    const { generation } = service.metadata;
    const desired: DesiredCondition = {
      type: requestSatisfied,
      ...(refusal === undefined
        ? { status: "True", reason: "satisfied", message: "" }
        : { status: "False", ...refusal }),
      ...(generation !== undefined && { observedGeneration: generation }),
    };
    const before = service.status?.loadBalancer?.ingress ?? [];
    const existing = service.status?.conditions as Condition[] | undefined;
    const conditions = withConditions(existing, [desired], now);
    const isSame =
      before.length === held.size && before.every(({ ip }) => ip && held.has(ip as Address));
    if (isSame && conditions === undefined) return [];
    return [
      {
        action: "setServiceStatus",
        key,
        service,
        // Those that stay keep their place, and what else stands with them.
        ingress: [
          ...before.filter(({ ip }) => ip && held.has(ip as Address)),
          ...[...held].filter((ip) => !before.some((one) => one.ip === ip)).map((ip) => ({ ip })),
        ],
        conditions: conditions ?? existing ?? [],
      },
    ];
  }

  /** Services that were ours, as their condition says: without our addresses and our condition. */
  #cleared(): LbIpamAction[] {
    const actions: LbIpamAction[] = [];
    for (const [key, service] of this.#left) {
      const existing = service.status?.conditions as Condition[] | undefined;
      const conditions = withoutConditions(existing, [requestSatisfied]);
      if (conditions === undefined) continue;
      actions.push({ action: "setServiceStatus", key, service, ingress: [], conditions });
    }
    this.#left.clear();
    return actions;
  }
}

function alreadyAllocated(address: Address): Refusal {
  const message = `The IP '${address}' is already allocated to another service`;
  return { reason: "already_allocated", message };
}
