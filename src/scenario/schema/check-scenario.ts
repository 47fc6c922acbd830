import type { Diagnostic } from "../../input/diagnostic.ts";
import { hintAtNames, nearest } from "../../input/nearest.ts";
import { diagnosticAt } from "../../input/shape.ts";
import { type Endpoint, type Fabric, type FabricLink, findNode } from "../../topology/fabric.ts";
import type { Manifest } from "../../topology/manifests.ts";
import { type PodMaker, podMakers, whyNotOn } from "../../topology/pod-makers.ts";
import type { Reference, ReferenceOf } from "../../topology/references.ts";
import type { Mention, Reading } from "./mentions.ts";
import type { LinkReference, ResourceReference } from "./types.ts";

/** The lab that a scenario is for. One that is up has what its API holds among its manifests. */
export type ScenarioLab = { fabric: Fabric; manifests: readonly Manifest[]; isUp?: boolean };

/** Looks up everything that the scenario names, in the lab and in what it applies itself. */
export function lookUp(
  { mentions, applied }: Pick<Reading, "mentions" | "applied">,
  { fabric, manifests, isUp = false }: ScenarioLab,
): Diagnostic[] {
  const all = [...manifests, ...applied];
  const lab: Lab = { fabric, manifests: all, makers: podMakers(all), isUp };
  return mentions.flatMap((mention) => problemWith(mention, lab) ?? []);
}

type Lab = Required<ScenarioLab> & { makers: readonly PodMaker[] };

/** Who could have made what is not there. */
const nobody = ({ isUp }: Lab, makes: string) =>
  isUp ? `no manifest makes ${makes}, nor does the API tell of one` : `no manifest makes ${makes}`;

function problemWith(mention: Mention, lab: Lab): Diagnostic | undefined {
  const found = (() => {
    switch (mention.type) {
      case "reference":
        return problemWithReference(mention.reference, mention.mustBe, lab);
      case "link":
        return problemWithLink(mention.link, lab.fabric);
      case "sender":
        return problemWithSender(mention, lab.fabric);
      case "resource":
        return problemWithResource(mention.resource, lab);
      case "probe":
        return undefined;
    }
  })();
  return found && diagnosticAt(mention.at, found.code, found.message, found.hint);
}

type Problem = { code: string; message: string; hint?: string | undefined };

function problemWithReference(
  of: Reference,
  mustBe: "kubernetes" | undefined,
  lab: Lab,
): Problem | undefined {
  if (of.type === "address" || of.type === "prefix") return undefined;
  if (of.type === "service") return problemWithService(of, lab);
  const node = findNode(lab.fabric, of.node);
  if (node === undefined) return unknownNode(of.node, lab.fabric);
  if (of.type === "pod") return problemWithPod(of, lab);
  if (of.type === "interface") return problemWithInterface(of, lab.fabric);
  if ((of.type === "podCIDR" || mustBe === "kubernetes") && node.kubernetes === undefined) {
    const members = lab.fabric.nodes.filter((each) => each.kubernetes).map((each) => each.name);
    const has = of.type === "podCIDR" ? "has no podCIDR: it is" : "runs no agent: it is";
    return {
      code: "NotKubernetes",
      message: `'${of.node}' ${has} no Kubernetes node`,
      hint: members.length > 0 ? `Kubernetes nodes: ${members.join(", ")}` : undefined,
    };
  }
  return undefined;
}

function unknownNode(name: string, fabric: Fabric): Problem {
  const names = fabric.nodes.flatMap((node) => [node.name, ...node.aliases]);
  return { code: "UnknownNode", message: `no node '${name}'`, hint: hintAtNames(name, names) };
}

function problemWithPod(of: ReferenceOf<"pod">, lab: Lab): Problem | undefined {
  const { makers, fabric } = lab;
  const node = findNode(fabric, of.node)!;
  const within = makers.filter(
    (maker) => of.namespace === undefined || maker.namespace === of.namespace,
  );
  const named = within.filter((maker) => maker.names.includes(of.pod));
  if (named.length === 0) {
    const where = of.namespace === undefined ? "" : ` in namespace '${of.namespace}'`;
    const names = within.flatMap((maker) => maker.names);
    const otherwise = makers.length === 0 ? "the lab has no manifest that makes pods" : undefined;
    const hint = hintAtNames(of.pod, names) ?? otherwise;
    return { code: "UnknownPod", message: nobody(lab, `a pod '${of.pod}'${where}`), hint };
  }
  const reasons = named.map((maker) => whyNotOn(maker, node));
  if (reasons.includes(undefined)) return undefined;
  return {
    code: "UnknownPod",
    message: `no pod '${of.pod}' runs on '${of.node}': ${reasons[0]!}`,
    hint: `made by ${named[0]!.kind} ${named[0]!.source}`,
  };
}

