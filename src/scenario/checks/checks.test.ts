import { beforeEach, describe, expect, test } from "vitest";
import { UnreadableError } from "../../observe/unreadable.ts";
import { checkOf } from "../testing/read-scenario.ts";
import type { CheckContext, Look } from "../check.ts";
import { PreconditionError } from "../context.ts";
import { FakeLab, recorded } from "../testing/fake-lab.ts";
import { checkHandler } from "./table.ts";

let lab: FakeLab;
let step: CheckContext["step"];

beforeEach(() => {
  lab = new FakeLab();
  step = {
    beganMs: 0,
    probe: () => undefined,
    convergeMs: () => 1500,
    logsBefore: new Map(),
  };
});

/** One look at a check written as in a scenario file. */
async function look(yaml: string): Promise<Look> {
  const check = checkOf(yaml);
  const handler = checkHandler(check.kind);
  expect(handler.text(check as never)).not.toBe("");
  expect(handler.expected(check as never)).not.toBe("");
  return await handler.look({ ...lab.labContext, step }, check as never);
}

/** Looks at a check that holds in the recordings, and at one that differs in one point only. */
async function lookAtBoth(good: string, bad: string): Promise<[Look, Look]> {
  return [await look(good), await look(bad)];
}

/** The first held, the second did not and saw this. */
function passAndFail(seen: RegExp): [object, object] {
  return [{ ok: true }, { ok: false, seen: expect.stringMatching(seen) as string }];
}

describe("session", () => {
  const on = "on: tor0, to: router0";
  test.each([
    ["state", `session: { ${on} }`, `session: { ${on}, state: Idle }`, /^Established/],
    [
      "received",
      `session: { ${on}, received: 4 }`,
      `session: { ${on}, received: 5 }`,
      /received 4/,
    ],
    ["sent", `session: { ${on}, sent: 8 }`, `session: { ${on}, sent: 9 }`, /sent 8/],
    [
      "no such neighbor",
      "session: { on: tor0, to: 10.0.2.2 }",
      "session: { on: tor0, to: kind-worker3 }",
      /sessions: router0, router1, kind-worker/,
    ],
    [
      "absent",
      "session: { on: tor0, to: tor1, absent: true }",
      `session: { ${on}, absent: true }`,
      /^Established/,
    ],
  ])("%s", async (_, good, bad, seen) => {
    expect(await lookAtBoth(good, bad)).toMatchObject(passAndFail(seen));
  });

  test("a router that cannot be read says nothing", async () => {
    await expect(look("session: { on: tor1, to: router0 }")).rejects.toThrow(UnreadableError);
  });
});

