import { beforeEach, describe, expect, test } from "vitest";
import { EnvironmentError } from "../../input/diagnostic.ts";
import type { KubeObject } from "../../kube/object.ts";
import { recorded, FakeLab } from "../testing/fake-lab.ts";
import { eventOf } from "../testing/read-scenario.ts";
import { EventError, type Undo } from "../event.ts";
import { rejectedLine } from "../node-command.ts";
import { attachedMaps } from "./bgp-metric.ts";
import { inversePatch } from "./resources.ts";
import { eventText, runEvent } from "./table.ts";

let lab: FakeLab;

beforeEach(() => {
  lab = new FakeLab();
});

/** Does an event written as in a scenario file. */
async function act(yaml: string): Promise<Undo | undefined> {
  const event = eventOf(yaml);
  expect(eventText(event)).not.toBe("");
  return await runEvent(lab.labContext, event as never);
}

const lastCommands = (count: number) => lab.commands.slice(-count);

describe("link", () => {
  test("both ends, and back", async () => {
    const undo = await act("link: { between: [tor0, router0], set: down }");
    expect(lab.commands).toEqual(["link router0:net0 tor0:net0 down"]);
    await undo!();
    expect(lastCommands(1)).toEqual(["link router0:net0 tor0:net0 up"]);
  });

  test("a bad cable, both ways or one, and as new again", async () => {
    const undo = await act(
      "link: { between: [tor0, router0], impair: { delay: 10ms, loss: 5%, rate: 10mbit } }",
    );
    const how = JSON.stringify({ delayMs: 10, lossPercent: 5, rateBitsPerSecond: 10e6 });
    expect(lab.commands).toEqual([
      `impair router0:net0 → tor0:net0 ${how}`,
      `impair tor0:net0 → router0:net0 ${how}`,
    ]);
    await undo!();
    expect(lastCommands(1)).toEqual(["impair tor0:net0 → router0:net0 as new"]);
    await act("link: { between: [tor0, router0], impair: none, from: tor0 }");
    expect(lab.commands).toHaveLength(5);
  });

  test("what no kernel here can do", async () => {
    const remedy = "another kernel";
    lab.runtime.impairLink = () => Promise.reject(new EnvironmentError("no netem", remedy));
    const yaml = "link: { between: [tor0, router0], impair: { delay: 10ms } }";
    await expect(act(yaml)).rejects.toThrow(EnvironmentError);
  });

  test("no such link", async () => {
    await expect(act("link: { between: [tor0, tor1], set: down }")).rejects.toThrow("no link");
  });
});

test("agent", async () => {
  const undo = await act("agent: { on: kind-worker, do: stop }");
  await undo!();
  expect(lab.agentActions).toEqual(["stop kind-worker", "start kind-worker"]);
  expect(await act("agent: { on: kind-worker, do: restart }")).toBeUndefined();
  expect(await act("agent: { on: kind-worker, do: upgrade }")).toBeUndefined();
  expect(lab.agentActions.at(-1)).toBe("upgrade kind-worker");
  lab.agents.kill = () => Promise.reject(new Error("no such process"));
  await expect(act("agent: { on: kind-worker, do: kill }")).rejects.toThrow("no such process");
});

describe("config", () => {
  const command = "tor0 vtysh -c configure terminal -c router bgp 65010 -c neighbor foo";
  const yaml = 'config: { on: tor0, lines: ["router bgp 65010", "neighbor foo"] }';

  test("all lines by one vtysh", async () => {
    lab.answer("tor0", command.slice("tor0 ".length), "");
    await act(yaml);
    expect(lab.commands).toEqual([command]);
    expect(lab.records).toMatchObject([{ type: "exec", node: "tor0", exitCode: 0 }]);
  });

  test("the rejected line is named", async () => {
    const output = "% Command incomplete: neighbor foo\n";
    lab.answer("tor0", command.slice("tor0 ".length), { exitCode: 1, stdout: output });
    await expect(act(yaml)).rejects.toMatchObject({
      name: "EventError",
      node: "tor0",
      command: "neighbor foo",
      output,
    });
  });

  test("a complaint that names no line", () => {
    expect(rejectedLine(["a"], "% BGP is already running; AS is 65010")).toBeUndefined();
  });
});

