import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { readTimeline } from "../../src/timeline/log.ts";
import {
  finished,
  pressCtrlC,
  repository,
  spinelab,
  start,
  startInForeground,
  succeed,
  until,
} from "./spinelab.ts";

/** What the author of a scenario does: plan, step, break where it fails. */
const lab = `authoring-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "spinelab-authoring-"));
const scenario = join(folder, "scenario.yaml");
writeFileSync(
  scenario,
  `name: breaks
capture: [tor1:net2]
steps:
  - name: the route comes
    within: 20s
    expect:
      - route: { on: router0, prefix: kind-worker3.podCIDR, via: tor1 }
  - name: a route over the wrong rack
    within: 300ms
    expect:
      - route: { on: router0, prefix: kind-worker3.podCIDR, via: tor0 }
  - name: is never played
    expect:
      - session: { on: router0, to: tor1 }
`,
);
const at = ["--name", lab, "--scenario", scenario, "--report", folder];

afterAll(async () => {
  for (const name of [lab, `${lab}-t`]) await spinelab("down", name);
  rmSync(folder, { recursive: true });
});

test("--dry-run prints the plan and creates nothing", async () => {
  const plan = await succeed("run", "rack-spine", ...at, "--dry-run");
  expect(plan).toContain("router0:net1 – tor1:net0");
  expect(plan).toMatch(/tor0 +ip addr add 10\.0\.0\.1\/32 dev lo/);
  expect(plan).toMatch(/2 a route over the wrong rack/);
  expect(plan).toMatch(/limit +within 300 ms/);
  expect(await succeed("list")).not.toContain(lab);
  const json = JSON.parse(await succeed("run", "rack-spine", ...at, "--dry-run", "--json"));
  expect(json.scenario.steps[1].checks[0]).toMatchObject({
    text: "route kind-worker3.podCIDR on router0 via tor0",
    source: `${scenario}:11`,
  });
});

test("--break-on-failure ends there and leaves the lab; --step asks before each step", async () => {
  const capture = ["--capture", "router0:net0"];
  const broke = await spinelab("run", "rack-spine", ...at, "--break-on-failure", ...capture);
  expect(broke.status).toBe(1);
  expect(broke.stderr).toContain("there is no terminal for a shell: it stays up");
  expect(broke.stderr).toContain(`spinelab down ${lab}`);
  expect(broke.stdout).toMatch(/– 3 is never played +–/);
  expect(broke.stdout).toMatch(/differs +via tor1, not tor0/);
  expect(broke.stdout).toMatch(/since +\d/);
  expect(await succeed("list")).toMatch(new RegExp(`${lab} +up`));
  // The packets from before the first session: OPEN messages among them.
  // Of the interface that the command names, and of that of the scenario.
  for (const each of ["router0-net0", "tor1-net2"]) {
    const pcap = join(folder, lab, `evidence/captures/${each}.pcap`);
    const read = execFileSync("tcpdump", ["-r", pcap, "-n", "tcp port 179"], { encoding: "utf8" });
    expect(read).toMatch(/Flags \[S\][\s\S]*BGP/);
  }
  expect(await spinelab("run", "rack-spine", ...at, "--capture", "router0:")).toMatchObject({
    status: 2,
  });
  const failed = readTimeline(join(folder, lab, "timeline.jsonl")).find(
    (record) => record.type === "check" && record.verdict === "fail",
  );
  expect(failed).toMatchObject({ differs: "via tor1, not tor0" });
  expect(readFileSync(join(folder, lab, "junit.xml"), "utf8")).toContain("differs:  via tor1");

  // Plays the first, is asked for help before the second, and ends there.
  const stepping = start("play", lab, scenario, "--step", "--report", folder);
  stepping.stdin!.end("\n?\nq\n");
  const stepped = await finished(stepping);
  expect(stepped.status).toBe(3);
  expect(stepped.stderr).toContain("next: step 2, a route over the wrong rack");
  expect(stepped.stderr).toContain(`spinelab doctor ${lab}`);
  expect(stepped.stdout).toMatch(/step 1 passed/);
  expect(stepped.stdout).not.toMatch(/step 2 failed/);
});

test("--break-on-failure on a terminal opens a shell of the lab, and the lab goes with it", async () => {
  const name = `${lab}-t`;
  const run = [process.execPath, "bin/spinelab.mjs", "run", "rack-spine", ...at, "--name", name];
  // It gives the command a terminal, and what it is given itself is typed there.
  const terminal = spawn(
    "script",
    ["-qec", [...run, "--break-on-failure"].join(" "), "/dev/null"],
    {
      cwd: repository,
      env: { ...process.env, SHELL: "/bin/sh" },
    },
  );
  let shown = "";
  terminal.stdout.setEncoding("utf8").on("data", (text: string) => (shown += text));
  const ended = finished(terminal);
  onTestFinished(() => void terminal.kill());
  const shows = (what: RegExp) => until(String(what), () => what.test(shown), 60_000);
  const interrupt = "\u0003";
  await shows(/a shell: [^\n]*\n[^]*[#$] $/);
  terminal.stdin.write("spinelab bgp peers\n");
  await shows(/kind-worker3 +65011 +65011/);
  terminal.stdin.write("kubectl get nodes\n");
  await shows(/kind-worker3 +Ready/);
  // Whom the interrupt meets, the shell or what it becomes, is ended by it.
  terminal.stdin.write("sh -c 'echo asleep: $((1 + 1)); exec sleep 4711'\n");
  await shows(/asleep: 2/);
  terminal.stdin.write(interrupt);
  terminal.stdin.write("echo still $SPINELAB_LAB\n");
  await shows(new RegExp(`still ${name}`));
  expect(await succeed("list")).toMatch(new RegExp(`${name} +up`));
  terminal.stdin.write("exit\n");
  expect((await ended).status).toBe(1);
  expect(shown).toContain(`taking lab ${name} down`);
  expect(await succeed("list")).not.toContain(name);
});

test("watch plays anew when a file changes, tells mistakes, and leaves nothing", async () => {
  const name = `${lab}-w`;
  const file = join(folder, "watched.yaml");
  const write = (check: string) =>
    writeFileSync(
      file,
      `name: watched
