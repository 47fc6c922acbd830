import { jsonEqual } from "../json-equal.ts";
import { type FrontendOptions, serviceView, type ServiceView } from "./frontends.ts";
import {
  type EndpointSlice,
  type Service,
  type ServiceKey,
  serviceKey,
  sliceServiceKey,
} from "./service.ts";

/**
 * Every Service of the cluster as one node sees it, kept up to date object by object: a change costs
 * work for the Service it concerns and for no other.
 */
export class ServiceTable {
  readonly #options: FrontendOptions;
  readonly #services = new Map<ServiceKey, Service>();
  /** Slices of each Service by their own name; also of Services that are not known yet. */
  readonly #slices = new Map<ServiceKey, Map<string, EndpointSlice>>();
  /** Which Service a slice was of, for the one that changes its label. */
  readonly #ownerOfSlice = new Map<string, ServiceKey>();
  readonly #views = new Map<ServiceKey, ServiceView>();
  readonly #touched = new Set<ServiceKey>();

  constructor(options: FrontendOptions) {
    this.#options = options;
  }

  putService(service: Service): void {
    const key = serviceKey(service);
    this.#services.set(key, service);
    this.#touched.add(key);
  }

  removeService(service: Service): void {
    const key = serviceKey(service);
    this.#services.delete(key);
    this.#touched.add(key);
  }

  putSlice(slice: EndpointSlice): void {
    this.removeSlice(slice);
    const owner = sliceServiceKey(slice);
    if (owner === undefined) return;
    this.#ownerOfSlice.set(nameOf(slice), owner);
    let slices = this.#slices.get(owner);
    if (slices === undefined) this.#slices.set(owner, (slices = new Map<string, EndpointSlice>()));
    slices.set(nameOf(slice), slice);
    this.#touched.add(owner);
  }

  removeSlice(slice: EndpointSlice): void {
    const owner = this.#ownerOfSlice.get(nameOf(slice));
    if (owner === undefined) return;
    this.#ownerOfSlice.delete(nameOf(slice));
    const slices = this.#slices.get(owner)!;
    slices.delete(nameOf(slice));
    if (slices.size === 0) this.#slices.delete(owner);
    this.#touched.add(owner);
  }

  keys(): IterableIterator<ServiceKey> {
    return this.#views.keys();
  }

  get(key: ServiceKey): ServiceView | undefined {
    return this.#views.get(key);
  }

  /** The Services whose view is another than at the last call. */
  takeChanged(): ServiceKey[] {
    const changed = [...this.#touched].filter((key) => this.#look(key));
    this.#touched.clear();
    return changed;
  }

  /** Brings one view up to date; whether it changed. */
  #look(key: ServiceKey): boolean {
    const service = this.#services.get(key);
    if (service === undefined) return this.#views.delete(key);
    const view = serviceView(service, this.#slices.get(key)?.values() ?? [], this.#options);
    if (jsonEqual(view, this.#views.get(key))) return false;
    this.#views.set(key, view);
    return true;
  }
}

function nameOf({ metadata }: EndpointSlice): string {
  return `${metadata.namespace ?? "default"}/${metadata.name}`;
}
