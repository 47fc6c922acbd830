import { describe, expect, test } from "vitest";
import { filesFor, shown } from "../../input/files.testkit.ts";
import { readScenario } from "./read.ts";
import { read, scenario, step, valid } from "./seed-scenario.testkit.ts";
import type { Scenario } from "./types.ts";

const eventsOf = (...events: string[]) => scenario(step({ events })).steps[0]!.events;
const checksOf = (...checks: string[]) => scenario(step({ checks })).steps[0]!.checks;

describe("what a scenario says", () => {
  test("steps, times and probes", () => {
    const { name, summary, steps } = scenario(`name: rack-spine
summary: Pods reach each other.
steps:
  - name: first
    within: 30s
    probe: { name: p, from: netshoot@kind-worker, to: 10.0.0.1 }
    expect:
      - ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3, loss: 0% }
  - name: second
    within: 1.5m
    for: 250ms
    converge: 2s
    probe:
      - { name: q, from: tor0, to: tor1, every: 5ms }
    do: [ { link: { between: [router0, tor1], set: down } } ]
    expect:
      - outage: { probe: p, atMost: 20s, lost: { atLeast: 1 } }
`);
    expect({ name, summary }).toEqual({ name: "rack-spine", summary: "Pods reach each other." });
    expect(steps[0]).toMatchObject({ name: "first", withinMs: 30_000, forMs: 0, events: [] });
    expect(steps[0]).not.toHaveProperty("convergeMs");
    expect(steps[0]!.probes).toMatchObject([
      {
        name: "p",
        everyMs: 10,
        from: { type: "pod", pod: "netshoot", node: "kind-worker" },
        to: { type: "address", address: "10.0.0.1" },
      },
    ]);
    expect(steps[1]).toMatchObject({ withinMs: 90_000, forMs: 250, convergeMs: 2000 });
    expect(steps[1]!.probes).toMatchObject([{ name: "q", everyMs: 5 }]);
    expect(steps[1]!.checks).toMatchObject([
      { kind: "outage", probe: "p", durationMs: { atMost: 20_000 }, lost: { atLeast: 1 } },
    ]);
    expect(steps[1]!.source).toMatch(/s\.yaml:9$/);
    expect(steps[1]!.checks[0]!.source).toMatch(/s\.yaml:17$/);
  });

  test("every event", () => {
    const text = step({
      events: [
        "link: { between: [router0, 'tor1:net0'], set: down }\n        after: 1s\n        undoAfter: 500ms",
        "link: { on: srv-worker:net0, set: up }",
        "agent: { on: kind-worker, do: restart }",
        "metric: { on: router0, neighbor: tor0, prefix: kind-worker.podCIDR, asPathPrepend: 3, med: 7 }",
        "metric: { on: kind-worker, route: default, via: tor0, metric: 50 }",
        "config: { on: tor0, lines: [router bgp 65010, ' coalesce-time 0'] }",
        "config:\n          on: tor0\n          lines: |\n            router bgp 65010\n             coalesce-time 0",
        "daemon: { on: tor0, daemon: bgpd, do: kill }",
        "node: { on: tor1, do: pause }\n        undoAfter: 2s",
        "gateway: { on: kind-worker, via: 10.0.2.1 }",
        "gateway: { on: kind-worker, do: add, via: tor0:net2, metric: 9 }",
        "apply: more.yaml",
        "apply: [more.yaml, { apiVersion: v1, kind: Service, metadata: { name: web } }]",
        "patch: { kind: DaemonSet, name: netshoot, merge: { spec: { x: 1 } } }",
        "delete: { kind: CiliumBGPAdvertisement, name: pod-cidr }",
        "exec: { on: tor0, command: vtysh -c 'show version', allowFailure: true }",
        "exec: { on: netshoot@kind-worker, command: [echo, a b] }",
        "scale: { kind: Deployment, name: web, replicas: 3 }",
        "partition: { isolate: [tor1, kind-worker2] }",
        "together:\n          - link: { on: tor0:net0, set: down }\n          - agent: { on: kind-worker, do: kill }",
      ],
    });
    const more =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: w, image: x}]}}\n";
    const [{ events }] = scenario(text, { "more.yaml": more }).steps as [Scenario["steps"][0]];
    const web = { object: { kind: "Deployment", metadata: { name: "web", namespace: "default" } } };
    expect(events).toMatchObject([
      {
        kind: "link",
        link: { between: [{ node: "router0" }, { node: "tor1", interface: "net0" }] },
        set: "down",
        afterMs: 1000,
        undoAfterMs: 500,
      },
      { link: { on: { node: "srv-worker", interface: "net0" } }, set: "up", afterMs: 0 },
      { kind: "agent", on: "kind-worker", action: "restart" },
      {
        kind: "metric",
        of: "bgp",
        on: "router0",
        neighbor: { type: "node", node: "tor0" },
        prefix: { type: "podCIDR", node: "kind-worker" },
        asPathPrepend: 3,
        med: 7,
      },
      { kind: "metric", of: "route", route: "default", via: { node: "tor0" }, metric: 50 },
      { kind: "config", lines: ["router bgp 65010", " coalesce-time 0"] },
      { kind: "config", lines: ["router bgp 65010", " coalesce-time 0"] },
      { kind: "daemon", on: "tor0", daemon: "bgpd", action: "kill" },
      { kind: "node", on: "tor1", action: "pause", undoAfterMs: 2000 },
      { kind: "gateway", action: "replace", via: { type: "address", address: "10.0.2.1" } },
      { kind: "gateway", action: "add", via: { type: "interface", interface: "net2" }, metric: 9 },
      { kind: "apply", manifests: [web] },
      { kind: "apply", manifests: [web, { object: { kind: "Service" } }] },
      {
        kind: "patch",
        resource: { kind: "DaemonSet", namespace: "default", name: "netshoot" },
        merge: { spec: { x: 1 } },
      },
      { kind: "delete", resource: { kind: "CiliumBGPAdvertisement", name: "pod-cidr" } },
      { kind: "exec", argv: ["vtysh", "-c", "show version"], allowFailure: true },
      { kind: "exec", argv: ["echo", "a b"], on: { type: "pod" }, allowFailure: false },
      { kind: "scale", replicas: 3 },
      { kind: "partition", isolate: ["tor1", "kind-worker2"] },
      { kind: "together", events: [{ kind: "link" }, { kind: "agent", action: "kill" }] },
    ]);
    expect(events[14]).not.toHaveProperty("resource.namespace");
  });

  test("every check", () => {
    const checks = checksOf(
      "session: { on: router0, to: tor0, received: 5, sent: { atLeast: 13 } }",
      "session: { on: tor0, to: 10.0.1.2, state: [Idle, Active], uptime: { atMost: 5s } }",
      "session: { on: tor0, to: tor1, absent: true }",
      'route: { on: router0, prefix: kind-worker3.podCIDR, via: tor1, asPath: "65011", stale: false }',
      'route: { on: tor0, prefix: default, via: [router0, 10.0.0.9], paths: 2, asPath: "", communities: "65000:1", largeCommunities: { exactly: ["1:2:3"] }, localPreference: 100, med: 0, origin: IGP, best: true, why: local, installed: true }',
      "routes: { on: router0, count: 12, includes: [tor0.loopback] }",
      "fib: { on: kind-worker, prefix: default, via: tor0, dev: net0, metric: 0, nextHops: 1, protocol: static }",
      "ping: { from: netshoot@kind-worker, to: tor1.loopback, count: 4, loss: { atMost: 2.5% }, rtt: { atMost: 10ms } }",
      "path: { from: netshoot@kind-worker, to: netshoot@kind-worker3, through: [tor0, router0, tor1], avoids: [] }",
      "http: { from: netshoot@kind-worker, to: service/default/kubernetes, port: 8080, path: /x, status: 404, body: { matches: '^no' } }",
      "resource: { kind: DaemonSet, name: netshoot, field: status.numberReady, equals: 3 }",
      "resource: { kind: Node, name: kind-worker, field: \"metadata.labels['kubernetes.io/os']\", contains: lin }",
      "resource: { kind: CiliumBGPPeerConfig, name: none, absent: true }",
      "condition: { kind: Node, name: kind-worker, type: Ready, status: False, reason: Down }",
      "metric: { on: kind-worker, name: up, labels: { a: b }, value: { atLeast: -0.5 } }",
      "log: { on: kind-worker, of: agent, contains: Established }",
      "exec: { on: tor0, command: uname, stdout: Linux }",
      "converge: 2s",
      "converge: { atLeast: 1ms, atMost: 2s }",
    );
    expect(checks).toMatchObject([
      {
        kind: "session",
        states: ["Established"],
        absent: false,
        family: "ipv4-unicast",
        received: { atLeast: 5, atMost: 5 },
        sent: { atLeast: 13 },
      },
      { states: ["Idle", "Active"], to: { type: "address" }, uptimeMs: { atMost: 5000 } },
      { absent: true },
      { kind: "route", via: [{ node: "tor1" }], asPath: "65011", stale: false, absent: false },
      {
        prefix: { type: "prefix", prefix: "0.0.0.0/0" },
        via: [{ node: "router0" }, { address: "10.0.0.9" }],
        paths: { atLeast: 2, atMost: 2 },
        asPath: "",
        communities: { includes: ["65000:1"] },
        largeCommunities: { exactly: ["1:2:3"] },
        localPreference: 100,
        med: 0,
        origin: "IGP",
        best: true,
        why: { contains: "local" },
        installed: true,
      },
      { kind: "routes", count: { atLeast: 12, atMost: 12 }, includes: [{ type: "loopback" }] },
      { kind: "fib", prefix: "default", dev: "net0", metric: 0, protocol: "static" },
      { kind: "ping", count: 4, loss: { atMost: 2.5 }, rttMs: { atMost: 10 } },
      { kind: "path", through: ["tor0", "router0", "tor1"] },
      { kind: "http", port: 8080, path: "/x", status: 404, body: { matches: /^no/m } },
      { kind: "resource", field: ["status", "numberReady"], equals: 3, absent: false },
      { field: ["metadata", "labels", "kubernetes.io/os"], text: { contains: "lin" } },
      { resource: { kind: "CiliumBGPPeerConfig" }, field: [], absent: true },
      { kind: "condition", type: "Ready", status: "False", reason: "Down" },
      { kind: "metric", labels: { a: "b" }, value: { atLeast: -0.5 } },
      { kind: "log", of: "agent", absent: false, line: { contains: "Established" } },
      { kind: "exec", argv: ["uname"], exitCode: 0, stdout: { contains: "Linux" } },
      { kind: "converge", withinMs: { atMost: 2000 } },
      { kind: "converge", withinMs: { atLeast: 1, atMost: 2000 } },
    ]);
  });

  test("defaults of a ping: no loss", () => {
    expect(checksOf("ping: { from: tor0, to: tor1 }")).toMatchObject([
      { count: 3, loss: { atLeast: 0, atMost: 0 } },
    ]);
  });

  test("a prepend of 0 takes an earlier one away", () => {
    expect(eventsOf("metric: { on: tor0, asPathPrepend: 0 }")).toMatchObject([
      { asPathPrepend: 0 },
    ]);
  });
});