describe("route", () => {
  const ecmp = "route: { on: tor0, prefix: kind-worker3.podCIDR";
  const ibgp = "route: { on: tor0, prefix: 10.1.1.0/24";
  test.each([
    [
      "via",
      "via: [router1, router0] }",
      "via: router0 }",
      /via router1 multipath.*via router0 best/,
    ],
    ["paths", "paths: 2 }", "paths: 1 }", /via router0/],
    ["asPath", 'asPath: "65000 65011" }', 'asPath: "65000" }', /AS path "65000 65011"/],
    [
      "communities",
      'communities: ["65011:100"] }',
      "communities: [no-export] }",
      /community 65011:100/,
    ],
    [
      "largeCommunities",
      'largeCommunities: ["65011:1:2"] }',
      'largeCommunities: ["65011:1:3"] }',
      /large community 65011:1:2/,
    ],
    [
      "communities and no others",
      'communities: { exactly: ["65011:100"] }, largeCommunities: { exactly: ["65011:1:2"] } }',
      "largeCommunities: { exactly: [] } }",
      /large community 65011:1:2/,
    ],
    ["origin", "origin: IGP }", "origin: EGP }", /origin IGP/],
    ["best", "via: router0, best: true }", "via: router1, best: false }", /multipath/],
    ["why", "why: Router ID }", "why: Local Pref }", /Router ID/],
    ["stale", "stale: false }", "stale: true }", /best/],
  ])("%s", async (_, good, bad, seen) => {
    expect(await lookAtBoth(`${ecmp}, ${good}`, `${ecmp}, ${bad}`)).toMatchObject(
      passAndFail(seen),
    );
  });

  test.each([
    ["localPreference", "localPreference: 150 }", "localPreference: 100 }", /local preference 150/],
    ["med", "med: 30 }", "med: 31 }", /MED 30/],
    ["own AS", 'asPath: "" }', 'asPath: "65010" }', /AS path ""/],
    ["next hop by address", "via: 10.0.2.2 }", "via: 10.0.2.3 }", /via kind-worker/],
  ])("iBGP: %s", async (_, good, bad, seen) => {
    expect(await lookAtBoth(`${ibgp}, ${good}`, `${ibgp}, ${bad}`)).toMatchObject(
      passAndFail(seen),
    );
  });

  test("absent", async () => {
    expect(
      await lookAtBoth(
        "route: { on: tor0, prefix: 192.0.2.0/24, absent: true }",
        `${ibgp}, absent: true }`,
      ),
    ).toMatchObject(passAndFail(/10\.1\.1\.0\/24 via kind-worker/));
    expect(await look("route: { on: tor0, prefix: 192.0.2.0/24 }")).toMatchObject({ ok: false });
  });

  test("stale, as a restarting neighbor's route is", async () => {
    const stale = recorded("frr/8.4.4/tor0-route-stale.json");
    lab.answer("tor0", "vtysh -c show bgp ipv4 unicast 10.1.1.0/24 json", stale);
    expect(await lookAtBoth(`${ibgp}, stale: true }`, `${ibgp}, stale: false }`)).toMatchObject(
      passAndFail(/stale/),
    );
  });

  test("installed", async () => {
    const command = "ip -j -4 route show table all";
    lab.answer("tor0", command, recorded("iproute2/tor0-route.json"));
    expect(
      await lookAtBoth(`${ecmp}, installed: true }`, `${ecmp}, installed: false }`),
    ).toMatchObject(passAndFail(/in the FIB/));
    lab.answer("tor0", command, "[]");
    expect(await look(`${ecmp}, installed: true }`)).toMatchObject({ ok: false });
  });
});

describe("routes", () => {
  test.each([
    ["count", "count: 7", "count: 8", /^7 routes/],
    ["includes", "includes: [kind-worker3.podCIDR]", "includes: [10.9.0.0/16]", /missing 10\.9/],
    ["excludes", "excludes: [10.9.0.0/16]", "excludes: [10.1.3.0/24]", /not wanted: 10\.1\.3/],
    [
      "exactly",
      "exactly: [10.0.0.0/32, 10.0.0.1/32, 10.0.0.2/32, 10.0.0.100/32, 10.0.2.0/24, 10.0.4.0/24, 10.1.1.0/24, 10.1.3.0/24]",
      "exactly: [10.0.0.0/32]",
      /not wanted/,
    ],
  ])("%s", async (name, good, bad, seen) => {
    const rightCount = name === "count" ? "count: 8" : good;
    const wrongCount = name === "count" ? "count: 9" : bad;
    expect(
      await lookAtBoth(
        `routes: { on: tor0, ${rightCount} }`,
        `routes: { on: tor0, ${wrongCount} }`,
      ),
    ).toMatchObject(passAndFail(name === "count" ? /^8 routes/ : seen));
  });
});

describe("fib", () => {
  beforeEach(() => {
    lab.answer("tor0", "ip -j -4 route show table all", recorded("iproute2/tor0-route.json"));
  });
  const fib = "fib: { on: tor0, prefix: 10.1.3.0/24";
  test.each([
    ["via", "via: [router0, router1] }", "via: router0 }", /via router1, router0/],
    ["metric", "metric: 20 }", "metric: 21 }", /metric 20/],
    ["protocol", "protocol: bgp }", "protocol: static }", /protocol bgp/],
    ["dev", "dev: net3 }", "dev: net2 }", /dev net/],
    ["nextHops", "nextHops: 2 }", "nextHops: 1 }", /via/],
  ])("%s", async (_, good, bad, seen) => {
    expect(await lookAtBoth(`${fib}, ${good}`, `${fib}, ${bad}`)).toMatchObject(passAndFail(seen));
  });

  test("absent", async () => {
    expect(
      await lookAtBoth(
        "fib: { on: tor0, prefix: default, absent: true }",
        `${fib}, absent: true }`,
      ),
    ).toMatchObject(passAndFail(/10\.1\.3\.0\/24/));
  });
});

