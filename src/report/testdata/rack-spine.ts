/**
 * Timelines as runs of the rack-spine lab make them: one that passes, one where a route stays after
 * its link went, one that the environment broke off, one full of hostile text. For the tests of the
 * readings, and for looking at them.
 */
import { createRecorder } from "../../timeline/log.ts";
import type {
  RecordBody,
  TimelineRecord,
  TopologyPicture,
  Verdict,
} from "../../timeline/record.ts";

export const rackSpinePicture: TopologyPicture = {
  nodes: [
    { name: "router0", role: "spine", notes: ["AS 65000", "10.0.0.0"], aliases: [] },
    { name: "tor0", role: "leaf", notes: ["AS 65010", "10.0.0.1"], aliases: [] },
    { name: "tor1", role: "leaf", notes: ["AS 65011", "10.0.0.2"], aliases: [] },
    kubernetesNode("kind-control-plane", "10.1.0.0/24", "srv-control-plane"),
    kubernetesNode("kind-worker", "10.1.1.0/24", "srv-worker"),
    kubernetesNode("kind-worker2", "10.1.2.0/24", "srv-worker2"),
    kubernetesNode("kind-worker3", "10.1.3.0/24", "srv-worker3"),
  ],
  links: [
    link("router0:net0", "tor0:net0"),
    link("router0:net1", "tor1:net0"),
    link("tor0:net1", "kind-control-plane:net0"),
    link("tor0:net2", "kind-worker:net0"),
    link("tor1:net1", "kind-worker2:net0"),
    link("tor1:net2", "kind-worker3:net0"),
  ],
};

const stepNames = [
  "every session comes up",
  "rack 1 loses its uplink",
  "and heals",
  "the advertisement's local preference changes",
  "an agent restarts, gracefully",
];
const podFrom = "netshoot@kind-worker";
const podTo = "netshoot@kind-worker3";
const uplink = rackSpinePicture.links[1]!;

export function passingTimeline(): TimelineRecord[] {
  const run = new Run();
  deploy(run);
  sessionsComeUp(run);
  uplinkLost(run, "pass");
  uplinkHeals(run);
  localPreference(run);
  agentRestart(run);
  run.verdict("pass");
  teardown(run);
  return run.records;
}

export function failingTimeline(): TimelineRecord[] {
  const run = new Run();
  deploy(run);
  sessionsComeUp(run);
  uplinkLost(run, "fail");
  run.add(1, {
    type: "outage",
    probe: "cross-rack",
    fromMs: run.silentSinceMs,
    toMs: run.nowMs,
    lost: 482,
  });
  run.add(3, {
    type: "probe",
    probe: "cross-rack",
    state: "end",
    sent: 531,
    received: 49,
    lost: 482,
    outageMs: 4822,
    rttMs: { min: 0.09, median: 0.14, max: 0.61 },
  });
  run.verdict("fail");
  teardown(run);
  return run.records;
}

export function inconclusiveTimeline(): TimelineRecord[] {
  const run = new Run();
  deploy(run);
  const step = run.step(0, stepNames[0]!, 30_000);
  step.check("session", "session router0 → tor0 Established", "Established", "Established", 300);
  step.check(
    "path",
    `path ${podFrom} → ${podTo} through tor0, router0, tor1`,
    "tor0, router0, tor1",
    "traceroute is not installed on this machine",
    4,
    "inconclusive",
  );
  step.end("inconclusive");
  run.add(2, {
    type: "log",
    level: "warn",
    message: "kind-worker2: the agent has not answered for 2 s",
    node: "kind-worker2",
  });
  run.verdict(
    "inconclusive",
    "1 check could not be made: traceroute is missing (apt-get install traceroute)",
  );
  teardown(run);
  return run.records;
}

