import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { decisionSteps, type DecisionStep, preferenceSteps } from "../bgp/rib/decision.ts";
import { Inbound } from "../bgp/speaker/inbound.ts";
import { findLab, loadLab, loadScenario } from "../lab/load.ts";
import type { LabSpec } from "../lab/spec.ts";
import { eventText } from "../scenario/events/table.ts";
import type { ScenarioEvent } from "../scenario/schema/types.ts";
import { runScenario } from "../scenario/run.ts";
import type { FaultOptions } from "./draw.ts";
import { type ExploreOptions, explore } from "./explore.ts";
import { play } from "./play.ts";
import { scenarioText } from "./scenario-text.ts";
import { playSeed } from "./seed.ts";
import type { Failing } from "./shrink.ts";
import { SimAgents } from "../sim/kubernetes/agents.ts";
import { SimulatedLab } from "./simulated-lab.ts";

const { signal } = new AbortController();
const limitMs = 240_000;

const faults: FaultOptions = {
  kinds: ["link", "node", "agent", "partition"],
  ...{ count: 3, overMs: 30_000, lastingMsMax: 30_000, heal: "some" },
};

function specOf(name: string): LabSpec {
  const { scenario: _, ...source } = findLab(name);
  return loadLab(source, "", { kind: "sim" }).spec;
}

function fixture(name: string): LabSpec {
  return specOf(new URL(`testdata/${name}`, import.meta.url).pathname);
}

const exploring = (spec: LabSpec, more: Partial<ExploreOptions> = {}) =>
  explore({
    ...{ spec, faults, signal, threads: 1, shrinks: true, onProgress: () => {} },
    seeds: { from: 1, to: 5 },
    ...more,
  });

afterEach(() => vi.restoreAllMocks());

test(
  "a lab that is as it should be breaks nothing, and one seed is one course of events",
  async () => {
    const spec = specOf("rack-spine-dual");
    const found = await exploring(spec, { seeds: { from: 1, to: 3 } });
    expect(found).toMatchObject({ done: 3, failures: [], inconclusive: [] });
    expect(found.unbroken).toMatchObject({ sessions: 8, ways: { open: 12, all: 12 } });
    const again = () => playSeed({ spec, faults, beginMs: 5000 }, 7, signal);
    expect(await again()).toEqual(await again());
  },
  limitMs,
);

test(
  "a speaker that forgets to withdraw is found by one fault, and the scenario of it fails in the same way",
  async () => {
    const spec = specOf("rack-spine-dual");
    const forget = forgetToWithdraw();
    const { failures } = await exploring(spec, { seeds: { from: 1, to: 2 } });
    const [first] = failures;
    expect(first?.invariant).toBe("exchange");
    expect(first?.smallest.drawn).toBe(3);
    expect(first?.smallest.plan.faults).toHaveLength(1);
    expect(first?.smallest.plan.faults[0]?.afterMs).toBe(0);
    expect(first?.smallest.findings[0]?.text).toContain("was not sent, or withdrawn again");
    expect(await verdictOf(spec, first!.smallest)).toBe("fail");
    forget.mockRestore();
    expect(await verdictOf(spec, first!.smallest)).toBe("pass");
  },
  limitMs,
);

test(
  "the operator's node loses its power and comes back",
  async () => {
    const spec = specOf("rack-spine-dual");
    const timing = { source: "", afterMs: 0, undoAfterMs: 5_000, times: 1 };
    const fault = { kind: "node", on: "kind-control-plane", action: "stop", ...timing } as const;
    const outcome = await play(spec, { seed: 1, beginMs: 5_000, faults: [fault] }, signal);
    expect(outcome).toMatchObject({ verdict: "pass" });
  },
  limitMs,
);

test(
  "a decision process that ignores the length of AS paths is found",
  async () => {
    using _ = withoutStep("shortest AS_PATH");
    const { failures } = await exploring(fixture("ring"), {
      faults: { ...faults, kinds: ["link"], heal: "all" },
    });
    const found = failures.find(({ invariant }) => invariant === "decision")!;
    expect(found.smallest.plan.faults.map(eventText)).toEqual([
      expect.stringMatching(/^link \w+:\w+ down$/),
    ]);
    expect(found.smallest.findings[0]?.text).toMatch(
      /: 192\.0\.2\.\d\/32 is used with .*'650\d\d 650\d\d 650\d\d'.*, and there is .*'650\d\d'/,
    );
  },
  limitMs,
);

test(
  "routes that never come to rest are told with the prefix, the routers and the paths that they go round by",
  async () => {
    const { done, failures } = await exploring(fixture("bad-gadget"));
    expect(done).toBe(0);
    expect(failures).toMatchObject([{ invariant: "rest", smallest: { plan: { faults: [] } } }]);
    const { text } = failures[0]!.smallest.findings[0]!;
    expect(text).toMatch(
      /^192\.0\.2\.1\/32 never comes to rest: one, two, three go round, every \d+ ms anew/,
    );
    const two = /two: (.*)/.exec(text)?.[1]?.split(" → ");
    expect(new Set(two)).toEqual(
      new Set(["by middle (AS path 65000, MED 0)", "by three (AS path 65003 65000)"]),
    );
    expect(await verdictOf(fixture("bad-gadget"), failures[0]!.smallest)).toBe("fail");
  },
  limitMs,
);

