import { beforeEach, describe, expect, test } from "vitest";
import { EnvironmentError } from "../input/diagnostic.ts";
import { runScenario } from "./run.ts";
import { recorded } from "./testing/fake-lab.ts";
import { PlayedLab } from "./testing/played-lab.ts";
import { scenarioOf } from "./testing/read-scenario.ts";

let lab: PlayedLab;

beforeEach(() => {
  lab = new PlayedLab();
});

describe("never", () => {
  const never = "    never: [ { exec: { on: tor0, command: bad } } ]\n";
  const step = `  - name: one
    within: 2s
    do: [ { link: { between: [tor0, router0], set: down } } ]
    expect: [ { exec: { on: tor0, command: ready } } ]
${never}`;

  test("what does not hold at any look passes", async () => {
    lab.trueFrom("ready", 1000);
    lab.trueFrom("bad", Infinity);
    expect(await lab.play(step)).toMatchObject({ verdict: "pass" });
    const text = expect.stringMatching(/^never: /) as string;
    expect(lab.checkRecords()[1]).toMatchObject({ verdict: "pass", text });
  });

  test("what held in between fails, though it does no more at the end", async () => {
    lab.trueFrom("ready", 1000);
    lab.trueFrom("bad", 300, 600);
    expect(await lab.play(step)).toMatchObject({ verdict: "fail" });
    expect(lab.checkRecords()[1]).toMatchObject({
      verdict: "fail",
      seen: expect.stringMatching(/^it held after [34]\d\d ms: exit 0/),
    });
  });

  test("what could never be looked at is inconclusive", async () => {
    lab.trueFrom("ready", 0);
    const yaml = step.replace(
      "exec: { on: tor0, command: bad }",
      "route: { on: tor1, prefix: 192.0.2.0/24 }",
    );
    expect(await lab.play(yaml)).toMatchObject({ verdict: "inconclusive" });
    expect(lab.checkRecords()[1]!.seen).toMatch(/^it did not hold at 0 of \d+ looks; for /);
  });

  const away = "connect: No such file or directory";
  /** A ping that cannot be sent for a while, and else is answered; its step goes on until `readyMs`. */
  async function playBlind(fromMs: number, untilMs: number, readyMs: number): Promise<void> {
    lab.trueFrom("ready", readyMs);
    lab.answer("tor0", "ping -n -c 1 -i 0.2 -W 1 10.1.3.1", () => {
      const nowMs = lab.clock.nowMs();
      if (nowMs >= fromMs && nowMs < untilMs) return { exitCode: 2, stderr: away };
      return { stdout: "1 packets transmitted, 1 received, 0% packet loss, time 0ms\n" };
    });
    const ping = "ping: { from: tor0, to: 10.1.3.1, count: 1, loss: 100% }";
    await lab.play(step.replace("exec: { on: tor0, command: bad }", ping).replace("2s", "60s"));
  }

  test("what could not be looked at for most of the time is inconclusive, though it could at the end", async () => {
    await playBlind(0, 1900, 2000);
    const [, record] = lab.checkRecords();
    expect(record).toMatchObject({ verdict: "inconclusive" });
    expect(record!.seen).toMatch(
      /^it did not hold at \d of \d\d looks; for 1\.9\d* s of 2\.\d+ s it could not be looked at: ping: connect: No such/,
    );
  });

  test("nor may more than a second go unseen, however long the rest", async () => {
    await playBlind(10_000, 11_500, 30_000);
    expect(lab.checkRecords()[1]).toMatchObject({ verdict: "inconclusive" });
  });

  test("a short while unseen is told, and is no more than that", async () => {
    await playBlind(10_000, 10_500, 30_000);
    const [, record] = lab.checkRecords();
    expect(record).toMatchObject({ verdict: "pass" });
    expect(record!.seen).toMatch(/; for 600 ms of 30\.\d+ s it could not be looked at: ping: /);
  });

  test("a pass tells how often was looked", async () => {
    await playBlind(0, 0, 2000);
    const [, record] = lab.checkRecords();
    expect(record!.looks).toBeGreaterThan(15);
    expect(record!.seen).toMatch(`it did not hold at ${record!.looks} looks: loss 0%`);
  });

  test("what held before an event that cannot be done is a failure, and not inconclusive", async () => {
    lab.trueFrom("bad", 0);
    lab.runtime.setLink = async () => {
      await lab.clock.wait(500, lab.abort.signal);
      throw new EnvironmentError("no such thing here", "another machine");
    };
    expect(await lab.play(step)).toMatchObject({ verdict: "fail", checks: { fail: 1 } });
    lab.trueFrom("bad", Infinity);
    expect(await lab.play(step)).toMatchObject({ verdict: "inconclusive" });
  });

  test("what is measured over the whole step need be seen at its end only", async () => {
    lab.trueFrom("ready", 3000);
    void lab.clock.wait(2000, lab.abort.signal).then(() => {
      lab.routeChange({ node: "tor0", change: "add", prefix: "10.1.3.0/24" });
    });
    const converge = "converge: { atLeast: 10s }";
    await lab.play(step.replace("exec: { on: tor0, command: bad }", converge).replace("2s", "9s"));
    expect(lab.checkRecords()[1]).toMatchObject({ verdict: "pass" });
  });

  test("a slow look keeps nobody else from looking; each kind is looked at as often as it bears", async () => {
    lab.trueFrom("ready", 5000);
    lab.trueFrom("bad", Infinity);
    lab.answer("tor0", "traceroute -n -q 1 -w 1 -m 16 10.1.3.1", " 1  10.1.3.1  0.1 ms\n");
    const both =
      "path: { from: tor0, to: 10.1.3.1, through: [tor1] } }, { exec: { on: tor0, command: bad }";
    await lab.play(step.replace("exec: { on: tor0, command: bad }", both).replace("2s", "9s"));
    const [, path, exec] = lab.checkRecords();
    expect([path!.verdict, exec!.verdict]).toEqual(["pass", "pass"]);
    expect(path!.looks).toBeGreaterThan(4);
    expect(path!.looks).toBeLessThan(9);
    expect(exec!.looks).toBeGreaterThan(40);
  });
});

