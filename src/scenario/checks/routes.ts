import { readRoutes } from "../../observe/router.ts";
import { boundsText, inBounds } from "../bounds.ts";
import type { CheckHandler } from "../check.ts";
import { ipFamily, nodeNamed, referenceText, resolveDestination } from "../resolve.ts";

/** How many prefixes a BGP table has, and which. */
export const routes: CheckHandler<"routes"> = {
  text: (check) => `routes on ${check.on}`,

  expected: ({ count, exactly, includes, excludes }) =>
    [
      ...(count ? [`${boundsText(count)} routes`] : []),
      ...(exactly ? [`exactly ${exactly.map(referenceText).join(", ")}`] : []),
      ...(includes ? [`with ${includes.map(referenceText).join(", ")}`] : []),
      ...(excludes ? [`without ${excludes.map(referenceText).join(", ")}`] : []),
    ].join(", "),

  async look(context, check) {
    const resolveAll = async (of: typeof check.exactly = []) =>
      await Promise.all(of.map((one) => resolveDestination(context, one, ipFamily(check.family))));
    const [exactly, includes, excludes, paths] = await Promise.all([
      resolveAll(check.exactly),
      resolveAll(check.includes),
      resolveAll(check.excludes),
      readRoutes(context.runtime, nodeNamed(context, check.on), check.family),
    ]);
    const prefixes = new Set(paths.map((path) => path.prefix));
    const missing = [...exactly, ...includes].filter((prefix) => !prefixes.has(prefix));
    const tooMany = [
      ...excludes.filter((prefix) => prefixes.has(prefix)),
      ...(check.exactly ? [...prefixes].filter((prefix) => !exactly.includes(prefix)) : []),
    ];
    const countOk = check.count === undefined || inBounds(prefixes.size, check.count);
    const seen = [
      `${prefixes.size} routes`,
      ...(missing.length > 0 ? [`missing ${missing.join(", ")}`] : []),
      ...(tooMany.length > 0 ? [`not wanted: ${tooMany.join(", ")}`] : []),
      ...(countOk ? [] : [[...prefixes].join(" ")]),
    ];
    return {
      ok: countOk && missing.length === 0 && tooMany.length === 0,
      seen: seen.join("; "),
    };
  },
};