/** A deploy that stops at a rejected line: no step ever begins. */
export function failedDeployTimeline(): TimelineRecord[] {
  const run = new Run();
  run.start();
  run.stage("sandboxes", 210, "7 nodes");
  run.add(10, { type: "stage", stage: "exec", state: "begin" });
  const command = "ip addr add 10.0.1.1/33 dev net1";
  const stderr = 'Error: any valid prefix is expected rather than "10.0.1.1/33".\n';
  run.add(12, { type: "exec", node: "tor0", command, exitCode: 1, stdout: "", stderr, tookMs: 4 });
  run.add(1, {
    type: "failure",
    node: "tor0",
    message: "topologies/rack-spine.clab.yaml:23: the exec line ended with status 1",
    command,
    output: stderr,
    remedy: "mend the line, or mark it as allowed to fail",
  });
  run.verdict("fail", "the deploy failed at tor0");
  teardown(run);
  return run.records;
}

/** As a crash leaves it: a check waiting, a probe without answers, no verdict. */
export function brokenOffTimeline(): TimelineRecord[] {
  const all = failingTimeline();
  const waiting = all.findIndex((record) => record.type === "waiting" && record.step === 1);
  return all.slice(0, waiting + 1);
}

/** Every text an attacker of a reading could choose. */
export function hostileTimeline(): TimelineRecord[] {
  const evil =
    "</script><script>alert(1)</script><img src=x onerror=alert(1)> & \"quoted\" 'single' ]]> \u001b[31mred\u001b[0m\u0007\u0000\u2028\ud800 <!--";
  const run = new Run();
  run.add(0, {
    type: "started",
    lab: evil,
    wallClock: "2026-11-20T10:00:00.000Z",
    runtime: "netns",
    spinelab: evil,
    replay: evil,
    topology: {
      nodes: [
        { name: evil, role: "spine", notes: [evil], aliases: [evil] },
        { name: "b", role: "leaf", notes: [], aliases: [] },
      ],
      links: [{ a: { node: evil, interface: evil }, b: { node: "b", interface: evil } }],
    },
    scenario: { name: evil, summary: evil, file: evil, steps: [evil, evil] },
  });
  run.add(1, { type: "stage", stage: evil, state: "begin", detail: evil });
  run.add(1, { type: "stage", stage: evil, state: "end", detail: evil, tookMs: 1 });
  run.add(1, {
    type: "exec",
    node: evil,
    command: evil,
    exitCode: 0,
    stdout: evil,
    stderr: evil,
    tookMs: 1,
  });
  run.add(1, { type: "probe", probe: evil, state: "begin", from: evil, to: evil, everyMs: 10 });
  const step = run.step(0, evil, 1000);
  step.event("exec", evil);
  step.wait("exec", evil, evil, `${evil} 1`);
  step.check("exec", evil, evil, `${evil} 2`, 5, "fail", evil);
  step.check("exec", evil, evil, evil, 5, "inconclusive");
  run.add(1, { type: "outage", probe: evil, fromMs: 2, toMs: 3, lost: 1 });
  run.add(1, {
    type: "routeChange",
    node: evil,
    table: "fib",
    change: "add",
    prefix: evil,
    via: evil,
  });
  run.add(1, { type: "log", level: "error", message: evil, node: evil });
  run.add(1, {
    type: "failure",
    node: evil,
    message: evil,
    command: evil,
    output: evil,
    remedy: evil,
  });
  step.end("fail");
  run.verdict("fail", evil);
  return run.records;
}

function deploy(run: Run): void {
  run.start();
  run.stage("sandboxes", 214, "7 nodes");
  run.stage("links", 83, "6 links");
  run.add(1, { type: "stage", stage: "exec", state: "begin" });
  const began = run.nowMs;
  for (const node of ["router0", "tor0", "tor1"]) {
    run.exec(node, "ip addr add 10.0.0.0/32 dev lo", 3);
    run.exec(node, "sed -i -e 's/bgpd=no/bgpd=yes/g' /etc/frr/daemons", 4);
    run.exec(
      node,
      "/usr/lib/frr/frrinit.sh start",
      310,
      "Started watchfrr.\nStarting zebra bgpd staticd\n",
    );
  }
  run.add(2, {
    type: "stage",
    stage: "exec",
    state: "end",
    detail: "9 commands",
    tookMs: run.nowMs + 2 - began,
  });
  run.stage("kubernetes", 640, "4 nodes, 4 pods");
  run.stage("agents", 410, "4 agents");
}

