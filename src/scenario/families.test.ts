import { beforeEach, describe, expect, test } from "vitest";
import type { CheckContext } from "./check.ts";
import { checkHandler } from "./checks/table.ts";
import { PreconditionError } from "./context.ts";
import { runEvent } from "./events/table.ts";
import { RunningProbe } from "./probe.ts";
import { resolveDestination } from "./resolve.ts";
import { step as stepText, scenario } from "./schema/seed-scenario.testkit.ts";
import { FakeLab } from "./testing/fake-lab.ts";
import { checkOf, eventOf, scenarioOf } from "./testing/read-scenario.ts";

/** Nodes and pods with addresses of both families: which one is meant. */
let lab: FakeLab;

beforeEach(() => {
  lab = new FakeLab();
  lab.addPod("kind-worker", "10.1.1.2");
  lab.objects[0]!.status = { phase: "Running", podIPs: [{ ip: "10.1.1.2" }, { ip: "fd00::2" }] };
  lab.addPod("kind-worker3", "10.1.3.2");
});

const step: CheckContext["step"] = {
  beganMs: 0,
  probe: () => undefined,
  convergeMs: () => undefined,
  logsBefore: new Map(),
};

async function look(yaml: string) {
  const check = checkOf(yaml);
  return await checkHandler(check.kind).look({ ...lab.labContext, step }, check as never);
}

describe("ping", () => {
  const answered = "1 packets transmitted, 1 received, 0% packet loss\n";
  test.each([
    ["", "10.1.1.2"],
    [", family: ipv4", "10.1.1.2"],
    [", family: ipv6", "fd00::2"],
  ])("to a pod%s: %s", async (family, address) => {
    lab.answer("tor0", `ping -n -c 1 -i 0.2 -W 1 ${address}`, answered);
    const check = `ping: { from: tor0, to: netshoot@kind-worker, count: 1${family} }`;
    expect(await look(check)).toMatchObject({ ok: true });
  });

  test("a family that the pod does not have is not replaced by the other", async () => {
    const check = "ping: { from: tor0, to: netshoot@kind-worker3, count: 1, family: ipv6 }";
    await expect(look(check)).rejects.toThrow(PreconditionError);
  });
});

test("a probe goes on in its family when the place that it is sent from is there again", async () => {
  const sentTo: string[] = [];
  const gone = Promise.withResolvers<string>();
  lab.runtime.echo = (_place, to, _everyMs, onEcho) => {
    sentTo.push(to);
    const atUnixMs = lab.clock.unixAtZeroMs + lab.clock.nowMs();
    onEcho({ echo: "reply", number: 1, atUnixMs, rttMs: 0.05, duplicate: false });
    const failed = sentTo.length === 1 ? gone.promise : new Promise<string>(() => {});
    return { failed, stop: () => Promise.resolve({}) };
  };
  const [probe] = scenarioOf(
    "name: test\nsteps: [{ name: one, probe: { name: p, from: tor0, to: netshoot@kind-worker, every: 10ms, family: ipv6 } }]",
  ).steps[0]!.probes;
  const running = await RunningProbe.start(lab.labContext, probe!, () => 0);
  gone.resolve("node tor0 is not up");
  while (sentTo.length === 1) await lab.clock.wait(100, lab.abort.signal);
  expect(sentTo).toEqual(["fd00::2", "fd00::2"]);
  await running.stop();
});

test("a podCIDR of each family", async () => {
  lab.objects.push({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "kind-worker" },
    spec: { podCIDR: "10.1.1.0/24", podCIDRs: ["10.1.1.0/24", "fd00:10:1:1::/64"] },
  });
  const of = { type: "podCIDR", node: "kind-worker" } as const;
  expect(await resolveDestination(lab.labContext, of)).toBe("10.1.1.0/24");
  expect(await resolveDestination(lab.labContext, of, "ipv6")).toBe("fd00:10:1:1::/64");
  // The plan of kind-worker3 has IPv4 only.
  await expect(
    resolveDestination(lab.labContext, { ...of, node: "kind-worker3" }, "ipv6"),
  ).rejects.toThrow("no podCIDR of ipv6");
});

test("fib: the default route of each family", async () => {
  const route = (dst: string) =>
    JSON.stringify([{ dst, dev: "net0", metric: 5, protocol: "boot" }]);
  lab.answer("tor0", "ip -j -4 route show table all", "[]");
  lab.answer("tor0", "ip -j -6 route show table all", route("default"));
  expect(await look("fib: { on: tor0, prefix: default, family: ipv6, metric: 5 }")).toMatchObject({
    ok: true,
  });
  expect(await look("fib: { on: tor0, prefix: default }")).toMatchObject({ ok: false });
});

describe("the default route of IPv6", () => {
  const table = JSON.stringify([
    { dst: "default", gateway: "fd00::1", dev: "net0", protocol: "boot", metric: 100 },
  ]);
  beforeEach(() => lab.answer("kind-worker", "ip -j -6 route show table all", table));

  test("is given another metric", async () => {
    const words = "::/0 via fd00::1 dev net0 metric";
    lab.answer("kind-worker", `ip route add ${words} 300`, "");
    lab.answer("kind-worker", `ip route del ${words} 100`, "");
    await runEvent(
      lab.labContext,
      eventOf("metric: { on: kind-worker, route: default, family: ipv6, metric: 300 }") as never,
    );
    expect(lab.commands.slice(-1)).toEqual([`kind-worker ip route del ${words} 100`]);
  });

  test("is replaced, by an address of that family or by name", async () => {
    lab.answer("kind-worker", "ip -6 route replace default via fd00::9", "");
    await runEvent(
      lab.labContext,
      eventOf("gateway: { on: kind-worker, via: 'fd00::9' }") as never,
    );
    expect(lab.commands.at(-1)).toBe("kind-worker ip -6 route replace default via fd00::9");
    // tor0 has no IPv6 address on that link.
    await expect(
      runEvent(
        lab.labContext,
        eventOf("gateway: { on: kind-worker, via: tor0, family: ipv6 }") as never,
      ),
    ).rejects.toThrow("no link to an address of tor0");
  });
});

test("a probe's family is kept", () => {
  const text = stepText({ checks: ["outage: { probe: p, lost: 0 }"] }).replace(
    "    expect",
    "    probe: { name: p, from: tor0, to: netshoot@kind-worker, family: ipv6 }\n    expect",
  );
  expect(scenario(text).steps[0]!.probes).toMatchObject([{ family: "ipv6" }]);
});