describe("from a pod", () => {
  const place = "default/netshoot-kind-worker@kind-worker";
  const fromTo = "from: netshoot@kind-worker, to: netshoot@kind-worker3";
  beforeEach(() => {
    lab.addPod("kind-worker", "10.1.1.1");
    lab.addPod("kind-worker3", "10.1.3.1");
  });

  test("ping", async () => {
    const command = "ping -n -c 3 -i 0.2 -W 1 10.1.3.1";
    lab.answer(place, command, recorded("ping/count-3.txt"));
    const check = `ping: { ${fromTo}, count: 3 }`;
    expect(await look(check)).toMatchObject({ ok: true });
    const differs = ["loss 0%, not 100%"];
    expect(await look(`ping: { ${fromTo}, count: 3, loss: 100% }`)).toMatchObject({ differs });
    lab.answer(place, command, { stdout: recorded("ping/count-3-unreachable.txt"), exitCode: 1 });
    expect(await look(check)).toMatchObject({
      ok: false,
      seen: expect.stringMatching(/^loss 100%/),
    });
    lab.answer(place, command, { stderr: "ping: connect: Network is unreachable", exitCode: 2 });
    expect(await look(check)).toMatchObject({ ok: false });
  });

  test("a ping that cannot run says nothing", async () => {
    await expect(look(`ping: { ${fromTo} }`)).rejects.toThrow(PreconditionError);
  });

  test("path", async () => {
    const command = "traceroute -n -q 1 -w 1 -m 16 10.1.3.1";
    lab.answer(place, command, recorded("traceroute/cross-rack.txt"));
    expect(
      await lookAtBoth(
        `path: { ${fromTo}, through: [tor0, router0, tor1] }`,
        `path: { ${fromTo}, through: [tor0, router1, tor1] }`,
      ),
    ).toMatchObject(passAndFail(/tor0 \(10\.0\.2\.1\), router0 \(10\.0\.0\.0\), tor1/));
    expect(
      await lookAtBoth(
        `path: { ${fromTo}, avoids: [router1] }`,
        `path: { ${fromTo}, avoids: [router0] }`,
      ),
    ).toMatchObject(passAndFail(/router0/));
    lab.answer(place, command, " 1  10.0.2.1  0.1 ms\n 2  *\n");
    expect(await look(`path: { ${fromTo}, avoids: [router1] }`)).toMatchObject({ ok: false });
    // Cilium's silent hop on the destination's node.
    lab.answer(
      place,
      command,
      " 1  10.0.2.1  0.1 ms\n 2  10.0.4.2  0.1 ms\n 3  *\n 4  10.1.3.1  0.1 ms\n",
    );
    expect(await look(`path: { ${fromTo}, through: [tor0] }`)).toMatchObject({ ok: true });
  });

  test("a pod that does not run: a precondition, not a failure", async () => {
    lab.objects.length = 0;
    lab.addPod("kind-worker", "10.1.1.1", "Pending");
    await expect(look(`ping: { ${fromTo} }`)).rejects.toThrow("netshoot@kind-worker is Pending");
  });
});

test("exec", async () => {
  lab.answer("tor0", "hostname -f", "tor0\n");
  expect(
    await lookAtBoth(
      "exec: { on: tor0, command: hostname -f, stdout: tor0 }",
      "exec: { on: tor0, command: hostname -f, exitCode: 1 }",
    ),
  ).toMatchObject(passAndFail(/exit 0: tor0/));
});

