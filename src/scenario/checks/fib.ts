import type { Family } from "../../net/address.ts";
import { defaultRoutes, type Prefix, prefixFamily } from "../../net/prefix.ts";
import { type FibRoute, gatewaysOf, kernelRoutes } from "../../observe/kernel.ts";
import { boundsText, inBounds } from "../bounds.ts";
import type { CheckContext, CheckHandler } from "../check.ts";
import {
  familyText,
  nextHopText,
  referenceText,
  resolveDestination,
  resolvePlace,
  sameNextHops,
} from "../resolve.ts";
import type { CheckOf } from "../schema/types.ts";

type FibCheck = CheckOf<"fib">;

/** One route in the main table of a node's or pod's kernel. */
export const fib: CheckHandler<"fib"> = {
  text: (check) =>
    `fib ${destinationText(check)} on ${referenceText(check.on)}${check.absent ? " absent" : ""}`,

  expected: (check) =>
    check.absent
      ? "no such route"
      : [
          ...(check.via ? [`via ${check.via.map(referenceText).join(", ")}`] : []),
          ...(check.dev === undefined ? [] : [`dev ${check.dev}`]),
          ...(check.metric === undefined ? [] : [`metric ${check.metric}`]),
          ...(check.nextHops ? [`next hops ${boundsText(check.nextHops)}`] : []),
          ...(check.protocol === undefined ? [] : [`protocol ${check.protocol}`]),
        ].join(", ") || "there",

  async look(context, check) {
    const place = await resolvePlace(context, check.on);
    const prefix = await prefixOfCheck(context, check);
    const family: Family = prefixFamily(prefix);
    const [all] = await Promise.all([
      kernelRoutes(context.runtime, place, family),
      context.names.ready(),
    ]);
    const found = all.filter((one) => one.prefix === prefix && one.table === "main");
    const seen = found.map((one) => routeText(context, place.node, one)).join("; ");
    if (check.absent) return { ok: found.length === 0, seen: seen || "no such route" };
    const ok = found.some((one) => isAsExpected(context, place.node, one, check));
    return { ok, seen: seen || `no route to ${prefix}` };
  },
};

function isAsExpected(
  context: CheckContext,
  node: string,
  one: FibRoute,
  check: FibCheck,
): boolean {
  return (
    (check.via === undefined || sameNextHops(context, node, gatewaysOf(one), check.via)) &&
    (check.dev === undefined || one.nextHops.some((hop) => hop.interface === check.dev)) &&
    (check.metric === undefined || one.metric === check.metric) &&
    (check.nextHops === undefined || inBounds(one.nextHops.length, check.nextHops)) &&
    (check.protocol === undefined || one.protocol === check.protocol)
  );
}

function routeText(context: CheckContext, node: string, one: FibRoute): string {
  const gateways = gatewaysOf(one).map((hop) => nextHopText(context, node, hop));
  const interfaces = one.nextHops.flatMap((hop) => hop.interface ?? []);
  return [
    one.prefix,
    ...(one.type === "unicast" ? [] : [one.type]),
    ...(gateways.length > 0 ? [`via ${gateways.join(", ")}`] : []),
    ...(interfaces.length > 0 ? [`dev ${interfaces.join(", ")}`] : []),
    `metric ${one.metric}`,
    `protocol ${one.protocol}`,
  ].join(" ");
}

function destinationText({ prefix, family }: FibCheck): string {
  return `${prefix === "default" ? "default" : referenceText(prefix)}${familyText(family)}`;
}

async function prefixOfCheck(context: CheckContext, check: FibCheck): Promise<Prefix> {
  const { prefix, family } = check;
  return prefix === "default"
    ? defaultRoutes[family ?? "ipv4"]
    : await resolveDestination(context, prefix, family);
}
