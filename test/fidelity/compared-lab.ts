import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Lab } from "../../src/lab/lab.ts";
import { differences } from "./compare.ts";
import { drawnScenario } from "./drawn.ts";
import { nearestTimes, timesOutOfBand } from "./nearest-times.ts";
import type { LabResult } from "./page.ts";
import { type Played, played, type PlayOptions } from "./play.ts";

/** Of the hash by which a simulated node chooses one of equal ways. */
export const hashSeedsMost = 16;

/**
 * Plays the lab in virtual time and in namespaces. Where a time is not within the band both are played again, the
 * simulation with another seed, `runsMost` times in all, and the nearest two times count (nearest-times.ts). Where it is
 * an outage the simulation is played with other hashes, too.
 */
export async function comparedLab(name: string, runsMost: number): Promise<LabResult> {
  const playReal = () => played(name, { kind: "netns" });
  const real = await playReal();
  const { lastedMs } = real;
  const sim = await played(name, { kind: "sim" }, { lastedMs });
  const reals = [real.times];
  const sims = [sim.times];
  const outOfBand = () => timesOutOfBand(nearestTimes(sims, reals));
  for (let seed = 2; seed <= runsMost && outOfBand().size > 0; seed++) {
    const again = await playReal();
    reals.push(again.times);
    sims.push((await played(name, { kind: "sim" }, { lastedMs: again.lastedMs, seed })).times);
  }
  for (let hash = 1; hash < hashSeedsMost && outOfBand().has("outageMs"); hash++) {
    const meddle = (lab: Lab) => setHashSeed(lab, hash);
    sims.push((await played(name, { kind: "sim" }, { lastedMs, meddle })).times);
  }
  return {
    ...compared(name, sim, real),
    runs: reals.length,
    times: [...nearestTimes(sims, reals)].map(([step, both]) => ({ step, ...both })),
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
    runs: 1,
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
