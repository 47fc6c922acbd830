import type { LabSpec } from "../lab/spec.ts";
import { runEvents } from "../scenario/run-events.ts";
import type { ScenarioEvent } from "../scenario/schema/types.ts";
import { findNode } from "../topology/fabric.ts";
import { wrongDecisions } from "./invariants/decision.ts";
import { notExchanged } from "./invariants/exchange.ts";
import { missingAgents, runningAgents } from "./invariants/agent.ts";
import type { Finding } from "./invariants/finding.ts";
import { reachable, unreached, waysBetween } from "./invariants/reach.ts";
import { type KnownSession, knownSessions, stuckSessions } from "./invariants/session.ts";
import { staleRoutes } from "./invariants/stale.ts";
import { findCircles } from "./oscillation.ts";
import { podEnds } from "./pod-ends.ts";
import { untilRest } from "./rest.ts";
import { isOpen, sessionPairs, waysOf } from "./sessions.ts";
import { SimulatedLab } from "./simulated-lab.ts";

/** One course of events: a world, and what breaks in it. */
export type Plan = {
  seed: number;
  /** From the end of deployment to the beginning of the faults. */
  beginMs: number;
  /** `afterMs` from that beginning. */
  faults: readonly ScenarioEvent[];
};

export type Outcome =
  | {
      verdict: "pass" | "fail";
      findings: Finding[];
      /** When routes were at rest, from the end of deployment. */ restedMs: number;
    }
  | { verdict: "inconclusive"; reason: string };

/** A machine takes a while to start; nothing takes so long. */
const eventsLateMs = 120_000;

/** What was there before anything was broken. */
type Before = {
  sessions: KnownSession[];
  reachable: ReadonlySet<string>;
  agents: ReadonlySet<string>;
};

const nothing: Before = { sessions: [], reachable: new Set(), agents: new Set() };

/** Plays a plan in a world of its own, waits for rest and looks at everything. Throws where the lab cannot be simulated. */
export async function play(spec: LabSpec, plan: Plan, signal: AbortSignal): Promise<Outcome> {
  const ended = new AbortController();
  try {
    const lab = await SimulatedLab.up(spec, plan.seed, AbortSignal.any([signal, ended.signal]));
    try {
      return await playOn(lab, plan);
    } finally {
      await lab[Symbol.asyncDispose]();
    }
  } finally {
    // Whoever waits for time that will not come any more.
    ended.abort(new Error("the world is over"));
  }
}

async function playOn(lab: SimulatedLab, plan: Plan): Promise<Outcome> {
  const { world, context } = lab;
  const deployedMs = world.clock.nowMs;
  await world.sleep(plan.beginMs, context.signal);
  const before = await lookBefore(lab);
  const reason = await breakAndHeal(lab, plan.faults);
  if (reason !== undefined) return { verdict: "inconclusive", reason };
  const findings = await restAndLook(lab, before, plan.faults);
  const restedMs = world.clock.nowMs - deployedMs;
  return { verdict: findings.length > 0 ? "fail" : "pass", findings, restedMs };
}

/** Why that could not be done; undefined: it was. */
async function breakAndHeal(
  { world, context }: SimulatedLab,
  faults: readonly ScenarioEvent[],
): Promise<string | undefined> {
  const lastMs = Math.max(
    0,
    ...faults.map(({ afterMs, undoAfterMs = 0 }) => afterMs + undoAfterMs),
  );
  const done = new AbortController();
  const signal = AbortSignal.any([context.signal, done.signal]);
  const late = world.sleep(lastMs + eventsLateMs, signal).then(
    () => `what was to be broken and healed was not done ${eventsLateMs / 1000} s after its time`,
    () => undefined,
  );
  const events = runEvents(context, 0, { events: [together(faults)] }, () => {});
  const reason = await Promise.race([late, events.then((of) => of.inconclusive ?? of.failed)]);
  done.abort();
  context.signal.throwIfAborted();
  return reason;
}

/** The lab with nothing broken. */
export type Unbroken = {
  findings: Finding[];
  /** When routes were at rest, from the end of deployment. */
  restedMs: number;
  sessions: number;
  /** From pod to pod of another node: those that are open, and all. */
  ways: { open: number; all: number };
  /** What of the lab is not simulated. */
  problems: readonly string[];
};

/** The lab with nothing broken: whether it comes to rest, when, and whether all is well then. */
export async function playUnbroken(
  spec: LabSpec,
  seed: number,
  signal: AbortSignal,
): Promise<Unbroken> {
  await using lab = await SimulatedLab.up(spec, seed, signal);
  const { world, problems } = lab;
  const deployedMs = world.clock.nowMs;
  const findings = await restAndLook(lab, nothing, []);
  const { sessions, reachable: open } = await lookBefore(lab);
  return {
    ...{ findings, problems, restedMs: world.clock.nowMs - deployedMs },
    sessions: sessions.length,
    ways: { open: open.size, all: waysBetween(await podEnds(lab)).length },
  };
}

async function lookBefore(lab: SimulatedLab): Promise<Before> {
  return {
    sessions: knownSessions(sessionPairs(lab.world)),
    reachable: reachable(await podEnds(lab)),
    agents: await agentsOf(lab),
  };
}

async function restAndLook(
  lab: SimulatedLab,
  before: Before,
  faults: readonly ScenarioEvent[],
): Promise<Finding[]> {
  const since = { eventMs: lab.world.clock.nowMs, suspects: true };
  let rest = await untilRest(lab, before.sessions, since);
  if (rest === "suspect") {
    const circles = await findCircles(lab);
    if (circles.length > 0) return circles;
    rest = await untilRest(lab, before.sessions, { ...since, suspects: false });
  }
  if (rest !== "rest") {
    return [{ invariant: "rest", text: "routes still change ten minutes after the last event" }];
  }
  return await look(lab, before, faults);
}

async function look(
  lab: SimulatedLab,
  before: Before,
  faults: readonly ScenarioEvent[],
): Promise<Finding[]> {
  const { world, spec } = lab;
  const sessions = sessionPairs(world);
  return [
    ...missingAgents({ before: before.agents, now: await agentsOf(lab) }, faults, world),
    ...stuckSessions(before.sessions, sessions, world),
    ...notExchanged(sessions),
    ...staleRoutes(world, sessions),
    ...wrongDecisions(world),
    ...unreached({
      pods: await podEnds(lab),
      sessions: sessions.filter((pair) => waysOf(pair).every(isOpen)),
      passesOn: ({ name }) => findNode(spec.fabric, name)?.kubernetes === undefined,
      before: before.reachable,
    }),
  ];
}

function agentsOf({ context, world, spec }: SimulatedLab): Promise<Set<string>> {
  return runningAgents(context.runtime, world, spec.fabric);
}

function together(events: readonly ScenarioEvent[]): ScenarioEvent {
  return { kind: "together", events: [...events], source: "drawn", afterMs: 0, times: 1 };
}