steps:
  - name: looks
    within: 20s
    expect:
      - ${check}
`,
    );
  write("session: { on: router0, to: tor0 }");
  const watching = startInForeground(
    ...["watch", "rack-spine", "--name", name, "--scenario", file, "--report", folder],
  );
  let said = "";
  for (const stream of [watching.stdout!, watching.stderr!]) {
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  }
  const ended = finished(watching);
  const says = (what: RegExp) => until(String(what), () => what.test(said), 60_000);
  await says(/PASSED[\s\S]*watching \d+ files/);

  said = "";
  write("sesion: { on: router0, to: tor0 }");
  await says(
    /watched\.yaml changed[\s\S]*:6: UnknownCheck[\s\S]*did you mean 'session'[\s\S]*watching/,
  );

  said = "";
  write("session: { on: router0, to: tor1 }");
  await says(/session router0 → tor1[\s\S]*PASSED[\s\S]*watching/);

  const applied = join(folder, "applied.yaml");
  const object = (called: string) =>
    `{ apiVersion: v1, kind: Namespace, metadata: { name: ${called} } }`;
  writeFileSync(applied, object("blue"));
  said = "";
  write("session: { on: router0, to: tor1 }\n    do: { apply: applied.yaml }");
  await says(/apply Namespace blue[\s\S]*PASSED[\s\S]*watching/);
  said = "";
  writeFileSync(applied, object("green"));
  await says(/applied\.yaml changed[\s\S]*apply Namespace green/);
  pressCtrlC(watching);
  expect((await ended).status).toBe(3);
  expect(said).toContain("interrupted");
  expect(await succeed("list")).not.toContain(name);
});
