import { expect, test } from "vitest";
import { Lab } from "../../src/lab/lab.ts";
import { findLab, loadLab } from "../../src/lab/load.ts";
import type { RuntimeChoice } from "../../src/lab/spec.ts";
import { gatewaysOf, kernelRoutes } from "../../src/observe/kernel.ts";
import { Names } from "../../src/observe/names.ts";
import type { NextHop } from "../../src/observe/rib-view.ts";
import { hasAgent, readRoutes, readSessions } from "../../src/observe/router.ts";
import { UnreadableError } from "../../src/observe/unreadable.ts";
import type { TimelineRecord } from "../../src/timeline/record.ts";
import type { FabricNode } from "../../src/topology/fabric.ts";

const runMs = 120_000;
/** Tables have come to rest when they are the same so much later. */
const restMs = 400;

test.each(["services","egress-gateway","legacy-policy-migration","graceful-restart","dual-stack","auto-discovery","auto-discovery-migration"])(
  "%s gives the same sessions, tables and kernel routes in virtual time as on real FRR, after each step",
  async (name) => {
    const simulated = await played(name, { kind: "sim" });
    const real = await played(name, { kind: "netns" });
    expect(simulated.verdict).toMatchObject({ verdict: "pass" });
    expect(real.verdict).toMatchObject({ verdict: "pass" });
    expect([...simulated.states.keys()]).toEqual([...real.states.keys()]);
    for (const [step, state] of real.states) {
      const twin = simulated.states.get(step)!;
      expect({ step, ...withoutKernel(twin) }).toEqual({ step, ...withoutKernel(state) });
      expect({ step, missing: kernelNotIn(twin, state) }).toEqual({ step, missing: [] });
    }
  },
  2 * runMs,
);

test("one seed gives one course of events", async () => {
  const [first, second] = [await played("rack-spine"), await played("rack-spine")];
  const told = ({ records }: Played) =>
    records.flatMap((record) =>
      record.type === "check" || record.type === "measures" ? [record] : [],
    );
  expect(told(first).length).toBeGreaterThan(79);
  expect(told(second)).toEqual(told(first));
});

const kernelLine = /^kernel (\S+) (.*)$/;

function withoutKernel(state: State): State {
  const entries = Object.entries(state);
  return Object.fromEntries(
    entries.map(([node, lines]) => [node, lines.filter((line) => !kernelLine.test(line))]),
  );
}

/**
 * Routes of the real kernels that the simulated ones have not, or with other next hops; and the other way round.
 * Of several next hops FRR 8.4 gives the kernel one where a link was away and is back, though it shows all as installed.
 */
function kernelNotIn(simulated: State, real: State): string[] {
  return Object.entries(real).flatMap(([node, lines]) => {
    const routes = (of: readonly string[]) =>
      new Map(
        of.flatMap((line) => {
          const [, prefix, hops] = kernelLine.exec(line) ?? [];
          return prefix === undefined ? [] : [[prefix, hops!.split(",")] as const];
        }),
      );
    const [twin, own] = [routes(simulated[node]!), routes(lines)];
    return [...new Set([...twin.keys(), ...own.keys()])]
      .filter((prefix) => {
        const hops = own.get(prefix);
        return hops === undefined || !hops.every((hop) => twin.get(prefix)?.includes(hop) === true);
      })
      .map((prefix) => `${node}: ${prefix}`);
  });
}

type Played = { verdict: unknown; states: Map<string, State>; records: TimelineRecord[] };
/** By node: its sessions, its table and its kernel's routes, a line each. */
type State = Record<string, string[]>;

async function played(name: string, runtime: RuntimeChoice = { kind: "sim" }): Promise<Played> {
  const label = `${name}-${runtime.kind}-${process.pid}`;
  const loaded = loadLab({ ...findLab(name), name: label }, "", runtime);
  const spec = { ...loaded.spec, seed: 1 };
  const scenario = loaded.scenario!;
  const lab = await Lab.open(spec, { sinks: [], scenario });
  const states = new Map<string, State>();
  try {
    const { signal } = new AbortController();
    await lab.up(signal);
    await lab.play(scenario, signal, {
      after: async (index) => {
        states.set(scenario.steps[index]!.name, await atRest(lab));
        return "go on";
      },
    });
  } finally {
    await lab.down();
  }
  const verdict = lab.records.findLast((record) => record.type === "verdict");
  return { verdict, states, records: lab.records };
}

/** By the lab's own clock. */
async function atRest(lab: Lab): Promise<State> {
  const { signal } = new AbortController();
  const { clock } = lab.context(signal);
  let before = await stateOf(lab);
  for (;;) {
    await clock.wait(restMs, signal);
    const now = await stateOf(lab);
    if (JSON.stringify(now) === JSON.stringify(before)) return now;
    before = now;
  }
}

async function stateOf({ runtime, spec }: Lab): Promise<State> {
  const names = new Names(runtime, spec.fabric);
  await names.ready();
  const state: State = {};
  for (const node of spec.fabric.nodes) {
    const isRouter = node.kind === "linux" && node.image?.includes("frr") === true;
    if (isRouter || hasAgent(node)) {
      state[node.name] = await linesOf(node, names, runtime).catch(notRunning);
    }
  }
  return state;
}

function notRunning(error: unknown): string[] {
  if (error instanceof UnreadableError) return ["nobody answers"];
  throw error;
}

async function linesOf(node: FabricNode, names: Names, runtime: Lab["runtime"]): Promise<string[]> {
  const owner = (hop: NextHop) => names.nodeOfNextHop(node.name, hop) ?? hop.address;
  const sessions = await readSessions(runtime, node, "ipv4-unicast");
  const routes = await readRoutes(runtime, node, "ipv4-unicast");
  const kernel = await kernelRoutes(runtime, { node: node.name }, "ipv4");
  return [
    ...sessions.map(({ peer, state, remoteAsn, received, sent }) =>
      state === "Established"
        ? `session ${peer} AS ${remoteAsn} ${state} ${received}/${sent}`
        : `session ${peer} down`,
    ),
    ...routes.map((route) =>
      [
        ...[route.prefix, route.nextHops.map(owner).join(","), `"${route.asPath}"`, route.origin],
        ...[`local preference ${route.localPref}`, `MED ${route.med}`],
        // Which of equal paths is the best is a matter of which came first.
        ...[(route.best || route.multipath) && "used", route.stale && "stale"],
      ]
        .filter((word) => word !== false)
        .join(" "),
    ),
    ...kernel
      .filter(({ table, protocol }) => table === "main" && protocol === "bgp")
      .map((route) => `kernel ${route.prefix} ${gatewaysOf(route).map(owner).sort().join(",")}`),
  ].sort();
}
