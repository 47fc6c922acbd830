import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { Lab } from "../../src/lab/lab.ts";
import { Changes } from "../../src/scenario/changes.ts";
import type { CheckContext } from "../../src/scenario/check.ts";
import type { Clock } from "../../src/scenario/clock.ts";
import type { BmpPort, LabContext } from "../../src/scenario/context.ts";
import { type CheckResult, expectAll } from "../../src/scenario/expect.ts";
import { scenarioOf } from "../../src/scenario/testing/read-scenario.ts";
import type { Verdict } from "../../src/timeline/record.ts";

/** Time in which the next poll never comes: shorter waits go on as they do. */
class TimeWithoutPolls implements Clock {
  readonly #of: Clock;
  readonly performanceAtZeroMs: number;
  readonly unixAtZeroMs: number;

  constructor(of: Clock) {
    this.#of = of;
    this.performanceAtZeroMs = of.performanceAtZeroMs;
    this.unixAtZeroMs = of.unixAtZeroMs;
  }

  nowMs(): number {
    return this.#of.nowMs();
  }

  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (ms < 90) return this.#of.wait(ms, signal);
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
  }
}

/** Waits for one check; nothing wakes it but what this router says by BMP. */
function waitFor(lab: Lab, check: string, router: string | undefined) {
  const stop = new AbortController();
  const of = lab.context(stop.signal);
  const clock = new TimeWithoutPolls(of.clock);
  const runtime = new Proxy(of.runtime, {
    get(target, name) {
      if (name === "watchRoutes") return () => () => {};
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  const bmp: BmpPort = {
    onTold: (callback) => of.bmp.onTold((each) => each.node === router && callback(each)),
  };
  const context: LabContext = { ...of, clock, runtime, bmp };
  const [step] = scenarioOf(`{ name: w, steps: [ { name: w, expect: [ { ${check} } ] } ] }`).steps;
  const view = { beganMs: 0, logsBefore: new Map(), probe: () => undefined };
  const checkContext: CheckContext = { ...context, step: { ...view, convergeMs: () => undefined } };
  const changes = new Changes(context);
  let looks = 0;
  let first: (() => void) | undefined;
  const looked = new Promise<void>((resolve) => (first = resolve));
  const waiting = () => {
    looks++;
    first!();
  };
  const expectation = { withinMs: 60_000, forMs: 0, waiting };
  const result = expectAll(checkContext, changes, step!.checks, expectation);
  result.catch(() => undefined);
  return {
    looked,
    result: result.then(([one]): CheckResult => one!),
    looks: () => looks,
    async end() {
      stop.abort();
      await result.catch(() => undefined);
      await changes[Symbol.asyncDispose]();
    },
  };
}

/** A change makes a check hold that waits for a word by BMP, while one that hears none still waits for its next poll. */
export async function woken(
  lab: Lab,
  router: string,
  check: string,
  change: (nth: number) => Promise<void>,
): Promise<Verdict> {
  const deaf = waitFor(lab, check, undefined);
  const hears = waitFor(lab, check, router);
  try {
    await Promise.all([deaf.looked, hears.looked]);
    let words = 0;
    // FRR may be too busy to have decided when it should have: the next word of it is another chance.
    do await change(words++);
    while (!(await Promise.race([hears.result.then(() => true), delay(5000, false)])));
    const result = await hears.result;
    expect(deaf.looks()).toBe(1);
    expect(await Promise.race([deaf.result, Promise.resolve("waits")])).toBe("waits");
    return result.verdict;
  } finally {
    await deaf.end();
    await hears.end();
  }
}
