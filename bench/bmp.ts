/**
 * How long after a change of a BGP table a check sees it, by polls and by a word of the router (BMP): a community
 * of which the kernel hears nothing changes on r2, a check on r1 waits for it. From the command on r2 to the
 * check; FRR's own part of that, twice its queue of 50 ms, is the same in both. Root.
 *
 *   node bench/bmp.ts [ROUNDS]
 */
import { cpus, loadavg, release } from "node:os";
import { validateResource } from "../src/cilium/schema/validate.ts";
import { Lab } from "../src/lab/lab.ts";
import { loadLab } from "../src/lab/load.ts";
import { tryOpenVty } from "../src/observe/frr.ts";
import { Changes } from "../src/scenario/changes.ts";
import { expectAll } from "../src/scenario/expect.ts";
import { seededRandom } from "../src/scenario/random.ts";
import type { Check } from "../src/scenario/schema/types.ts";
import { readScenarioText } from "../src/scenario/schema/read.ts";

const rounds = Number(process.argv[2] ?? 40);
const signal = AbortSignal.timeout(600_000);
const topology = new URL("bmp.clab.yaml", import.meta.url).pathname;
const source = { name: `bench-bmp-${process.pid}`, topology, clusters: [], manifests: [] };
const { spec } = loadLab(source, "node bench/bmp.ts");
const lab = await Lab.open(spec, { sinks: [] });
const random = seededRandom(1, "bench/bmp");
try {
  await lab.up(signal);
  using r2 = (await tryOpenVty(lab.runtime, "r2", "bgpd"))!;
  for (const line of ["configure terminal", "router bgp 65002", "address-family ipv4 unicast"])
    await r2.run(line);
  const tookMs = { polls: [] as number[], bmp: [] as number[] };
  const looks = { polls: [] as number[], bmp: [] as number[] };
  await waitFor("bmp", 1, async () => {});
  for (let n = 0; n < 2 * rounds; n++) {
    const by = n % 2 === 0 ? "polls" : "bmp";
    const community = n % 2 === 0 ? 2 : 1;
    const map = community === 1 ? "ONE" : "TWO";
    let beganMs = 0;
    const seen = await waitFor(by, community, async () => {
      // Somewhere between two polls.
      await lab.context(signal).clock.wait(150 + 100 * random(), signal);
      beganMs = performance.now();
      await r2.run(`network 198.51.100.0/24 route-map ${map}`);
    });
    tookMs[by].push(performance.now() - beganMs);
    looks[by].push(seen);
  }
  const machine = `${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}, Node ${process.versions.node}`;
  console.log(`${rounds} rounds of each, ${machine}, load ${loadavg()[0]!.toFixed(1)}:\n`);
  console.log("| | median | p95 | worst | looks |\n|---|---|---|---|---|");
  for (const by of ["polls", "bmp"] as const) {
    const sorted = tookMs[by].toSorted((a, b) => a - b);
    const at = (share: number) =>
      sorted[Math.min(rounds - 1, Math.floor(rounds * share))]!.toFixed(0);
    const mean = looks[by].reduce((sum, each) => sum + each, 0) / rounds;
    const name = by === "bmp" ? "by BMP" : "by polls";
    console.log(`| ${name} | ${at(0.5)} ms | ${at(0.95)} ms | ${at(1)} ms | ${mean.toFixed(1)} |`);
  }
} finally {
  await lab.down();
}

/** Waits for r1's route to have this community while `change` goes on; how often was looked. Only what is named wakes. */
async function waitFor(
  by: "polls" | "bmp",
  community: number,
  change: () => Promise<void>,
): Promise<number> {
  const context = lab.context(signal);
  const deaf = { onTold: () => () => {} };
  await using changes = new Changes(by === "bmp" ? context : { ...context, bmp: deaf });
  const view = { beganMs: 0, logsBefore: new Map(), probe: () => undefined };
  const step = { ...view, convergeMs: () => undefined };
  const expectation = { withinMs: 30_000, forMs: 0 };
  const waiting = expectAll({ ...context, step }, changes, [checkOf(community)], expectation);
  const [[result]] = await Promise.all([waiting, change()]);
  if (result?.verdict !== "pass") throw new Error(`not within 30 s; last saw ${result?.seen}`);
  return result.looks;
}

function checkOf(community: number): Check {
  const yaml = `name: one
steps: [ { name: one, expect: [ { route: { on: r1, prefix: 198.51.100.0/24, best: true, communities: { exactly: ["65002:${community}"] } } } ] } ]`;
  const read = readScenarioText(yaml, "bench", validateResource, {
    fabric: spec.fabric,
    manifests: [],
  });
  if ("diagnostics" in read) throw new Error(JSON.stringify(read.diagnostics));
  return read.scenario.steps[0]!.checks[0]!;
}
