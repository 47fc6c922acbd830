import type { Location, Shape } from "../../input/shape.ts";
import { described, mistake, scalarSchema, schemaOf, text } from "../../input/shape.ts";
import { defaultRoutes } from "../../net/prefix.ts";
import type { Manifest, ValidateResource } from "../../topology/manifests.ts";
import {
  parseReference,
  type Reference,
  type ReferenceOf,
  type ReferenceType,
} from "../../topology/references.ts";
import type { Destination, LinkReference, ResourceReference } from "./types.ts";
import { locationOf } from "./values.ts";

/** Something of the lab that the scenario names, and where: check-scenario.ts looks it up. */
export type Mention = { at: Location } & (
  | { type: "reference"; reference: Reference; mustBe?: "kubernetes" }
  | { type: "link"; link: LinkReference }
  /** A node that is at one end of the link. */
  | { type: "sender"; link: LinkReference; node: string }
  | { type: "resource"; resource: ResourceReference }
  | { type: "probe"; probe: string; step: number }
);

/** What reading a scenario gathers besides the scenario itself. */
export type Reading = {
  mentions: Mention[];
  /** Objects of its apply events. */
  applied: Manifest[];
  validate: ValidateResource;
  /** Index of the step being read. */
  step: number;
};

/** A reference of one of the types, noted as mentioned. */
export function reference<const T extends ReferenceType>(
  reading: Reading,
  wanted: readonly T[],
  mustBe?: "kubernetes",
): Shape<ReferenceOf<T>> {
  const schema = scalarSchema(wanted.map((type) => referenceForms[type]).join("; "));
  return described(schema, (node, at) => {
    const written = text("the name of something in the lab")(node, at);
    if (written === undefined) return undefined;
    const found = parseReference(written, wanted);
    if ("message" in found) return mistake(at, "BadReference", found.message, found.hint);
    reading.mentions.push({
      type: "reference",
      reference: found.reference,
      at: locationOf(at),
      ...(mustBe && { mustBe }),
    });
    return found.reference;
  });
}

/** The name of a node. */
export function nodeName(reading: Reading, mustBe?: "kubernetes"): Shape<string> {
  const shape = reference(reading, ["node"], mustBe);
  return described(schemaOf(shape), (node, at) => shape(node, at)?.node);
}

const destinationTypes = ["prefix", "podCIDR", "loopback", "service"] as const;

/** What a route leads to; `default` is 0.0.0.0/0. */
export function destination(reading: Reading): Shape<Destination> {
  const shape = reference(reading, destinationTypes);
  return described(orDefault(shape), (node, at) =>
    node.type === "scalar" && node.text === "default"
      ? { type: "prefix", prefix: defaultRoutes.ipv4 }
      : shape(node, at),
  );
}

/** `default` as such, which stands for either family. */
export function defaultOrDestination(reading: Reading): Shape<"default" | Destination> {
  const shape = reference(reading, destinationTypes);
  return described(orDefault(shape), (node, at) =>
    node.type === "scalar" && node.text === "default" ? "default" : shape(node, at),
  );
}

function orDefault(shape: Shape<unknown>) {
  const { description } = schemaOf(shape) as { description: string };
  return scalarSchema(`${description}; default: the default route`);
}

/** How each is written, for editors. */
const referenceForms: Record<ReferenceType, string> = {
  node: "a node: tor0",
  pod: "a pod: APP@NODE",
  interface: "an interface: tor0:net1",
  loopback: "the address on a node's lo: tor0.loopback",
  podCIDR: "the podCIDR of a Kubernetes node: kind-worker.podCIDR",
  service: "a service: service/NAMESPACE/NAME",
  address: "an address: 10.0.0.1",
  prefix: "a prefix: 192.0.2.0/24",
};

export const placeTypes = ["node", "pod"] as const;
export const nextHopTypes = ["node", "address"] as const;
export const gatewayTypes = ["address", "interface", "node"] as const;
export const targetTypes = ["node", "pod", "interface", "loopback", "service", "address"] as const;
