import { stringify } from "yaml";
import type { KubeObject } from "../kube/object.ts";
import { type NodeState, readLabState } from "../observe/lab-state.ts";
import type { RibRoute } from "../observe/rib-view.ts";
import { tracePath } from "../scenario/checks/path.ts";
import { type LabContext, PreconditionError } from "../scenario/context.ts";
import { referenceText } from "../scenario/resolve.ts";
import { findNode } from "../topology/fabric.ts";
import type { ReferenceOf } from "../topology/references.ts";

/** Up to so many pods every pair's path is followed; of more, each pod's to the next. */
const allPairsMax = 4;

type Written = { check: Record<string, unknown> } | { comment: string };

/**
 * What is seen in a lab now, written as the checks of a scenario that passes while it stays so:
 * sessions, tables, paths. For people to trim: it holds all there is, worth checking or not.
 */
export async function baselineScenario(context: LabContext, when: Date): Promise<string> {
  const { fabric, runtime, names } = context;
  await names.refresh();
  const states = await readLabState(runtime, fabric);
  const paths = await seenPaths(context);
  const steps = [
    step(
      "sessions are as recorded",
      states.flatMap((state) => sessionChecks(context, state)),
    ),
    step(
      "tables are as recorded",
      states.flatMap((state) => tableChecks(context, state)),
    ),
    step("packets go the recorded way", paths),
  ];
  return [
    `# What was seen in lab ${fabric.name} on ${when.toISOString()}. Trim it: take out what is not`,
    "# worth holding on to, and give the rest a name that says why it matters.",
    `name: ${fabric.name}-baseline`,
    `summary: Lab ${fabric.name} as it was recorded.`,
    "steps:",
    ...steps.flat(),
    "",
  ].join("\n");
}

function step(name: string, written: readonly Written[]): string[] {
  const lines = written.map((one) =>
    "check" in one ? `- ${flow(one.check)}` : `# ${one.comment}`,
  );
  // A step of comments alone would be none.
  if (!written.some((one) => "check" in one)) return lines.map((line) => `  ${line}`);
  return [
    `  - name: ${name}`,
    "    within: 30s",
    "    expect:",
    ...lines.map((line) => `      ${line}`),
  ];
}

/** `session: { on: router0, to: tor0 }` on one line. */
function flow(check: Record<string, unknown>): string {
  const [[kind, fields]] = Object.entries(check) as [[string, unknown]];
  const text = stringify(fields, { collectionStyle: "flow", lineWidth: 0 }).trimEnd();
  return `${kind}: ${text}`;
}

function sessionChecks({ names, fabric }: LabContext, { node, sessions }: NodeState): Written[] {
  return sessions.map(({ peer, state, received, sent, family }) => {
    const to =
      names.nodeOfNextHop(node, { address: peer as never }) ?? names.neighborAt(node, peer);
    const isUnnumbered = to === undefined && !/[.:]/.test(peer);
    if (isUnnumbered || (to !== undefined && findNode(fabric, to) === undefined)) {
      return { comment: `session of ${node} with ${peer}: ${state}; whose it is cannot be told` };
    }
    return {
      check: {
        session: {
          on: node,
          to: to ?? peer,
          ...(family === "ipv6-unicast" && { family }),
          ...(state === "Established" ? { received, sent } : { state }),
        },
      },
    };
  });
}

function tableChecks(context: LabContext, { node, rib }: NodeState): Written[] {
  const found: Written[] = [];
  for (const family of ["ipv4-unicast", "ipv6-unicast"] as const) {
    const routes = rib.filter(({ prefix }) => prefix.includes(":") === (family === "ipv6-unicast"));
    const byPrefix = Map.groupBy(routes, ({ prefix }) => prefix);
    if (byPrefix.size === 0) continue;
    const exactly = [...byPrefix.keys()].map((prefix) => prefixName(context, prefix));
    found.push({
      check: { routes: { on: node, ...(family === "ipv6-unicast" && { family }), exactly } },
    });
    for (const [prefix, paths] of byPrefix) found.push(...routeCheck(context, node, prefix, paths));
  }
  return found;
}