describe("mistakes in the file", () => {
  test("all at once, in order, with those of names and of form", () => {
    expect(
      shown(
        read(`summary: x
steps:
  - name: one
    within: 30
    expects: []
    expect:
      - session: { on: roter0, to: tor0, state: Estab }
      - outage: { probe: p, lost: 0 }
    ping: { from: tor0, to: tor1 }
  - name: two
  - name: three
    converge: 1s
    probe: { name: p, from: tor0, to: tor1, every: 0ms }
    expect: [ { converge: 1s } ]
`),
      ),
    ).toEqual([
      "s.yaml:1: MissingField: a scenario needs 'name'",
      "s.yaml:4: BadValue steps[0].within: expected a duration such as 10ms, 2s or 1m, not '30'\n  hint: write the unit: ms, s, m or h",
      "s.yaml:5: UnknownField steps[0].expects: a step has no field 'expects'\n  hint: did you mean 'expect'?",
      "s.yaml:7: BadValue steps[0].expect[0].session.state: expected one of Idle, Connect, Active, OpenSent, OpenConfirm, Established, not 'Estab'\n  hint: did you mean 'Established'?",
      "s.yaml:7: UnknownNode steps[0].expect[0].session.on: no node 'roter0'\n  hint: did you mean 'router0'?",
      "s.yaml:9: UnknownField steps[0].ping: a step has no field 'ping'\n  hint: a check goes into the list under 'expect'",
      "s.yaml:10: MissingField steps[1]: a step needs 'expect', 'never', 'do' or 'probe'",
      "s.yaml:11: MissingField steps[2]: 'converge' counts from an event, and the step has none\n  hint: add `do:` with an event",
      "s.yaml:13: BadValue steps[2].probe.every: expected 1ms or more between two packets",
    ]);
  });

  test("probes that begin later, or twice", () => {
    const probe = "probe: { name: p, from: tor0, to: tor1 }";
    expect(
      shown(
        read(
          `name: x\nsteps:\n  - name: a\n    expect: [ { outage: { probe: p, lost: 0 } } ]\n  - name: b\n    ${probe}\n  - name: c\n    ${probe}\n`,
        ),
      ),
    ).toEqual([
      "s.yaml:4: UnknownProbe steps[0].expect[0].outage.probe: probe 'p' begins later: s.yaml:6",
      "s.yaml:8: DuplicateName steps[2].probe.name: another probe is called 'p': s.yaml:6",
    ]);
  });

  test("a convergence without an event", () => {
    expect(
      shown(
        read(
          "name: x\nsteps:\n  - name: a\n    converge: 1s\n    expect: [ { ping: { from: tor0, to: tor1 } } ]\n",
        ),
      ),
    ).toEqual([
      "s.yaml:3: MissingField steps[0]: 'converge' counts from an event, and the step has none\n  hint: add `do:` with an event",
    ]);
  });

  test.each([
    ["", "s.yaml: EmptyFile: is empty"],
    [
      "name: x\nsteps: []\n",
      "s.yaml:2: MissingValue steps: expected a list of steps, not an empty list",
    ],
    ["name: x\n", "s.yaml:1: MissingField: a scenario needs 'steps'"],
  ])("%j", (text, expected) => {
    expect(shown(read(text))).toEqual([expected]);
  });

  test("without a lab, names have only their form checked", () => {
    const path = filesFor({ "s.yaml": step({ checks: ["ping: { from: a@b, to: c }"] }) })("s.yaml");
    expect(shown(readScenario(path, valid))).toEqual([]);
  });
});
