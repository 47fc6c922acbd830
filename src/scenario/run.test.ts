import { beforeEach, describe, expect, test } from "vitest";
import { EnvironmentError } from "../input/diagnostic.ts";
import { PlayedLab } from "./testing/played-lab.ts";

let lab: PlayedLab;

beforeEach(() => {
  lab = new PlayedLab();
});

const waitingStep = (times: string) =>
  `  - { name: one, ${times}, expect: [ { exec: { on: tor0, command: ready } } ] }`;

describe("within", () => {
  test("looks at once: what holds already takes one look and no time", async () => {
    lab.trueFrom("ready", 0);
    expect(await lab.play(waitingStep("within: 5s"))).toEqual({
      verdict: "pass",
      checks: { pass: 1, fail: 0, warn: 0, inconclusive: 0 },
    });
    expect(lab.checkRecords()).toMatchObject([{ verdict: "pass", looks: 1, tookMs: 0 }]);
  });

  test("looks again every 100 ms", async () => {
    lab.trueFrom("ready", 250);
    await lab.play(waitingStep("within: 5s"));
    expect(lab.checkRecords()).toMatchObject([{ verdict: "pass", looks: 4, tookMs: 300 }]);
  });

  test("not within the time: fail, with what was seen last", async () => {
    lab.trueFrom("ready", 6000);
    const outcome = await lab.play(waitingStep("within: 5s"));
    expect(outcome).toMatchObject({ verdict: "fail", reason: "one: a check did not hold" });
    expect(lab.checkRecords()).toMatchObject([
      { verdict: "fail", tookMs: 5000, seen: "exit 1: no output" },
    ]);
  });

  test("a change of routes is a reason to look at once", async () => {
    lab.trueFrom("ready", 20);
    void lab.clock.wait(30, lab.abort.signal).then(() => {
      lab.routeChange({ node: "tor0", change: "add", prefix: "10.1.3.0/24" });
    });
    await lab.play(waitingStep("within: 5s"));
    expect(lab.checkRecords()).toMatchObject([{ verdict: "pass", tookMs: 40 }]);
  });

  test("for: holds that long, or fails", async () => {
    lab.trueFrom("ready", 200, 1500);
    await lab.play(waitingStep("within: 5s, for: 1s"));
    expect(lab.checkRecords()).toMatchObject([{ verdict: "pass" }]);
    expect(lab.clock.nowMs()).toBeGreaterThanOrEqual(1200);
    lab = new PlayedLab();
    lab.trueFrom("ready", 200, 900);
    await lab.play(waitingStep("within: 5s, for: 1s"));
    expect(lab.checkRecords()).toMatchObject([
      { verdict: "fail", seen: expect.stringMatching(/^after 7\d\d ms it held no more/) },
    ]);
  });

  test("checks that never hold at the same time do not pass", async () => {
    lab.trueFrom("early", 0, 1000);
    lab.trueFrom("late", 2000);
    const outcome = await lab.play(
      "  - { name: one, within: 5s, expect: [ { exec: { on: tor0, command: early } }, { exec: { on: tor0, command: late } } ] }",
    );
    expect(outcome).toMatchObject({ verdict: "fail", checks: { pass: 1, fail: 1 } });
    expect(lab.checkRecords().map(({ verdict }) => verdict)).toEqual(["fail", "pass"]);
  });

  test("what held at the first look and does no more fails too, whatever else kept the step from passing", async () => {
    lab.trueFrom("early", 0, 1000);
    const outcome = await lab.play(
      "  - { name: one, within: 5s, expect: [ { exec: { on: tor0, command: early } }, { exec: { on: tor0, command: 'no such' } } ] }",
    );
    expect(outcome).toMatchObject({ verdict: "fail", checks: { pass: 0, fail: 2 } });
  });
});