describe("metric of BGP", () => {
  const running = [
    "router bgp 65010",
    " neighbor net0 interface peer-group ROUTERS",
    " address-family ipv4 unicast",
    "  neighbor net3 route-map MINE out",
    " exit-address-family",
    "exit",
  ].join("\n");
  const attach =
    "tor0 vtysh -c configure terminal -c route-map SPINELAB-net0-out-1 permit 10" +
    " -c set as-path prepend 65010 65010 -c exit -c router bgp 65010" +
    " -c address-family ipv4 unicast -c neighbor net0 route-map SPINELAB-net0-out-1 out -c exit -c exit";

  beforeEach(() => {
    lab.answer("tor0", "vtysh -c show running-config", running);
  });

  test("a route-map towards one neighbor, and away with it", async () => {
    lab.answer("tor0", attach.slice("tor0 ".length), "");
    const undo = await act("metric: { on: tor0, neighbor: router0, asPathPrepend: 2 }");
    expect(lastCommands(1)).toEqual([attach]);
    await expect(undo!()).rejects.toThrow(EventError);
    expect(lastCommands(1)[0]).toContain("-c no neighbor net0 route-map SPINELAB-net0-out-1 out");
    expect(lastCommands(1)[0]).toContain("-c no route-map SPINELAB-net0-out-1");
  });

  test("0 takes back what an earlier event attached", async () => {
    const earlier = running.replace("MINE", "SPINELAB-net3-out-1");
    lab.answer("tor0", "vtysh -c show running-config", earlier);
    await expect(act("metric: { on: tor0, neighbor: router1, asPathPrepend: 0 }")).rejects.toThrow(
      EventError,
    );
    expect(lastCommands(1)).toEqual([
      "tor0 vtysh -c configure terminal -c router bgp 65010 -c address-family ipv4 unicast" +
        " -c no neighbor net3 route-map SPINELAB-net3-out-1 out -c exit -c exit",
    ]);
  });

  test("a route-map of the lab's own is left alone", async () => {
    await expect(act("metric: { on: tor0, neighbor: router1, med: 5 }")).rejects.toThrow(
      "neighbor net3 route-map MINE out: the router has a route-map there",
    );
  });

  test("no such neighbor", async () => {
    await expect(act("metric: { on: tor0, neighbor: tor1, med: 5 }")).rejects.toThrow(
      "no such neighbor",
    );
  });

  test("route-maps attached", () => {
    expect([...attachedMaps(running)]).toEqual([["net3 out", "MINE"]]);
  });
});

describe("OSPF cost", () => {
  const running = [
    "interface net0",
    " ip ospf cost 30",
    "exit",
    "!",
    "interface net3",
    " ip ospf area 0",
    "exit",
  ].join("\n");
  const set = (device: string, line: string) =>
    `vtysh -c configure terminal -c interface ${device} -c ${line}`;

  beforeEach(() => {
    lab.answer("tor0", "vtysh -c show running-config", running);
  });

  test("of an interface, and what it was before", async () => {
    lab.answer("tor0", set("net0", "ip ospf cost 100"), "");
    lab.answer("tor0", set("net0", "ip ospf cost 30"), "");
    const undo = await act("metric: { on: tor0:net0, ospfCost: 100 }");
    await undo!();
    expect(lastCommands(1)).toEqual([`tor0 ${set("net0", "ip ospf cost 30")}`]);
  });

  test("what had none has none again", async () => {
    lab.answer("tor0", set("net3", "ip ospf cost 100"), "");
    lab.answer("tor0", set("net3", "no ip ospf cost"), "");
    const undo = await act("metric: { on: tor0:net3, ospfCost: 100 }");
    await undo!();
    expect(lastCommands(1)).toEqual([`tor0 ${set("net3", "no ip ospf cost")}`]);
  });

  test("a router that refuses it fails the event", async () => {
    const refused = { exitCode: 1, stdout: "% Unknown command: ip ospf cost 100\n" };
    lab.answer("tor0", set("net3", "ip ospf cost 100"), refused);
    await expect(act("metric: { on: tor0:net3, ospfCost: 100 }")).rejects.toThrow(EventError);
  });
});

