import { type Address, parseAddress } from "../net/address.ts";
import { parsePrefix, type Prefix } from "../net/prefix.ts";

/**
 * A thing of the lab as scenarios write it, parsed but not looked up. Node names may be aliases
 * (a sidecar's name). Addresses are looked up when the scenario runs.
 */
export type Reference =
  /** `tor0` */
  | { type: "node"; node: string }
  /** `tor0:net1`: an interface; as a target, its address. */
  | { type: "interface"; node: string; interface: string }
  /** `kind-worker.podCIDR`: the node's first podCIDR. */
  | { type: "podCIDR"; node: string }
  /** `tor0.loopback`: the address put on lo by the node's exec lines. */
  | { type: "loopback"; node: string }
  /**
   * `netshoot@kind-worker`, `kube-system/netshoot@kind-worker`: a pod on that node whose `app` label,
   * owner or name is `pod`. Without a namespace: of whichever namespace has one.
   */
  | { type: "pod"; pod: string; node: string; namespace?: string }
  /** `service/NS/NAME` */
  | { type: "service"; namespace: string; name: string }
  /** `10.0.0.1` */
  | { type: "address"; address: Address }
  /** `192.0.2.0/24` */
  | { type: "prefix"; prefix: Prefix };

export type ReferenceType = Reference["type"];

/** A reference of one of the given types. */
export type ReferenceOf<T extends ReferenceType> = Extract<Reference, { type: T }>;

const namePattern = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";

/** How each type is written, and for messages what it is. */
const forms: Record<ReferenceType, string> = {
  node: "a node (tor0)",
  interface: "an interface (tor0:net1)",
  podCIDR: "a podCIDR (kind-worker.podCIDR)",
  loopback: "a loopback (tor0.loopback)",
  pod: "a pod (netshoot@kind-worker)",
  service: "a service (service/default/web)",
  address: "an address (10.0.0.1)",
  prefix: "a prefix (10.1.0.0/16)",
};

/**
 * Reads a reference of one of the types wanted. The error says what was expected; a hint says what
 * the text is instead, where that is clear.
 */
export function parseReference<T extends ReferenceType>(
  text: string,
  wanted: readonly T[],
): { reference: ReferenceOf<T> } | { message: string; hint?: string } {
  const expected = wanted.map((type) => forms[type]).join(", ");
  const found = parseAny(text);
  if ("hint" in found) return { message: `expected ${expected}, not '${text}'`, hint: found.hint };
  const isWanted = (type: ReferenceType): type is T => (wanted as readonly string[]).includes(type);
  if (isWanted(found.type)) return { reference: found as ReferenceOf<T> };
  return { message: `expected ${expected}; '${text}' is ${forms[found.type].split(" (")[0]}` };
}

function parseAny(text: string): Reference | { hint: string } {
  const address = parseAddress(text);
  if (address !== undefined) return { type: "address", address };
  if (text.startsWith("service/")) return parseService(text);
  if (text.includes("@")) return parsePod(text);
  if (text.includes("/")) return parsePrefixExactly(text);
  if (/^[\d.]+$/.test(text)) return { hint: "an IPv4 address has four numbers from 0 to 255" };
  const dotted = new RegExp(`^(${namePattern})\\.([A-Za-z]+)$`).exec(text);
  if (dotted && /^(podcidrs?|loopback|lo)$/i.test(dotted[2]!)) {
    const node = dotted[1]!;
    if (dotted[2] === "podCIDR") return { type: "podCIDR", node };
    if (dotted[2] === "loopback") return { type: "loopback", node };
    const meant = /^pod/i.test(dotted[2]!) ? "podCIDR" : "loopback";
    return { hint: `did you mean '${node}.${meant}'?` };
  }
  const colon = text.indexOf(":");
  if (colon > 0) {
    const [node, name] = [text.slice(0, colon), text.slice(colon + 1)];
    if (isName(node) && /^[^\s/:]{1,15}$/.test(name)) {
      return { type: "interface", node, interface: name };
    }
    return { hint: "an interface is written NODE:INTERFACE" };
  }
  return isName(text)
    ? { type: "node", node: text }
    : { hint: "a node's name has no such characters" };
}

function parseService(text: string): Reference | { hint: string } {
  const [, namespace, name, more] = text.split("/");
  if (namespace && name && more === undefined && isName(namespace) && isName(name)) {
    return { type: "service", namespace, name };
  }
  return { hint: "a service is written service/NAMESPACE/NAME" };
}

function parsePod(text: string): Reference | { hint: string } {
  const match = new RegExp(`^(?:(${namePattern})/)?(${namePattern})@(${namePattern})$`).exec(text);
  if (!match) return { hint: "a pod is written POD@NODE or NAMESPACE/POD@NODE" };
  const [, namespace, pod, node] = match;
  return { type: "pod", pod: pod!, node: node!, ...(namespace !== undefined && { namespace }) };
}

function parsePrefixExactly(text: string): Reference | { hint: string } {
  const prefix = parsePrefix(text);
  if (prefix === undefined) return { hint: "a prefix is written ADDRESS/LENGTH" };
  // `10.1.0.5/16` is more often a slip than meant as 10.1.0.0/16.
  const asWritten = parseAddress(text.slice(0, text.indexOf("/")));
  if (asWritten !== prefix.slice(0, prefix.indexOf("/"))) {
    return { hint: `host bits are set: did you mean '${prefix}'?` };
  }
  return { type: "prefix", prefix };
}

function isName(text: string): boolean {
  return new RegExp(`^${namePattern}$`).test(text);
}
