import { type Address, type Family, familyOf, parseAddress } from "../net/address.ts";
import { addressBits, parsePrefix, type Prefix, prefixFamily, prefixOf } from "../net/prefix.ts";
import type { KubeObject } from "../kube/object.ts";
import type { NextHop as SeenNextHop, Session } from "../observe/rib-view.ts";
import type { Place as RuntimePlace } from "../runtime/port.ts";
import { type FabricNode, findNode } from "../topology/fabric.ts";
import type { Reference, ReferenceOf } from "../topology/references.ts";
import { type LabContext, PreconditionError } from "./context.ts";
import type { AddressFamily, Destination, NextHop, Place, Target } from "./schema/types.ts";

/** References of a scenario to what they stand for at this moment. */

/** As the scenario writes it. */
export function referenceText(of: Reference): string {
  switch (of.type) {
    case "node":
      return of.node;
    case "interface":
      return `${of.node}:${of.interface}`;
    case "podCIDR":
      return `${of.node}.podCIDR`;
    case "loopback":
      return `${of.node}.loopback`;
    case "pod":
      return `${of.namespace === undefined ? "" : `${of.namespace}/`}${of.pod}@${of.node}`;
    case "service":
      return `service/${of.namespace}/${of.name}`;
    case "address":
      return of.address;
    case "prefix":
      return of.prefix;
  }
}

/** The node of that name or alias. The scenario was checked against the fabric: it is there. */
export function nodeNamed({ fabric }: LabContext, name: string): FabricNode {
  const node = findNode(fabric, name);
  if (node === undefined) throw new Error(`the fabric has no node ${name}`);
  return node;
}

export async function resolvePlace(context: LabContext, place: Place): Promise<RuntimePlace> {
  const node = nodeNamed(context, place.node).name;
  if (place.type === "node") return { node };
  const pod = await findPod(context, place);
  return { node, pod: { namespace: pod.metadata.namespace ?? "default", name: pod.metadata.name } };
}

/** Of the addresses that routes of a BGP family lead to. */
export function ipFamily(family: AddressFamily | undefined): Family | undefined {
  return family && (family === "ipv4-unicast" ? "ipv4" : "ipv6");
}

/** An address to send to, of the family; where none is asked for IPv4 comes first. */
export async function resolveTarget(
  context: LabContext,
  target: Target,
  family?: Family,
): Promise<Address> {
  switch (target.type) {
    case "address":
      return target.address;
    case "pod":
      return podAddress(await findPod(context, target), family);
    case "service":
      return await serviceAddress(context, target);
    case "node": {
      const node = nodeNamed(context, target.node);
      await context.names.ready();
      const all = context.names.addressesOf(node.name);
      const { nodeAddresses = [] } = node.kubernetes ?? {};
      const management = new Set([node.managementAddress, node.managementIpv6Address]);
      // Who a Kubernetes node is its node-ip says: lo may have addresses of others too. Else lo is the first of all.
      const candidates = [
        ...nodeAddresses.filter((each) => !management.has(each)),
        ...all.filter((of) => of.interface === "lo").map((of) => of.address),
        ...nodeAddresses,
        ...all.map((of) => of.address),
      ];
      return await found(
        context,
        ofFamily(candidates, family),
        `${node.name} has no address${ofThe(family)}`,
      );
    }
    case "loopback": {
      const { name } = nodeNamed(context, target.node);
      await context.names.ready();
      const onLo = context.names.addressesOf(name).filter((of) => of.interface === "lo");
      const address = ofFamily(
        onLo.map((of) => of.address),
        family,
      );
      return await found(context, address, `${name} has no address on lo${ofThe(family)}`);
    }
    case "interface": {
      const { name } = nodeNamed(context, target.node);
      await context.names.ready();
      const own = context.names.addressesOf(name).filter((of) => of.interface === target.interface);
      const address = ofFamily(
        own.map((of) => of.address),
        family,
      );
      return await found(
        context,
        address,
        `${name}:${target.interface} has no address${ofThe(family)}`,
      );
    }
  }
}

/** The first address of the family asked for; where none is, the first of IPv4, else the first. */
function ofFamily(addresses: readonly Address[], family: Family | undefined): Address | undefined {
  const wanted = addresses.find((one) => familyOf(one) === (family ?? "ipv4"));
  return wanted ?? (family === undefined ? addresses[0] : undefined);
}

/** What was not found may have come since the addresses were read: read them again for the next look. */
async function found(
  { names }: LabContext,
  address: Address | undefined,
  otherwise: string,
): Promise<Address> {
  if (address !== undefined) return address;
  await names.refresh();
  throw new PreconditionError(otherwise);
}

/** What a route leads to, in the family; where none is asked for IPv4 comes first. */
export async function resolveDestination(
  context: LabContext,
  of: Destination,
  family?: Family,
): Promise<Prefix> {
  switch (of.type) {
    case "prefix":
      return of.prefix;
    case "podCIDR":
      return await podCidr(context, of.node, family);
    case "loopback":
    case "service":
      return hostPrefix(await resolveTarget(context, of, family));
  }
}

function ofThe(family: Family | undefined): string {
  return family === undefined ? "" : ` of ${family}`;
}

/** The family where one was asked for: beside a name that has addresses of both. */
export function familyText(family: Family | AddressFamily | undefined): string {
  return family === undefined ? "" : ` (${family})`;
}

