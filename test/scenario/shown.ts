/**
 * Where each event and each check of a scenario is shown to work and to fail for the right reason: the
 * file, and words of the test's title or, for a table of cases, of its row. System tests, against real
 * FRR and the kernel, but for what only happens to a lab that is broken.
 */
export type Shown = { passes: Place[]; fails: Place[] };
export type Place = [file: string, title: string];

const eventCases = "test/system/events.test.ts";
const checkCases = "test/system/checks.test.ts";
const checkUnits = "src/scenario/checks/checks.test.ts";
const eventUnits = "src/scenario/events/events.test.ts";
const chaosUnits = "src/scenario/events/chaos.test.ts";
const runUnits = "src/scenario/run.test.ts";
const power = "test/system/node-power.test.ts";
const ospf = "test/system/ospf.test.ts";

/** Of a row of `cases`: what the event does is seen, and one that cannot be done says why. */
const both = (row: string, more: Partial<Shown> = {}): Shown => ({
  passes: [[eventCases, `  ${row}: {`], ...(more.passes ?? [])],
  fails: [[eventCases, `  ${row}: {`], ...(more.fails ?? [])],
});

export const events: Record<string, Shown> = {
  link: {
    passes: [
      [eventCases, "  link: {"],
      [eventCases, '"link impair": {'],
    ],
    fails: [
      [eventCases, "  link: {"],
      [eventCases, '"link impair": {'],
      [eventUnits, "what no kernel here can do"],
    ],
  },
  agent: both("agent", {
    passes: [["scenarios/rack-spine/agents-in-turn.yaml", "do: upgrade"]],
  }),
  metric: {
    passes: [
      [eventCases, '"metric of BGP": {'],
      [eventCases, '"metric of a kernel route": {'],
      [ospf, "a higher cost moves the routes to the other cable, and back"],
    ],
    fails: [
      [eventCases, '"metric of BGP": {'],
      [eventCases, '"metric of OSPF": {'],
      [eventCases, '"metric of a kernel route": {'],
    ],
  },
  config: both("config", { fails: [[eventUnits, "the rejected line is named"]] }),
  daemon: both("daemon", { passes: [[power, "a daemon that a scenario ends"]] }),
  node: both("node", {
    passes: [[power, "a node that the lab leaves out joins when the scenario starts it"]],
    fails: [[power, "a start of a node that is up fails the step"]],
  }),
  gateway: both("gateway"),
  apply: both("apply"),
  patch: both("patch"),
  delete: both("delete"),
  scale: both("scale"),
  exec: both("exec"),
  partition: both("partition"),
  chaos: both("chaos", { passes: [[chaosUnits, "seed"]] }),
  together: both("together"),
};

export const checks: Record<string, Shown> = {
  session: spoiled("session: { on: tor0, to: kind-worker, received: 1"),
  route: spoiled("route: { on: router0, prefix: kind-worker3.podCIDR, via: tor1 }", [
    checkCases,
    "a route that a router no longer announces fails",
  ]),
  routes: spoiled("routes: { on: router0, count: 12 }"),
  fib: spoiled("fib: { on: tor1, prefix: kind-worker3.podCIDR"),
  ping: spoiled("ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3, count: 2", [
    checkCases,
    "a ping that a packet filter blocks fails, and passes when it is gone",
  ]),
  path: spoiled("path: { from: netshoot@kind-worker"),
  http: spoiled("http: { from: netshoot@kind-worker, to: kind-worker, port: 9962"),
  resource: spoiled("resource: { kind: CiliumBGPNodeConfig"),
  condition: spoiled("condition: { kind: CiliumBGPClusterConfig"),
  metric: spoiled("metric: { on: kind-worker, name: cilium_bgp_control_plane_session_state"),
  log: {
    passes: [[checkCases, "log: a line written since the step began"]],
    fails: [
      [checkCases, "log: a line written since the step began"],
      [checkUnits, "log: only what was written since the step began"],
    ],
  },
  exec: spoiled("exec: { on: tor0, command: hostname"),
  outage: {
    passes: [[checkCases, "outage and converge: of a link that was cut"]],
    fails: [
      [checkCases, "outage and converge: of a link that was cut"],
      [runUnits, "too long an outage fails"],
    ],
  },
  converge: {
    passes: [[checkCases, "outage and converge: of a link that was cut"]],
    fails: [
      [checkCases, "outage and converge: of a link that was cut"],
      [runUnits, "later than allowed: fail"],
    ],
  },
};

/** A row of `cases`: the check as it holds, and the same with one thing wrong. */
function spoiled(row: string, ...more: Place[]): Shown {
  return { passes: [[checkCases, row]], fails: [[checkCases, row], ...more] };
}
