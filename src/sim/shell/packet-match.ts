import { type Hook, reversed, type Tuple } from "../netfilter.ts";

/** Whether a rule is about a packet. `device`: that it came in by. */
export type Match = (tuple: Tuple, device: string | undefined) => boolean;

/** What reaches a node's programs, and how it would as a packet. They answer it. */
export type UnseenPacket = { tuple: Tuple; device: string };

/** Whether a rule at this place would meet it, or its answer. */
export function meets(matches: Match, hook: Hook, unseen: UnseenPacket | undefined): boolean {
  if (unseen === undefined || hook === "forward") return false;
  const { tuple, device } = unseen;
  return hook === "output" ? matches(reversed(tuple), undefined) : matches(tuple, device);
}