function problemWithService(
  { namespace, name }: ReferenceOf<"service">,
  lab: Lab,
): Problem | undefined {
  const services = lab.manifests.filter(({ object }) => object.kind === "Service");
  const written = services.map(
    ({ object }) => `${object.metadata.namespace}/${object.metadata.name}`,
  );
  // The API server makes this one itself.
  const known = [...written, "default/kubernetes"];
  if (known.includes(`${namespace}/${name}`)) return undefined;
  const near = nearest(`${namespace}/${name}`, known);
  const hint = near === undefined ? undefined : `did you mean 'service/${near}'?`;
  return {
    code: "UnknownService",
    message: nobody(lab, `a service '${namespace}/${name}'`),
    hint,
  };
}

function problemWithInterface(of: ReferenceOf<"interface">, fabric: Fabric): Problem | undefined {
  const node = findNode(fabric, of.node)!;
  const linked = fabric.links
    .flatMap((link) => link.endpoints)
    .filter((end) => end.node === node.name)
    .map((end) => end.interface);
  const isMadeByExec = node.exec.some((line) => line.argv.includes(of.interface));
  if ([...linked, "lo", "eth0"].includes(of.interface) || isMadeByExec) return undefined;
  return {
    code: "UnknownInterface",
    message: `node '${of.node}' has no interface '${of.interface}'`,
    hint: hintAtNames(of.interface, linked),
  };
}

/** The links that an event names. */
export function linksOf(fabric: Fabric, of: LinkReference): FabricLink[] {
  const is = (end: Endpoint, wanted: { node: string; interface?: string }) =>
    end.node === findNode(fabric, wanted.node)?.name &&
    (wanted.interface === undefined || end.interface === wanted.interface);
  return fabric.links.filter(({ endpoints: [a, b] }) =>
    "on" in of
      ? is(a, of.on) || is(b, of.on)
      : (is(a, of.between[0]) && is(b, of.between[1])) ||
        (is(b, of.between[0]) && is(a, of.between[1])),
  );
}

function problemWithLink(of: LinkReference, fabric: Fabric): Problem | undefined {
  const ends: { node: string; interface?: string }[] = "on" in of ? [of.on] : of.between;
  const missing = ends.find((end) => findNode(fabric, end.node) === undefined);
  if (missing) return unknownNode(missing.node, fabric);
  if (linksOf(fabric, of).length > 0) return undefined;
  const written = ends.map((end) =>
    end.interface === undefined ? end.node : `${end.node}:${end.interface}`,
  );
  const first = findNode(fabric, ends[0]!.node)!;
  const links = fabric.links
    .filter((link) => link.endpoints.some((end) => end.node === first.name))
    .map(({ endpoints: [a, b] }) => `${a.node}:${a.interface} – ${b.node}:${b.interface}`);
  return {
    code: "UnknownLink",
    message: `no link ${written.length === 1 ? "at" : "between"} ${written.join(" and ")}`,
    hint:
      links.length === 0
        ? `'${ends[0]!.node}' has no links`
        : `links of '${ends[0]!.node}': ${links.join(", ")}`,
  };
}

function problemWithSender(
  { link, node }: { link: LinkReference; node: string },
  fabric: Fabric,
): Problem | undefined {
  const name = findNode(fabric, node)?.name;
  const ends = linksOf(fabric, link).flatMap(({ endpoints }) => endpoints.map((end) => end.node));
  // What is unknown is told of already.
  if (name === undefined || ends.length === 0 || ends.includes(name)) return undefined;
  return {
    code: "UnknownNode",
    message: `'${node}' is at neither end of the link`,
    hint: `'from' is one of ${[...new Set(ends)].join(", ")}`,
  };
}

/** Kinds that only people make objects of: such an object comes from a manifest or not at all. */
const madeByPeople = new Set([
  "CiliumBGPAdvertisement",
  "CiliumBGPClusterConfig",
  "CiliumBGPNodeConfigOverride",
  "CiliumBGPPeerConfig",
  "CiliumLoadBalancerIPPool",
  "DaemonSet",
  "Deployment",
  "StatefulSet",
]);

/** The kinds by whose objects names are looked up. */
export const lookedUpKinds: readonly string[] = ["Pod", "Service", ...madeByPeople];

function problemWithResource(of: ResourceReference, lab: Lab): Problem | undefined {
  if (!madeByPeople.has(of.kind)) return undefined;
  const ofKind = lab.manifests.filter(({ object }) => object.kind === of.kind);
  const names = ofKind.map(({ object }) => nameIn(object.metadata));
  const wanted = nameIn(of);
  if (names.includes(wanted)) return undefined;
  const hint = hintAtNames(wanted, names);
  return { code: "UnknownResource", message: nobody(lab, `${of.kind} '${wanted}'`), hint };
}

function nameIn({ namespace, name }: { namespace?: string; name: string }): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
