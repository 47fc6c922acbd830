import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Lab } from "../../src/lab/lab.ts";
import { findLab, loadLab } from "../../src/lab/load.ts";
import { scenarioOf } from "../../src/scenario/testing/read-scenario.ts";
import type { TimelineRecord } from "../../src/timeline/record.ts";
import { until } from "./spinelab.ts";
import { woken } from "./woken.ts";

/**
 * Real FRR and GoBGP that send BMP to an address of their own node: checks on their tables and sessions are
 * looked at when they say that something changed, and not when the next poll is due.
 */
const folder = mkdtempSync(join(tmpdir(), "spinelab-bmp-wakes-"));
const frr = [
  "touch /etc/frr/vtysh.conf",
  "sed -i -e 's/bgpd=no/bgpd=yes/' -e 's/^bgpd_options=\"/&-M bmp /' /etc/frr/daemons",
  "/usr/lib/frr/frrinit.sh start",
];
const vtysh = (...lines: string[]) => `vtysh ${lines.map((line) => `-c '${line}'`).join(" ")}`;
const topology = {
  name: "bmp-wakes",
  topology: {
    nodes: {
      r1: {
        kind: "linux",
        exec: [
          "ip addr add 10.9.0.1/24 dev net0",
          "ip addr add 10.9.1.1/24 dev net1",
          ...frr,
          vtysh(
            ...["conf t", "router bgp 65001", "bgp router-id 10.9.0.1"],
            ...["no bgp ebgp-requires-policy", "neighbor 10.9.0.2 remote-as 65002"],
            "neighbor 10.9.1.2 remote-as 65003",
            ...["bmp targets spinelab", "bmp monitor ipv4 unicast post-policy"],
            "bmp connect 127.0.0.1 port 11019 min-retry 100 max-retry 500",
            // Somebody else's station, outside.
            "bmp connect 192.0.2.9 port 11019 min-retry 100 max-retry 500",
          ),
        ],
      },
      r2: {
        kind: "linux",
        exec: [
          "ip addr add 10.9.0.2/24 dev net0",
          ...frr,
          vtysh(
            ...["conf t", "route-map mark permit 10", "set community 65002:1", "exit"],
            ...["router bgp 65002", "bgp router-id 10.9.0.2", "no bgp network import-check"],
            ...["no bgp ebgp-requires-policy", "neighbor 10.9.0.1 remote-as 65001"],
            ...["address-family ipv4 unicast", "network 198.51.100.0/24"],
          ),
        ],
      },
      gobgp: {
        kind: "linux",
        exec: [
          "ip addr add 10.9.1.2/24 dev net0",
          `sh -c 'printf "[global.config]\\nas = 65003\\nrouter-id = \\"10.9.1.2\\"\\n[[neighbors]]\\n[neighbors.config]\\nneighbor-address = \\"10.9.1.1\\"\\npeer-as = 65001\\n[[bmp-servers]]\\n[bmp-servers.config]\\naddress = \\"127.0.0.1\\"\\nport = 11020\\nroute-monitoring-policy = \\"local-rib\\"\\n" >/etc/gobgpd.toml; setsid gobgpd -f /etc/gobgpd.toml >/var/log/gobgpd.log 2>&1 &'`,
          "sh -c 'for n in $(seq 100); do gobgp neighbor && exit 0; sleep 0.1; done; exit 1'",
        ],
      },
    },
    links: [{ endpoints: ["r1:net0", "r2:net0"] }, { endpoints: ["r1:net1", "gobgp:net0"] }],
  },
};

let lab: Lab;
const ending = new AbortController();

beforeAll(async () => {
  const file = join(folder, "bmp.clab.yaml");
  writeFileSync(file, JSON.stringify(topology));
  const source = { name: `bmp-${process.pid}`, topology: file, clusters: [], manifests: [] };
  lab = await Lab.open(loadLab(source, "test").spec, { sinks: [] });
  await lab.up(ending.signal);
  await until("r1 and gobgp tell of themselves", () => told("r1") && told("gobgp"));
  const up = `
    - session: { on: r1, to: r2, received: 1 }
    - session: { on: r1, to: gobgp }
    - route: { on: gobgp, prefix: 198.51.100.0/24 }`;
  expect(await play(`{ name: up, within: 30s, expect: [${flow(up)}] }`)).toBe("pass");
});
afterAll(async () => {
  await lab?.down();
  rmSync(folder, { recursive: true });
});

const flow = (list: string) =>
  list
    .replaceAll(/^ +- (.*)$/gm, "{ $1 },")
    .trim()
    .slice(0, -1);

function told(node: string): boolean {
  return lab.records.some(
    (record) => record.type === "log" && record.node === node && record.message.includes("by BMP"),
  );
}

async function play(step: string): Promise<string> {
  const scenario = scenarioOf(`{ name: bmp, steps: [ ${step} ] }`);
  return await lab.play(scenario, ending.signal);
}

async function run(node: string, ...lines: string[]): Promise<void> {
  const argv = lines.length === 1 ? ["sh", "-c", lines[0]!] : ["sh", "-c", vtysh(...lines)];
  const { exitCode, stdout, stderr } = await lab.runtime.exec({ node }, argv);
  if (exitCode !== 0) throw new Error(`${node}: ${stdout}${stderr}`);
}

test("a route of FRR that the kernel has no other word of: its community changed", async () => {
  expect(
    await woken(
      lab,
      "r1",
      `route: { on: r1, prefix: 198.51.100.0/24, communities: ["65002:1"] }`,
      () =>
        run(
          "r2",
          ...["conf t", "router bgp 65002", "address-family ipv4 unicast"],
          "network 198.51.100.0/24 route-map mark",
        ),
    ),
  ).toBe("pass");
});