describe("steps beside each other", () => {
  const steps = `
  - { name: one, within: 5s, expect: [ { exec: { on: tor0, command: late } } ] }
  - { name: two, beside: true, within: 5s, expect: [ { exec: { on: tor0, command: late } } ] }
  - { name: three, expect: [ { exec: { on: tor0, command: late } } ] }`;

  test("run at the same time; the next waits for both", async () => {
    lab.trueFrom("late", 3000);
    expect(await lab.play(steps)).toMatchObject({ verdict: "pass" });
    const marks = lab.records.flatMap((each) =>
      each.type === "step" ? `${each.index} ${each.state}` : [],
    );
    expect(marks).toEqual(["0 begin", "1 begin", "0 end", "1 end", "2 begin", "2 end"]);
    expect(lab.clock.nowMs()).toBeLessThan(4000);
  });

  test("one that fails fails the run, and the other goes on to its end", async () => {
    lab.trueFrom("late", 3000);
    const outcome = await lab.play(steps.replace("one, within: 5s", "one, within: 1s"));
    expect(outcome).toMatchObject({ verdict: "fail", checks: { pass: 2, fail: 1 } });
  });
});

describe("a warning", () => {
  const step = "  - { name: one, expect: [ { exec: { on: tor0, command: ready }, warn: true } ] }";

  test("is what a check that does not hold gives where it says so", async () => {
    lab.trueFrom("ready", 9000);
    const outcome = await lab.play(step);
    expect(outcome).toMatchObject({ verdict: "warn", checks: { warn: 1, fail: 0 } });
  });

  test("and nothing where it holds", async () => {
    lab.trueFrom("ready", 0);
    expect(await lab.play(step)).toMatchObject({ verdict: "pass" });
  });
});

describe("repeat", () => {
  test("an event, each at its time, taken back in between", async () => {
    const yaml =
      "  - { name: one, do: [ { link: { between: [tor0, router0], set: down }, repeat: 3, every: 500ms, undoAfter: 200ms } ] }";
    await lab.play(yaml);
    const times = lab.records.flatMap((each) => (each.type === "event" ? each.atMs : []));
    const offsets = times.map((ms) => Math.round((ms - times[0]!) / 10) * 10);
    expect(offsets).toEqual([0, 200, 500, 700, 1000, 1200]);
    expect(lab.commands.filter((line) => line.startsWith("link"))).toHaveLength(6);
  });

  test("a step", async () => {
    lab.trueFrom("ready", 0);
    const outcome = await lab.play(
      "  - { name: one, repeat: 3, expect: [ { exec: { on: tor0, command: ready } } ] }",
    );
    expect(outcome.checks.pass).toBe(3);
    const names = lab.records.flatMap((each) =>
      each.type === "step" && each.state === "begin" ? each.name : [],
    );
    expect(names).toEqual(["one (1 of 3)", "one (2 of 3)", "one (3 of 3)"]);
  });
});

test("an event that cannot be taken back keeps no other from being taken back", async () => {
  lab.agents.start = () => Promise.reject(new Error("no such program"));
  const outcome = await lab.play(
    "  - { name: one, do: [ { agent: { on: kind-worker, do: kill }, undoAfter: 1s }, { link: { between: [tor0, router0], set: down }, undoAfter: 2s } ] }",
  );
  expect(outcome).toMatchObject({ verdict: "fail", reason: "one: no such program" });
  expect(lab.commands.filter((line) => line.startsWith("link"))).toHaveLength(2);
});