describe("Kubernetes objects", () => {
  beforeEach(() => {
    lab.objects.push({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "kind-worker" },
      spec: { podCIDR: "10.1.1.0/24" },
      status: { conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }] },
    });
  });

  test("resource", async () => {
    const node = "resource: { kind: Node, name: kind-worker";
    expect(
      await lookAtBoth(
        `${node}, field: spec.podCIDR, equals: 10.1.1.0/24 }`,
        `${node}, field: spec.podCIDR, equals: 10.1.2.0/24 }`,
      ),
    ).toMatchObject(passAndFail(/10\.1\.1\.0/));
    expect(
      await lookAtBoth(
        `${node}, field: spec.taints, absent: true }`,
        `${node}, field: spec.podCIDR, absent: true }`,
      ),
    ).toMatchObject(passAndFail(/10\.1\.1\.0/));
  });

  test("condition", async () => {
    expect(
      await lookAtBoth(
        "condition: { kind: Node, name: kind-worker, type: Ready, status: true }",
        "condition: { kind: Node, name: kind-worker, type: Ready, status: false }",
      ),
    ).toMatchObject(passAndFail(/^True, reason KubeletReady/));
  });
});

test("metric", async () => {
  const metrics = [
    "# TYPE cilium_bgp_control_plane_session_state gauge",
    'cilium_bgp_control_plane_session_state{neighbor="10.0.0.1:179",vrouter="65010"} 1',
  ].join("\n");
  lab.answer("kind-worker", "curl -sS --max-time 3 http://127.0.0.1:9962/metrics", metrics);
  const name = "on: kind-worker, name: cilium_bgp_control_plane_session_state";
  expect(
    await lookAtBoth(
      `metric: { ${name}, labels: { vrouter: "65010" }, value: 1 }`,
      `metric: { ${name}, value: 0 }`,
    ),
  ).toMatchObject(passAndFail(/1$/));
  expect(await look(`metric: { ${name}, labels: { vrouter: "1" }, value: 1 }`)).toMatchObject({
    ok: false,
    seen: "no such sample",
  });
});

test("log: only what was written since the step began", async () => {
  step = { ...step, logsBefore: new Map([["kind-worker agent", "peer up\n"]]) };
  lab.agentLog = "peer up\npeer down\n";
  expect(
    await lookAtBoth(
      "log: { on: kind-worker, of: agent, contains: peer down }",
      "log: { on: kind-worker, of: agent, contains: peer up }",
    ),
  ).toMatchObject(passAndFail(/no such line; last: peer down/));
  expect(
    await lookAtBoth(
      "log: { on: kind-worker, of: agent, contains: peer up, absent: true }",
      "log: { on: kind-worker, of: agent, contains: peer down, absent: true }",
    ),
  ).toMatchObject(passAndFail(/peer down/));
});

test("converge", async () => {
  expect(await lookAtBoth("converge: 2s", "converge: 1s")).toMatchObject(passAndFail(/^1\.5 s$/));
  step = { ...step, convergeMs: () => undefined };
  await expect(look("converge: 2s")).rejects.toThrow("no route changed");
});

function probe(outages: object[], ongoing: boolean): never {
  return { failure: undefined, outagesSince: () => ({ outages, ongoing }) } as never;
}

describe("outage", () => {
  test("bounds", async () => {
    step = { ...step, probe: () => probe([{ fromMs: 100, toMs: 600, lost: 30 }], false) };
    expect(
      await lookAtBoth(
        "outage: { probe: p, atMost: 500ms }",
        "outage: { probe: p, atMost: 400ms }",
      ),
    ).toMatchObject(passAndFail(/longest 500 ms, 30 lost/));
    expect(
      await lookAtBoth("outage: { probe: p, atLeast: 500ms }", "outage: { probe: p, lost: 0 }"),
    ).toMatchObject(passAndFail(/30/));
    expect(await look("outage: { probe: p, atMost: 400ms }")).toMatchObject({
      ...{ final: true, differs: ["longest 500 ms, not at most 400 ms"] },
    });
  });

  test("while one goes on, an upper bound is not kept yet", async () => {
    step = { ...step, probe: () => probe([{ fromMs: 100, toMs: 400, lost: 9 }], true) };
    expect(await look("outage: { probe: p, atMost: 1s }")).toMatchObject({
      ok: false,
      final: false,
    });
  });

  test("without its probe: a precondition", async () => {
    await expect(look("outage: { probe: p, atMost: 1s }")).rejects.toThrow(PreconditionError);
  });
});