function sessionsComeUp(run: Run): void {
  const step = run.step(0, stepNames[0]!, 30_000);
  run.add(1, {
    type: "routeChange",
    node: "tor0",
    table: "rib",
    change: "version",
  });
  const sessions = [
    ["router0", "tor0", 5, 13],
    ["router0", "tor1", 5, 13],
    ["tor0", "kind-control-plane", 1, 11],
    ["tor0", "kind-worker", 1, 11],
    ["tor1", "kind-worker2", 1, 11],
    ["tor1", "kind-worker3", 1, 11],
  ] as const;
  for (const [on, to, received, sent] of sessions) {
    const text = `session ${on} → ${to} Established`;
    const expected = `Established, received ${received}, sent ${sent}`;
    step.wait("session", text, expected, "Connect");
    run.routes(on, 3);
    step.check("session", text, expected, expected, 180);
  }
  step.check(
    "route",
    "route router0 10.1.3.0/24 via tor1",
    "via tor1, AS path 65011",
    "via tor1, AS path 65011",
    12,
  );
  step.check("route", "route tor0 192.0.2.0/24 absent", "absent", "absent", 2);
  step.check("ping", `ping ${podFrom} → ${podTo}`, "loss 0%", "4 of 4 answered, 0.14 ms", 604);
  step.check(
    "path",
    `path ${podFrom} → ${podTo}`,
    "tor0, router0, tor1",
    "tor0, router0, tor1",
    31,
  );
  step.end("pass");
  const established = "Established, received 5, sent 13";
  run.add(0, {
    type: "state",
    changes: [
      { node: "router0", table: "session", key: "tor0", after: established },
      { node: "router0", table: "session", key: "tor1", after: established },
      { node: "router0", table: "rib", key: "10.1.3.0/24", after: "via tor1, best, AS path 65011" },
    ],
  });
}

function uplinkLost(run: Run, verdict: "pass" | "fail"): void {
  const step = run.step(1, stepNames[1]!, 5000);
  run.add(2, {
    type: "probe",
    probe: "cross-rack",
    state: "begin",
    from: podFrom,
    to: podTo,
    everyMs: 10,
  });
  run.add(480, { type: "log", level: "info", message: "capture of tor1:net0 began", node: "tor1" });
  step.event("link", "link router0:net1 – tor1:net0 down", [{ link: uplink, state: "down" }]);
  run.silentSinceMs = run.nowMs;
  run.add(14, { type: "probe", probe: "cross-rack", state: "silent", sinceMs: run.nowMs });
  for (const node of ["tor1", "router0", "tor0"]) run.routes(node, 4, "delete");
  step.check(
    "session",
    "session router0 → tor1 not Established",
    "not Established",
    "Idle, interface down",
    41,
  );
  const text = "route router0 10.1.3.0/24 absent";
  if (verdict === "pass") {
    step.check("route", text, "absent", "absent", 130);
  } else {
    step.wait("route", text, "absent", "via tor1, AS path 65011, stale");
    run.add(4600, {
      type: "routeChange",
      node: "tor0",
      table: "fib",
      change: "add",
      prefix: "10.1.2.0/24",
    });
    step.check(
      "route",
      text,
      "absent",
      "via tor1, AS path 65011",
      5000,
      "fail",
      "scenarios/rack-spine.yaml:31",
    );
    step.check(
      "session",
      "session tor0 → router0 Established",
      "Established, received 3, sent 13, hold 9 s",
      "Established, received 8, sent 13, hold 9 s",
      5000,
      "fail",
      "scenarios/rack-spine.yaml:32",
    );
  }
  run.add(0, {
    type: "measures",
    step: 1,
    events: [
      {
        text: "link router0:net1 – tor1:net0 down",
        atMs: run.silentSinceMs,
        controlPlaneMs: 62.4,
        nodesMs: { tor1: 21.2, router0: 40.8, tor0: 62.4 },
        probes: { "cross-rack": { lost: 214, dataPlaneMs: 2140, errorMs: 10 } },
      },
    ],
    updates: {
      router0: { received: 3, sent: 5 },
      tor0: { received: 4, sent: 1 },
      tor1: { received: 0, sent: 0 },
    },
    links: [{ link: uplink, packets: { toA: 40, toB: 41 } }],
  });
  step.end(verdict, verdict === "pass" ? 171 : 4800);
  const tor1 = { node: "router0", table: "session", key: "tor1" } as const;
  const route = { node: "router0", table: "rib", key: "10.1.3.0/24" } as const;
  run.add(0, {
    type: "state",
    step: 1,
    changes: [
      {
        ...tor1,
        before: "Established, received 5, sent 13",
        after: "Idle, received 0, sent 0",
      },
      { ...route, before: "via tor1, best, AS path 65011" },
    ],
  });
}

