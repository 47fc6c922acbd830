import { type Address, type Family, parseAddress } from "../../net/address.ts";
import { excerpt } from "../bounds.ts";
import type { CheckHandler } from "../check.ts";
import { type LabContext, PreconditionError } from "../context.ts";
import type { Place, Target } from "../schema/types.ts";
import { familyText, nodeNamed, referenceText, resolvePlace, resolveTarget } from "../resolve.ts";

const hopsMax = 16;
const answerWithinSeconds = 1;

/** The way packets take, by traceroute. */
export const path: CheckHandler<"path"> = {
  // Kernels limit ICMP errors to one a second to each destination after a burst of six.
  everyMsMin: 1000,

  text: (check) =>
    `path ${referenceText(check.from)} → ${referenceText(check.to)}${familyText(check.family)}`,

  expected: ({ through, avoids }) =>
    [
      ...(through ? [`through ${through.join(", ") || "no other node"}`] : []),
      ...(avoids ? [`not through ${avoids.join(", ")}`] : []),
    ].join(", "),

  async look(context, check) {
    const { address, between, seen } = await tracePath(context, check.from, check.to, check.family);
    if (between === undefined) return { ok: false, seen: `${seen}: ${address} not reached` };
    const wanted = check.through?.map((name) => nodeNamed(context, name).name);
    const avoided = (check.avoids ?? []).map((name) => nodeNamed(context, name).name);
    const throughOk = wanted === undefined || wanted.join(" ") === between.join(" ");
    const avoidsOk = !avoided.some((name) => between.includes(name));
    // A silent hop in the middle may be one of those to be avoided.
    const sure = avoided.length === 0 || !between.includes("*");
    return { ok: throughOk && avoidsOk && sure, seen };
  },
};

/**
 * Follows packets by traceroute. `between`: the nodes on the way, those of both ends left out;
 * undefined where the destination did not answer. `seen`: every hop, in words.
 */
export async function tracePath(
  context: LabContext,
  from: Place,
  to: Target,
  family?: Family,
): Promise<{ address: Address; between: string[] | undefined; seen: string }> {
  const place = await resolvePlace(context, from);
  const address = await resolveTarget(context, to, family);
  await context.names.ready();
  const argv = ["traceroute", "-n", "-q", "1", "-w", String(answerWithinSeconds)];
  const result = await context.runtime.exec(place, [...argv, "-m", String(hopsMax), address], {
    timeoutMs: (hopsMax * answerWithinSeconds + 5) * 1000,
  });
  const hops = parseTraceroute(result.stdout);
  if (hops.length === 0) {
    throw new PreconditionError(`traceroute: ${excerpt(result.stderr + result.stdout)}`);
  }
  const named = hops.map((hop) => (hop === undefined ? "*" : (context.names.nodeOf(hop) ?? hop)));
  const target = "node" in to ? nodeNamed(context, to.node).name : undefined;
  const between = nodesBetween(hops, named, address, [place.node, target]);
  const seen = hops
    .map((hop, i) => (hop === undefined || named[i] === hop ? named[i] : `${named[i]} (${hop})`))
    .join(", ");
  return { address, between, seen };
}

/** Each hop's address, undefined for one that did not answer (`*`). */
export function parseTraceroute(output: string): (Address | undefined)[] {
  return output.split("\n").flatMap((line) => {
    const hop = /^\s*\d+\s+(\S+)/.exec(line)?.[1];
    return hop === undefined ? [] : [parseAddress(hop)];
  });
}

/**
 * The hops between source and destination by name, those of the two ends left out; undefined where
 * the destination did not answer. Silent hops right before the destination are left out too: that
 * is how Cilium's forwarding shows on the destination's node.
 */
function nodesBetween(
  hops: (Address | undefined)[],
  named: string[],
  address: Address,
  ends: (string | undefined)[],
): string[] | undefined {
  const end = hops.indexOf(address);
  if (end < 0) return undefined;
  const way = named.slice(0, end);
  while (way.at(-1) === "*") way.pop();
  return way.filter((name, i) => !ends.includes(name) && name !== way[i - 1]);
}