describe("inconclusive", () => {
  test("a pod that does not run", async () => {
    lab.addPod("kind-worker", "10.1.1.1", "Pending");
    const outcome = await lab.play(
      "  - { name: one, within: 1s, expect: [ { ping: { from: netshoot@kind-worker, to: 10.1.3.1 } } ] }",
    );
    expect(outcome.verdict).toBe("inconclusive");
    expect(lab.checkRecords()).toMatchObject([
      { verdict: "inconclusive", seen: "pod netshoot@kind-worker is Pending", tookMs: 1000 },
    ]);
  });

  test("a router that cannot be read, even where absence is expected", async () => {
    const outcome = await lab.play(
      "  - { name: one, expect: [ { route: { on: tor1, prefix: 192.0.2.0/24, absent: true } } ] }",
    );
    expect(outcome.verdict).toBe("inconclusive");
  });

  test("what the runtime cannot do is not waited for", async () => {
    lab.runtime.exec = () => Promise.reject(new EnvironmentError("no exec", "use another"));
    const outcome = await lab.play(
      "  - { name: one, within: 60s, expect: [ { exec: { on: tor0, command: ready } } ] }",
    );
    expect(outcome.verdict).toBe("inconclusive");
    expect(lab.clock.nowMs()).toBe(0);
  });

  test("an event that the runtime cannot do ends the run", async () => {
    const remedy = "use another runtime";
    lab.nodes.stop = () => Promise.reject(new EnvironmentError("this one cannot stop", remedy));
    const outcome = await lab.play(
      "  - { name: one, do: [ { node: { on: tor0, do: stop } } ] }\n  - { name: two, expect: [ { exec: { on: tor0, command: x } } ] }",
    );
    expect(outcome.verdict).toBe("inconclusive");
    expect(outcome.reason).toMatch(/^one: this one cannot stop/);
    expect(lab.checkRecords()).toEqual([]);
  });

  test("a failure outweighs it", async () => {
    lab.trueFrom("ready", 9000);
    const outcome = await lab.play(
      "  - { name: one, expect: [ { exec: { on: tor0, command: ready } }, { route: { on: tor1, prefix: 192.0.2.0/24 } } ] }",
    );
    expect(outcome).toMatchObject({ verdict: "fail", checks: { fail: 1, inconclusive: 1 } });
  });
});

const eventTimes = () =>
  lab.records.flatMap((record) =>
    record.type === "event" ? [`${record.atMs} ${record.text}`] : [],
  );

describe("events", () => {
  test("in order, after their delays, and taken back before the checks", async () => {
    lab.trueFrom("ready", 0);
    await lab.play(
      [
        "  - name: one",
        "    do:",
        "      - link: { between: [tor0, router0], set: down }",
        "        after: 100ms",
        "        undoAfter: 1s",
        "      - together:",
        "          - agent: { on: kind-worker, do: restart }",
        "          - agent: { on: kind-worker3, do: restart }",
        "        after: 50ms",
        "    expect: [ { exec: { on: tor0, command: ready } } ]",
      ].join("\n"),
    );
    expect(eventTimes()).toEqual([
      "100 link tor0 – router0 down",
      "150 agent of kind-worker restart",
      "150 agent of kind-worker3 restart",
      "1100 taken back: link tor0 – router0 down",
    ]);
    expect(lab.commands.findIndex((command) => command.endsWith("up"))).toBeLessThan(
      lab.commands.indexOf("tor0 ready"),
    );
  });

  test("one that fails: a failure record, the step fails, the rest is not run", async () => {
    lab.answer("tor0", "false", { exitCode: 1, stderr: "it broke" });
    const outcome = await lab.play(
      [
        "  - name: one",
        "    do: [ { exec: { on: tor0, command: 'false' } }, { agent: { on: kind-worker, do: kill } } ]",
        "  - { name: two, expect: [ { exec: { on: tor0, command: ready } } ] }",
      ].join("\n"),
    );
    expect(outcome).toMatchObject({ verdict: "fail", reason: "one: tor0: false: it broke" });
    expect(lab.records).toContainEqual(
      expect.objectContaining({
        type: "failure",
        node: "tor0",
        command: "false",
        output: "it broke",
      }),
    );
    expect(lab.agentActions).toEqual([]);
    expect(lab.records.filter(({ type }) => type === "step")).toHaveLength(2);
  });
});

const linkStep = (limit: string) =>
  `  - { name: one, within: 5s, converge: ${limit}, do: [ { link: { between: [tor0, router0], set: down } } ] }`;

