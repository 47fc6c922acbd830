import {
  sessionName,
  type SessionPair,
  type Way,
  isOpen,
  isEstablished,
  waysOf,
} from "../sessions.ts";
import type { World } from "../../sim/world.ts";
import type { Finding } from "./finding.ts";

/** A session that was there before anything was broken. */
export type KnownSession = { name: string; ways: readonly [Way, Way] };

export function knownSessions(sessions: readonly SessionPair[]): KnownSession[] {
  return sessions
    .filter(isEstablished)
    .map((pair) => ({ name: sessionName(pair), ways: waysOf(pair) }));
}

/** Whether both ends run and reach each other, so that the session must be there. */
export function isPossible({ ways }: KnownSession, world: World): boolean {
  const runs = ({ from }: Way) => [...world.speakers].some(({ node }) => node === from);
  return ways.every((way) => way.from.isUp && runs(way) && isOpen(way));
}

/** No session is down between two ends that reach each other. */
export function stuckSessions(
  before: readonly KnownSession[],
  sessions: readonly SessionPair[],
  world: World,
): Finding[] {
  const now = new Map(sessions.map((pair) => [sessionName(pair), pair]));
  return before.flatMap((known): Finding[] => {
    const pair = now.get(known.name);
    if (!isPossible(known, world) || (pair !== undefined && isEstablished(pair))) return [];
    const [a, b] = known.ways.map(({ from }) => from.name) as [string, string];
    const seen =
      pair?.map(({ host, status }) => {
        const { state, lastError, lastDown } = status;
        const why = lastError ?? lastDown;
        return `${host.node.name} is ${state}${why === undefined ? "" : `, ${why}`}`;
      }) ?? [];
    const text = seen.length === 0 ? "one end does not know of it" : seen.join("; ");
    return [
      {
        invariant: "session",
        text: `${known.name}: both reach each other, and ${text}`,
        check: { session: { on: a, to: b } },
      },
    ];
  });
}
