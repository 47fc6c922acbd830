import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ownLab } from "./own-lab.ts";
import {
  finished,
  pressCtrlC,
  spinelab,
  start,
  startInForeground,
  succeed,
  traces,
  until,
} from "./spinelab.ts";

const own = ownLab("fault");
const report = () => join(own.folder, "reports");
const runArgs = () => ["run", own.file, "--name", own.name, "--report", report()];

test("an exec line that fails ends the run: node, line and output are named, evidence is kept", async () => {
  own.change("topologies/rack-spine.clab.yaml", "- ip link del eth0", "- ip link del no-such-link");
  const { status, stdout } = await spinelab(...runArgs());
  expect(status).toBe(1);
  expect(stdout).toContain("ip link del no-such-link");
  expect(stdout).toMatch(/Cannot find device "no-such-link"/);
  expect(stdout).toMatch(/rack-spine\.clab\.yaml:\d+/);
  expect(stdout).toContain("tor0");
  expect(readFileSync(join(report(), own.name, "evidence/tor0/routes.txt"), "utf8")).not.toBe("");
  expect(readFileSync(join(report(), own.name, "junit.xml"), "utf8")).toContain("<error");
});

test("a line that the lab allows to fail does not", async () => {
  own.change("topologies/rack-spine.clab.yaml", "- ip link del eth0", "- ip link del no-such-link");
  const { file } = own;
  writeFileSync(
    file,
    `${readFileSync(file, "utf8")}allowFailure: [{ node: tor0, exec: "ip link del no-such-link" }]\n`,
  );
  await succeed("up", file, "--name", own.name);
});

