import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Lab } from "../../src/lab/lab.ts";
import { differences, isBeyond, outOfBand } from "./compare.ts";
import { drawnScenario } from "./drawn.ts";
import type { LabResult } from "./page.ts";
import { type Played, played, type PlayOptions, type StepTimes } from "./play.ts";

/** Of the hash by which a simulated node chooses one of equal ways. */
export const hashSeedsMost = 16;

/**
 * Plays the lab in virtual time and in namespaces. Where something took longer in namespaces than it may, it is played
 * there again, `realRunsMost` times in all, and the least of each time counts: a machine that has other things to do as
 * well makes times longer, never shorter. Which of equal ways a probe goes is by chance on both sides: where an outage is
 * not within the band, the simulation is played with other hashes too, and the nearest outage counts.
 */
export async function comparedLab(name: string, realRunsMost: number): Promise<LabResult> {
  const playReal = () => played(name, { kind: "netns" });
  const real = await playReal();
  const sim = await played(name, { kind: "sim" }, { lastedMs: real.lastedMs });
  let { times } = real;
  let realRuns = 1;
  for (; realRuns < realRunsMost && isSlow(times, sim.times); realRuns++) {
    times = leastOf(times, (await playReal()).times);
  }
  let simTimes = sim.times;
  for (let seed = 1; seed < hashSeedsMost && hasOtherOutage(simTimes, times); seed++) {
    const other = await played(
      name,
      { kind: "sim" },
      { lastedMs: real.lastedMs, meddle: (lab) => setHashSeed(lab, seed) },
    );
    simTimes = withNearestOutages(simTimes, other.times, times);
  }
  return {
    ...compared(name, sim, real),
    realRuns,
    times: [...times].map(([step, of]) => ({ step, real: of, sim: simTimes.get(step) ?? {} })),
  };
}

/** A simulated lab is at rest after so long: a session may be tried again only then. */
const simulatedRestMs = 12_000;

/**
 * Plays what a seed draws (drawn.ts) in virtual time, in namespaces, and once more in virtual time with steps as long as
 * they were there. No check of such a scenario says what is waited for: each step goes on until it is as in the run
 * before, or for half a minute. Where only pings differ the simulation is played with other hashes, too. How long a
 * session stays away, and so a step lasts, is a matter of where its timers stood; times are not judged.
 */
export async function comparedDrawn(name: string, seed: number): Promise<LabResult> {
  const file = join(mkdtempSync(join(tmpdir(), "spinelab-drawn-")), `${name}-${seed}.yaml`);
  try {
    writeFileSync(file, drawnScenario(name, seed));
    const play = (kind: "sim" | "netns", options: PlayOptions) =>
      played(name, { kind }, { ...options, scenario: file });
    const first = await play("sim", { restMs: simulatedRestMs });
    const real = await play("netns", { expected: first.states });
    const { lastedMs, states: expected } = real;
    let result = compared(name, await play("sim", { lastedMs, expected }), real);
    // Where one of equal ways leads nowhere, the hash says whether a ping is lost.
    for (let hash = 1; hash < hashSeedsMost && losesOtherPings(result); hash++) {
      const meddle = (lab: Lab) => setHashSeed(lab, hash);
      result = compared(name, await play("sim", { lastedMs, expected, meddle }), real);
    }
    const [, ...steps] = expected.keys();
    return { ...result, drawn: { seed, steps } };
  } finally {
    rmSync(dirname(file), { recursive: true });
  }
}

/** All that nothing explains is about pings and their ways. */
function losesOtherPings({ differences: all }: LabResult): boolean {
  const unexplained = all.filter(({ why }) => why === undefined);
  return unexplained.length > 0 && unexplained.every(({ node }) => node === "pods");
}

function compared(name: string, sim: Played, real: Played): LabResult {
  const lines = [...real.states.values()].flatMap((state) => Object.values(state).flat());
  return {
    lab: name,
    sim: sim.verdict,
    real: real.verdict,
    failures: [
      ...sim.failures.map((text) => `sim: ${text}`),
      ...real.failures.map((text) => `netns: ${text}`),
    ],
    steps: real.states.size,
    linesCompared: lines.length,
    differences: differences(sim, real),
    realRuns: 1,
    times: [],
  };
}

async function setHashSeed(lab: Lab, seed: number): Promise<void> {
  const argv = ["sysctl", "-w", `net.ipv4.fib_multipath_hash_seed=${seed}`];
  for (const { name } of lab.context(new AbortController().signal).fabric.nodes) {
    const { exitCode, stderr } = await lab.runtime.exec({ node: name }, argv);
    if (exitCode !== 0) throw new Error(`${name}: ${argv.join(" ")}: ${stderr}`);
  }
}

function hasOtherOutage(sim: Played["times"], real: Played["times"]): boolean {
  return [...real].some(([step, times]) =>
    outOfBand(sim.get(step) ?? {}, times).includes("outageMs"),
  );
}

function withNearestOutages(
  sim: Played["times"],
  other: Played["times"],
  real: Played["times"],
): Played["times"] {
  const distance = (step: string, times: StepTimes = {}) =>
    Math.abs((times.outageMs ?? 0) - (real.get(step)?.outageMs ?? 0));
  return new Map(
    [...sim].map(([step, times]): [string, StepTimes] => {
      const others = other.get(step);
      const isNearer = distance(step, others) < distance(step, times);
      return [step, isNearer ? { ...times, outageMs: others?.outageMs } : times];
    }),
  );
}

function isSlow(real: Played["times"], sim: Played["times"]): boolean {
  return [...real].some(([step, times]) =>
    (["convergeMs", "outageMs"] as const).some((one) =>
      isBeyond(times[one] ?? 0, sim.get(step)?.[one] ?? 0),
    ),
  );
}

function leastOf(one: Played["times"], other: Played["times"]): Played["times"] {
  const least = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : Math.min(a, b);
  return new Map(
    [...one].map(([step, times]): [string, StepTimes] => {
      const others = other.get(step) ?? {};
      return [
        step,
        {
          convergeMs: least(times.convergeMs, others.convergeMs),
          outageMs: least(times.outageMs, others.outageMs),
        },
      ];
    }),
  );
}
