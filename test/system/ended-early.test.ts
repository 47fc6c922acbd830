import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ownLab } from "./own-lab.ts";
import { finished, spinelab, start, succeed, until } from "./spinelab.ts";

/** What is ended while it is under way: by Ctrl-C, or by `down` from another terminal. */
const lab = ownLab("ended");

/** The process that holds the lab. */
function supervisorOf(name: string): number {
  const state = JSON.parse(readFileSync(`/run/spinelab/${name}/state.json`, "utf8"));
  return (state as { supervisor: { pid: number } }).supervisor.pid;
}

const untilGone = (pid: number) =>
  until(`the end of process ${pid}`, () => !existsSync(`/proc/${pid}`));

/** `play` of a scenario whose one step cuts a link for longer than a test waits, once that is done. */
async function playingCut(): Promise<{ command: ReturnType<typeof start>; reports: string }> {
  const file = join(lab.folder, "cut.yaml");
  const reports = join(lab.folder, "reports");
  writeFileSync(
    file,
    `name: cut
steps:
  - name: cut
    do: [{ link: { between: [router0, tor1], set: down }, undoAfter: 10m }]
    expect: [{ fib: { on: tor0, prefix: default } }]
`,
  );
  const command = start("play", lab.name, file, "--report", reports);
  let said = "";
  command.stdout!.on("data", (text: Buffer) => (said += String(text)));
  await until("the link is cut", () => said.includes("tor1 down"));
  return { command, reports };
}

test("Ctrl-C in a play takes back what is in force, and its report is inconclusive", async () => {
  await succeed("up", lab.file, "--name", lab.name);
  const { command, reports } = await playingCut();
  expect(await succeed("inspect", lab.name)).toMatch(/router0:net1 +tor1:net0 +down/);
  const ended = finished(command);
  command.kill("SIGINT");
  const { status, stdout } = await ended;
  expect(stdout).toContain("taken back: link router0 – tor1 down");
  expect(stdout).toMatch(/INCONCLUSIVE.*\n.*interrupted \(SIGINT\)/);
  expect(status).toBe(3);
  expect(await succeed("inspect", lab.name)).toMatch(/router0:net1 +tor1:net0 +up/);
  expect(readFileSync(join(reports, lab.name, "timeline.jsonl"), "utf8")).toMatch(
    /"type":"verdict","verdict":"inconclusive"/,
  );
});

test("down in the middle of a play ends it at once, and the process that holds the lab with it", async () => {
  await succeed("up", lab.file, "--name", lab.name);
  const supervisor = supervisorOf(lab.name);
  const { command } = await playingCut();
  const ended = finished(command);
  await succeed("down", lab.name);
  const { status, stdout } = await ended;
  expect(stdout).toMatch(/INCONCLUSIVE.*\n.*the lab was taken down/);
  expect(status).toBe(3);
  await untilGone(supervisor);
});

test("down while a lab is being built leaves nothing, and no process that held it", async () => {
  const command = start("up", lab.file, "--name", lab.name);
  const ended = finished(command);
  const supervisor = await until("the state folder", () => supervisorOf(lab.name));
  // Some nodes are there already, and some are not.
  await until("the first node", () => existsSync(`/run/spinelab/${lab.name}/nodes`));
  await spinelab("down", lab.name);
  const { status, stderr } = await ended;
  expect(stderr).toContain(`lab ${lab.name} was taken down`);
  expect(status).toBe(3);
  await untilGone(supervisor);
});

test("Ctrl-C right after up began takes down what it has begun", async () => {
  const command = start("up", lab.file, "--name", lab.name);
  const ended = finished(command);
  const children = `/proc/${command.pid}/task/${command.pid}/children`;
  await until("the process that is to hold it", () => readFileSync(children, "utf8").trim() !== "");
  command.kill("SIGINT");
  const { status, stderr } = await ended;
  expect(stderr).toContain(`interrupted: lab ${lab.name} was taken down`);
  expect(status).toBe(3);
  expect(existsSync(`/run/spinelab/${lab.name}`)).toBe(false);
});
