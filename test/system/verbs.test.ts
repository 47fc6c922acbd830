import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository, spinelab, succeed, until } from "./spinelab.ts";

/** What people do with a lab that is up. */
const lab = `verbs-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "spinelab-verbs-"));
const at = (...args: string[]) => [...args, "--lab", lab];

beforeAll(async () => {
  await succeed("up", "rack-spine", "--name", lab);
});

afterAll(async () => {
  await succeed("down", lab);
  rmSync(folder, { recursive: true });
});

test("list shows it, inspect draws it with its links' states", async () => {
  expect(await succeed("list")).toMatch(new RegExp(`${lab} +up`));
  const text = await succeed("inspect", lab);
  for (const name of ["router0", "tor1", "kind-worker3", "10.1.3.0/24", `clab-${lab}-tor0`]) {
    expect(text).toContain(name);
  }
  await until("the sessions with their routes", async () =>
    /^tor1 +kind-worker3 \(10\.0\.4\.2\) +Established +1 +11 /m.test(await succeed("inspect", lab)),
  );
  await succeed(...at("link", "kind-worker3:net0", "down"));
  expect(await succeed("inspect", lab)).toMatch(/tor1:net2 +kind-worker3:net0 +down/);
  await succeed(...at("link", "tor1:net2", "up"));
  await until("the link is up again", async () =>
    /tor1:net2 +kind-worker3:net0 +up/.test(await succeed("inspect", lab)),
  );
});

test("a reader that leaves ends it without a word, as SIGPIPE would", async () => {
  const command = `"$@" | : ; printf %s "\${PIPESTATUS[0]}"`;
  const cli = [process.execPath, join(repository, "bin/spinelab.mjs")];
  const { stdout, stderr } = spawnSync("bash", ["-c", command, "bash", ...cli, "--help"]);
  expect([String(stdout), String(stderr)]).toEqual(["141", ""]);
});

test("bgp peers and routes print Cilium's columns", async () => {
  const peers = await until("four established sessions", async () => {
    const text = await succeed(...at("bgp", "peers"));
    return text.match(/established/g)?.length === 4 && text;
  });
  expect(peers.split("\n")[0]).toMatch(
    /^Node +Local AS +Peer AS +Peer Address +Session State +Uptime +Family +Received +Advertised$/,
  );
  expect(
    await succeed(...at("bgp", "routes", "advertised", "ipv4", "unicast", "--node", "kind-worker")),
  ).toMatch(/10\.0\.0\.1 +10\.1\.1\.0\/24 +10\.0\.2\.2/);
  expect(await succeed(...at("bgp", "routes", "--node", "kind-worker"))).toMatch(/10\.1\.1\.0\/24/);
  expect(await succeed(...at("bgp", "route-policies", "--node", "kind-worker"))).toMatch(
    /^kind-worker +65010 +allow-local +import +accept\n +65010 +peer-tor0-export +export +10\.0\.0\.1 /m,
  );
  // A session is established before its routes are there.
  await until("eleven routes received", async () => {
    const json = await succeed(
      ...at("bgp", "routes", "received", "--node", "srv-worker", "--json"),
    );
    return JSON.parse(json).length === 11;
  });
  expect(await succeed(...at("bgp", "explain", "10.1.1.0/24", "--node", "kind-worker"))).toContain(
    "PodCIDR-ipv4",
  );
});

test("bgp: where one agent does not run the others' answers are printed, then who is missing and why", async () => {
  const play = (event: "stop" | "start") => {
    const file = join(folder, `${event}.yaml`);
    writeFileSync(
      file,
      `name: ${event}\nsteps: [{ name: ${event}, do: [{ agent: { on: kind-worker2, do: ${event} } }] }]\n`,
    );
    return succeed("play", lab, file, "--report", folder);
  };
  await play("stop");
  const missing = /^kind-worker2: .*the agent is not running.*\n {2}what to do: /;
  const table = await spinelab(...at("bgp", "peers"));
  expect(table).toMatchObject({ status: 1, stderr: expect.stringMatching(missing) });
  expect(table.stdout).toMatch(/^kind-worker /m);
  expect(table.stdout).not.toContain("kind-worker2");
  const models = await spinelab(...at("bgp", "routes", "-o", "json"));
  expect(models).toMatchObject({ status: 1, stderr: expect.stringMatching(missing) });
  expect(Object.keys(JSON.parse(models.stdout))).toEqual([
    "kind-control-plane",
    "kind-worker",
    "kind-worker3",
  ]);
  await play("start");
  await until("all four answer", async () => (await spinelab(...at("bgp", "peers"))).status === 0);
});

test("bgp -o json prints Cilium's models by node, as the cilium command does", async () => {
  const json = async (...argv: string[]) =>
    JSON.parse(await succeed(...at("bgp", ...argv, "-o", "json")));
  const peers = await until("a route advertised", async () => {
    const all = await json("peers");
    return all["kind-worker"]?.[0]?.families[0].advertised === 1 && all;
  });
  expect(Object.keys(peers).sort()).toEqual(Object.keys(peers));
  expect(peers["kind-worker"]).toMatchObject([
    {
      "applied-hold-time-seconds": expect.any(Number),
      "local-asn": 65010,
      "peer-address": "10.0.0.1",
      "peer-asn": 65010,
      "remote-capabilities": expect.arrayContaining([{ capabilities: "AQQAAQAB" }]),
      "session-state": "established",
      "uptime-nanoseconds": expect.any(Number),
    },
  ]);
  const one = ["--node", "kind-worker"];
  expect(await json("routes", "advertised", "ipv4", "unicast", ...one)).toMatchObject({
    "kind-worker": [
      {
        neighbor: "10.0.0.1",
        paths: [{ nlri: { base64: "GAoBAQ==" } }],
        prefix: "10.1.1.0/24",
        "router-asn": 65010,
      },
    ],
  });
  expect(await json("routes", "available", "ipv6", "unicast", ...one)).toEqual({
    "kind-worker": [],
  });
  expect(await json("route-policies", ...one)).toMatchObject({
    "kind-worker": [{ name: "allow-local" }, { name: "peer-tor0-export", type: "export" }],
  });
});

test("logs of an agent, of routing daemons and of a pod", async () => {
  expect(await succeed(...at("logs", "kind-worker"))).toContain("agent is running");
  expect(await succeed(...at("logs", "tor0"))).toContain("ZEBRA");
  // `sleep` writes nothing: an empty log is a log.
  expect(await spinelab(...at("logs", "netshoot@kind-worker"))).toEqual({
    status: 0,
    stdout: "",
    stderr: "",
  });
});

test("exec keeps the command's status and streams; a pod is a place too", async () => {
  const { status, stdout, stderr } = await spinelab(
    ...at("exec", "netshoot@kind-worker"),
    ...["--", "sh", "-c", "hostname; echo wrong >&2; exit 7"],
  );
  expect([status, stderr]).toEqual([7, "wrong\n"]);
  expect(stdout).toMatch(/^netshoot-/);
});

test("a place that does not exist is refused with a hint", async () => {
  const { status, stderr } = await spinelab(...at("exec", "kind-woker"), "--", "true");
  expect(status).toBe(2);
  expect(stderr).toContain("did you mean kind-worker");
});

test("play: a scenario on the lab that is up; its reports are written", async () => {
  const file = join(folder, "one.yaml");
  writeFileSync(
    file,
    `name: one