describe("metric of a kernel route", () => {
  const add = "ip route add 0.0.0.0/0 via 10.0.2.1 dev net0 metric 50";
  const del = "ip route del 0.0.0.0/0 via 10.0.2.1 dev net0";

  test("added anew, then the old one deleted", async () => {
    const table = recorded("iproute2/kind-worker-route.json");
    lab.answer("kind-worker", "ip -j -4 route show table all", table);
    lab.answer("kind-worker", add, "");
    lab.answer("kind-worker", del, "");
    await act("metric: { on: kind-worker, route: default, metric: 50 }");
    expect(lastCommands(2)).toEqual([`kind-worker ${add}`, `kind-worker ${del}`]);
  });

  test("no such route", async () => {
    lab.answer("kind-worker", "ip -j -4 route show table all", "[]");
    await expect(act("metric: { on: kind-worker, route: default, metric: 50 }")).rejects.toThrow(
      "no such route",
    );
  });
});

describe("gateway", () => {
  test("over the neighbor's address on the link", async () => {
    lab.answer("kind-worker", "ip -j -4 route show table all", "[]");
    lab.answer("kind-worker", "ip route replace default via 10.0.2.1 metric 5", "");
    await act("gateway: { on: kind-worker, do: replace, via: tor0, metric: 5 }");
    expect(lastCommands(1)).toEqual(["kind-worker ip route replace default via 10.0.2.1 metric 5"]);
  });

  test("over a node without a link", async () => {
    lab.answer("kind-worker", "ip -j -4 route show table all", "[]");
    await expect(act("gateway: { on: kind-worker, do: add, via: tor1 }")).rejects.toThrow(
      "no link",
    );
  });
});

describe("daemon", () => {
  const isFree = "sh -c [ ! -d /run/frr/bgpd.pid ] || rmdir /run/frr/bgpd.pid";

  test("saved, stopped, started, read in again", async () => {
    for (const command of [
      "vtysh -c write memory",
      "/usr/lib/frr/watchfrr.sh stop bgpd",
      isFree,
      "/usr/lib/frr/watchfrr.sh start bgpd",
      "sh -c [ ! -e /etc/frr/frr.conf ] || vtysh -b",
    ]) {
      lab.answer("tor0", command, "");
    }
    await act("daemon: { on: tor0, do: restart, daemon: bgpd }");
    expect(lab.commands).toEqual([
      "tor0 vtysh -c write memory",
      "tor0 /usr/lib/frr/watchfrr.sh stop bgpd",
      `tor0 ${isFree}`,
      "tor0 /usr/lib/frr/watchfrr.sh start bgpd",
      "tor0 sh -c [ ! -e /etc/frr/frr.conf ] || vtysh -b",
    ]);
  });

  test("one that was killed stays away, whatever watchfrr tries, until it is started", async () => {
    const commands = [
      "vtysh -c write memory",
      "sh -c kill -KILL $(cat /run/frr/bgpd.pid)",
      ...["rm -f /run/frr/bgpd.pid", "mkdir /run/frr/bgpd.pid"],
    ];
    for (const command of commands) lab.answer("tor0", command, "");
    await act("daemon: { on: tor0, do: kill, daemon: bgpd }");
    expect(lab.commands).toEqual(commands.map((command) => `tor0 ${command}`));
  });

  test("a daemon that does not start", async () => {
    lab.answer("tor0", isFree, "");
    lab.answer("tor0", "/usr/lib/frr/watchfrr.sh start bgpd", { exitCode: 1, stderr: "no" });
    await expect(act("daemon: { on: tor0, do: start, daemon: bgpd }")).rejects.toThrow(EventError);
  });
});

