import type { Prefix } from "../net/prefix.ts";
import type { Finding } from "../observe/doctor/finding.ts";
import { diagnoseMachine } from "../observe/doctor/machine.ts";
import { diagnoseRoutes } from "../observe/doctor/routes.ts";
import { diagnoseNodes, diagnoseSessions } from "../observe/doctor/sessions.ts";
import { readSpeakers, type SpeakerFacts } from "../observe/doctor/speaker-facts.ts";
import { diagnoseTraffic, type TrafficEnd } from "../observe/doctor/traffic.ts";
import { familyOf, parseAddress } from "../net/address.ts";
import type { LabContext } from "../scenario/context.ts";
import { findNode } from "../topology/fabric.ts";

export type { Finding };

/** Up to so many pods each is tried with each; of more, each with the next. */
const allPairsMax = 4;

/** What to look at; nothing said: every session, the podCIDRs, traffic between pods. */
export type DoctorQuestion = { prefixes?: readonly Prefix[]; traffic?: boolean };

/** Looks at a lab that is up and names the cause of whatever does not work. Changes nothing. */
export async function examine(
  context: LabContext,
  { prefixes, traffic = true }: DoctorQuestion,
): Promise<Finding[]> {
  const { runtime, fabric, names } = context;
  await names.refresh();
  const speakers = await readSpeakers(runtime, fabric, names);
  const [sessions, routes, lost] = await Promise.all([
    diagnoseSessions(runtime, names, speakers),
    diagnoseRoutes(runtime, names, speakers, prefixes),
    traffic ? examineTraffic(context, speakers) : [],
  ]);
  return [...diagnoseMachine(), ...diagnoseNodes(speakers), ...sessions, ...routes, ...lost];
}

/** Between pods of nodes that have power: to Kubernetes the others' run, until it gives them up. */
async function examineTraffic(
  context: LabContext,
  speakers: readonly SpeakerFacts[],
): Promise<Finding[]> {
  const down = new Set(speakers.flatMap(({ node, isDown }) => (isDown ? node.name : [])));
  const pods = (await podEnds(context)).filter(({ place }) => !down.has(place.node));
  const found = await Promise.all(
    (["ipv4", "ipv6"] as const).map((family) =>
      tryPairs(
        context,
        pods.filter(({ address }) => familyOf(address) === family),
      ),
    ),
  );
  return found.flat();
}

async function tryPairs(context: LabContext, pods: readonly TrafficEnd[]): Promise<Finding[]> {
  const pairs =
    pods.length <= allPairsMax
      ? pods.flatMap((from, at) => pods.slice(at + 1).map((to) => [from, to] as const))
      : pods.map((from, at) => [from, pods[(at + 1) % pods.length]!] as const);
  const found = await Promise.all(
    pairs.map(([from, to]) => diagnoseTraffic(context.runtime, context.names, from, to)),
  );
  return found.filter((finding) => finding !== undefined);
}

/** The first running pod of each node that has addresses of its own, by each of them. */
async function podEnds({ kube, fabric }: LabContext): Promise<TrafficEnd[]> {
  const found = new Map<string, TrafficEnd[]>();
  for (const { metadata, spec, status } of await kube.listPods()) {
    const { nodeName, hostNetwork } = (spec ?? {}) as { nodeName?: string; hostNetwork?: boolean };
    const { phase, podIPs = [] } = (status ?? {}) as { phase?: string; podIPs?: { ip: string }[] };
    const node = nodeName === undefined ? undefined : findNode(fabric, nodeName)?.name;
    const addresses = podIPs.flatMap(({ ip }) => parseAddress(ip) ?? []);
    if (node === undefined || addresses.length === 0 || hostNetwork || phase !== "Running") {
      continue;
    }
    if (found.has(node)) continue;
    const pod = { namespace: metadata.namespace ?? "default", name: metadata.name };
    found.set(
      node,
      addresses.map((address) => ({ place: { node, pod }, address })),
    );
  }
  return [...found.values()].flat();
}
