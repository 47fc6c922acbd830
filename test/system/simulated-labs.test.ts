import { join } from "node:path";
import { expect, test } from "vitest";
import { Lab } from "../../src/lab/lab.ts";
import { findLab, loadLab } from "../../src/lab/load.ts";
import type { Scenario } from "../../src/scenario/schema/types.ts";
import { repository } from "./spinelab.ts";

const runMs = 120_000;

/** What labs need of Kubernetes' nodes: services, HTTP, gateways, agents that go and come. */
test.each([
  "auto-discovery",
  "auto-discovery-migration",
  "dual-stack",
  "egress-gateway",
  "graceful-restart",
  "legacy-policy-migration",
  "services",
])(
  "%s passes in virtual time, without an edit",
  async (name) => {
    const { verdict, checks } = await played(findLab(name));
    expect(checks.filter((check) => check.verdict !== "pass")).toEqual([]);
    expect(checks.length).toBeGreaterThan(20);
    expect(verdict).toMatchObject({ verdict: "pass" });
  },
  runMs,
);

test("agents tell Prometheus, are upgraded, killed and started; a node stands still and goes on", async () => {
  const scenario = join(import.meta.dirname, "simulated-labs", "agents.yaml");
  const { verdict, checks } = await played({ ...findLab("services"), scenario });
  expect(checks.filter((check) => check.verdict !== "pass")).toEqual([]);
  expect(verdict).toMatchObject({ verdict: "pass" });
});

/** BGP passes a node's packet rules as everything does. scenarios/rack-spine.test.ts plays them on real nodes. */
test.each(["filtered-port-179", "one-way-filter"])(
  "%s is the same in virtual time",
  async (name) => {
    const scenario = join(repository, "scenarios", "rack-spine", `${name}.yaml`);
    const { verdict, checks } = await played({ ...findLab("rack-spine"), scenario });
    expect(checks.filter((check) => check.verdict !== "pass")).toEqual([]);
    expect(verdict).toMatchObject({ verdict: "pass" });
  },
);

/** The scenarios that outside-client.test.ts plays on real nodes, but for what asks programs that are not simulated. */
test.each([
  ["outside-client", "services"],
  ["outside-client", "egress"],
  ["outside-client", "control-plane"],
  ["outside-client", "pools"],
  ["egress-interface", "scenario"],
])(
  "%s: %s is the same in virtual time",
  async (folder, name) => {
    const directory = join(repository, "test", "system", folder);
    const scenario = join(directory, `${name}.yaml`);
    const { verdict, checks } = await played({ ...findLab(directory), scenario }, withoutPrograms);
    expect(checks.filter((check) => check.verdict !== "pass")).toEqual([]);
    expect(verdict).toMatchObject({ verdict: "pass" });
  },
  runMs,
);

function withoutPrograms(scenario: Scenario): Scenario {
  const steps = scenario.steps.map((step) => ({
    ...step,
    checks: step.checks.filter(
      (check) => check.kind !== "exec" || !["sh", "nft", "ip"].includes(check.argv[0]!),
    ),
  }));
  return { ...scenario, steps };
}

async function played(of: ReturnType<typeof findLab>, cut = (scenario: Scenario) => scenario) {
  const label = `${of.name}-sim-${process.pid}`;
  const loaded = loadLab({ ...of, name: label }, "", { kind: "sim" });
  const scenario = cut(loaded.scenario!);
  const lab = await Lab.open({ ...loaded.spec, seed: 1 }, { sinks: [], scenario });
  try {
    const { signal } = new AbortController();
    await lab.up(signal);
    await lab.play(scenario, signal);
  } finally {
    await lab.down();
  }
  const verdict = lab.records.findLast((record) => record.type === "verdict");
  return { verdict, checks: lab.records.filter((record) => record.type === "check") };
}
