import { isPossible, type KnownSession } from "./invariants/session.ts";
import { isEstablished, isOpen, sessionName, sessionPairs, waysOf } from "./sessions.ts";
import type { SimulatedLab } from "./simulated-lab.ts";

/** Routes are at rest when none moved for so long, and nothing is on the way that will move one. */
const stillMs = 2_000;
const lookEveryMs = 500;
/** Kubernetes takes 40 s to notice that a node is gone: what it does then may move routes. */
const nodeNoticedMs = 45_000;
/** More than any hold, connect-retry or restart time of a lab, twice. */
const restWithinMs = 600_000;
/** Routes that never stood still for so long are looked at: they may go round in circles. */
const suspectMs = 60_000;

export type Rest = "rest" | "suspect" | "never";

/**
 * Lets time go on until routes are at rest: no UPDATE and no other route used for a while, no timer pending but
 * those that a session always has, every session up that could be and none up that will time out. `suspect`: routes
 * did not stand still for a minute, which may be for ever; going on waits for the rest of ten minutes.
 */
export async function untilRest(
  lab: SimulatedLab,
  sessions: readonly KnownSession[],
  since: { eventMs: number; suspects: boolean },
): Promise<Rest> {
  const { world } = lab;
  const { clock } = world;
  let stillSinceMs = clock.nowMs;
  for (;;) {
    await world.sleep(lookEveryMs, lab.context.signal);
    const { nowMs } = clock;
    const isStill = nowMs - world.routesMovedAtMs >= stillMs;
    if (isStill) stillSinceMs = nowMs;
    const isOver = nowMs - since.eventMs >= restWithinMs;
    if (isStill && (isOver || isSettled(lab, sessions, since.eventMs))) return "rest";
    if (since.suspects && nowMs - stillSinceMs >= suspectMs) return "suspect";
    if (isOver) return "never";
  }
}

function isSettled(
  { world }: SimulatedLab,
  sessions: readonly KnownSession[],
  eventMs: number,
): boolean {
  const nodes = [...world.network.nodes.values()];
  const sinceEventMs = world.clock.nowMs - eventMs;
  if (sinceEventMs < nodeNoticedMs && nodes.some(({ isUp }) => !isUp)) return false;
  if (world.tcp.isRetransmitting) return false;
  if ([...world.speakers].some(({ timers }) => [...timers].some(isPassing))) return false;
  const pairs = new Map(sessionPairs(world).map((pair) => [sessionName(pair), pair]));
  const allUp = sessions.every((known) => {
    const pair = pairs.get(known.name);
    return !isPossible(known, world) || (pair !== undefined && isEstablished(pair));
  });
  if (!allUp) return false;
  // One end alone may think that the session is there.
  return [...pairs.values()].every(
    (pair) =>
      pair.every(({ status }) => status.state !== "Established") || waysOf(pair).every(isOpen),
  );
}

/**
 * Timers that a session has for ever, whether it is up or waits for a peer that does not come. All others run out
 * once, and something is done then: routes kept for a peer that restarts, changes that wait for company.
 */
function isPassing(timer: string): boolean {
  return !/^(\d+:(hold|keepalive)\/|\d+:(connectRetry|idleHold|maximumPrefix)$|bfd:)/.test(timer);
}
