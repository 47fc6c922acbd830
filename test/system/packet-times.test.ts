import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lab, type RunningLab, type StepInput, type TimelineRecord } from "spinelab";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { unixMsOf } from "../../src/timeline/wall-clock.ts";
import { until } from "./spinelab.ts";

/**
 * The timeline's times against those that the kernel gave the packets of the same moments, on one link
 * of rack-spine.
 */
const folder = mkdtempSync(join(tmpdir(), "spinelab-packet-times-"));
let fabric: RunningLab;

beforeAll(async () => {
  fabric = await lab("rack-spine", { name: `packets-${process.pid}` });
  await play(`within: 30s
expect:
  - session: { on: router0, to: tor1, received: 5, sent: 13 }
  - ping: { from: netshoot@kind-worker, to: netshoot@kind-worker3 }`);
});

afterAll(async () => {
  await fabric?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Plays a step; its records, their `atMs` as Unix time. */
async function play(yaml: string): Promise<TimelineRecord[]> {
  const before = fabric.records.length;
  const { verdict, reason } = await fabric.step(parse(yaml) as StepInput);
  expect({ verdict, reason }).toEqual({ verdict: "pass", reason: undefined });
  return fabric.records.slice(before);
}

/** Not of what an earlier step brought, which may come as late as now. */
function firstLoss(records: readonly TimelineRecord[], node: string) {
  return records.find(
    (record) =>
      record.type === "routeChange" &&
      `${record.node} ${record.table} ${record.change}` === `${node} fib delete`,
  )!;
}

/** Unix time of a time of the timeline. */
function unixMs(atMs: number): number {
  const started = fabric.records.find((record) => record.type === "started")!;
  return unixMsOf(started.wallClock) + atMs;
}

type Packet = { atMs: number; fields: string[] };

/** Packets on an interface while `during` goes on, as the kernel stamps them: those that `filter` of Wireshark lets through. */
async function captured(
  place: string,
  during: () => Promise<TimelineRecord[]>,
): Promise<{
  records: TimelineRecord[];
  packets: (filter: string, ...fields: string[]) => Packet[];
}> {
  const [node, device] = place.split(":") as [string, string];
  const file = join(folder, `${node}-${device}-${fabric.records.length}.pcap`);
  const namespace = `clab-${fabric.name}-${node}`;
  const capture = `tcpdump -i ${device} --immediate-mode -U -Z root --nano -w ${file}`;
  const tcpdump = spawn("ip", ["netns", "exec", namespace, ...capture.split(" ")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  tcpdump.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  await until("tcpdump captures", () => said.includes("listening on"));
  const records = await during();
  tcpdump.kill("SIGINT");
  await once(tcpdump, "close");
  expect(said).toContain("0 packets dropped by kernel");
  return {
    records,
    packets: (filter, ...fields) =>
      execFileSync(
        "tshark",
        [
          "-r",
          file,
          "-Y",
          filter,
          "-T",
          "fields",
          ...["frame.time_epoch", ...fields].flatMap((field) => ["-e", field]),
        ],
        { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
      )
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => {
          const [time, ...values] = line.split("\t");
          return {
            atMs: unixMsOf(new Date(0).toISOString()) + Number(time) * 1000,
            fields: values,
          };
        }),
  };
}

/** Both ends have the kernel's time: what is between them is the way of a packet through the lab. */
const kernelMs = 2;
/** A router's own time to act upon a packet, and ours to hear of it, on a busy machine. */
const actedMs = 1000;

test("a probe's last answer before an outage, the first after, and the cut in between", async () => {
  const { records, packets } = await captured("tor1:net0", () =>
    play(`probe: { name: cut, from: netshoot@kind-worker, to: netshoot@kind-worker3, every: 5ms }
do: [ { link: { between: [router0, tor1], set: down }, undoAfter: 300ms } ]
within: 20s
expect:
  - session: { on: router0, to: tor1, received: 5, sent: 13 }
  - outage: { probe: cut, atLeast: 300ms }`),
  );
  const outage = records.find((record) => record.type === "outage")!;
  const replies = packets("icmp.type == 0").map(({ atMs }) => atMs);
  for (const seenMs of [unixMs(outage.fromMs), unixMs(outage.toMs)]) {
    expect(Math.min(...replies.map((atMs) => Math.abs(seenMs - atMs)))).toBeLessThan(kernelMs);
  }
  const [down, up] = records.filter((record) => record.type === "event");
  const inBetween = packets("icmp", "icmp.type").filter(
    ({ atMs }) =>
      atMs > unixMs(down!.atMs) + kernelMs && atMs < unixMs(up!.atMs - up!.tookMs) - kernelMs,
  );
  expect(inBetween).toEqual([]);
});

test("a route of the kernel goes, and comes, after the UPDATE that says so", async () => {
  const { records, packets } = await captured("tor0:net0", () =>
    play(`do:
  - config: { on: tor1, lines: [router bgp 65011, neighbor 10.0.4.2 shutdown] }
  - config: { on: tor1, lines: [router bgp 65011, no neighbor 10.0.4.2 shutdown] }
    after: 1s
within: 20s
expect: [ { route: { on: tor0, prefix: kind-worker3.podCIDR, via: router0, installed: true } } ]`),
  );
  const said = { delete: "bgp.mp_unreach_nlri_ipv4_prefix", add: "bgp.mp_reach_nlri_ipv4_prefix" };
  for (const [change, field] of Object.entries(said)) {
    const [update] = packets(`bgp.type == 2 && ${field} == 10.1.3.0`);
    const heard = records.find(
      (record) =>
        record.type === "routeChange" &&
        `${record.node} ${record.prefix} ${record.change}` === `tor0 10.1.3.0/24 ${change}`,
    )!;
    const lateMs = unixMs(heard.atMs) - update!.atMs;
    expect(lateMs).toBeGreaterThan(0);
    expect(lateMs).toBeLessThan(actedMs);
  }
});

test("a session ends with its NOTIFICATION; one that hears nothing, when the hold time is over", async () => {
  const cleared = await captured("tor1:net0", () =>
    play(`do:
  - config: { on: tor1, lines: [router bgp 65011, neighbor ROUTERS timers 1 3] }
  - exec: { on: tor1, command: vtysh -c 'clear bgp net0' }
within: 20s
for: 1s # FRR may answer before it acts: the session that is to go is no sign of the one that is to come.
expect: [ { session: { on: tor1, to: router0, received: 8 } } ]`),
  );
  const [notification] = cleared.packets("bgp.type == 3");
  const clear = cleared.records.findLast((record) => record.type === "event")!;
  expect(notification!.atMs).toBeGreaterThan(unixMs(clear.atMs - clear.tookMs) - kernelMs);
  const lost = firstLoss(cleared.records, "router0");
  const actedAfterMs = unixMs(lost.atMs) - notification!.atMs;
  expect(actedAfterMs).toBeGreaterThan(0);
  expect(actedAfterMs).toBeLessThan(actedMs);

  const holdMs = 3000;
  const silent = await captured("tor1:net0", () =>
    play(`do: [ { partition: { isolate: [router0] }, after: 2s } ]
within: 20s
for: 1s # The kernel's route goes a moment after the session.
expect:
  - session: { on: tor1, to: router0, state: [Idle, Connect, Active] }
  - fib: { on: tor1, prefix: kind-worker.podCIDR, absent: true }`),
  );
  const cut = silent.records.find((record) => record.type === "event")!;
  const gone = firstLoss(silent.records, "tor1");
  const { stdout } = await fabric.exec(
    "router0",
    "ip -6 -o addr show dev net1 scope link".split(" "),
  );
  const [, router0 = ""] = /inet6 (\S+)\//.exec(stdout) ?? [];
  const heardMs = silent.packets(`bgp && ipv6.src == ${router0}`).map(({ atMs }) => atMs);
  // What comes in while the cut is being made is captured, and may be dropped.
  const [first, last] = [cut.atMs - cut.tookMs, cut.atMs].map((atMs) =>
    Math.max(...heardMs.filter((each) => each <= unixMs(atMs))),
  ) as [number, number];
  expect(unixMs(gone.atMs)).toBeGreaterThan(first + holdMs - kernelMs);
  expect(unixMs(gone.atMs)).toBeLessThan(last + holdMs + actedMs);
});
