import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { finished, repository, spinelab, start, traces, until } from "./spinelab.ts";

/** Bad input as a user meets it: every mistake with file and line, status 2, nothing created. */
let folder: string;
const lab = `input-${process.pid}`;
const before = traces(lab);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spinelab-input-"));
  for (const part of ["labs/rack-spine", "topologies", "scenarios"]) {
    cpSync(join(repository, part), join(folder, part), { recursive: true });
  }
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function change(file: string, from: string | RegExp, to: string): void {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`${file} does not hold ${from}`);
  writeFileSync(path, changed);
}

/** Runs the spoiled lab; returns what it said after checking that it did nothing. */
async function refusal(): Promise<string> {
  const { status, stdout, stderr } = await spinelab(
    "run",
    join(folder, "labs/rack-spine"),
    "--name",
    lab,
  );
  expect(stdout).toBe("");
  expect(status).toBe(2);
  expect(stderr).toContain("nothing was created");
  expect(traces(lab)).toEqual(before);
  return stderr;
}

const topology = "topologies/rack-spine.clab.yaml";
const scenario = "scenarios/rack-spine.yaml";
const bgp = "labs/rack-spine/bgp.yaml";
const cluster = "labs/rack-spine/cluster.yaml";

/** What is spoiled | how | what is said of it. */
const cases: [what: string, spoil: () => void, said: RegExp][] = [
  [
    "an unknown field",
    () => change(topology, /^( +)exec:/m, "$1exce:"),
    /rack-spine\.clab\.yaml:\d+: UnknownField .*exce.*\n +hint: did you mean '?exec'?\?/,
  ],
  [
    "a link to a node that does not exist",
    () => change(topology, '"router0:net1", "tor1:net0"', '"router0:net1", "tor9:net0"'),
    /rack-spine\.clab\.yaml:\d+: \w+ .*tor9/,
  ],
  [
    "an interface used twice",
    () => change(topology, '"router0:net1", "tor1:net0"', '"router0:net0", "tor1:net0"'),
    /rack-spine\.clab\.yaml:\d+: \w+ .*net0/,
  ],
  [
    "an interface name too long for Linux",
    () =>
      change(
        topology,
        '"router0:net1", "tor1:net0"',
        '"router0:a-name-longer-than-15", "tor1:net0"',
      ),
    /a-name-longer-than-15.*15/,
  ],
  [
    "a duplicate address",
    () => change(topology, "ip addr add 10.0.0.2/32 dev lo", "ip addr add 10.0.0.1/32 dev lo"),
    /10\.0\.0\.1/,
  ],
  [
    "a subnet too small for the nodes",
    () => change(cluster, "10.1.0.0/16", "10.1.0.0/23"),
    /cluster\.yaml:\d+: \w+ .*10\.1\.0\.0\/23/,
  ],
  [
    "an unknown check",
    () => change(scenario, "- session: {", "- sesion: {"),
    /rack-spine\.yaml:\d+: \w+ .*sesion.*\n +hint: did you mean '?session'?\?/,
  ],
  [
    "an unknown event",
    () => change(scenario, /- link: \{/, "- lnk: {"),
    /rack-spine\.yaml:\d+: \w+ .*lnk.*\n +hint: did you mean '?link'?\?/,
  ],
  [
    "a reference to a pod that no manifest makes",
    () => change(scenario, "netshoot@kind-worker,", "netshot@kind-worker,"),
    /rack-spine\.yaml:\d+: \w+ .*netshot/,
  ],
  [
    "a manifest that breaks its schema",
    () => change(bgp, "localASN: 65010", "localASN: 0"),
    /bgp\.yaml:\d+: OutOfRange .*localASN/,
  ],
  ["an empty file", () => writeFileSync(join(folder, bgp), ""), /bgp\.yaml: \w+/],
  ["an unreadable file", () => rmSync(join(folder, bgp)), /bgp\.yaml/],
  [
    "YAML syntax",
    () => change(topology, "topology:", "topology: ["),
    /rack-spine\.clab\.yaml:\d+: YamlSyntax/,
  ],
];

test.for(cases)("%s", async ([, spoil, said]) => {
  spoil();
  expect(await refusal()).toMatch(said);
});

test("several mistakes in several files are all said at once", async () => {
  change(topology, '"router0:net1", "tor1:net0"', '"router0:net1", "tor9:net0"');
  change(bgp, "localASN: 65010", "localASN: 0");
  change(scenario, "- session: {", "- sesion: {");
  const text = await refusal();
  expect(text).toMatch(/clab\.yaml:\d+/);
  expect(text).toMatch(/bgp\.yaml:\d+/);
  expect(text).toMatch(/scenarios\/rack-spine\.yaml:\d+/);
});

test("validate says the same, and `no mistakes` where there are none", async () => {
  expect((await spinelab("validate", join(folder, "labs/rack-spine"))).stdout).toContain(
    "no mistakes",
  );
  change(topology, '"router0:net1", "tor1:net0"', '"router0:net1", "tor9:net0"');
  const { status, stdout } = await spinelab("validate", join(folder, "labs/rack-spine"), "--json");
  expect(status).toBe(2);
  const [problem] = JSON.parse(stdout) as { file: string; line: number; message: string }[];
  expect(problem).toMatchObject({
    file: expect.stringContaining("clab.yaml"),
    line: expect.any(Number),
  });
});

test.each([
  [
    "every mistake with its line",
    "localAsn: 65001\nrouterId: 10.0.0.1\npeers:\n  - address: 10.0.0.2\n    holdTimeSeconds: 1\noriginate: [10.0.0.0/33]\n",
    [
      /:4: MissingField peers\[0\]\.asn/,
      /:5: BadValue peers\[0\]\.holdTimeSeconds/,
      /:6: BadValue originate\[0\]/,
      /^3 mistakes/m,
    ],
  ],
  ["what is no YAML", "localAsn: [1\nrouterId: 10.0.0.1\n", [/:2: YamlSyntax/]],
  ["an empty file", "", [/EmptyFile/]],
])("a speaker's file: %s", async (_what, text, expected) => {
  const file = join(folder, "speaker.yaml");
  writeFileSync(file, text);
  const { status, stdout, stderr } = await spinelab("speaker", "-f", file);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  for (const pattern of expected) expect(stderr).toMatch(pattern);
});

test("a speaker that has nobody to talk to waits for another file", async () => {
  const file = join(folder, "speaker.yaml");
  writeFileSync(file, "localAsn: 65000\nrouterId: 10.0.0.1\npeers: []\n");
  const speaker = start("speaker", "-f", file);
  const told: string[] = [];
  for (const stream of [speaker.stdout!, speaker.stderr!]) {
    stream.on("data", (bytes: Buffer) => told.push(String(bytes)));
  }
  const ended = finished(speaker);
  await until("it runs", () => told.join("").includes("speaker is running"));
  speaker.kill("SIGHUP");
  await until("it has read again", () => told.join("").includes("configuration read again"));
  speaker.kill("SIGTERM");
  expect(await ended).toMatchObject({ status: 0 });
});