capture: [tor1:net2]
steps:
  - name: sessions
    within: 20s
    expect:
      - session: { on: router0, to: tor0, received: 5, sent: 13 }
      - ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3, count: 2, loss: 0% }
`,
  );
  const report = join(folder, "reports");
  expect(await succeed("play", lab, file, "--report", report)).toContain("PASSED");
  const first = await succeed("play", lab, file, "--report", report, "--json");
  const records = first
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string });
  expect(records.at(-1)).toMatchObject({ type: "verdict", verdict: "pass" });
  // The packets of the interface that the scenario names, though it passed.
  const pcap = join(report, lab, "evidence/captures/tor1-net2.pcap");
  const read = ["-r", pcap, "-n", "icmp"];
  expect(execFileSync("tcpdump", read, { encoding: "utf8" })).toMatch(/ICMP echo reply/);
});

test("capture shows BGP packets", async () => {
  const text = await succeed(...at("capture", "tor0:net0"), "--", "-c", "1", "tcp", "port", "179");
  expect(text).toMatch(/\.179[ :>]/);
});

test("graph draws a lab that is not up", async () => {
  const text = await succeed("graph", "rack-spine-dual");
  expect(text).toContain("router1");
});

test("kubeconfig prints a file that only root reads", async () => {
  expect(await succeed("kubeconfig", lab)).toBe(`/run/spinelab/${lab}/kubeconfig\n`);
});

test("help teaches, and an unknown word has a hint", async () => {
  expect(await succeed("--help")).toContain("spinelab up rack-spine");
  expect(await succeed("up", "--help")).toContain("--topology");
  const { status, stderr } = await spinelab("rack-spin");
  expect([status, stderr]).toEqual([2, expect.stringContaining("did you mean rack-spine")]);
  expect(repository).toBeTruthy();
});
