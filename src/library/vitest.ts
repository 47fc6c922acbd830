import { expect } from "vitest";
import { explain, LabPlace, RunningLab, type StepResult } from "./lab.ts";
import type { CheckInput } from "./scenario-types.ts";

type FieldsOf<K extends string> =
  Extract<CheckInput, Record<K, unknown>> extends Record<K, infer F> ? F : never;
/** `within`: how long it may take to come true; 10s unless said. */
type Waiting = { within?: string };

export type RouteExpectation = Omit<FieldsOf<"route">, "on" | "prefix" | "absent"> & Waiting;
export type SessionExpectation = Omit<FieldsOf<"session">, "on" | "to" | "absent"> & Waiting;
export type ReachExpectation = Omit<FieldsOf<"ping">, "from" | "to"> & Waiting;

type Verdict = { pass: boolean; message: () => string };

const defaultWithin = "10s";

async function toHaveRoute(
  this: { isNot: boolean },
  place: unknown,
  prefix: string,
  expected: RouteExpectation = {},
): Promise<Verdict> {
  const { within, ...fields } = expected;
  const subject = { on: placeOf(place).name, prefix };
  // "Not": without fields the route is to go; with them it is to be another, whatever it is now.
  const isGone = this.isNot && Object.keys(fields).length === 0;
  const check = { route: { ...subject, ...fields, ...(isGone && { absent: true }) } };
  return await judge(this.isNot, place, check as CheckInput, within, isGone);
}

async function toHaveSession(
  this: { isNot: boolean },
  place: unknown,
  to: string,
  expected: SessionExpectation = {},
): Promise<Verdict> {
  const { within, ...fields } = expected;
  const check = { session: { on: placeOf(place).name, to, ...fields } };
  return await judge(this.isNot, place, check as CheckInput, within, false);
}

async function toReach(
  this: { isNot: boolean },
  place: unknown,
  to: string,
  expected: ReachExpectation = {},
): Promise<Verdict> {
  const { within, ...fields } = expected;
  const loss = this.isNot ? { loss: "100%" } : {};
  const check = { ping: { from: placeOf(place).name, to, ...loss, ...fields } };
  return await judge(this.isNot, place, check as CheckInput, within, this.isNot);
}

/** Of a lab: its last events. Of what `do` or `step` returned: those. */
function toConvergeWithin(this: { isNot: boolean }, subject: unknown, time: string): Verdict {
  const limitMs = milliseconds(time);
  const result = subject instanceof RunningLab ? subject.lastEvents : (subject as StepResult);
  const ms = result?.convergeMs;
  if (ms === undefined) {
    return {
      pass: this.isNot,
      message: () => "nothing converged: there was no event, or no route changed after it",
    };
  }
  return {
    pass: ms <= limitMs,
    message: () =>
      `converged in ${Math.round(ms)} ms, expected ${this.isNot ? "more than" : "at most"} ${time}`,
  };
}

/** `negated`: the check itself says "not", so that it can be waited for. */
async function judge(
  isNot: boolean,
  place: unknown,
  check: CheckInput,
  within: string | undefined,
  negated: boolean,
): Promise<Verdict> {
  const { lab } = placeOf(place);
  // What is not to hold, and cannot be waited for, is looked at once.
  const once = isNot && !negated && within === undefined;
  const result = await lab.step({
    expect: [check],
    ...(once ? {} : { within: within ?? defaultWithin }),
  });
  // What could not be seen neither holds nor does not.
  if (result.verdict === "inconclusive") return { pass: isNot, message: () => explain(result) };
  const holds = result.verdict === "pass";
  return {
    pass: negated ? !holds : holds,
    message: () =>
      holds && isNot ? `expected this not to hold: ${JSON.stringify(check)}` : explain(result),
  };
}

function placeOf(value: unknown): LabPlace {
  if (value instanceof LabPlace) return value;
  throw new TypeError(
    'expected a node or pod of a lab: lab.at("tor0"), lab.at("netshoot@kind-worker")',
  );
}

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000 };

function milliseconds(time: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(time);
  if (match === null) throw new TypeError(`${time}: expected a time such as 500ms or 2s`);
  return Number(match[1]) * unitMs[match[2]!]!;
}

expect.extend({ toHaveRoute, toHaveSession, toReach, toConvergeWithin });

declare module "vitest" {
  // oxlint-disable-next-line no-unused-vars -- a declaration that is joined has the same parameters
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    /** A prefix in the BGP table, with these next hops and attributes. */
    toHaveRoute(prefix: string, expected?: RouteExpectation): Promise<void>;
    /** A session with a neighbor, Established unless said otherwise. */
    toHaveSession(to: string, expected?: SessionExpectation): Promise<void>;
    /** Pings arrive; with `not`, none does. */
    toReach(to: string, expected?: ReachExpectation): Promise<void>;
    /** Routes were at rest so soon after the first event. */
    toConvergeWithin(time: string): void;
  }
}
