import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../input/diagnostic.ts";
import { filesFor, shown } from "../../input/files.testkit.ts";
import { buildFabric } from "../../topology/fabric-build.ts";
import { readManifests } from "../../topology/manifests.ts";
import type { ScenarioLab } from "./check-scenario.ts";
import { readScenario } from "./read.ts";
import type { Scenario } from "./types.ts";

const valid = () => ({ problems: [] });
const folder = new URL("../../../test/data/leaf-spine-lab/", import.meta.url).pathname;

/** The seed's lab: netshoot runs on the three workers. */
function seedLab(): ScenarioLab {
  const built = buildFabric({
    topology: `${folder}bgp-topo.yaml`,
    clusters: [`${folder}cluster.yaml`],
    environment: {},
  });
  if ("diagnostics" in built) throw new Error(JSON.stringify(built.diagnostics));
  const diagnostics: Diagnostic[] = [];
  const files = ["cilium-bgp-peering-policies.yaml", "netshoot-ds.yaml"].map(
    (name) => folder + name,
  );
  const manifests = readManifests(files, valid, diagnostics);
  expect(diagnostics).toEqual([]);
  return { fabric: built.fabric, manifests };
}

const lab = seedLab();

function read(text: string, files: Record<string, string> = {}) {
  return readScenario(filesFor({ "s.yaml": text, ...files })("s.yaml"), valid, lab);
}

function scenario(...of: Parameters<typeof read>): Scenario {
  const result = read(...of);
  expect(shown(result)).toEqual([]);
  return (result as { scenario: Scenario }).scenario;
}

