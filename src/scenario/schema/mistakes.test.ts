import { describe, expect, test } from "vitest";
import { shown } from "../../input/files.testkit.ts";
import { folder, read, step } from "./seed-scenario.testkit.ts";

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
      "BadValue steps[0].expect[0].ping.loss: expected a percentage from 0% to 100%, not '0'\n  hint: write the % sign",
    ],
    [
      "http: { from: tor0, to: tor1, fails: refused, status: 200 }",
      "BadValue steps[0].expect[0].http: where 'fails' holds there is no 'status' and no 'body'",
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

describe("mistakes in limits on a spread", () => {
  // Its line is 2: the name comes first.
  const wrongLimit = (limit: string) => {
    const scenario = step({ events: ["agent: { on: kind-worker, do: restart }"] });
    return shown(read(scenario.replace(/^(name:.*\n)/, `$1spread: [ { ${limit} } ]\n`)));
  };
  const neither = "BadValue spread[0]: a limit of 'spread' is of either 'converge' or 'outage'";
  const noLimit = "MissingField spread[0]: a limit of 'spread' needs 'median', 'p95' or 'worst'";
  const bad = (field: string, value: string) =>
    expect.stringMatching(
      `BadValue spread\\[0\\].${field}: expected a duration .*, not '${value}'`,
    ) as string;

  test.each<[string, string[]]>([
    ["converge: one, p95: 2", [bad("p95", "2")]],
    ["converge: one, p95: 2, worst: soon", [bad("p95", "2"), bad("worst", "soon")]],
    ["p95: 2", [bad("p95", "2"), neither]],
    ["converge: one, outage: p, median: 2s", [neither]],
    ["converge: one", [noLimit]],
    ["converge: one, worst:", [noLimit]],
    [
      "converge: [one], worst: 2s",
      ["WrongType spread[0].converge: expected the name of a step, not a list"],
    ],
    ["worst: 2s", [neither]],
    ["{}", [neither, noLimit]],
    [
      "converge: one, p59: 2s",
      [
        "UnknownField spread[0].p59: a limit of 'spread' has no field 'p59'\n  hint: did you mean 'p95'?",
        noLimit,
      ],
    ],
    [
      "converge: onne, worst: 2s",
      ["UnknownName spread: no step 'onne' with events\n  hint: did you mean 'one'?"],
    ],
  ])("%s", (limit, expected) => {
    const wrong = wrongLimit(limit === "{}" ? "" : limit);
    expect(wrong.map((each) => each.replace(/^s\.yaml:2: /, ""))).toEqual(expected);
  });
});

describe("mistakes in events", () => {
  test.each<[string, string]>([
    [
      "restart: kind-worker",
      "UnknownEvent steps[0].do[0].restart: no event 'restart'\n  hint: known: agent, apply, chaos, config, daemon, delete, exec, gateway, link, metric, node, partition, patch, scale, together",
    ],
    [
      "ping: { from: tor0, to: tor1 }",
      "UnknownEvent steps[0].do[0].ping: no event 'ping'\n  hint: 'ping' is a check: it goes under 'expect'",
    ],
    [
      "link: { between: [router0, kind-worker], set: down }",
      "UnknownLink steps[0].do[0].link.between: no link between router0 and kind-worker\n  hint: links of 'router0': router0:net0 – tor0:net0, router0:net1 – tor1:net0",
    ],
    [
      "link: { between: [router0, tor9], set: down }",
      "UnknownNode steps[0].do[0].link.between: no node 'tor9'\n  hint: did you mean 'tor0'?",
    ],
    [
      "link: { on: tor0, set: down }",
      "BadReference steps[0].do[0].link.on: 'on' names one interface, NODE:INTERFACE\n  hint: such as tor0:eth1, or `between: [tor0, OTHER]`",
    ],
    [
      "link: { set: up }",
      "BadValue steps[0].do[0].link: 'link' needs either 'between' or 'on'\n  hint: `between: [tor0, router0]` or `on: tor0:net0`",
    ],
    [
      "link: { between: [tor0], set: up }",
      "BadValue steps[0].do[0].link.between: a link is between two nodes\n  hint: such as [tor0, router0]",
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
      "BadValue steps[0].do[0].agent.do: expected one of restart, kill, stop, start, upgrade, not 'restrat'\n  hint: did you mean 'restart'?",
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