test("a daemon that an exec line leaves behind may keep the line's output open", async () => {
  own.change(
    "topologies/rack-spine.clab.yaml",
    "- ip link del eth0",
    "- sh -c 'sleep 1000 & echo last words; ip link del eth0'",
  );
  await succeed("up", own.file, "--name", own.name);
  const timeline = readFileSync(`/run/spinelab/${own.name}/timeline.jsonl`, "utf8");
  expect(timeline).toMatch(/"command":"sh -c 'sleep 1000.*"stdout":"last words\\n"/);
});

test("Ctrl-C does not wait for an exec line that takes long", async () => {
  own.change("topologies/rack-spine.clab.yaml", "- ip link del eth0", "- sleep 100");
  const run = startInForeground(...runArgs());
  const outcome = finished(run);
  await until("the line runs", async () => {
    const { stdout } = await spinelab("exec", "tor0", "--lab", own.name, "--", "ps", "-eo", "args");
    return stdout.includes("sleep 100");
  });
  const beganMs = performance.now();
  pressCtrlC(run);
  const { status, stdout } = await outcome;
  expect(status).toBe(3);
  expect(stdout).toContain("interrupted");
  expect(performance.now() - beganMs).toBeLessThan(20_000);
});

test("a router command that FRR rejects ends the run and is named", async () => {
  own.change(
    "topologies/rack-spine.clab.yaml",
    " no bgp ebgp-requires-policy",
    " no bgp ebgp-requires-polly",
  );
  const { status, stdout } = await spinelab(...runArgs());
  expect(status).toBe(1);
  expect(stdout).toContain("no bgp ebgp-requires-polly");
  expect(stdout).toMatch(/Unknown command/);
});

test("a routing daemon that dies fails the run", async () => {
  const run = start(...runArgs());
  const outcome = finished(run);
  // Earlier it is an exec line that fails: bgpd is not there to be configured.
  await until("bgpd of tor0", () => readState()?.phase === "up" && kill("tor0", "-x bgpd"));
  const { status, stdout } = await outcome;
  expect(status).toBe(1);
  expect(stdout).toMatch(/daemon bgpd of tor0 ended/);
  expect(readFileSync(join(report(), own.name, "junit.xml"), "utf8")).toMatch(/<(error|failure)/);
});

test("an agent that dies fails the run, with the end of its log", async () => {
  const run = start(...runArgs());
  const outcome = finished(run);
  await until("agent of kind-worker", () => kill("kind-worker", "-f '[a]pp/agent.mjs agent'"));
  const { status, stdout } = await outcome;
  expect(status).toBe(1);
  expect(stdout).toMatch(/agent of kind-worker ended/);
});

test.for([0, 150, 400, 1200, 3000])(
  "Ctrl-C %i ms after the lab began, and again and again, leaves nothing behind",
  async (afterMs) => {
    const run = startInForeground(...runArgs());
    const outcome = finished(run);
    await until("the lab's folder", () => readState() !== undefined || run.exitCode !== null);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    pressCtrlC(run);
    const impatient = setInterval(() => pressCtrlC(run), 50);
    onTestFinished(() => clearInterval(impatient));
    // Once all is done nothing is left that would hear it: the command would end with 130.
    run.stdout!.on("data", (text: string) => {
      if (text.includes("everything is taken down")) clearInterval(impatient);
    });
    const { status, stdout } = await outcome;
    expect(status).toBe(3);
    expect(stdout).toContain("interrupted");
    expect(stdout).not.toContain("ended with status");
    expect(traces(own.name)).toEqual(own.tracesBefore);
  },
);

test("SIGKILL of the runner: its processes end at once, the next command clears the rest and says so", async () => {
  const run = start(...runArgs());
  const outcome = finished(run);
  await until("all nodes", () => Object.keys(readState()?.nodes ?? {}).length === 7);
  const pids = Object.values(readState()!.nodes).map((node) => node.pid);
  run.kill("SIGKILL");
  await outcome;
  await until("the nodes' first processes gone", () => pids.every((pid) => !alive(pid)), 5000);
  const next = await spinelab("down", own.name);
  expect(next.stdout).toContain(`cleared what lab ${own.name} had left behind`);
  expect(traces(own.name)).toEqual(own.tracesBefore);
});

test("SIGKILL of the supervisor of a lab that was left up: the next up clears it and works", async () => {
  await succeed("up", own.file, "--name", own.name);
  process.kill(readState()!.supervisor.pid, "SIGKILL");
  await until("the supervisor gone", () => !alive(readState()!.supervisor.pid));
  const again = await spinelab("up", own.file, "--name", own.name);
  expect(again.stderr).toContain(`cleared what lab ${own.name} had left behind`);
  expect(again.status).toBe(0);
});

test("a stale state folder without a readable state is cleared", async () => {
  mkdirSync(`/run/spinelab/${own.name}`, { recursive: true });
  writeFileSync(`/run/spinelab/${own.name}/state.json`, "{ torn");
  await until("it counts as stale", async () => {
    const { stdout } = await spinelab("down", own.name);
    return stdout.includes("cleared");
  });
});

test("a lab of that name is up: refused with status 2 and a hint; the first goes on", async () => {
  await succeed("up", own.file, "--name", own.name);
  const second = await spinelab(...runArgs());
  expect(second.status).toBe(2);
  expect(second.stderr).toContain(`a lab ${own.name} is running already`);
  expect(second.stderr).toContain(`spinelab down ${own.name}`);
  expect(await succeed("inspect", own.name)).toContain(`lab ${own.name}: up`);
});

test("reports that cannot be written fail the run, and the lab is down all the same", async () => {
  writeFileSync(report(), "a file where the folder should be");
  // As short as a run can be: what it plays does not matter.
  const scenario = join(own.folder, "short.yaml");
  const check = "session: { on: router0, to: tor0 }";
  writeFileSync(scenario, `name: short\nsteps: [{ name: up, within: 60s, expect: [${check}] }]\n`);
  const { status, stderr } = await spinelab(...runArgs(), "--scenario", scenario);
  expect(status).toBe(1);
  expect(stderr).toMatch(/ENOTDIR|EEXIST/);
});

type State = {
  phase: string;
  nodes: Record<string, { pid: number }>;
  supervisor: { pid: number };
};

function readState(): State | undefined {
  try {
    return JSON.parse(readFileSync(`/run/spinelab/${own.name}/state.json`, "utf8")) as State;
  } catch {
    return undefined;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** `which`: how pkill finds it; a pattern must not match the shell that runs it. */
async function kill(node: string, which: string): Promise<boolean> {
  const script = `pkill -KILL ${which}`;
  const { status } = await spinelab("exec", node, "--lab", own.name, "--", "sh", "-c", script);
  return status === 0;
}