test(
  "an oscillation by MED (RFC 3345) is told with the AS that sends the MEDs",
  async () => {
    const { failures } = await exploring(fixture("med-oscillation"));
    expect(failures).toMatchObject([{ invariant: "rest", smallest: { plan: { faults: [] } } }]);
    const { text } = failures[0]!.smallest.findings[0]!;
    expect(text).toMatch(/^192\.0\.2\.0\/24 never comes to rest: (ra, rd|rd, ra) go round, every/);
    const rd = /rd: (.*)/.exec(text)?.[1]?.split(" → ");
    expect(new Set(rd)).toEqual(
      new Set(["by 10.255.0.5 (AS path 64506, MED 0)", "by 10.255.0.1 (AS path 64510, MED 10)"]),
    );
    expect(text).toContain("AS 64506 sends MED 0 and 1, which count between its own paths alone");
    expect(await verdictOf(fixture("med-oscillation"), failures[0]!.smallest)).toBe("fail");
  },
  limitMs,
);

test(
  "what is ended early tells what was found by then",
  async () => {
    const ending = new AbortController();
    const found = await exploring(specOf("rack-spine-dual"), {
      signal: ending.signal,
      onProgress: (progress) => {
        if (progress.stage === "seeds" && progress.done === 2) ending.abort(new Error("enough"));
      },
    });
    expect(found).toMatchObject({ done: 2, failures: [] });
  },
  limitMs,
);

test(
  "where a policy keeps a detour shut, the way that sessions allow is told",
  async () => {
    const spec = specOf("leaf-spine");
    const timing = { source: "", afterMs: 0, times: 1 };
    const stop = (on: string) => ({ ...timing, kind: "node", on, action: "stop" }) as const;
    const cut: ScenarioEvent = {
      ...{ ...timing, kind: "link", set: "down" },
      link: { between: [{ node: "superspine1" }, { node: "spine3" }] },
    };
    const plan = { seed: 1, beginMs: 5000, faults: [stop("superspine0"), stop("spine0"), cut] };
    const outcome = await play(spec, plan, signal);
    const findings = outcome.verdict === "fail" ? outcome.findings : [];
    // No ToR of this lab is a way between spines, and its own prefix is all that it announces.
    expect(findings.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(
        /^netshoot@kind-worker → netshoot@kind-worker3: no route at tor1 .*\n {2}its sessions allow tor1 → spine2 → tor2 → spine3 → tor3 → kind-worker3$/,
      ),
    );
  },
  limitMs,
);

test(
  "threads find what one finds",
  async () => {
    const found = await exploring(specOf("rack-spine-dual"), { threads: 2 });
    expect(found).toMatchObject({ done: 5, failures: [], inconclusive: [] });
  },
  limitMs,
);

/** Of a simulated run of the scenario that is written of a failure. */
async function verdictOf(spec: LabSpec, failing: Failing): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "spinelab-exploration-"));
  try {
    const file = join(folder, "found.yaml");
    writeFileSync(file, scenarioText({ fabric: spec.fabric, failing, replay: "", run: "" }));
    const scenario = loadScenario(file, spec.fabric, spec.manifests);
    await using lab = await SimulatedLab.up(spec, failing.plan.seed, signal);
    return (await runScenario(lab.context, scenario)).verdict;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The bug: what a peer withdraws stays. */
function forgetToWithdraw() {
  const update = Inbound.prototype.update;
  return vi.spyOn(Inbound.prototype, "update").mockImplementation(function (
    this: Inbound,
    received,
    nowMs,
  ) {
    update.call(this, { ...received, withdrawn: [] }, nowMs);
  });
}

/** The bug: a step of the decision process is left out. */
function withoutStep(name: string): Disposable {
  const lists = [preferenceSteps, decisionSteps] as unknown as DecisionStep[][];
  const whole = lists.map((steps) => [...steps]);
  for (const steps of lists) {
    steps.splice(
      steps.findIndex((step) => step.name === name),
      1,
    );
  }
  return {
    [Symbol.dispose]: () =>
      lists.forEach((steps, i) => steps.splice(0, steps.length, ...whole[i]!)),
  };
}

const killed = (afterMs: number, undoAfterMs?: number) => ({
  ...{ kind: "agent" as const, on: "kind-worker", action: "kill" as const, source: "here" },
  ...{ afterMs, times: 1, ...(undoAfterMs !== undefined && { undoAfterMs }) },
});

test(
  "an agent that is killed while it starts is killed, and runs when it was started again",
  async () => {
    const spec = specOf("rack-spine-dual");
    const plan = { seed: 1, beginMs: 5000 };
    // A process takes 150 ms to start.
    const again = [killed(0, 1000), killed(1050, 1000)];
    expect(await play(spec, { ...plan, faults: again }, signal)).toMatchObject({ verdict: "pass" });
    // One that is meant to stay away is no finding, one that was started and is away is.
    expect(await play(spec, { ...plan, faults: [killed(0)] }, signal)).toMatchObject({
      verdict: "pass",
    });
    // Without the API server it has no sessions, and runs all the same.
    const alone = {
      ...{ kind: "node" as const, on: "kind-control-plane", action: "stop" as const },
      ...{ source: "here", afterMs: 0, times: 1 },
    };
    const withoutApi = [alone, killed(300, 1000)];
    expect(await play(spec, { ...plan, faults: withoutApi }, signal)).toMatchObject({
      verdict: "pass",
    });
    vi.spyOn(SimAgents.prototype, "kill").mockImplementationOnce(async function (this: SimAgents) {
      await this.stop("kind-worker");
      vi.spyOn(this, "start").mockResolvedValue();
    });
    const outcome = await play(spec, { ...plan, faults: [killed(0, 1000)] }, signal);
    expect(outcome).toMatchObject({
      verdict: "fail",
      findings: expect.arrayContaining([expect.objectContaining({ invariant: "agent" })]),
    });
  },
  limitMs,
);
