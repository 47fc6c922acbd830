import { expect, test } from "vitest";
import { Changes } from "./changes.ts";
import type { CheckContext } from "./check.ts";
import { expectAll } from "./expect.ts";
import { FakeLab } from "./testing/fake-lab.ts";
import type { CheckOf } from "./schema/types.ts";

const check: CheckOf<"outage"> = {
  kind: "outage",
  source: "scenario.yaml:1",
  probe: "p",
  durationMs: { atMost: 1000 },
};

/** What becomes of the check where packets are lost in this time of the virtual clock. */
async function judged(fromMs: number, toMs: number, times: { withinMs: number; forMs: number }) {
  const lab = new FakeLab();
  const { clock } = lab;
  const probe = {
    outagesSince: () => {
      const ongoing = clock.nowMs() >= fromMs && clock.nowMs() < toMs;
      const lost = { fromMs, toMs: Math.min(toMs, clock.nowMs()), lost: 1 };
      return { outages: clock.nowMs() >= fromMs ? [lost] : [], ongoing };
    },
  };
  const step = {
    beganMs: 0,
    probe: () => probe,
    convergeMs: () => undefined,
    logsBefore: new Map(),
  };
  const context = { ...lab.scenarioContext, step } as unknown as CheckContext;
  await using changes = new Changes(lab.scenarioContext);
  const [result] = await expectAll(context, changes, [check], times);
  return { ...result!, endedMs: clock.nowMs() };
}

test("an outage that begins while checks are to go on holding is waited for, and judged by its length", async () => {
  const times = { withinMs: 5000, forMs: 500 };
  expect(await judged(300, 900, times)).toMatchObject({ verdict: "pass", endedMs: 900 });
  expect(await judged(300, 1200, times)).toMatchObject({ verdict: "pass", endedMs: 1200 });
});

test("it fails as soon as it is too long, and where it does not end within the step's time", async () => {
  const tooLong = await judged(300, 9000, { withinMs: 5000, forMs: 500 });
  expect(tooLong).toMatchObject({ verdict: "fail", differs: "longest 1.1 s, not at most 1 s" });
  const goesOn = await judged(300, 900, { withinMs: 700, forMs: 500 });
  expect(goesOn).toMatchObject({ verdict: "fail", differs: "it goes on", endedMs: 700 });
});
