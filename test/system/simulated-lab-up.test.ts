import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const launcher = join(import.meta.dirname, "../../bin/spinelab.mjs");
const lab = `simulated-up-${process.pid}`;

let state: string;

type Said = { exitCode: number; stdout: string; stderr: string };

/** As one types it, with labs of nobody else around. */
function spinelab(...words: string[]): Promise<Said> {
  const env = { ...process.env, SPINELAB_STATE: state, NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(process.execPath, [launcher, ...words], { env }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const on = (place: string, ...argv: string[]) => spinelab("exec", place, "--", ...argv);
const configured = (place: string, ...lines: string[]) =>
  on(place, "vtysh", ...["conf t", ...lines].flatMap((line) => ["-c", line]));
const doctor = async () =>
  JSON.parse((await spinelab("doctor", "--json")).stdout) as { subject: string; cause: string }[];

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "simulated-lab-up-"));
  const up = await spinelab("up", "rack-spine", "--runtime", "sim", "--name", lab);
  expect(up).toMatchObject({ exitCode: 0 });
});

afterAll(async () => {
  expect(await spinelab("down", lab)).toMatchObject({ exitCode: 0 });
  // It goes with its last lab.
  rmSync(state, { recursive: true, force: true });
});

describe("a simulated lab that is up", () => {
  test("its sessions are up, as its time went on before anybody looks", async () => {
    const { stdout } = await spinelab("bgp", "peers");
    expect(stdout.match(/ established /g)).toHaveLength(4);
    expect(await doctor()).toEqual([]);
  });

  test("exec does what is simulated, in nodes and pods, with its output and exit status", async () => {
    const summary = await on("tor0", "vtysh", "-c", "show bgp summary");
    expect(summary.stdout).toMatch(/router0\(net0\) +4 +65000 +\d\d:\d\d:\d\d +8 +13/);
    const routes = await on("tor0", "ip", "route");
    expect(routes.stdout).toMatch(/^10\.1\.0\.0\/24 via 10\.0\.1\.2 dev net1 proto bgp/m);
    const ping = await on("netshoot@kind-worker", "ping", "-c", "1", "kind-worker3");
    expect(ping.exitCode).not.toBe(0);
    const pings = ["ping", "-c", "1", "10.0.4.2"];
    expect(await on("netshoot@kind-worker", ...pings)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await on("tor0", "ip", "link", "show", "dev", "net9")).toMatchObject({ exitCode: 1 });
  });

  test("what is not simulated is said, with the status of what is inconclusive", async () => {
    const ls = await on("tor0", "ls", "/");
    expect(ls).toMatchObject({ exitCode: 3, stdout: "" });
    expect(ls.stderr).toContain("the simulation cannot do 'ls /' on tor0");
    for (const words of [
      ["shell", "tor0"],
      ["capture", "tor0:net0"],
      ["kubeconfig"],
      ["kubectl", "get", "nodes"],
    ]) {
      const said = await spinelab(...words);
      expect({ words, ...said }).toMatchObject({ exitCode: 3 });
      expect(said.stderr).toContain(`lab ${lab} is simulated`);
    }
  });

  test("logs are the agents' own", async () => {
    const { stdout } = await spinelab("logs", "kind-worker");
    expect(stdout).toMatch(/established with AS 65010/);
    expect(await spinelab("logs", "router0")).toMatchObject({ exitCode: 2 });
  });

  test("the doctor names what was broken, one after the other", async () => {
    const link = await spinelab("link", "tor0:net0", "down");
    expect(link.stdout).toMatch(/tor0:net0 down, and \d+ s of virtual time later/);
    expect((await doctor())[0]).toMatchObject({ cause: "link down", subject: "router0 – tor0" });
    await spinelab("link", "tor0:net0", "up");
    expect(await doctor()).toEqual([]);

    await configured("tor0", "router bgp 65010", "neighbor SERVERS remote-as 65099");
    expect((await doctor()).map(({ cause }) => cause)).toContain("wrong AS number");
    await configured(
      "tor0",
      ...["router bgp 65010", "neighbor SERVERS remote-as internal"],
      ...["neighbor 10.0.1.2 shutdown", "neighbor 10.0.2.2 password secret"],
    );
    await on("tor0", "sleep", "20");
    expect((await doctor()).slice(0, 2)).toMatchObject([
      { cause: "shut down", subject: "tor0 – kind-control-plane" },
      { cause: "wrong password", subject: "tor0 – kind-worker" },
    ]);
    await configured(
      "tor0",
      ...["router bgp 65010", "no neighbor 10.0.1.2 shutdown", "no neighbor 10.0.2.2 password"],
    );

    // An agent that was turned away again and again waits for two minutes.
    await on("tor0", "sleep", "150");
    expect(await doctor()).toEqual([]);

    await on("tor0", "iptables", "-A", "INPUT", "-p", "tcp", "--dport", "179", "-j", "DROP");
    await on("tor0", "sleep", "30");
    expect((await doctor())[0]).toMatchObject({ cause: "port 179 filtered", at: "tor0" });
  });
});

test("the doctor names nodes without power, and looks at what is left", async () => {
  const name = `${lab}-down`;
  expect(await spinelab("up", "rack-spine", "--runtime", "sim", "--name", name)).toMatchObject({
    exitCode: 0,
  });
  const file = join(state, "stop.yaml");
  writeFileSync(
    file,
    `name: stop
steps:
  - name: power cuts
    do:
      - node: { on: kind-worker, do: stop }
      - node: { on: router0, do: stop }
    expect:
      - session: { on: tor0, to: router0, absent: true }
    within: 1s
`,
  );
  await spinelab("play", name, file, "--report", state);
  const { stdout } = await spinelab("doctor", name, "--json");
  const found = JSON.parse(stdout) as { about: string; subject: string; cause: string }[];
  expect(found.filter(({ about }) => about === "node")).toMatchObject([
    { subject: "router0", cause: "node is down" },
    { subject: "kind-worker", cause: "node is down" },
  ]);
  expect(found).toContainEqual(
    expect.objectContaining({ subject: "tor0 – router0", cause: "node is down" }),
  );
  const traffic = found.filter(({ about }) => about === "traffic").map(({ subject }) => subject);
  expect(traffic.length).toBeGreaterThan(0);
  expect(traffic.join()).not.toMatch(/kind-worker(?!\d)/);
  expect(await spinelab("down", name)).toMatchObject({ exitCode: 0 });
});

test("a fabric that never comes to rest is up all the same, and it is said", async () => {
  const goesRound = join(import.meta.dirname, "../../src/explore/testdata/med-oscillation");
  const name = `${lab}-round`;
  const up = await spinelab("up", goesRound, "--runtime", "sim", "--name", name);
  expect(up).toMatchObject({ exitCode: 0 });
  expect(up.stdout).toMatch(/s of virtual time went by.*Not at rest: spinelab simulate finds/);
  expect(await spinelab("down", name)).toMatchObject({ exitCode: 0 });
});