function routeCheck(
  context: LabContext,
  node: string,
  prefix: string,
  paths: readonly RibRoute[],
): Written[] {
  const used = paths.filter((path) => path.best || path.multipath);
  const hops = used.flatMap((path) => path.nextHops);
  if (hops.length === 0) return [];
  const via = [
    ...new Set(hops.map((hop) => context.names.nodeOfNextHop(node, hop) ?? hop.address)),
  ];
  const asPaths = [...new Set(used.map((path) => path.asPath))];
  // Sets and confederations cannot be written in a check.
  const asPath = asPaths.length === 1 && /^[\d ]*$/.test(asPaths[0]!) ? asPaths[0] : undefined;
  return [
    {
      check: {
        route: {
          on: node,
          prefix: prefixName(context, prefix),
          via: via.length === 1 ? via[0] : via,
          ...(asPath !== undefined && { asPath }),
        },
      },
    },
  ];
}

/** By the name of what it is, where it is a node's; that stays right when addresses change. */
function prefixName({ fabric, names }: LabContext, prefix: string): string {
  for (const { name, kubernetes } of fabric.nodes) {
    if (kubernetes?.podCidrs[0] === prefix) return `${name}.podCIDR`;
    const loopback = names.loopbackOf(name);
    if (loopback !== undefined && prefix === `${loopback}/${loopback.includes(":") ? 128 : 32}`) {
      return `${name}.loopback`;
    }
  }
  return prefix;
}

async function seenPaths(context: LabContext): Promise<Written[]> {
  const pods = await podsOfLab(context);
  const pairs =
    pods.length <= allPairsMax
      ? pods.flatMap((from) => pods.filter((to) => to !== from).map((to) => ({ from, to })))
      : pods.map((from, at) => ({ from, to: pods[(at + 1) % pods.length]! }));
  return await Promise.all(
    pairs.map(async ({ from, to }): Promise<Written> => {
      const ends = { from: referenceText(from), to: referenceText(to) };
      const words = `path ${ends.from} → ${ends.to}`;
      try {
        const { between, seen } = await tracePath(context, from, to);
        if (between === undefined) return { comment: `${words}: ${seen}: not reached` };
        if (between.includes("*")) return { comment: `${words}: ${seen}: a hop is silent` };
        return { check: { path: { ...ends, through: between } } };
      } catch (error) {
        if (error instanceof PreconditionError) return { comment: `${words}: ${error.message}` };
        throw error;
      }
    }),
  );
}

/** One running pod of each app on each node, those in the network of their node left out. */
async function podsOfLab({ kube, fabric }: LabContext): Promise<ReferenceOf<"pod">[]> {
  const found = new Map<string, ReferenceOf<"pod">>();
  for (const pod of await kube.listPods()) {
    const { nodeName, hostNetwork } = (pod.spec ?? {}) as PodSpec;
    const { phase } = (pod.status ?? {}) as { phase?: string };
    const node = nodeName === undefined ? undefined : findNode(fabric, nodeName)?.name;
    if (node === undefined || hostNetwork === true || phase !== "Running") continue;
    const { namespace = "default" } = pod.metadata;
    const reference: ReferenceOf<"pod"> = {
      type: "pod",
      pod: appOf(pod),
      node,
      ...(namespace !== "default" && { namespace }),
    };
    found.set(referenceText(reference), reference);
  }
  return [...found.values()];
}

type PodSpec = { nodeName?: string; hostNetwork?: boolean };

function appOf({ metadata }: KubeObject): string {
  const [owner] = metadata.ownerReferences ?? [];
  return metadata.labels?.app ?? owner?.name ?? metadata.name;
}