describe("node", () => {
  test("each action, and how it is taken back", async () => {
    const backs = { stop: "start", start: "stop", pause: "unpause", unpause: "pause" };
    for (const [action, back] of Object.entries(backs)) {
      lab = new FakeLab();
      const undo = await act(`node: { on: tor0, do: ${action} }`);
      await undo!();
      expect(lab.nodeActions).toEqual([`${action} tor0`, `${back} tor0`]);
    }
  });

  test("a restart is a stop and a start", async () => {
    expect(await act("node: { on: tor0, do: restart }")).toBeUndefined();
    expect(lab.nodeActions).toEqual(["stop tor0", "start tor0"]);
  });

  test("one that leaves: its Node object goes before its power", async () => {
    const undo = await act("node: { on: kind-worker, do: leave }");
    expect(lab.commands).toEqual(["delete Node kind-worker"]);
    await undo!();
    expect(lab.nodeActions).toEqual(["stop kind-worker", "start kind-worker"]);
  });

  test("what fails there fails the event", async () => {
    lab.nodes.start = () => Promise.reject(new Error("an exec line ended with status 1"));
    await expect(act("node: { on: tor0, do: restart }")).rejects.toThrow("an exec line");
  });
});

describe("Kubernetes objects", () => {
  const daemonSet: KubeObject = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", resourceVersion: "7" },
    spec: { replicas: 3, paused: false },
  };

  test("patch, and the patch that takes it back", async () => {
    lab.objects.push(daemonSet);
    const undo = await act(
      "patch: { kind: Deployment, name: web, merge: { spec: { paused: true, minReadySeconds: 5 } } }",
    );
    await undo!();
    expect(lab.commands).toEqual([
      'patch Deployment web {"spec":{"paused":true,"minReadySeconds":5}}',
      'patch Deployment web {"spec":{"paused":false,"minReadySeconds":null}}',
    ]);
    await expect(
      act("patch: { kind: Deployment, name: other, merge: { spec: {} } }"),
    ).rejects.toThrow("no Deployment");
  });

  test("inverse of a patch that sets an object where there was none", () => {
    expect(inversePatch({ a: { b: 1 }, c: null }, { c: [1] })).toEqual({ a: null, c: [1] });
  });

  test("scale and back", async () => {
    lab.objects.push(daemonSet);
    const undo = await act("scale: { kind: Deployment, name: web, replicas: 5 }");
    await undo!();
    expect(lab.commands).toEqual([
      'patch Deployment web {"spec":{"replicas":5}}',
      'patch Deployment web {"spec":{"replicas":3}}',
    ]);
    await expect(act("scale: { kind: Deployment, name: x, replicas: 5 }")).rejects.toThrow(
      "no Depl",
    );
  });

  test("delete", async () => {
    lab.objects.push(daemonSet);
    await act("delete: { kind: Deployment, name: web }");
    expect(lab.commands).toEqual(["delete Deployment web"]);
    await expect(act("delete: { kind: Deployment, name: x }")).rejects.toThrow("no Deployment");
  });

  test("apply: what was not there goes away again", async () => {
    const object = "{ apiVersion: v1, kind: ConfigMap, metadata: { name: c } }";
    const undo = await act(`apply: ${object}`);
    await undo!();
    expect(lab.commands).toEqual(["apply ConfigMap c", "delete ConfigMap c"]);
    lab.kube.apply = () => Promise.reject(new Error("denied"));
    await expect(act(`apply: ${object}`)).rejects.toThrow("denied");
  });
});

test("exec", async () => {
  lab.answer("tor0", "ip link", "");
  await act("exec: { on: tor0, command: ip link }");
  await expect(act("exec: { on: tor0, command: no such }")).rejects.toThrow("not found");
});
