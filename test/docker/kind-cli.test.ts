import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse, stringify } from "yaml";
import { labDirectory } from "../../src/lab/state-folder.ts";
import { startTimeOf } from "../../src/sys/process-start.ts";
import type { TimelineRecord } from "../../src/timeline/record.ts";
import { finished, repository, start } from "../system/spinelab.ts";
import { testEngine } from "./engine.ts";
import { kindContainers, leftovers, noteVolumes, nothing } from "./kind-traces.ts";

/**
 * rack-spine by the command as a person gives it: ended by Ctrl-C at one moment after the other, then
 * to its end, and once more on network namespaces for comparison.
 */
const minutes = 60_000;
const lab = "rack-spine-kind";
const cluster = "kind"; // As labs/rack-spine/cluster.yaml names it.
const folder = mkdtempSync(join(tmpdir(), "spinelab-kind-cli-"));
const scenario = join(folder, "scenario.yaml");
const routers = ["router0", "tor0", "tor1"];

beforeAll(writeScenarioWithTables);
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

function run(runtime: "docker" | "netns", ...flags: string[]): ChildProcess {
  const report = join(folder, runtime);
  const more = [
    ...flags,
    "--runtime",
    runtime,
    "--scenario",
    scenario,
    "--report",
    report,
    "--json",
  ];
  return start("run", "rack-spine", "--name", lab, ...more);
}

const stage = (record: TimelineRecord, name: string) =>
  record.type === "stage" && record.state === "begin" && record.stage === name;

