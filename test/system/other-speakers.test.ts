import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTimeline } from "../../src/timeline/log.ts";
import { spinelab, succeed } from "./spinelab.ts";

/** BIRD and GoBGP as routers of a lab: checks read them as they read FRR. */
const lab = `speakers-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "spinelab-speakers-"));

const topology = `name: speakers
topology:
  nodes:
    bird:
      kind: linux
      exec:
        - ip addr add 10.9.0.1/24 dev net0
        - >-
          sh -c 'printf "router id 10.9.0.1;\\nprotocol device {}\\nprotocol static { ipv4; route 198.51.100.0/24 blackhole; }\\nprotocol bgp up { local 10.9.0.1 as 65001; neighbor 10.9.0.2 as 65002; ipv4 { import all; export all; }; }\\n" >/etc/bird.conf;
          mkdir -p /run/bird; bird -c /etc/bird.conf'
    gobgp:
      kind: linux
      exec:
        - ip addr add 10.9.0.2/24 dev net0
        - >-
          sh -c 'printf "[global.config]\\nas = 65002\\nrouter-id = \\"10.9.0.2\\"\\n[[neighbors]]\\n[neighbors.config]\\nneighbor-address = \\"10.9.0.1\\"\\npeer-as = 65001\\n" >/etc/gobgpd.toml;
          setsid gobgpd -f /etc/gobgpd.toml >/var/log/gobgpd.log 2>&1 &'
        - sh -c 'for n in $(seq 100); do gobgp global rib add 203.0.113.0/24 community 65002:1 && exit 0; sleep 0.1; done; exit 1'
  links:
    - endpoints: ["bird:net0", "gobgp:net0"]
`;

beforeAll(async () => {
  writeFileSync(join(folder, "speakers.clab.yaml"), topology);
  await succeed("up", "--topology", join(folder, "speakers.clab.yaml"), "--name", lab);
});
afterAll(async () => {
  await spinelab("down", lab);
  rmSync(folder, { recursive: true });
});

async function play(steps: string, capture = "[]") {
  const file = join(folder, "scenario.yaml");
  writeFileSync(file, `name: speakers\ncapture: ${capture}\nsteps:\n${steps}`);
  return await spinelab("play", lab, file, "--report", folder);
}

test("their sessions and routes are seen", async () => {
  const played = await play(`
  - name: both are up
    within: 60s
    expect:
      - session: { on: bird, to: gobgp, received: 1, sent: 1 }
      - session: { on: gobgp, to: bird, received: 1, sent: 1 }
      - route: { on: bird, prefix: 203.0.113.0/24, via: gobgp, asPath: "65002", communities: ["65002:1"] }
      - route: { on: gobgp, prefix: 198.51.100.0/24, via: bird, asPath: "65001", origin: IGP }
      - routes: { on: gobgp, exactly: [203.0.113.0/24, 198.51.100.0/24] }
      - route: { on: bird, prefix: 192.0.2.0/24, absent: true }
`);
  expect(played).toMatchObject({ status: 0 });
});

test("UPDATE messages are measured: those that GoBGP counts, and BIRD's, which counts none, among its packets", async () => {
  const played = await play(`
  - name: one route more
    do: [ { exec: { on: gobgp, command: gobgp global rib add 203.0.113.128/25 } } ]
    within: 20s
    expect: [ { route: { on: bird, prefix: 203.0.113.128/25 } } ]
`);
  expect(played.status).toBe(0);
  const measures = readTimeline(join(folder, lab, "timeline.jsonl")).findLast(
    (record) => record.type === "measures",
  );
  expect(measures?.updates).toEqual({
    bird: { received: 1, sent: 0 },
    gobgp: { received: 0, sent: 1 },
  });
});

test("packets that are counted and captured in a node that stands still end there", async () => {
  const played = await play(
    `
  - name: it stands still
    do: [ { node: { on: bird, do: pause } } ]
    expect: [ { exec: { on: gobgp, command: "true" } } ]
`,
    "[bird:net0]",
  );
  expect(played.status).toBe(0);
  const packets = statSync(join(folder, lab, "evidence/captures/bird-net0.pcap"));
  expect(packets.size).toBeGreaterThan(0);
  const goesOn = await play(`
  - name: it goes on
    do: [ { node: { on: bird, do: unpause } } ]
    within: 60s
    expect: [ { session: { on: bird, to: gobgp } } ]
`);
  expect(goesOn.status).toBe(0);
});

test("and what is not there fails; a speaker that has ended is inconclusive", async () => {
  const wrong = await play(`
  - name: one
    expect: [ { route: { on: bird, prefix: 203.0.113.0/24, asPath: "65009" } } ]
`);
  expect(wrong.status).toBe(1);
  const gone = await play(`
  - name: one
    do: [ { exec: { on: bird, command: pkill -x bird } } ]
    expect: [ { session: { on: bird, to: gobgp } } ]
`);
  expect(gone.status).toBe(3);
});