function uplinkHeals(run: Run): void {
  const step = run.step(2, stepNames[2]!, 15_000);
  step.event("link", "link router0:net1 – tor1:net0 up", [{ link: uplink, state: "up" }]);
  const text = "session router0 → tor1 Established";
  for (const seen of ["Idle", "Connect", "OpenConfirm"]) {
    step.wait("session", text, "Established", seen);
    run.add(330, { type: "log", level: "debug", message: `tor1 is in ${seen}` });
  }
  for (const node of ["router0", "tor0", "tor1"]) run.routes(node, 4);
  step.check("session", text, "Established", "Established", 1080);
  run.add(20, {
    type: "outage",
    probe: "cross-rack",
    fromMs: run.silentSinceMs,
    toMs: run.nowMs,
    lost: 127,
  });
  step.check("outage", "outage cross-rack at most 20 s", "at most 20 s", "1.27 s", 0);
  step.end("pass", 1402);
}

function localPreference(run: Run): void {
  const step = run.step(3, stepNames[3]!, 10_000);
  step.event("patch", "patch CiliumBGPAdvertisement pod-cidr");
  run.routes("tor1", 2);
  run.routes("tor0", 2);
  step.check(
    "route",
    "route tor1 10.1.3.0/24 localPref 200",
    "localPref 200",
    "localPref 200",
    212,
  );
  step.check(
    "resource",
    "CiliumBGPNodeConfig kind-worker3 peers",
    "1 peer",
    "1 peer, written 40 ms late",
    14,
    "warn",
  );
  step.end("warn", 188);
}

function agentRestart(run: Run): void {
  const step = run.step(4, stepNames[4]!, 15_000);
  step.event("agent", "agent kind-worker3 restart", [{ node: "kind-worker3", state: "degraded" }]);
  run.add(780, {
    type: "log",
    level: "info",
    message: "BGP speaker is ready",
    node: "kind-worker3",
  });
  step.event("agent", "agent kind-worker3 is back", [{ node: "kind-worker3", state: "up" }]);
  step.check(
    "session",
    "session tor1 → kind-worker3 Established",
    "Established",
    "Established",
    930,
  );
  step.check("outage", "outage cross-rack at most 0 ms", "at most 0 ms", "none since the event", 0);
  run.add(40, {
    type: "probe",
    probe: "cross-rack",
    state: "end",
    sent: 275,
    received: 148,
    lost: 127,
    outageMs: 1269,
    rttMs: { min: 0.08, median: 0.14, max: 1.2 },
  });
  step.end("pass", 0);
}

function teardown(run: Run): void {
  run.stage("teardown", 320, "7 nodes");
  run.add(5, { type: "down", tookMs: 325 });
}

/** Records with a clock that the story moves on. */
class Run {
  readonly records: TimelineRecord[] = [];
  nowMs = 0;
  /** When the last answer of the probe came. */
  silentSinceMs = 0;
  readonly #counts = { pass: 0, fail: 0, warn: 0, inconclusive: 0 };
  readonly #record = createRecorder(() => this.nowMs, [(record) => this.records.push(record)]);