test("chaos: what is still starting is not broken a second time", async () => {
  const starting = new Set<string>();
  let killed = 0;
  lab.agents.kill = (node) => {
    killed++;
    return starting.has(node)
      ? Promise.reject(new Error("killed as it starts"))
      : Promise.resolve();
  };
  lab.agents.start = async (node) => {
    starting.add(node);
    await lab.clock.wait(3_000, lab.abort.signal);
    starting.delete(node);
  };
  const outcome = await lab.play(
    "  - { name: one, do: [ { chaos: { faults: 8, of: [agent], over: 9s, lasting: { atMost: 1s } } } ] }",
  );
  expect(outcome).toMatchObject({ verdict: "pass" });
  expect(killed).toBe(8);
});

describe("the scenario's own limit", () => {
  const scenario = (limit: string) =>
    scenarioOf(
      `name: test\nlimit: ${limit}\nsteps:\n  - { name: one, within: 60s, expect: [ { exec: { on: tor0, command: ready } } ] }`,
    );

  test("ends it as failed", async () => {
    lab.trueFrom("ready", 50_000);
    const outcome = await runScenario(lab.scenarioContext, scenario("10s"));
    expect(outcome).toMatchObject({
      verdict: "fail",
      reason: "the scenario was not over within 10 s",
    });
    expect(lab.clock.nowMs()).toBeLessThan(11_000);
  });

  test("is nothing to one that is over in time", async () => {
    lab.trueFrom("ready", 5_000);
    const outcome = await runScenario(lab.scenarioContext, scenario("10s"));
    expect(outcome.verdict).toBe("pass");
  });
});

test("the measures of each event: when which node changed last, by event", async () => {
  const change = (atMs: number, node: string) =>
    void lab.clock.wait(atMs, lab.abort.signal).then(() => {
      lab.routeChange({ node, change: "add", prefix: "10.1.3.0/24" });
    });
  change(50, "tor0");
  change(130, "tor1");
  change(600, "tor0");
  await lab.play(
    "  - { name: one, do: [ { link: { between: [tor0, router0], set: down }, undoAfter: 500ms } ] }",
  );
  const measures = lab.records.find((each) => each.type === "measures");
  expect(measures).toMatchObject({
    step: 0,
    events: [
      { text: "link tor0 – router0 down", controlPlaneMs: expect.closeTo(130, -2) },
      { text: "taken back: link tor0 – router0 down", nodesMs: { tor0: expect.closeTo(100, -2) } },
    ],
  });
});

describe("since when what was seen last is wrong", () => {
  const fails = async (check: string, more = "within: 2s") => {
    await lab.play(`  - { name: one, ${more}, expect: [ ${check} ] }`);
    const [record] = lab.checkRecords();
    expect(record).toMatchObject({ verdict: "fail" });
    return record!;
  };
  const command = "{ exec: { on: tor0, command: ready } }";

  test("from the first look, where it is the same all the time", async () => {
    lab.answer("tor0", "ready", { exitCode: 1, stdout: "not yet" });
    const { sinceMs, atMs } = await fails(command);
    expect(sinceMs).toBeLessThan(100);
    expect(atMs).toBeGreaterThanOrEqual(2_000);
  });

  test("from when it became another", async () => {
    lab.answer("tor0", "ready", () => ({ exitCode: lab.clock.nowMs() < 700 ? 1 : 2 }));
    const { sinceMs, seen } = await fails(command);
    expect(seen).toMatch(/^exit 2/);
    expect(sinceMs).toBeGreaterThanOrEqual(700);
    expect(sinceMs).toBeLessThan(900);
  });

  test("from when it broke, where it held before", async () => {
    lab.trueFrom("ready", 300, 1_200);
    const { sinceMs, seen } = await fails(command, "within: 2s, for: 2s");
    expect(seen).toMatch(/^after .* it held no more: exit 1/);
    expect(sinceMs).toBeGreaterThanOrEqual(1_200);
    expect(sinceMs).toBeLessThan(1_400);
  });

  test("not from when a figure of it that nobody asked for grew", async () => {
    const summary = "vtysh -c show bgp ipv4 unicast summary json";
    const text = recorded("frr/8.4.4/tor0-summary-ipv4.json");
    lab.answer("tor0", summary, () => ({
      stdout: text.replaceAll(
        /"peerUptimeMsec":\d+/g,
        `"peerUptimeMsec":${lab.clock.nowMs() * 1000}`,
      ),
    }));
    const { sinceMs, differs, looks } = await fails(
      "{ session: { on: tor0, to: router0, received: 4711 } }",
    );
    expect(differs).toMatch(/^received \d+, not 4711$/);
    expect(looks).toBeGreaterThan(10);
    const waiting = lab.records.filter(({ type }) => type === "waiting");
    expect(waiting.length).toBeGreaterThan(5); // What is seen did change.
    expect(sinceMs).toBeLessThan(100);
  });
});