const moments: Record<string, (record: TimelineRecord) => boolean | Promise<boolean>> = {
  "while kind prepares its nodes": async (record) => {
    if (!stage(record, `kind ${cluster}`)) return false;
    await expect
      .poll(() => kindContainers(cluster), { timeout: minutes, interval: 20 })
      .not.toEqual([]);
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
      await noteVolumes(cluster);
      interruptedMs = performance.now();
      child.kill("SIGINT");
    }
    const { status, stderr } = await ended;
    expect({ interrupted: interruptedMs !== undefined, status, stderr }).toEqual({
      ...{ interrupted: true, status: 3, stderr: "" },
    });
    const tookS = (performance.now() - interruptedMs!) / 1000;
    console.log(`everything was gone ${tookS.toFixed(1)} s after Ctrl-C`);
    expect(await leftovers(lab, cluster)).toEqual(nothing);
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

test(
  "with the speaker copied into the nodes: up, commands in pods, every check, down",
  async () => {
    const spinelab = (...args: string[]) => finished(start(...args));
    const flags = ["--name", lab, "--runtime", "docker", "--inject", "copy"];
    onTestFinished(async () => void (await spinelab("down", lab)));
    expect(await spinelab("up", "rack-spine", ...flags)).toMatchObject({ status: 0 });
    await noteVolumes(cluster);
    const inPod = ["exec", "netshoot@kind-worker", "--lab", lab, "--"];
    expect(await spinelab(...inPod, "sh", "-c", "echo out; echo err >&2; exit 7")).toEqual({
      ...{ status: 7, stdout: "out\n", stderr: "err\n" },
    });
    const route = await spinelab(...inPod, "ip", "route", "show", "default");
    expect(route.stdout).toContain("default via 10.1.1.1 dev eth0");
    await spinelab(...inPod, "sh", "-c", "echo as the container >/proc/1/fd/1");
    const logs = await spinelab("logs", "netshoot@kind-worker", "--lab", lab);
    expect(logs).toMatchObject({ status: 0, stdout: expect.stringContaining("as the container") });
    const file = join(repository, "scenarios/rack-spine.yaml");
    const { status, stdout } = await spinelab("play", lab, file, "--report", folder);
    expect({ status, passed: stdout.includes("79 passed") || stdout }).toEqual({
      ...{ status: 0, passed: true },
    });
    expect(await spinelab("down", lab)).toMatchObject({ status: 0 });
    // The process that held the lab says that it is down, and ends then.
    await expect.poll(() => leftovers(lab, cluster), { timeout: 10_000 }).toEqual(nothing);
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
  const failures: string[] = [];
  let after = "";
  for await (const record of records) {
    if (record.type === "step" && record.state === "begin") after = record.name;
    else if (record.type === "step") steps.set(record.name, record.tookMs);
    else if (record.type === "exec" && after.startsWith("tables: ")) {
      tables.set(`${after} · ${record.node} · ${record.command}`, comparable(record.stdout));
    } else if (record.type === "stage" && record.stage === "deployed") {
      steps.set("deploy", record.tookMs!);
      if (runtime === "docker") await noteVolumes(cluster);
    } else if (record.type === "down") steps.set("take down", record.tookMs);
    else if (record.type === "verdict") verdict = record;
    else if (record.type === "failure") failures.push(record.message);
  }
  const { status, stderr } = await ended;
  expect({ failures, verdict, status, stderr }).toMatchObject({
    failures: [],
    verdict: { verdict: "pass", checks: { pass: 79, fail: 0, inconclusive: 0 } },
    status: 0,
    stderr: "",
  });
  expect(await leftovers(lab, cluster)).toEqual(nothing);
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

describe("a node image that is none", () => {
  test.for([
    ["that is nowhere", "spinelab/no-such-image:1", /Ensuring node image[^]*no-such-image/],
    ["that does not boot", "spinelab/netshoot", /Preparing nodes[^]*could not find a log line/],
  ] as const)("%s: kind's own words, and nothing is left", async ([, image, words]) => {
    const before = process.env["SPINELAB_KIND_IMAGE"];
    process.env["SPINELAB_KIND_IMAGE"] = image;
    const child = run("docker");
    process.env["SPINELAB_KIND_IMAGE"] = before;
    onTestFinished(() => void child.kill("SIGKILL"));
    const ended = finished(child);
    let failure = "";
    for await (const record of recordsOf(child)) {
      if (record.type === "failure") failure += record.message;
    }
    const { status } = await ended;
    expect({ status, failure }).toEqual({ status: 1, failure: expect.stringMatching(words) });
    expect(await leftovers(lab, cluster)).toEqual(nothing);
  });
});

describe("several clusters", () => {
  const folderOfTwo = join(repository, "test/docker/two-clusters");

  test("two labs cannot have one of the same name: the second names the first", async () => {
    const first = `${lab}-1`;
    const supervisor = { pid: process.pid, startTime: startTimeOf(process.pid)! };
    mkdirSync(labDirectory(first), { recursive: true });
    writeFileSync(`${labDirectory(first)}/state.json`, JSON.stringify({ lab: first, supervisor }));
    writeFileSync(`${labDirectory(first)}/kind-${cluster}.made`, "");
    const node = await testEngine().createContainer({
      name: `${cluster}-control-plane`,
      Image: "spinelab/netshoot",
      Labels: { "io.x-k8s.kind.cluster": cluster, "io.x-k8s.kind.role": "control-plane" },
    });
    try {
      const { status, stdout } = await finished(
        start("run", "rack-spine", "--name", lab, "--runtime", "docker", "--report", folder),
      );
      expect({ status, stdout }).toEqual({
        status: 3,
        stdout: expect.stringMatching(
          `lab ${first} has a kind cluster kind[^]*spinelab down ${first}`,
        ),
      });
      expect(await leftovers(lab, "other")).toEqual(nothing);
      expect(await node.inspect()).toMatchObject({ State: { Status: "created" } });
    } finally {
      await node.remove();
      rmSync(labDirectory(first), { recursive: true });
    }
  });

  test("two in one topology", { timeout: 6 * minutes }, async () => {
    const flags = ["--runtime", "docker", "--report", join(folder, "two")];
    const { status, stdout } = await finished(start("run", folderOfTwo, ...flags));
    expect({ status, passed: stdout.includes("4 passed") || stdout }).toEqual({
      ...{ status: 0, passed: true },
    });
    for (const name of ["a", "b"]) {
      expect(await leftovers("two-clusters", name)).toEqual(nothing);
    }
  });
});
