import type { CheckHandler } from "../check.ts";
import type { CheckKind } from "../schema/types.ts";
import { condition } from "./condition.ts";
import { converge } from "./converge.ts";
import { exec } from "./exec.ts";
import { fib } from "./fib.ts";
import { http } from "./http.ts";
import { log } from "./log.ts";
import { metric } from "./metric.ts";
import { outage } from "./outage.ts";
import { path } from "./path.ts";
import { ping } from "./ping.ts";
import { resource } from "./resource.ts";
import { route } from "./route.ts";
import { routes } from "./routes.ts";
import { session } from "./session.ts";

/** Every kind of check that a scenario can write. */
const checks: { [K in CheckKind]: CheckHandler<K> } = {
  session,
  route,
  routes,
  fib,
  ping,
  path,
  http,
  resource,
  condition,
  metric,
  log,
  exec,
  outage,
  converge,
};

export function checkHandler<K extends CheckKind>(kind: K): CheckHandler<K> {
  return checks[kind];
}
