import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { RunningCommand } from "../runtime/port.ts";
import { FakeLab } from "./testing/fake-lab.ts";
import { UpdateTraffic } from "./update-traffic.ts";

/** A tcpdump that says one thing at its start and another at its end. */
function tcpdump(begins: string, ends: string): { lab: FakeLab; command: RunningCommand } {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const ended = Promise.withResolvers<{ exitCode: number }>();
  const end = () => {
    stdout.destroy();
    stderr.end(ends);
    ended.resolve({ exitCode: 0 });
  };
  const kill = (signal: NodeJS.Signals) => signal === "SIGINT" && end();
  const command = { pid: 1, stdin: null, stdout, stderr, ended: ended.promise, kill };
  stderr.write(begins);
  if (!begins.includes("listening")) end();
  const lab = new FakeLab();
  lab.runtime.spawn = () => command;
  return { lab, command };
}

const listening = "tcpdump: listening on any, link-type LINUX_SLL\n";

test("counts, and ends only once", async () => {
  const { lab } = tcpdump(listening, "7 packets captured\n0 packets dropped by kernel\n");
  const traffic = await UpdateTraffic.begin(lab.runtime, "tor0");
  expect(await Promise.all([traffic.end(), traffic.end()])).toEqual([
    { received: 0, sent: 0 },
    { received: 0, sent: 0 },
  ]);
});

test("a count that misses packets is none", async () => {
  const { lab } = tcpdump(listening, "7 packets captured\n3 packets dropped by kernel\n");
  const traffic = await UpdateTraffic.begin(lab.runtime, "tor0");
  await expect(traffic.end()).rejects.toThrow("tcpdump: 3 packets dropped by kernel");
});

test("a node without tcpdump is told", async () => {
  const { lab } = tcpdump("sh: tcpdump: not found", "");
  await expect(UpdateTraffic.begin(lab.runtime, "tor0")).rejects.toThrow("tcpdump: not found");
});