function hostPrefix(address: Address): Prefix {
  return prefixOf(address, addressBits(familyOf(address)));
}

/** Of `spec.podCIDRs` of the Kubernetes node; where the API does not tell, of the fabric's plan. */
async function podCidr(context: LabContext, name: string, family?: Family): Promise<Prefix> {
  const node = nodeNamed(context, name);
  const object = await context.kube.get({ apiVersion: "v1", kind: "Node", name: node.name });
  const { podCIDR = "", podCIDRs = [podCIDR] } = (object?.spec ?? {}) as {
    podCIDR?: string;
    podCIDRs?: string[];
  };
  const told = podCIDRs.flatMap((text) => parsePrefix(text) ?? []);
  const all = told.length > 0 ? told : (node.kubernetes?.podCidrs ?? []);
  const prefix = family === undefined ? all[0] : all.find((one) => prefixFamily(one) === family);
  if (prefix === undefined) {
    throw new PreconditionError(`node ${node.name} has no podCIDR${ofThe(family)}`);
  }
  return prefix;
}

/**
 * The running pod on that node whose `app` label, owner or own name is the one written. A
 * Deployment's pods belong to a ReplicaSet, whose name is the Deployment's and a hash.
 */
export async function findPod(context: LabContext, of: ReferenceOf<"pod">): Promise<KubeObject> {
  const node = nodeNamed(context, of.node).name;
  const pods = (await context.kube.listPods(of.namespace)).filter(
    (pod) => specOf(pod).nodeName === node && isCalled(pod, of.pod),
  );
  const running = pods.find(
    (pod) => statusOf(pod).phase === "Running" && pod.metadata.deletionTimestamp === undefined,
  );
  if (running !== undefined) return running;
  const text = `pod ${referenceText(of)}`;
  const phase = pods[0] && (statusOf(pods[0]).phase ?? "Pending");
  throw new PreconditionError(phase === undefined ? `no ${text}` : `${text} is ${phase}`);
}

function isCalled({ metadata }: KubeObject, name: string): boolean {
  if (metadata.labels?.app === name || metadata.name === name) return true;
  return (metadata.ownerReferences ?? []).some(
    (owner) =>
      owner.name === name ||
      (owner.kind === "ReplicaSet" && owner.name.replace(/-[^-]+$/, "") === name),
  );
}

type PodStatus = { phase?: string; podIP?: string; podIPs?: { ip: string }[] };

function statusOf(pod: KubeObject): PodStatus {
  return (pod.status ?? {}) as PodStatus;
}

function specOf(pod: KubeObject): { nodeName?: string } {
  return (pod.spec ?? {}) as { nodeName?: string };
}

function podAddress(pod: KubeObject, family: Family | undefined): Address {
  const { podIP, podIPs = [] } = statusOf(pod);
  const addresses = [...podIPs.map(({ ip }) => ip), podIP ?? ""].flatMap(
    (text) => parseAddress(text) ?? [],
  );
  const address = ofFamily(addresses, family);
  if (address === undefined) {
    throw new PreconditionError(`pod ${pod.metadata.name} has no address${ofThe(family)}`);
  }
  return address;
}

/** The load balancer's address where there is one, else the cluster IP. */
async function serviceAddress(
  { kube }: LabContext,
  { namespace, name }: ReferenceOf<"service">,
): Promise<Address> {
  const service = await kube.get({ apiVersion: "v1", kind: "Service", namespace, name });
  if (service === undefined) throw new PreconditionError(`no service ${namespace}/${name}`);
  const { clusterIP = "" } = (service.spec ?? {}) as { clusterIP?: string };
  const { loadBalancer } = (service.status ?? {}) as {
    loadBalancer?: { ingress?: { ip?: string }[] };
  };
  const address = parseAddress(loadBalancer?.ingress?.[0]?.ip ?? clusterIP);
  if (address === undefined) {
    throw new PreconditionError(`service ${namespace}/${name} has no address`);
  }
  return address;
}

/** Whether a next hop seen at `node` is the one written. */
export function isNextHop(
  context: LabContext,
  node: string,
  seen: SeenNextHop,
  written: NextHop,
): boolean {
  if (written.type === "address") return seen.address === written.address;
  return context.names.nodeOfNextHop(node, seen) === nodeNamed(context, written.node).name;
}

/** A next hop for people: `tor1`, or its address where it is nobody's. */
export function nextHopText(context: LabContext, node: string, seen: SeenNextHop): string {
  return context.names.nodeOfNextHop(node, seen) ?? seen.address;
}

/** Same next hops in any order: each written one is met by one seen and none is left over. */
export function sameNextHops(
  context: LabContext,
  node: string,
  seen: readonly SeenNextHop[],
  written: readonly NextHop[],
): boolean {
  const left = [...seen];
  for (const one of written) {
    const at = left.findIndex((hop) => isNextHop(context, node, hop, one));
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return left.length === 0;
}

/** Whether a session of `node` is with the peer written: by address; on an unnumbered session by the other end of the interface's link. */
export function isPeer(context: LabContext, node: string, { peer }: Session, to: NextHop): boolean {
  const address = parseAddress(peer);
  if (to.type === "address") return address === to.address;
  const wanted = nodeNamed(context, to.node).name;
  if (address === undefined) return context.names.neighborAt(node, peer) === wanted;
  return context.names.nodeOfNextHop(node, { address }) === wanted;
}
