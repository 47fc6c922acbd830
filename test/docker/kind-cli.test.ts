import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse, stringify } from "yaml";
import { labDirectory } from "../../src/lab/state-folder.ts";
import type { TimelineRecord } from "../../src/timeline/record.ts";
import { finished, repository, start } from "../system/spinelab.ts";
import { testEngine } from "./engine.ts";

/**
 * rack-spine by the command as a person gives it: ended by Ctrl-C at one moment after the other, then
 * to its end, and once more on network namespaces for comparison.
 */
const docker = testEngine();
const minutes = 60_000;
const lab = "rack-spine-kind";
const cluster = "kind"; // As labs/rack-spine/cluster.yaml names it.
const folder = mkdtempSync(join(tmpdir(), "spinelab-kind-cli-"));
const scenario = join(folder, "scenario.yaml");
const routers = ["router0", "tor0", "tor1"];

/** By this in their environment the processes that a command leaves behind are found. */
const mark = `SPINELAB_TEST_MARK=${folder}`;
/** Volumes seen in the containers of kind's nodes. */
const volumes = new Set<string>();

beforeAll(() => {
  process.env["SPINELAB_TEST_MARK"] = folder;
  writeScenarioWithTables();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The lab's own scenario; after each of its steps the routers are asked for their tables. */
function writeScenarioWithTables(): void {
  type Step = { name: string };
  const file = join(repository, "scenarios/rack-spine.yaml");
  const own = parse(readFileSync(file, "utf8")) as { steps: Step[] };
  const tables = routers.flatMap((on) =>
    ["show bgp ipv4 unicast", "show bgp ipv4 unicast summary json"].map((command) => ({
      exec: { on, command: `vtysh -c '${command}'` },
    })),
  );
  const steps = own.steps.flatMap((step) => [step, { name: `tables: ${step.name}`, do: tables }]);
  writeFileSync(scenario, stringify({ ...own, steps }, { lineWidth: 0 }));
}

function run(runtime: "docker" | "netns"): ChildProcess {
  const report = join(folder, runtime);
  const more = ["--runtime", runtime, "--scenario", scenario, "--report", report, "--json"];
  return start("run", "rack-spine", "--name", lab, ...more);
}

const stage = (record: TimelineRecord, name: string) =>
  record.type === "stage" && record.state === "begin" && record.stage === name;

const moments: Record<string, (record: TimelineRecord) => boolean | Promise<boolean>> = {
  "while kind prepares its nodes": async (record) => {
    if (!stage(record, `kind ${cluster}`)) return false;
    await expect.poll(kindContainers, { timeout: minutes, interval: 20 }).not.toEqual([]);
    return true;
  },
  "while kubeadm runs, and images are loaded": (record) =>
    record.type === "stage" && record.state === "begin" && record.stage.endsWith("into kind"),
  "while links are made": (record) => stage(record, "links"),
  "while agents and pods start": (record) => stage(record, "kubernetes"),
  "while the scenario plays": (record) => record.type === "step" && record.index === 2,
};

describe("Ctrl-C leaves nothing, within seconds", () => {
  test.for(Object.entries(moments))("%s", { timeout: 5 * minutes }, async ([, isNow]) => {
    const child = run("docker");
    const records = recordsOf(child);
    const ended = finished(child);
    onTestFinished(() => void child.kill("SIGKILL"));
    let interruptedMs: number | undefined;
    for await (const record of records) {
      if (interruptedMs !== undefined || !(await isNow(record))) continue;
      await noteVolumes();
      interruptedMs = performance.now();
      child.kill("SIGINT");
    }
    const { status, stderr } = await ended;
    expect({ interrupted: interruptedMs !== undefined, status, stderr }).toEqual({
      ...{ interrupted: true, status: 3, stderr: "" },
    });
    const tookS = (performance.now() - interruptedMs!) / 1000;
    console.log(`everything was gone ${tookS.toFixed(1)} s after Ctrl-C`);
    expect(await leftovers()).toEqual(nothing);
  });
});

test(
  "the next run passes, and the routers' tables are those of network namespaces, line by line",
  async () => {
    const [onDocker, onNetns] = [await whole("docker"), await whole("netns")];
    expect(onDocker.tables.size).toBe(14 * routers.length * 2);
    expect([...onDocker.tables.keys()]).toEqual([...onNetns.tables.keys()]);
    for (const [what, table] of onNetns.tables) {
      expect(`${what}\n${onDocker.tables.get(what)}`).toBe(`${what}\n${table}`);
    }
    console.log(sideBySide(onDocker.steps, onNetns.steps));
  },
  10 * minutes,
);

type Whole = { tables: Map<string, string>; steps: Map<string, number> };

async function whole(runtime: "docker" | "netns"): Promise<Whole> {
  const child = run(runtime);
  const records = recordsOf(child);
  const ended = finished(child);
  const tables = new Map<string, string>();
  const steps = new Map<string, number>();
  let verdict: TimelineRecord | undefined;
  let after = "";
  for await (const record of records) {
    if (record.type === "step" && record.state === "begin") after = record.name;
    else if (record.type === "step") steps.set(record.name, record.tookMs);
    else if (record.type === "exec" && after.startsWith("tables: ")) {
      tables.set(`${after} · ${record.node} · ${record.command}`, comparable(record.stdout));
    } else if (record.type === "stage" && record.stage === "deployed") {
      steps.set("deploy", record.tookMs!);
      if (runtime === "docker") await noteVolumes();
    } else if (record.type === "down") steps.set("take down", record.tookMs);
    else if (record.type === "verdict") verdict = record;
  }
  const { status, stderr } = await ended;
  expect({ verdict, status, stderr }).toMatchObject({
    verdict: { verdict: "pass", checks: { pass: 79, fail: 0, inconclusive: 0 } },
    status: 0,
    stderr: "",
  });
  expect(await leftovers()).toEqual(nothing);
  return { tables, steps };
}

type Summary = {
  as: number;
  routerId: string;
  peers: Record<string, { remoteAs: number; state: string; pfxRcd: number; pfxSnt: number }>;
};

/** Of a table every line but the number of its changes so far; of the sessions state and counts. */
function comparable(printed: string): string {
  if (!printed.startsWith("{")) return printed.replace(/^BGP table version is \d+, /m, "");
  const { as, routerId, peers } = JSON.parse(printed) as Summary;
  const lines = Object.entries(peers).map(
    ([peer, { remoteAs, state, pfxRcd, pfxSnt }]) =>
      `${peer} AS ${remoteAs} ${state} ${state === "Established" ? `${pfxRcd}/${pfxSnt}` : ""}`,
  );
  return [`AS ${as} ${routerId}`, ...lines].join("\n");
}

function sideBySide(onDocker: Whole["steps"], onNetns: Whole["steps"]): string {
  const seconds = (ms: number | undefined) => ((ms ?? NaN) / 1000).toFixed(2).padStart(8);
  const rows = [...onDocker]
    .filter(([step]) => !step.startsWith("tables: "))
    .map(([step, ms]) => `${step.padEnd(52)}${seconds(ms)}${seconds(onNetns.get(step))}`);
  return [`${"seconds".padEnd(52)}${"docker".padStart(8)}${"netns".padStart(8)}`, ...rows].join(
    "\n",
  );
}

async function* recordsOf(child: ChildProcess): AsyncGenerator<TimelineRecord> {
  for await (const line of createInterface({ input: child.stdout! })) {
    yield JSON.parse(line) as TimelineRecord;
  }
}

function kindContainers() {
  const filters = { label: [`io.x-k8s.kind.cluster=${cluster}`] };
  return docker.listContainers({ all: true, filters });
}

async function noteVolumes(): Promise<void> {
  for (const { Mounts } of await kindContainers()) {
    for (const { Name } of Mounts) if (Name !== undefined) volumes.add(Name);
  }
}

/** What of the lab is there: of an engine that others use too, only what is the lab's. */
async function leftovers() {
  const [nodes, ofLab, networks, left] = await Promise.all([
    kindContainers(),
    docker.listContainers({ all: true, filters: { label: [`spinelab.lab=${lab}`] } }),
    docker.listNetworks(),
    docker.listVolumes(),
  ]);
  return {
    containers: [...nodes, ...ofLab].flatMap(({ Names }) => Names),
    networks: networks.map(({ Name }) => Name).filter((name) => name === "kind"),
    volumes: left.Volumes.map(({ Name }) => Name).filter((name) => volumes.has(name)),
    processes: readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && isMarked(pid)),
    state: [labDirectory(lab)].filter((path) => existsSync(path)),
  };
}

const nothing = { containers: [], networks: [], volumes: [], processes: [], state: [] };

function isMarked(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").includes(mark);
  } catch {
    return false; // It has ended meanwhile.
  }
}
