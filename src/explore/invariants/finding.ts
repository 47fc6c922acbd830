/** What of the lab is checked when it has come to rest. */
export const invariants = {
  reach: "every pod reaches every pod that the links left allow",
  loop: "no packet goes in circles",
  stale: "no route points to nothing",
  exchange: "what one side of a session has sent, the other has",
  session: "no session is down between two that reach each other",
  agent: "every agent that was started again runs",
  decision: "no path is used where a better one is known",
  rest: "routes come to rest",
} as const;

export type Invariant = keyof typeof invariants;

/** One thing that is not as it must be. */
export type Finding = {
  invariant: Invariant;
  /** For people: what is wrong, and where. */
  text: string;
  /** A check of a scenario that fails because of it; undefined: no check can say it. */
  check?: Record<string, unknown>;
};
