import type { Location, Shape } from "../../input/shape.ts";
import { mistake, text } from "../../input/shape.ts";
import type { Prefix } from "../../net/prefix.ts";
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
  return (node, at) => {
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
  };
}

/** The name of a node. */
export function nodeName(reading: Reading, mustBe?: "kubernetes"): Shape<string> {
  const shape = reference(reading, ["node"], mustBe);
  return (node, at) => shape(node, at)?.node;
}

const destinationTypes = ["prefix", "podCIDR", "loopback", "service"] as const;

/** What a route leads to; `default` is 0.0.0.0/0. */
export function destination(reading: Reading): Shape<Destination> {
  const shape = reference(reading, destinationTypes);
  return (node, at) =>
    node.type === "scalar" && node.text === "default"
      ? { type: "prefix", prefix: "0.0.0.0/0" as Prefix }
      : shape(node, at);
}

/** `default` as such, which stands for either family. */
export function defaultOrDestination(reading: Reading): Shape<"default" | Destination> {
  const shape = reference(reading, destinationTypes);
  return (node, at) =>
    node.type === "scalar" && node.text === "default" ? "default" : shape(node, at);
}

export const placeTypes = ["node", "pod"] as const;
export const nextHopTypes = ["node", "address"] as const;
export const gatewayTypes = ["address", "interface", "node"] as const;
export const targetTypes = ["node", "pod", "interface", "loopback", "service", "address"] as const;