test("and a new one, which FRR takes in first and chooses later", async () => {
  expect(
    await woken(lab, "r1", "route: { on: r1, prefix: 203.0.113.0/25, best: true }", (nth) =>
      run(
        "r2",
        ...["conf t", "router bgp 65002", "address-family ipv4 unicast"],
        `network 203.0.113.0/25${nth % 2 === 0 ? "" : " route-map mark"}`,
      ),
    ),
  ).toBe("pass");
});

test("a session of FRR goes down and comes up", async () => {
  const shutdown = (no: string) => () =>
    run("r2", "conf t", "router bgp 65002", `${no}neighbor 10.9.0.1 shutdown`);
  const states = "[Idle, Active, Connect]";
  expect(
    await woken(lab, "r1", `session: { on: r1, to: r2, state: ${states} }`, shutdown("")),
  ).toBe("pass");
  expect(await woken(lab, "r1", "session: { on: r1, to: r2 }", shutdown("no "))).toBe("pass");
});

test("GoBGP's own table", async () => {
  expect(
    await woken(lab, "gobgp", "route: { on: gobgp, prefix: 203.0.113.0/24 }", () =>
      run("gobgp", "gobgp global rib add 203.0.113.0/24"),
    ),
  ).toBe("pass");
});

test("the timeline has what was told, with the router's own time, and counts of it", async () => {
  const there = "within: 30s, expect: [ { route: { on: gobgp, prefix: 198.51.100.0/24 } } ]";
  expect(await play(`{ name: there, ${there} }`)).toBe("pass");
  const before = lab.records.length;
  const verdict = await play(`{ name: withdrawn, within: 20s,
    do: [ { config: { on: r2, lines: [router bgp 65002, address-family ipv4 unicast, no network 198.51.100.0/24] } },
          { config: { on: r2, lines: [router bgp 65002, neighbor 10.9.0.1 shutdown] }, after: 1s } ],
    expect: [ { session: { on: r1, to: r2, state: [Idle, Active, Connect] } },
              { route: { on: gobgp, prefix: 198.51.100.0/24, absent: true } } ] }`);
  expect(verdict).toBe("pass");
  const records = lab.records.slice(before);
  const routes = records.filter(
    (record) => record.type === "routeChange" && record.prefix === "198.51.100.0/24",
  );
  const change = { table: "rib", change: "delete", prefix: "198.51.100.0/24" };
  expect(routes).toContainEqual(
    expect.objectContaining({ node: "r1", rib: "post-policy", peer: "10.9.0.2", ...change }),
  );
  expect(routes).toContainEqual(
    expect.objectContaining({ node: "gobgp", rib: "loc-rib", ...change }),
  );
  const down = records.find((record) => record.type === "sessionChange")!;
  expect(down).toMatchObject({ node: "r1", peer: "10.9.0.2", state: "down" });
  expect(down.reason).toContain("Administrative Shutdown");
  // FRR says whole seconds.
  const apart = records.flatMap(apartMs);
  expect(apart.length).toBeGreaterThan(1);
  expect(Math.max(...apart)).toBeLessThan(3000);
  const measures = records.find((record) => record.type === "measures")!;
  expect(measures.bmp!["r1"]).toMatchObject({ peerDown: 1, peerUp: 0 });
  expect(measures.bmp!["gobgp"]!.routeMonitoring).toBeGreaterThan(0);
});

/** By how much the router's own time is another than that of hearing. */
function apartMs(record: TimelineRecord): number[] {
  if (record.type !== "routeChange" && record.type !== "sessionChange") return [];
  // Of a route that is withdrawn GoBGP says when it came.
  if (record.node === "gobgp") return [];
  return record.routerAtMs === undefined ? [] : [Math.abs(record.routerAtMs - record.atMs)];
}

test("a router that was without power tells again", async () => {
  const before = lab.records.length;
  expect(
    await play("{ name: power, within: 10s, do: [ { node: { on: r1, do: restart } } ] }"),
  ).toBe("pass");
  await until("r1 tells of itself again", () =>
    lab.records
      .slice(before)
      .some(
        (record) => record.type === "log" && record.node === "r1" && /by BMP/.test(record.message),
      ),
  );
});

test("a Kubernetes node's agent tells of itself without being told to", async () => {
  const { scenario: _played, ...rack } = findLab("rack-spine");
  const source = { ...rack, name: `bmp-rack-${process.pid}` };
  const fabric = await Lab.open(loadLab(source, "test").spec, { sinks: [] });
  try {
    await fabric.up(ending.signal);
    const up = scenarioOf(
      "{ name: up, steps: [ { name: up, within: 30s, expect: [ { session: { on: kind-worker, to: tor0, received: 11 } } ] } ] }",
    );
    expect(await fabric.play(up, ending.signal)).toBe("pass");
    const argv = "ip addr replace 203.0.113.1/24 dev lo".split(" ");
    const before = await fabric.runtime.exec({ node: "kind-worker" }, ["ip", "route"]);
    expect(
      await woken(
        fabric,
        "kind-worker",
        "session: { on: kind-worker, to: tor0, received: 12 }",
        async () => {
          const { exitCode } = await fabric.runtime.exec({ node: "tor0" }, argv);
          expect(exitCode).toBe(0);
        },
      ),
    ).toBe("pass");
    // Its kernel has no word of it.
    const after = await fabric.runtime.exec({ node: "kind-worker" }, ["ip", "route"]);
    expect(after.stdout).toBe(before.stdout);
  } finally {
    await fabric.down();
  }
});
