/**
 * rack-spine whole on kind, by its own timeline: how much of the time is kind's and how much
 * Spinelab's beside it. Ends with status 1 where a limit is not kept, or the scenario does not pass.
 *
 *   node bench/kind.ts [rounds] [image|copy]
 *
 * It needs what `make test-kind` needs: an engine (DOCKER_HOST), kind on PATH, and where there is no
 * registry SPINELAB_KIND_IMAGE. Times depend on the machine, the share hardly does.
 *
 * Spinelab's own time is all that deploying and taking down last beyond kind's own commands: routers,
 * links, exec lines, definitions, waiting for pods. The scenario lasts as long as what it waits for.
 * What happens while kind works slows kind down, where processors are few: so the same cluster is made
 * by hand as well, with the same two images loaded and nothing else, and both shares are measured.
 * Inject is what the speaker adds to a cluster: from the end of kind's command to the agents of all
 * four nodes being ready.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TimelineRecord } from "../src/timeline/record.ts";

const shareMax = 0.15;
const injectSecondsMax = 5;

const [rounds = "1", inject = "image"] = process.argv.slice(2);
const cluster = "kind"; // Of labs/rack-spine/cluster.yaml.
const clusterFile = new URL("../labs/rack-spine/cluster.yaml", import.meta.url).pathname;
const lab = `bench-${process.pid}`;
const command = new URL("../bin/spinelab.mjs", import.meta.url).pathname;
const work = mkdtempSync(path.join(tmpdir(), "spinelab-bench-"));

/** Seconds. */
type Times = Record<(typeof rows)[number][0], number>;
const rows = [
  ["create", "kind makes the cluster"],
  ["images", "  meanwhile: images into its nodes"],
  ["routers", "  meanwhile: routers and links"],
  ["inject", "agents of four nodes, ready after kind"],
  ["deployed", "all of the lab, ready after kind"],
  ["scenario", "the scenario"],
  ["delete", "kind deletes the cluster"],
  ["down", "  the rest of taking down"],
  ["byHand", "by hand: kind create, load, delete"],
] as const;

const times: Times[] = [];
try {
  for (let round = 0; round < Number(rounds); round++) times.push(await once());
} finally {
  rmSync(work, { recursive: true, force: true });
}
const of = (row: keyof Times) => median(times.map((each) => each[row]));
for (const [row, what] of rows)
  console.log(`${what.padEnd(42)}${of(row).toFixed(1).padStart(7)} s`);
const shares = {
  "Spinelab's own time beside kind's": (each: Times) =>
    (each.deployed + each.down) / (each.create + each.delete),
  "the whole beyond kind by hand": (each: Times) =>
    (each.create + each.deployed + each.delete + each.down) / each.byHand - 1,
};
for (const [what, shareOf] of Object.entries(shares)) {
  const share = median(times.map(shareOf));
  const text = `${(share * 100).toFixed(1).padStart(7)} %, at most ${shareMax * 100} %`;
  console.log(what.padEnd(42) + text);
  if (share > shareMax) process.exitCode = 1;
}
console.log(
  `${"inject".padEnd(42)}${of("inject").toFixed(1).padStart(7)} s, at most ${injectSecondsMax} s`,
);
if (of("inject") > injectSecondsMax) process.exitCode = 1;

async function once(): Promise<Times> {
  const records = await timeline();
  const stage = (name: string, state: "begin" | "end") => {
    const found = records.find(
      (each) => each.type === "stage" && each.stage === name && each.state === state,
    );
    if (!found) throw new Error(`the timeline has no ${state} of ${name}`);
    return found.atMs;
  };
  const lasts = (name: string) => stage(name, "end") - stage(name, "begin");
  const ofImages = records.filter(
    (each) =>
      each.type === "stage" &&
      each.stage.endsWith(`into ${cluster}`) &&
      !each.stage.startsWith("speaker "),
  );
  const images = [
    ...new Set(ofImages.map((each) => (each as { stage: string }).stage.split(" ")[0]!)),
  ];
  const made = stage(`kind ${cluster}`, "end");
  const deployed = stage("deployed", "end");
  const verdict = records.find((each) => each.type === "verdict");
  const down = records.find((each) => each.type === "down");
  if (verdict?.verdict !== "pass") throw new Error(`the scenario did not pass: ${verdict?.reason}`);
  const deleted = lasts(`delete ${cluster}`);
  const ms: Times = {
    create: lasts(`kind ${cluster}`),
    images: (ofImages.at(-1)?.atMs ?? 0) - (ofImages[0]?.atMs ?? 0),
    routers: stage("links", "end") - stage("images", "begin"),
    inject: stage(`agents of ${cluster}`, "end") - made,
    // What came before kind is Spinelab's as well.
    deployed: deployed - made + stage(`kind ${cluster}`, "begin"),
    scenario: verdict.atMs - deployed,
    delete: deleted,
    down: down!.tookMs - deleted,
    byHand: byHand(images),
  };
  return Object.fromEntries(rows.map(([row]) => [row, ms[row] / 1000])) as Times;
}

/** The least that a person would do for such a cluster, in milliseconds. */
function byHand(images: readonly string[]): number {
  const name = `${cluster}-by-hand`;
  const nodeImage = process.env["SPINELAB_KIND_IMAGE"];
  const kubeconfig = path.join(work, "kubeconfig");
  const kind = (...args: string[]) =>
    execFileSync("kind", [...args, "--name", name], { stdio: ["ignore", "ignore", "pipe"] });
  const hadNetwork = spawnSync("docker", ["network", "inspect", "kind"]).status === 0;
  const began = performance.now();
  try {
    const which = nodeImage === undefined ? [] : ["--image", nodeImage];
    kind("create", "cluster", "--config", clusterFile, "--kubeconfig", kubeconfig, ...which);
    for (const image of images) kind("load", "docker-image", image);
  } finally {
    kind("delete", "cluster", "--kubeconfig", kubeconfig);
  }
  const tookMs = performance.now() - began;
  if (!hadNetwork) execFileSync("docker", ["network", "rm", "kind"], { stdio: "ignore" });
  return tookMs;
}

/** Runs the lab as a user would. */
function timeline(): Promise<TimelineRecord[]> {
  const flags = ["--runtime", "docker", "--inject", inject, "--report", work, "--json"];
  const argv = [command, "run", "rack-spine", "--name", lab, ...flags];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.on("error", reject);
    child.on("close", () => {
      const lines = stdout.trimEnd().split("\n");
      resolve(lines.map((line) => JSON.parse(line) as TimelineRecord));
    });
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
