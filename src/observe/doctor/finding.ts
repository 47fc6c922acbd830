/** What keeps a session down, a route away or a packet from arriving. */
export type Cause =
  | "neighbor table full"
  | "node is down"
  | "speaker does not run"
  | "link down"
  | "no route to the peer"
  | "shut down"
  | "too many prefixes"
  | "wrong AS number"
  | "not configured"
  | "wrong password"
  | "port 179 filtered"
  | "nobody listens"
  | "not announced"
  | "family not activated"
  | "withheld by policy"
  | "rejected by policy"
  | "AS loop"
  | "iBGP is not passed on"
  | "next hop unresolved"
  | "not in the kernel"
  | "no route"
  | "dropped by a rule"
  | "unknown";

/** One thing that is wrong, with its cause. Plain JSON. */
export type Finding = {
  about: "machine" | "node" | "session" | "route" | "traffic";
  /** `tor1 – kind-worker3`, `10.1.3.0/24 at router0`. */
  subject: string;
  cause: Cause;
  /** The node at which it is to be mended. */
  at?: string;
  /** The cause in a sentence. */
  text: string;
  /** What it was concluded from. */
  evidence: string[];
  /** What to do, or where to look further. */
  cure: string;
};