  add(afterMs: number, body: RecordBody): void {
    this.nowMs += afterMs;
    this.#record(body);
  }

  start(): void {
    this.add(0, {
      type: "started",
      lab: "rack-spine",
      wallClock: "2026-11-20T10:00:00.000Z",
      runtime: "netns",
      spinelab: "0.1.0",
      replay: "npm run lab -- run rack-spine --seed 8123",
      topology: rackSpinePicture,
      scenario: {
        name: "rack-spine",
        summary: "Pods in two racks reach each other over routes learned by BGP.",
        file: "scenarios/rack-spine.yaml",
        steps: stepNames,
      },
    });
  }

  stage(stage: string, tookMs: number, detail: string): void {
    this.add(1, { type: "stage", stage, state: "begin" });
    this.add(tookMs, { type: "stage", stage, state: "end", detail, tookMs });
  }

  exec(node: string, command: string, tookMs: number, stdout = ""): void {
    this.add(tookMs, { type: "exec", node, command, exitCode: 0, stdout, stderr: "", tookMs });
  }

  /** So many changes of a node's table, a few milliseconds apart. */
  routes(node: string, count: number, change: "add" | "delete" = "add"): void {
    for (let i = 0; i < count; i++) {
      const prefix = `10.1.${i}.0/24`;
      this.add(2 + i, { type: "routeChange", node, table: "fib", change, prefix, via: "router0" });
    }
  }

  step(index: number, name: string, withinMs: number) {
    this.add(1, { type: "step", index, name, state: "begin", withinMs });
    const beganMs = this.nowMs;
    let checks = 0;
    return {
      event: (
        kind: string,
        text: string,
        changes?: Extract<RecordBody, { type: "event" }>["changes"],
      ) =>
        this.add(4, {
          type: "event",
          step: index,
          kind,
          text,
          tookMs: 4,
          ...(changes && { changes }),
        }),
      wait: (kind: string, text: string, expected: string, seen: string) =>
        this.add(5, {
          type: "waiting",
          step: index,
          index: checks,
          kind,
          text,
          expected,
          seen,
          looks: 1,
        }),
      check: (
        kind: string,
        text: string,
        expected: string,
        seen: string,
        tookMs: number,
        verdict: Verdict = "pass",
        source?: string,
      ) => {
        this.#counts[verdict]++;
        // The checks of a step wait side by side: time moves on by a part of what each took.
        this.add(Math.min(tookMs, 60), {
          type: "check",
          step: index,
          index: checks++,
          ...(verdict === "fail" && { sinceMs: beganMs + 5 }),
          kind,
          text,
          verdict,
          expected,
          seen,
          ...(source !== undefined && { source }),
          tookMs,
          looks: 1 + Math.floor(tookMs / 100),
        });
      },
      end: (verdict: Verdict, convergeMs?: number) => {
        const tookMs = this.nowMs - beganMs;
        this.add(0, {
          type: "step",
          index,
          name,
          state: "end",
          verdict,
          tookMs,
          ...(convergeMs !== undefined && { convergeMs }),
        });
      },
    };
  }

  verdict(verdict: Verdict, reason?: string): void {
    const checks = { ...this.#counts };
    this.add(1, {
      type: "verdict",
      verdict,
      tookMs: this.nowMs,
      checks,
      ...(reason !== undefined && { reason }),
    });
  }
}

function kubernetesNode(
  name: string,
  podCidr: string,
  alias: string,
): TopologyPicture["nodes"][number] {
  return { name, role: "kubernetes", notes: [`podCIDR ${podCidr}`], aliases: [alias] };
}

function link(a: string, b: string): TopologyPicture["links"][number] {
  return { a: endpoint(a), b: endpoint(b) };
}

function endpoint(text: string): { node: string; interface: string } {
  const [node, name] = text.split(":");
  return { node: node!, interface: name! };
}
