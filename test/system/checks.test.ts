import { afterAll, beforeAll, expect, test } from "vitest";
import { lab, type RunningLab, type StepInput, type TimelineRecord } from "spinelab";
import { parse } from "yaml";

/** Each check, true and then spoiled: what cannot fail proves nothing. On one lab with real FRR. */
let fabric: RunningLab;

beforeAll(async () => {
  fabric = await lab("rack-spine", { name: `checks-${process.pid}` });
  const [up] = await look("session: { on: router0, to: tor1, received: 5, sent: 13 }", "20s");
  expect(up).toMatchObject({ verdict: "pass" });
});

afterAll(() => fabric?.[Symbol.asyncDispose]());

type CheckRecord = Extract<TimelineRecord, { type: "check" }>;

/** Plays a step written as in a scenario file; what became of its checks. */
async function play(yaml: string): Promise<CheckRecord[]> {
  const { verdict, reason, checks } = await fabric.step(parse(yaml) as StepInput);
  const bad = checks.find((check) => check.verdict !== "pass");
  if (verdict !== (bad?.verdict ?? "pass")) throw new Error(reason);
  return checks;
}

const look = (check: string, within = "0s") =>
  play(`{ within: ${within}, expect: [ { ${check} } ] }`);

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
  [
    "http: { from: netshoot@kind-worker, to: kind-worker, port: 9962, path: /metrics, body: cilium_bgp }",
    "http: { from: netshoot@kind-worker, to: kind-worker, port: 9962, path: /metrics, status: 404 }",
    /status 200/,
  ],
  [
    "http: { from: netshoot@kind-worker, to: tor0, fails: refused }",
    "http: { from: netshoot@kind-worker, to: tor0 }",
    /refused|connect/i,
  ],
  [
    "metric: { on: kind-worker, name: cilium_bgp_control_plane_session_state, labels: { neighbor: '10.0.0.1:179' }, value: 1 }",
    "metric: { on: kind-worker, name: cilium_bgp_control_plane_session_state, labels: { neighbor: '10.0.0.1:179' }, value: 0 }",
    /1/,
  ],
  [
    "routes: { on: tor0, exactly: [default, router0.loopback, tor0.loopback, tor1.loopback, 10.0.1.0/24, 10.0.2.0/24, 10.0.3.0/24, 10.0.4.0/24, kind-control-plane.podCIDR, kind-worker.podCIDR, kind-worker2.podCIDR, kind-worker3.podCIDR, 172.20.20.0/24] }",
    "routes: { on: tor0, exactly: [default, router0.loopback] }",
    /not wanted/,
  ],
];

test.for(cases)("%s passes; spoiled it fails", async ([right, wrong, seen]) => {
  expect(await look(right, "5s")).toMatchObject([{ verdict: "pass" }]);
  const [spoiled] = await look(wrong);
  expect(spoiled!.verdict).toBe("fail");
  expect(spoiled!.seen).toMatch(seen);
});

test("http: a router that says that there is no way is another thing than a port that nobody listens on", async () => {
  const route = (verb: string) =>
    `exec: { on: tor0, command: ip route ${verb} unreachable 203.0.113.0/24 }`;
  const http = "http: { from: netshoot@kind-worker, to: 203.0.113.9";
  const checks = await play(`
do: [ { ${route("add")} } ]
expect:
  - ${http}, fails: unreachable }
  - ${http}, fails: refused }`);
  await play(`do: [ { ${route("del")} } ]`);
  expect(checks.map(({ verdict }) => verdict)).toEqual(["pass", "fail"]);
  expect(checks[1]!.seen).toMatch(/^No route to host: curl: \(7\) /);
});

test("a ping that a packet filter blocks fails, and passes when it is gone", async () => {
  const check =
    "ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3, count: 2, loss: 0% }";
  await fabric.exec("tor1", [
    "nft",
    "add table inet block; add chain inet block forward { type filter hook forward priority 0; policy drop; }",
  ]);
  expect(await look(check)).toMatchObject([
    { verdict: "fail", seen: expect.stringMatching(/100%/) },
  ]);
  await fabric.exec("tor1", ["nft", "delete table inet block"]);
  expect(await look(check)).toMatchObject([{ verdict: "pass" }]);
});

test("a route that a router no longer announces fails", async () => {
  const check = "route: { on: router0, prefix: kind-worker3.podCIDR, via: tor1 }";
  await play(`do: [ { config: { on: tor1, lines: [router bgp 65011, neighbor 10.0.4.2 shutdown] } } ]
within: 5s
expect: [ { route: { on: router0, prefix: kind-worker3.podCIDR, absent: true } } ]`);
  expect(await look(check)).toMatchObject([
    { verdict: "fail", seen: expect.stringMatching(/not in the table/) },
  ]);
  await play(
    "do: [ { config: { on: tor1, lines: [router bgp 65011, no neighbor 10.0.4.2 shutdown] } } ]",
  );
  expect(await look(check, "20s")).toMatchObject([{ verdict: "pass" }]);
});

test("log: a line written since the step began, of an agent and of a router's daemon", async () => {
  const checks = await play(`do:
  - config: { on: tor1, lines: [router bgp 65011, bgp log-neighbor-changes] }
  - agent: { on: kind-worker3, do: restart }
within: 5s
expect:
  - log: { on: kind-worker3, of: agent, contains: agent is running }
  - log: { on: tor1, of: bgpd, matches: "neighbor 10.0.4.2.* Down" }
  - log: { on: kind-worker3, of: agent, contains: nobody writes this }
  - log: { on: kind-worker3, of: agent, contains: agent is running, absent: true }`);
  expect(checks.map(({ verdict }) => verdict)).toEqual(["pass", "pass", "fail", "fail"]);
  expect(checks[2]!.seen).toMatch(/no such line; last: /);
  expect(checks[3]!.seen).toMatch(/agent is running/);
});

test("outage and converge: of a link that was cut for half a second", async () => {
  const checks =
    await play(`probe: { name: cut, from: netshoot@kind-worker, to: netshoot@kind-worker3, every: 10ms }
do: [ { link: { between: [router0, tor1], set: down }, undoAfter: 500ms } ]
within: 20s
expect:
  - outage: { probe: cut, atLeast: 400ms, atMost: 15s }
  - converge: { atLeast: 400ms, atMost: 15s }
  - session: { on: router0, to: tor1, received: 5, sent: 13 }`);
  expect(checks).toMatchObject(checks.map(() => ({ verdict: "pass" })));
  const spoiled =
    await play(`probe: { name: cut, from: netshoot@kind-worker, to: netshoot@kind-worker3, every: 10ms }
do: [ { link: { between: [router0, tor1], set: down }, undoAfter: 500ms } ]
within: 20s
expect:
  - outage: { probe: cut, lost: 0 }
  - converge: 10ms
  - session: { on: router0, to: tor1, received: 5, sent: 13 }`);
  expect(spoiled).toMatchObject([
    { verdict: "fail", seen: expect.stringMatching(/longest [\d.]+ m?s, \d+ lost/) },
    { verdict: "fail", seen: expect.stringMatching(/^[\d.]+ m?s$/) },
    { verdict: "pass" },
  ]);
});
