import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spinelab, succeed } from "./spinelab.ts";

/** Each check, true and then spoiled: what cannot fail proves nothing. On one lab with real FRR. */
const lab = `mutations-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "spinelab-mutations-"));

beforeAll(async () => {
  await succeed("up", "rack-spine", "--name", lab);
  expect(
    await verdictOf("session: { on: router0, to: tor1, received: 5, sent: 13 }", "20s"),
  ).toMatchObject({
    verdict: "pass",
  });
});

afterAll(async () => {
  await succeed("down", lab);
  rmSync(folder, { recursive: true });
});

type CheckRecord = { type: string; verdict: string; expected: string; seen: string };

/** Plays a scenario of one check and returns what became of it. */
async function verdictOf(check: string, within = "0s"): Promise<CheckRecord> {
  const file = join(folder, "scenario.yaml");
  writeFileSync(
    file,
    `name: one-check\nsteps:\n  - name: look\n    within: ${within}\n    expect:\n      - ${check}\n`,
  );
  const { status, stdout, stderr } = await spinelab(
    ...["play", lab, file, "--json", "--report", join(folder, "reports")],
  );
  const records = stdout
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CheckRecord);
  const found = records.findLast((record) => record.type === "check");
  if (!found) throw new Error(`no verdict, status ${status}: ${stderr}`);
  expect(status).toBe(found.verdict === "pass" ? 0 : found.verdict === "fail" ? 1 : 3);
  return found;
}

/** A check that holds | the same with one thing wrong | what must be seen of it. */
const cases: [right: string, wrong: string, seen: RegExp][] = [
  [
    "session: { on: tor0, to: kind-worker, received: 1, sent: 11 }",
    "session: { on: tor0, to: kind-worker, received: 2, sent: 11 }",
    /received 1/,
  ],
  [
    "session: { on: tor0, to: kind-worker, state: Established }",
    "session: { on: tor0, to: kind-worker, state: Idle }",
    /Established/,
  ],
  [
    "session: { on: router0, to: kind-worker, absent: true }",
    "session: { on: router0, to: tor0, absent: true }",
    /Established/,
  ],
  [
    "route: { on: router0, prefix: kind-worker3.podCIDR, via: tor1 }",
    "route: { on: router0, prefix: kind-worker3.podCIDR, via: tor0 }",
    /via tor1/,
  ],
  [
    'route: { on: router0, prefix: kind-worker3.podCIDR, asPath: "65011" }',
    'route: { on: router0, prefix: kind-worker3.podCIDR, asPath: "65010" }',
    /65011/,
  ],
  [
    "route: { on: tor1, prefix: kind-worker3.podCIDR, localPreference: 100 }",
    "route: { on: tor1, prefix: kind-worker3.podCIDR, localPreference: 200 }",
    /local preference 100/,
  ],
  [
    "route: { on: router0, prefix: kind-worker3.podCIDR, origin: IGP }",
    "route: { on: router0, prefix: kind-worker3.podCIDR, origin: EGP }",
    /IGP/,
  ],
  [
    "route: { on: router0, prefix: kind-worker3.podCIDR, stale: false }",
    "route: { on: router0, prefix: kind-worker3.podCIDR, stale: true }",
    /10\.1\.3\.0\/24/,
  ],
  [
    "route: { on: router0, prefix: kind-worker3.podCIDR, installed: true }",
    "route: { on: router0, prefix: kind-worker3.podCIDR, installed: false }",
    /in the FIB/,
  ],
  [
    "route: { on: router0, prefix: 192.0.2.0/24, absent: true }",
    "route: { on: router0, prefix: 192.0.2.0/24 }",
    /not in the table/,
  ],
  [
    "route: { on: kind-worker, prefix: kind-worker.podCIDR }",
    "route: { on: kind-worker, prefix: kind-worker.podCIDR, absent: true }",
    /10\.1\.1\.0\/24/,
  ],
  ["routes: { on: router0, count: 12 }", "routes: { on: router0, count: 13 }", /12/],
  [
    "routes: { on: tor0, includes: [0.0.0.0/0] }",
    "routes: { on: tor0, excludes: [0.0.0.0/0] }",
    /0\.0\.0\.0\/0|default/,
  ],
  [
    "fib: { on: tor1, prefix: kind-worker3.podCIDR, via: kind-worker3, dev: net2 }",
    "fib: { on: tor1, prefix: kind-worker3.podCIDR, via: kind-worker3, dev: net1 }",
    /net2/,
  ],
  [
    "fib: { on: kind-worker, prefix: kind-worker3.podCIDR, absent: true }",
    "fib: { on: tor1, prefix: kind-worker3.podCIDR, absent: true }",
    /10\.1\.3\.0\/24/,
  ],
  [
    "path: { from: netshoot@kind-worker, to: netshoot@kind-worker3, through: [tor0, router0, tor1] }",
    "path: { from: netshoot@kind-worker, to: netshoot@kind-worker3, through: [tor0, tor1] }",
    /router0/,
  ],
  [
    "ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3, count: 2, loss: 0% }",
    "ping: { from: netshoot@kind-worker, to: 192.0.2.1, count: 2, loss: 0% }",
    /100%/,
  ],
  [
    "resource: { kind: CiliumBGPNodeConfig, name: kind-worker, field: 'spec.bgpInstances[0].localASN', equals: 65010 }",
    "resource: { kind: CiliumBGPNodeConfig, name: kind-worker, field: 'spec.bgpInstances[0].localASN', equals: 65011 }",
    /65010/,
  ],
  [
    "condition: { kind: CiliumBGPClusterConfig, name: rack0, type: cilium.io/NoMatchingNode, status: 'False' }",
    "condition: { kind: CiliumBGPClusterConfig, name: rack0, type: cilium.io/NoMatchingNode, status: 'True' }",
    /False/,
  ],
  [
    "exec: { on: tor0, command: hostname, stdout: tor0 }",
    "exec: { on: tor0, command: hostname, stdout: tor1 }",
    /tor0/,
  ],
  [
    "exec: { on: tor0, command: 'sh -c \"exit 3\"', exitCode: 3 }",
    "exec: { on: tor0, command: 'sh -c \"exit 3\"', exitCode: 0 }",
    /3/,
  ],
];

test.for(cases)("%s passes; spoiled it fails", async ([right, wrong, seen]) => {
  expect(await verdictOf(right, "5s")).toMatchObject({ verdict: "pass" });
  const spoiled = await verdictOf(wrong);
  expect(spoiled.verdict).toBe("fail");
  expect(spoiled.seen).toMatch(seen);
});

test("a ping that a packet filter blocks fails, and passes when it is gone", async () => {
  const check =
    "ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3, count: 2, loss: 0% }";
  const nft = (rule: string) => succeed("exec", "tor1", "--lab", lab, "--", "nft", rule);
  await nft(
    "add table inet block; add chain inet block forward { type filter hook forward priority 0; policy drop; }",
  );
  expect(await verdictOf(check)).toMatchObject({
    verdict: "fail",
    seen: expect.stringMatching(/100%/),
  });
  await nft("delete table inet block");
  expect(await verdictOf(check)).toMatchObject({ verdict: "pass" });
});

test("a route that a router no longer announces fails", async () => {
  const check = "route: { on: router0, prefix: kind-worker3.podCIDR, via: tor1 }";
  const bgp = (line: string) =>
    succeed(
      ...["exec", "tor1", "--lab", lab, "--", "vtysh", "-c", "configure terminal"],
      ...["-c", "router bgp 65011", "-c", line],
    );
  await bgp("neighbor 10.0.4.2 shutdown");
  await verdictOf("route: { on: router0, prefix: kind-worker3.podCIDR, absent: true }", "5s");
  expect(await verdictOf(check)).toMatchObject({
    verdict: "fail",
    seen: expect.stringMatching(/not in the table/),
  });
  await bgp("no neighbor 10.0.4.2 shutdown");
  expect(await verdictOf(check, "20s")).toMatchObject({ verdict: "pass" });
});
