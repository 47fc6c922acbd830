import { boolean, described, inside, schemaOf, type Shape, sourceOf } from "../../input/shape.ts";
import type { Reading } from "./mentions.ts";
import {
  conditionCheck,
  execCheck,
  logCheck,
  metricCheck,
  resourceCheck,
} from "./object-checks.ts";
import { fibCheck, routeCheck, routesCheck, sessionCheck } from "./routing-checks.ts";
import { tagged, taggedSchema } from "./tagged.ts";
import { convergeCheck, httpCheck, outageCheck, pathCheck, pingCheck } from "./traffic-checks.ts";
import type { Check, CheckBody, CheckKind } from "./types.ts";

export const checkNames: readonly CheckKind[] = [
  "session",
  "route",
  "routes",
  "fib",
  "ping",
  "path",
  "http",
  "resource",
  "condition",
  "metric",
  "log",
  "exec",
  "outage",
  "converge",
];

/** An item of `expect:`. */
export function checkShape(reading: Reading, eventNames: readonly string[]): Shape<Check> {
  const shapes: Record<CheckKind, Shape<CheckBody>> = {
    session: sessionCheck(reading),
    route: routeCheck(reading),
    routes: routesCheck(reading),
    fib: fibCheck(reading),
    ping: pingCheck(reading),
    path: pathCheck(reading),
    http: httpCheck(reading),
    resource: resourceCheck(reading),
    condition: conditionCheck(reading),
    metric: metricCheck(reading),
    log: logCheck(reading),
    exec: execCheck(reading),
    outage: outageCheck(reading),
    converge: convergeCheck,
  };
  const read = tagged({
    what: "check",
    shapes,
    beside: ["warn"],
    hintAt: (name) =>
      eventNames.includes(name) ? `'${name}' is an event: it goes under 'do'` : undefined,
  });
  return described(taggedSchema(shapes, { warn: schemaOf(boolean) }), (node, at) => {
    const check = read(node, at);
    if (check === undefined) return undefined;
    const written = check.entries.get("warn");
    const warn = written !== undefined && boolean(written, inside(at, "warn", written)) === true;
    return { ...check.value, source: sourceOf(at), ...(warn && { warn }) };
  });
}