/** One step with these events and checks, each a line from line 4 and on. */
function step({ events = [], checks = [] }: { events?: string[]; checks?: string[] }): string {
  const lines = [
    "name: x\nsteps:\n  - name: one",
    ...(events.length > 0 ? ["    do:", ...events.map((each) => `      - ${each}`)] : []),
    ...(checks.length > 0 ? ["    expect:", ...checks.map((each) => `      - ${each}`)] : []),
  ];
  return `${lines.join("\n")}\n`;
}

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
    const kinds = events.map(({ source: _, ...event }) => event);
    const web = { object: { kind: "Deployment", metadata: { name: "web", namespace: "default" } } };
    expect(kinds).toMatchObject([
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
      'route: { on: tor0, prefix: default, via: [router0, 10.0.0.9], paths: 2, asPath: "", communities: "65000:1", largeCommunities: ["1:2:3"], localPreference: 100, med: 0, origin: IGP, best: true, why: local, installed: true }',
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
    expect(checks.map(({ source: _, ...check }) => check)).toMatchObject([
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
        communities: ["65000:1"],
        largeCommunities: ["1:2:3"],
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

/** Its line is 5: name, steps, step, do or expect. */
const wrongEvent = (event: string) => shown(read(step({ events: [event] })));
const wrongCheck = (check: string) => shown(read(step({ checks: [check] })));

describe("mistakes in checks", () => {
  test.each<[string, string]>([
    [
      "sesion: { on: router0, to: tor0 }",
      "UnknownCheck steps[0].expect[0].sesion: no check 'sesion'\n  hint: did you mean 'session'?",
    ],
    [
      "link: { between: [tor0, router0], set: up }",
      "UnknownCheck steps[0].expect[0].link: no check 'link'\n  hint: 'link' is an event: it goes under 'do'",
    ],
    [
      "ping",
      "WrongType steps[0].expect[0]: check 'ping' needs its fields\n  hint: write `ping: { … }`",
    ],
    [
      "session: { on: router0, to: tor0, recieved: 5 }",
      "UnknownField steps[0].expect[0].session.recieved: 'session' has no field 'recieved'\n  hint: did you mean 'received'?",
    ],
    ["session: { on: router0 }", "MissingField steps[0].expect[0].session: 'session' needs 'to'"],
    [
      "session: { on: roter0, to: tor0 }",
      "UnknownNode steps[0].expect[0].session.on: no node 'roter0'\n  hint: did you mean 'router0'?",
    ],
    [
      "session: { on: router0, to: tor0, received: many }",
      "BadValue steps[0].expect[0].session.received: expected a number from 0 to 4294967295, not 'many'",
    ],
    [
      "session: { on: router0, to: tor0, received: { atLeast: 3, atMost: 2 } }",
      "BadValue steps[0].expect[0].session.received: 'atLeast' is above 'atMost': nothing lies between",
    ],
    [
      "session: { on: router0, to: tor0, received: {} }",
      "MissingField steps[0].expect[0].session.received: a range needs 'atLeast', 'atMost' or both",
    ],
    [
      "route: { on: tor0, prefix: 10.1.0.0/16, absent: true, via: router0 }",
      "BadValue steps[0].expect[0].route: 'absent' leaves nothing for 'via' to look at\n  hint: take one of them out",
    ],
    [
      "route: { on: tor0, prefix: tor1.podCIDR }",
      "NotKubernetes steps[0].expect[0].route.prefix: 'tor1' has no podCIDR: it is no Kubernetes node\n  hint: Kubernetes nodes: kind-control-plane, kind-worker, kind-worker2, kind-worker3",
    ],
    [
      "route: { on: tor0, prefix: default, asPath: 65000-65011 }",
      "BadValue steps[0].expect[0].route.asPath: expected AS numbers separated by spaces, not '65000-65011'\n  hint: from the neighbor to the origin, such as \"65000 65011\"",
    ],
    [
      "routes: { on: tor0 }",
      "MissingField steps[0].expect[0].routes: 'routes' needs 'count', 'exactly', 'includes' or 'excludes'",
    ],
    [
      "ping: { from: netshot@kind-worker, to: 10.0.0.1 }",
      "UnknownPod steps[0].expect[0].ping.from: no manifest makes a pod 'netshot'\n  hint: did you mean 'netshoot'?",
    ],
    [
      "ping: { from: netshoot@kind-control-plane, to: 10.0.0.1 }",
      "UnknownPod steps[0].expect[0].ping.from: no pod 'netshoot' runs on 'kind-control-plane': it does not tolerate the node's taint node-role.kubernetes.io/control-plane:NoSchedule\n  hint: made by DaemonSet FOLDER/netshoot-ds.yaml:1",
    ],
    [
      "ping: { from: kube-system/netshoot@kind-worker, to: 10.0.0.1 }",
      "UnknownPod steps[0].expect[0].ping.from: no manifest makes a pod 'netshoot' in namespace 'kube-system'",
    ],
    [
      "ping: { from: netshoot@worker9, to: 10.0.0.1 }",
      "UnknownNode steps[0].expect[0].ping.from: no node 'worker9'\n  hint: known: kind-control-plane, kind-worker, kind-worker2, kind-worker3, router0, srv-control-plane, srv-worker, srv-worker2, srv-worker3, tor0, tor1",
    ],
    [
      "ping: { from: tor0, to: service/default/wbe }",
      "UnknownService steps[0].expect[0].ping.to: no manifest makes a service 'default/wbe'",
    ],
    [
      "ping: { from: tor0, to: tor1:net7 }",
      "UnknownInterface steps[0].expect[0].ping.to: node 'tor1' has no interface 'net7'\n  hint: did you mean 'net0'?",
    ],
    [
      "ping: { from: tor0, to: tor1, loss: 0 }",
      "BadValue steps[0].expect[0].ping.loss: expected a percentage such as 0%, not '0'\n  hint: write the % sign",
    ],
    [
      "path: { from: tor0, to: tor1 }",
      "MissingField steps[0].expect[0].path: 'path' needs 'through' or 'avoids'",
    ],
    [
      "resource: { kind: Daemonset, name: netshoot, field: status.numberReady, equals: 3 }",
      "UnknownKind steps[0].expect[0].resource.kind: no kind 'Daemonset'\n  hint: did you mean 'DaemonSet'?",
    ],
    [
      "resource: { kind: DaemonSet, name: netshot, field: status.numberReady, equals: 3 }",
      "UnknownResource steps[0].expect[0].resource: no manifest makes DaemonSet 'default/netshot'\n  hint: did you mean 'default/netshoot'?",
    ],
    [
      "resource: { kind: DaemonSet, name: netshoot, equals: 3 }",
      "MissingField steps[0].expect[0].resource: 'resource' needs 'field': which field to look at",
    ],
    [
      "resource: { kind: DaemonSet, name: netshoot, field: a..b, equals: 3 }",
      "BadValue steps[0].expect[0].resource.field: expected a field such as status.numberReady or status.conditions[0].reason, not 'a..b'\n  hint: a key with dots or slashes is written ['like.this']",
    ],
    [
      "log: { on: kind-worker }",
      "BadValue steps[0].expect[0].log: needs exactly one of 'contains', 'equals', 'matches'",
    ],
    [
      "log: { on: kind-worker, matches: '(' }",
      "BadValue steps[0].expect[0].log.matches: Invalid regular expression: /(/m: Unterminated group",
    ],
    [
      "outage: { probe: x, atMost: 3s }",
      "UnknownProbe steps[0].expect[0].outage.probe: no probe 'x'\n  hint: add `probe:` to the step",
    ],
    [
      "metric: { on: tor0, name: up, value: 1 }",
      "NotKubernetes steps[0].expect[0].metric.on: 'tor0' runs no agent: it is no Kubernetes node\n  hint: Kubernetes nodes: kind-control-plane, kind-worker, kind-worker2, kind-worker3",
    ],
    [
      "converge: 2",
      "BadValue steps[0].expect[0].converge: expected a duration such as 10ms, 2s or 1m, not '2'\n  hint: write the unit: ms, s, m or h",
    ],
  ])("%s", (check, expected) => {
    const [first, ...more] = wrongCheck(check).map((each) => each.replace(folder, "FOLDER/"));
    expect(first).toBe(`s.yaml:5: ${expected}`);
    expect(more).toEqual([]);
  });
});

describe("mistakes in events", () => {
  test.each<[string, string]>([
    [
      "restart: kind-worker",
      "UnknownEvent steps[0].do[0].restart: no event 'restart'\n  hint: known: agent, apply, config, daemon, delete, exec, gateway, link, metric, node, partition, patch, scale, together",
    ],
    [
      "ping: { from: tor0, to: tor1 }",
      "UnknownEvent steps[0].do[0].ping: no event 'ping'\n  hint: 'ping' is a check: it goes under 'expect'",
    ],
    [
      "link: { between: [router0, kind-worker], set: down }",
      "UnknownLink steps[0].do[0].link: no link between router0 and kind-worker\n  hint: links of 'router0': router0:net0 – tor0:net0, router0:net1 – tor1:net0",
    ],
    [
      "link: { between: [router0, tor9], set: down }",
      "UnknownNode steps[0].do[0].link: no node 'tor9'\n  hint: did you mean 'tor0'?",
    ],
    [
      "link: { on: tor0, set: down }",
      "BadReference steps[0].do[0].link: 'on' names one interface, NODE:INTERFACE\n  hint: such as tor0:eth1, or `between: [tor0, OTHER]`",
    ],
    [
      "link: { between: [tor0, router0], set: down, undoAfter: 3s }",
      "UnknownField steps[0].do[0].link.undoAfter: 'link' has no field 'undoAfter'\n  hint: 'undoAfter' stands beside the event's name, not inside it",
    ],
    [
      "agent: { on: tor0, do: restart }",
      "NotKubernetes steps[0].do[0].agent.on: 'tor0' runs no agent: it is no Kubernetes node\n  hint: Kubernetes nodes: kind-control-plane, kind-worker, kind-worker2, kind-worker3",
    ],
    [
      "agent: { on: kind-worker, do: restrat }",
      "BadValue steps[0].do[0].agent.do: expected one of restart, kill, stop, start, not 'restrat'\n  hint: did you mean 'restart'?",
    ],
    [
      "metric: { on: tor0, localPref: 3 }",
      "UnknownField steps[0].do[0].metric.localPref: 'metric' has no field 'localPref'\n  hint: did you mean 'localPreference'?",
    ],
    [
      "exec: { on: tor0, command: 'x \"y' }",
      'BadCommand steps[0].do[0].exec.command: the command has a double quote (") that is not closed',
    ],
    [
      "apply: nope.yaml",
      "MissingFile steps[0].do[0].apply: no file 'nope.yaml'\n  hint: paths are relative to the scenario file",
    ],
    [
      "apply: { kind: DaemonSet }",
      "MissingField steps[0].do[0].apply.apiVersion: a Kubernetes object needs 'apiVersion'",
    ],
    [
      "scale: { kind: Deployment, name: web, replicas: 3 }",
      "UnknownResource steps[0].do[0].scale: no manifest makes Deployment 'default/web'",
    ],
    [
      "partition: { isolate: [] }",
      "MissingValue steps[0].do[0].partition.isolate: expected a list of nodes, not an empty list",
    ],
  ])("%s", (event, expected) => {
    expect(wrongEvent(event)[0]).toBe(`s.yaml:5: ${expected}`);
  });

  test("what cannot be taken back", () => {
    expect(wrongEvent("exec: { on: tor0, command: date }\n        undoAfter: 1s")).toEqual([
      "s.yaml:6: NotUndoable steps[0].do[0].undoAfter: 'exec' cannot be taken back\n  hint: write a second event that sets things right",
    ]);
    expect(
      wrongEvent("agent: { on: kind-worker, do: restart }\n        undoAfter: 1s"),
    ).toHaveLength(1);
  });

  test("two events in one item", () => {
    const two = "link: { on: tor0:net0, set: down }\n        agent: { on: kind-worker, do: kill }";
    expect(wrongEvent(two)).toEqual([
      "s.yaml:6: BadValue steps[0].do[0].agent: one event an item: 'link' is here already\n  hint: begin a line of its own: `- agent:`",
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
      "s.yaml:10: MissingField steps[1]: a step needs 'expect', 'do' or 'probe'",
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