describe("convergence", () => {
  beforeEach(() => {
    lab.onLink = () => {
      for (const afterMs of [10, 180, 390]) {
        void lab.clock.wait(afterMs, lab.abort.signal).then(() => {
          lab.routeChange({ node: "tor0", change: "delete", prefix: "10.1.3.0/24" });
        });
      }
    };
  });

  test("from the first event to the last change", async () => {
    expect(await lab.play(linkStep("400ms"))).toMatchObject({ verdict: "pass" });
    const ends = lab.records.filter((record) => record.type === "step" && record.state === "end");
    expect(ends).toMatchObject([{ convergeMs: 390 }]);
    expect(lab.records.filter(({ type }) => type === "routeChange")).toHaveLength(3);
  });

  test("later than allowed: fail", async () => {
    expect(await lab.play(linkStep("300ms"))).toMatchObject({ verdict: "fail" });
    expect(lab.checkRecords()).toMatchObject([{ kind: "converge", seen: "390 ms" }]);
  });

  test("a change of a BGP table's version counts", async () => {
    lab.onLink = () => {
      void lab.clock.wait(100, lab.abort.signal).then(() => {
        lab.answer("tor0", "vtysh -c show bgp summary json", '{"ipv4Unicast":{"tableVersion":99}}');
      });
    };
    await lab.play(linkStep("300ms"));
    const changes = lab.records.filter(({ type }) => type === "routeChange");
    expect(changes).toMatchObject([{ node: "tor0", table: "rib", change: "version" }]);
    expect(changes[0]!.atMs).toBeLessThanOrEqual(140);
  });

  test("a router that hangs is not waited for", async () => {
    const { exec } = lab.runtime;
    lab.runtime.exec = (place, argv, options) =>
      place.node === "tor0" && argv[0] === "vtysh"
        ? new Promise(() => {})
        : exec(place, argv, options);
    expect(await lab.play(linkStep("400ms"))).toMatchObject({ verdict: "pass" });
    expect(lab.clock.nowMs()).toBeLessThan(5000);
  });

  test("nothing changed: nothing was measured", async () => {
    lab.onLink = () => undefined;
    expect(await lab.play(linkStep("300ms"))).toMatchObject({ verdict: "inconclusive" });
  });

  test("a runtime that cannot watch routes", async () => {
    lab.runtime.watchRoutes = () => {
      throw new EnvironmentError("cannot watch", "use netns");
    };
    expect(await lab.play(linkStep("300ms"))).toMatchObject({ verdict: "inconclusive" });
  });
});

/** Answers each 10 ms, but for a gap. */
async function answerEchoes(fromMs: number, gapMs: { from: number; to: number }, untilMs: number) {
  for (let atMs = fromMs, number = 1; atMs < untilMs; atMs += 10, number++) {
    await lab.clock.wait(10, lab.abort.signal);
    const nowMs = lab.clock.nowMs();
    const atUnixMs = nowMs + lab.clock.unixAtZeroMs;
    const lost = nowMs >= gapMs.from && nowMs < gapMs.to;
    lab.onEcho?.(
      lost
        ? { echo: "none", number, atUnixMs }
        : { echo: "reply", number, atUnixMs, rttMs: 0.05, duplicate: false },
    );
  }
}

const outageSteps = (limit: string) =>
  [
    "  - name: down",
    "    probe: { name: p, from: kind-worker, to: 10.1.3.1, every: 10ms }",
    "    do: [ { link: { between: [tor0, router0], set: down } } ]",
    "  - name: up",
    "    within: 5s",
    "    do: [ { link: { between: [tor0, router0], set: up } } ]",
    `    expect: [ { outage: { probe: p, ${limit} } } ]`,
    "  - { name: after, do: [ { agent: { on: kind-worker, do: restart } } ] }",
  ].join("\n");

describe("probe", () => {
  test("measures an outage over two steps, and ends with the last that asks", async () => {
    const answering = answerEchoes(0, { from: 100, to: 600 }, 5000);
    expect(await lab.play(outageSteps("atMost: 520ms"))).toMatchObject({ verdict: "pass" });
    await answering;
    expect(lab.commands).toContain("kind-worker echo 10.1.3.1 every 10 ms");
    expect(lab.records).toContainEqual(
      expect.objectContaining({ type: "outage", fromMs: 90, toMs: 600, lost: 50, step: 0 }),
    );
    const end = lab.records.find((one) => one.type === "probe" && one.state === "end");
    expect(end).toMatchObject({ lost: 50, outageMs: 510, lateMs: 1 });
    const endsAt = lab.records.indexOf(end!);
    const last = lab.records.findIndex((one) => one.type === "step" && one.name === "after");
    expect(endsAt).toBeLessThan(last);
  });

  test("too long an outage fails", async () => {
    const answering = answerEchoes(0, { from: 100, to: 600 }, 5000);
    expect(await lab.play(outageSteps("atMost: 400ms"))).toMatchObject({ verdict: "fail" });
    await answering;
    expect(lab.checkRecords()).toMatchObject([
      { seen: expect.stringMatching(/^longest 4\d\d ms, \d+ lost, going on/) },
    ]);
  });

  test("no packet is ever sent: inconclusive", async () => {
    expect(await lab.play(outageSteps("atMost: 400ms"))).toMatchObject({ verdict: "inconclusive" });
  });
});

test("an abort ends the run with its reason", async () => {
  lab.trueFrom("ready", 60_000);
  void lab.clock.wait(500, new AbortController().signal).then(() => {
    lab.abort.abort(new Error("Ctrl-C"));
  });
  const run = lab.play(
    "  - { name: one, within: 90s, expect: [ { exec: { on: tor0, command: ready } } ] }",
  );
  await expect(run).rejects.toThrow("Ctrl-C");
  expect(lab.clock.nowMs()).toBe(500);
});
