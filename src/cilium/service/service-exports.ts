import type { PolicyStatement } from "../../bgp/speaker/config.ts";
import { familyOf } from "../../net/address.ts";
import { rangeContains } from "../../net/address-range.ts";
import { addressBits, type Prefix, prefixOf } from "../../net/prefix.ts";
import {
  acceptStatement,
  compareRanked,
  type RankedStatement,
  statementPriority,
} from "../export-policy.ts";
import { LabelSelectorError, matchesLabels } from "../labels.ts";
import { InstanceError } from "../instance-error.ts";
import { PrefixNeeds } from "../prefix-needs.ts";
import { unitedAttributes } from "../united-attributes.ts";
import type { AdvertisementAttributes } from "../schema/advertisement.ts";
import type { SelectedAdvertisements, SelectedEntry } from "../selected-advertisements.ts";
import type { Frontend, ServiceView } from "./frontends.ts";
import type { ServiceKey } from "./service.ts";
import type { ServiceTable } from "./service-table.ts";

/** What one Service is to one peer. */
type ServiceExport = { statements: RankedStatement[]; prefixes: Prefix[] };

/**
 * What `Service` advertisements make of one peer: the prefixes that have to be in the loc-rib and the
 * export statements that let them out. Kept Service by Service, so that a change of one is work for
 * one; the statements of the others stay the same objects.
 */
export class ServiceExports {
  readonly #selected: readonly SelectedAdvertisements[];
  readonly #byService = new Map<ServiceKey, ServiceExport>();
  /** By Services: a shared address stays while any of them keeps it. */
  readonly #needs = new PrefixNeeds();
  readonly #ranked: RankedStatement[] = [];
  /** Of each of these the statement: to copy this array is cheaper than to go through that one. */
  readonly #inOrder: PolicyStatement[] = [];
  #statements: readonly PolicyStatement[] | undefined;

  /** Throws InstanceError where a selector can be held against nothing. */
  constructor(selected: readonly SelectedAdvertisements[], services: ServiceTable) {
    this.#selected = selected;
    // Whether a selector is one shows only when it is used: before there is a Service to use it on.
    for (const { advertisements } of selected) {
      for (const { entry } of advertisements) isSelected(entry, { labels: {} });
    }
    this.update(services, services.keys());
  }

  /** Each once; the same array as long as it says the same. */
  get prefixes(): readonly Prefix[] {
    return this.#needs.all;
  }

  /** In order of priority and name; the same array as long as nothing changed. */
  get statements(): readonly PolicyStatement[] {
    return (this.#statements ??= this.#inOrder.slice());
  }

  update(services: ServiceTable, keys: Iterable<ServiceKey>): void {
    for (const key of keys) {
      const view = services.get(key);
      const before = this.#byService.get(key);
      const after = view && this.#exportOf(view);
      if (before === undefined && after === undefined) continue;
      for (const one of before?.statements ?? []) this.#remove(one);
      for (const one of after?.statements ?? []) this.#insert(one);
      for (const prefix of after?.prefixes ?? []) this.#needs.change(prefix, 1);
      for (const prefix of before?.prefixes ?? []) this.#needs.change(prefix, -1);
      if (after === undefined) this.#byService.delete(key);
      else this.#byService.set(key, after);
      this.#statements = undefined;
    }
  }

  #insert(one: RankedStatement): void {
    const at = this.#placeOf(one);
    this.#ranked.splice(at, 0, one);
    this.#inOrder.splice(at, 0, one.statement);
  }

  /** `a-b` in `c` and `a` in `b-c` give statements of one name: this one goes. */
  #remove(one: RankedStatement): void {
    let at = this.#placeOf(one);
    while (this.#ranked[at] !== one) at++;
    this.#ranked.splice(at, 1);
    this.#inOrder.splice(at, 1);
  }

  /** Where the statement stands, or would stand. */
  #placeOf(one: RankedStatement): number {
    let low = 0;
    let high = this.#ranked.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareRanked(this.#ranked[middle]!, one) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #exportOf(view: ServiceView): ServiceExport | undefined {
    const groups = new Map<string, Group>();
    for (const { family, advertisements } of this.#selected) {
      for (const { entry, within } of advertisements) {
        if (!isSelected(entry, view)) continue;
        for (const frontend of view.frontends) {
          if (familyOf(frontend.address) !== family.afi) continue;
          if (!entry.service!.addresses.includes(frontend.type)) continue;
          if (within && !within.ranges.some((range) => rangeContains(range, frontend.address))) {
            continue;
          }
          const { prefix, aggregated } = prefixToAdvertise(frontend, entry);
          const suffix = aggregated === undefined ? "" : `-agg-${aggregated}`;
          const pool = within === undefined ? "" : `-${within.name}`;
          const name = `Service-${view.name}-${view.namespace}-${frontend.type}-${family.afi}${suffix}${pool}`;
          let group = groups.get(name);
          if (group === undefined) {
            groups.set(
              name,
              (group = {
                priority: priorityOf(aggregated, within),
                prefixes: new Set<Prefix>(),
                entries: new Set<Entry>(),
              }),
            );
          }
          group.prefixes.add(prefix);
          group.entries.add(entry);
        }
      }
    }
    if (groups.size === 0) return undefined;
    return {
      statements: Array.from(groups, ([name, group]) => ({
        priority: group.priority,
        statement: acceptStatement(name, [...group.prefixes], attributesOf(group)),
      })),
      prefixes: [...new Set([...groups.values()].flatMap(({ prefixes }) => [...prefixes]))],
    };
  }
}

type Entry = SelectedEntry["entry"];
type Group = { priority: number; prefixes: Set<Prefix>; entries: Set<Entry> };

/** Advertisements that overlap in a Service, address type, family and length are one statement. */
function attributesOf({ entries }: Group): AdvertisementAttributes | undefined {
  return unitedAttributes([...entries].map(({ attributes }) => attributes));
}

function isSelected(
  { advertisementType, selector }: Entry,
  { labels }: Pick<ServiceView, "labels">,
): boolean {
  if (advertisementType !== "Service" || selector === undefined) return false;
  try {
    return matchesLabels(selector, labels);
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    throw new InstanceError(`advertisements[].selector: ${error.message}`, { cause: error });
  }
}

/** The address by itself, or the aggregate around it. */
function prefixToAdvertise(
  { address, isLocal }: Frontend,
  { service }: Entry,
): { prefix: Prefix; aggregated?: number } {
  const family = familyOf(address);
  const aggregated =
    family === "ipv4" ? service!.aggregationLengthIPv4 : service!.aggregationLengthIPv6;
  if (isLocal || aggregated === undefined) {
    return { prefix: prefixOf(address, addressBits(family)) };
  }
  return { prefix: prefixOf(address, aggregated), aggregated };
}

function priorityOf(aggregated: number | undefined, within: SelectedEntry["within"]): number {
  if (within !== undefined) return statementPriority.serviceOfPool;
  return aggregated === undefined ? statementPriority.service : statementPriority.serviceAggregate;
}
